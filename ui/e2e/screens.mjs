// Every screen there is, by the address that opens it. Names of the demo's company stand in the addresses of single things.
import { CASE, FLAG, RUN } from "./demo.mjs";

export const SCREENS = {
  desk: "/",
  portfolio: "/portfolio",
  "portfolio-table": "/portfolio?view=table",
  case: `/cases/${CASE}`,
  rollout: `/cases/${CASE}/rollout`,
  experiments: "/experiments",
  experiment: "/experiments/hillstrom-mens-visit",
  run: `/experiments/${RUN}/run`,
  intake: "/experiments/intake",
  flags: "/flags",
  flag: `/flags/${FLAG}`,
  "flag-editor": "/flags/new",
  segments: "/segments",
  "segment-editor": "/segments?edit=",
  "change-requests": "/change-requests",
  playground: "/playground",
  environments: "/environments",
  metrics: "/metrics",
  "metric-editor": "/metrics?edit=",
  "platform-changes": "/platform-changes",
  warranties: "/warranties",
  journal: "/journal",
  people: "/settings/people",
  teams: "/settings/teams",
  codebases: "/settings/codebases",
  policy: "/settings/policy",
  tokens: "/settings/tokens",
  webhooks: "/settings/webhooks",
  notifications: "/settings/notifications",
  start: "/start",
};

/** Those that say something of their own when there is nothing yet. */
export const EMPTY = [
  "desk",
  "portfolio",
  "experiments",
  "intake",
  "flags",
  "segments",
  "change-requests",
  "environments",
  "metrics",
  "platform-changes",
  "warranties",
  "journal",
  "people",
  "teams",
  "codebases",
  "webhooks",
  "start",
];

/** Opens a screen and waits until nothing of it is still loading. */
export async function show(window, path) {
  await window.at(path);
  await window.page.waitForSelector("h1");
  await window.page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
}
