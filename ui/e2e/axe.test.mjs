// No screen has a serious fault for people who hear it, who use the keyboard, or who see little: axe, in light and in dark, full and empty.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { startByHand, startDemo } from "./demo.mjs";
import { launch, open, signIn } from "./people.mjs";
import { BY_HAND, EMPTY, SCREENS, show, signedOut } from "./screens.mjs";
import { claim, start } from "./server.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** What axe finds that is serious or worse, in a line each. */
async function faultsOf(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(
        ({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary?.split("\n")[1]?.trim()}`,
      ),
    );
}

async function check(window, screens) {
  const found = [];
  for (const [name, screen] of Object.entries(screens)) {
    await show(window, screen);
    for (const fault of await faultsOf(window.page)) found.push(`${name}: ${fault}`);
  }
  return [...found, ...window.faults];
}

const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { colorScheme: "dark", viewport: { width: 390, height: 844 } },
};

test("full, light and dark, and on a phone", async (context) => {
  const demo = await startDemo({ perSecond: 1 });
  try {
    for (const [name, options] of Object.entries(LOOKS)) {
      await context.test(name, async () => {
        const window = await demo.as(browser, "product-manager", options);
        assert.deepEqual(await check(window, SCREENS), []);
        await window.at("/cases/PC-LIVE");
        await window.page.getByRole("button", { name: "Report a bug" }).click();
        await window.page.getByRole("dialog").waitFor();
        assert.deepEqual(await faultsOf(window.page), [], "a dialog");
        await window.context.close();
        const guest = await open(browser, demo, options);
        assert.deepEqual(await check(guest, await signedOut(demo)), []);
        await guest.context.close();
      });
    }
  } finally {
    await demo.stop();
  }
});

test("flags by hand and all of an administrator's, light and dark, and on a phone", async (context) => {
  const server = await startByHand();
  try {
    for (const [name, options] of Object.entries(LOOKS)) {
      await context.test(name, async () => {
        const window = await server.asAdmin(browser, options);
        assert.deepEqual(await check(window, BY_HAND), []);
        await window.context.close();
      });
    }
  } finally {
    await server.stop();
  }
});

test("empty, light and dark, and the sign-in before it", async (context) => {
  const server = await start();
  try {
    await claim(server);
    for (const colorScheme of ["light", "dark"]) {
      await context.test(colorScheme, async () => {
        const window = await open(browser, server, { colorScheme });
        await window.at("/");
        await window.page.getByRole("button", { name: "Sign in" }).waitFor();
        assert.deepEqual(await faultsOf(window.page), [], "signing in");
        await signIn(window, "admin@example.com");
        assert.deepEqual(await check(window, EMPTY), []);
        await window.context.close();
      });
    }
  } finally {
    await server.stop();
  }
});
