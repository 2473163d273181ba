// Every screen, light and dark, wide and phone, into `screenshots/`. Needs a running server's pages at TENURE_UI (such as `npm run dev`
// against `tenure demo`) and a Chromium at CHROMIUM.
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const url = process.env.TENURE_UI ?? "http://127.0.0.1:5173";
const folder = new URL("../screenshots/", import.meta.url).pathname;
const CASE = process.env.TENURE_CASE ?? "PC-LIVE";
const SCREENS = {
  desk: "/", portfolio: "/portfolio", "portfolio-table": "/portfolio?view=table", case: `/cases/${CASE}`, rollout: `/cases/${CASE}/rollout`,
  experiments: "/experiments", flags: "/flags", metrics: "/metrics", "platform-changes": "/platform-changes", warranties: "/warranties",
  journal: "/journal", settings: "/settings",
};
const only = process.argv.slice(2);

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let faults = 0;
for (const colorScheme of ["light", "dark"]) {
  for (const [size, width] of [["wide", 1440], ["phone", 390]]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.on("pageerror", (error) => {
      faults += 1;
      console.error(`${page.url()}: ${error.message}`);
    });
    for (const [name, path] of Object.entries(SCREENS)) {
      if (only.length > 0 && !only.includes(`${name}-${colorScheme}-${size}`)) continue;
      await page.goto(url + path);
      await page.waitForSelector("h1");
      await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
      await page.screenshot({ path: `${folder}${name}-${colorScheme}-${size}.png`, fullPage: true });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 1) {
        faults += 1;
        console.error(`${name}, ${size}: wider than the screen by ${over} px`);
      }
    }
    await context.close();
  }
}
await browser.close();
process.exit(faults === 0 ? 0 : 1);
