// Every screen there is, by the address that opens it, with what is done there first, where something is. Names of the demo's company stand
// in the addresses of single things.
import { CASE, FLAG, RUN, WRITTEN } from "./demo.mjs";

/** What the demo's product manager sees. */
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

/** What an administrator sees where flags are written by hand (`startByHand`). */
export const BY_HAND = {
  flags: "/flags",
  flag: `/flags/${WRITTEN.flag}`,
  "flag-editor": `/flags/${WRITTEN.flag}/edit?environment=production`,
  segments: "/segments",
  "segment-editor": `/segments?edit=${WRITTEN.segment}`,
  "change-requests": "/change-requests",
  "change-request": `/change-requests/${WRITTEN.request}`,
  environments: "/environments",
  playground: "/playground",
  "playground-tried": { path: "/playground", first: tryIt },
  palette: { path: "/flags", first: search },
  people: "/settings/people",
  tokens: "/settings/tokens",
  webhooks: "/settings/webhooks",
};

/** What is seen without a session; the sign-off page without an account, too. */
export async function signedOut(demo) {
  return { "sign-in": "/", "sign-off": await demo.signOff() };
}

/** Those that say something of their own when there is nothing yet. */
export const EMPTY = only([
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
]);

function only(names) {
  return Object.fromEntries(names.map((name) => [name, SCREENS[name]]));
}

/** Every flag is tried, and the answer is there. */
async function tryIt(page) {
  await page.getByRole("button", { name: "Try it" }).click();
  await page.getByRole("heading", { name: WRITTEN.flag }).waitFor();
}

/** The search over all pages is open. */
async function search(page) {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search" }).waitFor();
  await page.getByRole("option").first().waitFor();
}

/** Opens a screen, waits until nothing of it is still loading, and does there what is to be done first. */
export async function show(window, screen) {
  const { path, first } = typeof screen === "string" ? { path: screen } : screen;
  await window.at(path);
  await window.page.waitForSelector("h1");
  await window.page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  await first?.(window.page);
}
