// The demo's company: a seeded server with a rollout that runs by itself on a fast clock.
import { call, start } from "./server.mjs";
import { open, signIn } from "./people.mjs";

export const CASE = "PC-LIVE";
export const FLAG = "mens-email";

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
