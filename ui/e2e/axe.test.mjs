// No screen has a serious fault for people who hear it, who use the keyboard, or who see little: axe, in light and in dark, full and empty.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { startDemo } from "./demo.mjs";
import { launch, open, signIn } from "./people.mjs";
import { EMPTY, SCREENS, show } from "./screens.mjs";
import { claim, start } from "./server.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const BY_HAND = [
  "/flags",
  "/flags/checkout-badge",
  "/flags/checkout-badge/edit?environment=production",
  "/segments",
  "/segments?edit=staff",
  "/change-requests",
  "/change-requests/CR-1",
  "/environments",
  "/playground",
];

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
  for (const name of screens) {
    await show(window, SCREENS[name] ?? name);
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
        assert.deepEqual(await check(window, Object.keys(SCREENS)), []);
        await window.at("/cases/PC-LIVE");
        await window.page.getByRole("button", { name: "Report a bug" }).click();
        await window.page.getByRole("dialog").waitFor();
        assert.deepEqual(await faultsOf(window.page), [], "a dialog");
        await window.context.close();
      });
    }
  } finally {
    await demo.stop();
  }
});

/** A flag with rules, a segment it refers to, and a change of it that waits for approval. */
const AUTHORED = {
  type: "boolean",
  variants: { on: true, off: false },
  default: "off",
  targets: [{ variant: "on", keys: ["u1"] }],
  rules: [
    { name: "Staff", when: [{ segment: "staff" }], serve: "on" },
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

test("flags by hand, light and dark", async (context) => {
  const server = await start();
  try {
    const admin = await claim(server);
    const give = (name, arguments_) => admin("POST", "/api/v1/commands", { do: name, with: arguments_ });
    await give("set_segment", { segment: "staff", holds: { members: ["u1", "u2"] } });
    await give("set_flag", { key: "checkout-badge", environment: "production", authored: AUTHORED });
    await give("set_environment", { environment: "production", approvals: 1 });
    const changes = [{ do: "set_flag", with: { key: "checkout-badge", authored: { ...AUTHORED, default: "on" } } }];
    await give("propose_change", { request: "CR-1", environment: "production", reason: "All of them", changes });
    for (const colorScheme of ["light", "dark"]) {
      await context.test(colorScheme, async () => {
        const window = await open(browser, server, { colorScheme });
        await signIn(window, "admin@example.com");
        assert.deepEqual(await check(window, BY_HAND), []);
        await window.page.getByRole("button", { name: "Try it" }).click();
        await window.page.getByRole("heading", { name: "checkout-badge" }).waitFor();
        assert.deepEqual(await faultsOf(window.page), [], "an answer with its trace");
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
