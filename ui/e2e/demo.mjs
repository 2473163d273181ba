// The demo's company: a seeded server with a rollout that runs by itself on a fast clock.
import { call, start } from "./server.mjs";
import { open, signIn } from "./people.mjs";

export const CASE = "PC-LIVE";
export const FLAG = "mens-email";
/** An experiment that runs in the demo beside its rollout. */
export const RUN = "EXP-INVITE-BUTTON";

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
    guardrails: [{ metric: "visit", margin: 0.05 }],
  });
  await give("start_run", { experiment: RUN });
  const password = /@\) with (\S+)/.exec(server.printed())?.[1];
  return {
    ...server,
    ask: (path) => call(server, token, "GET", path),
    /** Somebody of the demo, signed in. */
    async as(browser, account, options) {
      const window = await open(browser, server, options);
      await signIn(window, `${account}@demo.example`, password);
      return window;
    },
  };
}
