// The demo's company: a seeded server with a rollout that runs by itself on a fast clock. And a server where flags are written by hand, with
// an administrator, whom the demo has not.
import { call, claim, start } from "./server.mjs";
import { open, signIn } from "./people.mjs";

export const CASE = "PC-LIVE";
export const FLAG = "mens-email";
/** An experiment that runs in the demo beside its rollout. */
export const RUN = "EXP-INVITE-BUTTON";
/** A case of the demo whose buy-in one team has yet to answer. */
const ASKED = { case: "PC-LABEL", team: "lifecycle" };
/** What is written by hand (`startByHand`). */
export const WRITTEN = { flag: "checkout-badge", segment: "staff", request: "CR-1" };

export async function startDemo({ perSecond = 60, treatmentRate } = {}) {
  const server = await start({
    args: [
      "demo",
      "--per-second",
      String(perSecond),
      ...(treatmentRate === undefined ? [] : ["--treatment-rate", String(treatmentRate)]),
    ],
    ready: /tenure case show/,
  });
  const token = /TENURE_TOKEN=(\S+)/.exec(server.printed())?.[1];
  const give = (name, arguments_) => call(server, token, "POST", "/api/v1/commands", { do: name, with: arguments_ });
  await give("define_metric", { metric: "unsubscribe", direction: "decrease" });
  await give("plan_run", {
    experiment: RUN,
    title: "A bolder invite button",
    hypothesis: { we_believe: "a button that is seen", will_result_in: "more visits", because: "half never find it" },
    team: "growth",
    flag: "invite-button",
    metric: "visit",
    arms: ["control", "bold", "meek"].map((name) => ({ name, value: name, weight: 1 })),
    level: 0.1,
    smallest_lift: 0.2,
    guardrails: [{ metric: "unsubscribe", margin: 0.05 }],
  });
  await give("start_run", { experiment: RUN });
  const password = /@\) with (\S+)/.exec(server.printed())?.[1];
  return {
    ...server,
    ask: (path) => call(server, token, "GET", path),
    /** The address of a sign-off page, good for two weeks: a minute, by the demo's clock. */
    async signOff() {
      const { link } = await call(server, token, "POST", `/api/v1/cases/${ASKED.case}/invitations`, {
        team: ASKED.team,
        person: "Noor of Lifecycle",
      });
      return new URL(link).pathname;
    },
    /** Somebody of the demo, signed in. */
    async as(browser, account, options) {
      const window = await open(browser, server, options);
      await signIn(window, `${account}@demo.example`, password);
      return window;
    },
  };
}

/** A flag with a rule for a segment, and one that splits. */
const AUTHORED = {
  type: "boolean",
  variants: { on: true, off: false },
  default: "off",
  targets: [{ variant: "on", keys: ["u1"] }],
  rules: [
    { name: "Staff", when: [{ segment: WRITTEN.segment }], serve: "on" },
    {
      when: [{ attribute: "plan", is: "one_of", values: ["team"] }],
      serve: {
        split: [
          { variant: "on", percent: 20 },
          { variant: "off", percent: 80 },
        ],
      },
    },
  ],
};

/** A claimed server with a flag, a segment, a change that waits for approval, a token, and a webhook that nothing is posted to. */
export async function startByHand() {
  const server = await start();
  try {
    const admin = await claim(server);
    const give = (name, arguments_) => admin("POST", "/api/v1/commands", { do: name, with: arguments_ });
    const { flag, segment, request } = WRITTEN;
    await give("set_segment", { segment, holds: { members: ["u1", "u2"] } });
    await give("set_flag", { key: flag, environment: "production", authored: AUTHORED });
    await give("set_environment", { environment: "production", approvals: 1 });
    const changes = [{ do: "set_flag", with: { key: flag, authored: { ...AUTHORED, default: "on" } } }];
    await give("propose_change", { request, environment: "production", reason: "All of them", changes });
    await admin("POST", "/api/v1/tokens", {
      name: "checkout-web, production",
      scopes: ["evaluate", "ingest"],
      environment: "production",
      expires_in_days: 90,
    });
    // Only of what never happens here, so that nothing is posted.
    await admin("POST", "/api/v1/webhooks", {
      name: "#growth-rollouts",
      url: "https://hooks.example.com/x",
      form: "standard",
      filter: { kinds: ["feature_kept"], cases: [], teams: [] },
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    ...server,
    /** The administrator, signed in. */
    async asAdmin(browser, options) {
      const window = await open(browser, server, options);
      await signIn(window, "admin@example.com");
      return window;
    },
  };
}
