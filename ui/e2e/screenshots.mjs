// Every screen, light and dark, wide and phone, with full and with empty data, into `screenshots/`. Starts the servers itself (TENURE_BIN).
// Names after the command picture only those screens; `docs` pictures the three that the README shows.
import { mkdirSync } from "node:fs";
import { startByHand, startDemo } from "./demo.mjs";
import { launch, open, signIn } from "./people.mjs";
import { BY_HAND, EMPTY, SCREENS, show, signedOut } from "./screens.mjs";
import { claim, start } from "./server.mjs";

const folder = new URL("../screenshots/", import.meta.url).pathname;
const pictures = new URL("../../docs/pictures/", import.meta.url).pathname;
const asked = process.argv.slice(2);
const isForDocs = asked.includes("docs");
const only = asked.filter((name) => name !== "docs");
const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
/** How long the demo's rollout runs before it is pictured. */
const LOOKS_MIN = 6;
const WAIT_MAX_MS = 180_000;
let faults = 0;

async function picture(window, screens, label) {
  const { colorScheme, size } = label;
  for (const [name, screen] of Object.entries(screens)) {
    if (only.length > 0 && !only.includes(name)) continue;
    await show(window, screen);
    await window.page.screenshot({ path: `${folder}${name}-${label.data}-${colorScheme}-${size}.png`, fullPage: true });
    const over = await window.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (over > 1) {
      faults += 1;
      console.error(`${name}, ${label.data}, ${size}: wider than the screen by ${over} px`);
    }
  }
  for (const fault of window.faults) {
    faults += 1;
    console.error(fault);
  }
}

/** `screens` are asked for anew for each window: a signed link is not good for long. */
async function round(into, data, screens) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const window = await into({ colorScheme, viewport });
      await picture(window, await screens(), { data, colorScheme, size });
      await window.context.close();
    }
  }
}

mkdirSync(folder, { recursive: true });
const browser = await launch();
const demo = await startDemo({ perSecond: 120 });
try {
  const until = Date.now() + WAIT_MAX_MS;
  while (Date.now() < until && (await demo.ask("/api/v1/cases/PC-LIVE/looks")).track.length < LOOKS_MIN)
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  if (isForDocs) {
    mkdirSync(pictures, { recursive: true });
    const window = await demo.as(browser, "product-manager", { viewport: { width: 1280, height: 800 } });
    for (const name of ["portfolio", "case", "rollout"]) {
      await show(window, SCREENS[name]);
      await window.page.screenshot({ path: `${pictures}${name}.png` });
    }
    await window.context.close();
  } else {
    await round(
      (options) => demo.as(browser, "product-manager", options),
      "full",
      () => SCREENS,
    );
    await round(
      (options) => open(browser, demo, options),
      "signed-out",
      () => signedOut(demo),
    );
  }
} finally {
  await demo.stop();
}
if (!isForDocs) {
  const byHand = await startByHand();
  try {
    await round(
      (options) => byHand.asAdmin(browser, options),
      "by-hand",
      () => BY_HAND,
    );
  } finally {
    await byHand.stop();
  }
  const server = await start();
  try {
    await claim(server);
    await round(
      async (options) => {
        const window = await open(browser, server, options);
        await signIn(window, "admin@example.com");
        return window;
      },
      "empty",
      () => EMPTY,
    );
  } finally {
    await server.stop();
  }
}
await browser.close();
process.exit(faults === 0 ? 0 : 1);
