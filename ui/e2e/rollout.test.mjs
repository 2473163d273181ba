// A rollout watched live, until its verdict: waves, looks and verdict come to the open page by themselves.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CASE, startDemo } from "./demo.mjs";
import { launch } from "./people.mjs";

/** A demo's rollout takes two minutes where it has the machine to itself. */
const VERDICT_MAX_MS = 480_000;
let browser;
let demo;

before(async () => {
  demo = await startDemo({ perSecond: 400 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test("an open page follows the rollout until its verdict", async () => {
  const window = await demo.as(browser, "design-lead");
  await window.at(`/cases/${CASE}/rollout`);
  await window.page.evaluate(() => {
    window.isSamePage = true;
  });
  const looks = () => window.page.locator("#sequence circle").count();
  const until = async (holds, what) => {
    const end = Date.now() + VERDICT_MAX_MS;
    while (!(await holds())) {
      if (Date.now() > end)
        throw new Error(`the page never showed ${what}: ${await window.page.locator("#verdict").innerText()}`);
      await window.page.waitForTimeout(500);
    }
  };
  await until(async () => (await looks()) >= 1, "a look");
  const before = await looks();
  await until(async () => (await looks()) > before, "another look");
  await until(async () => window.page.locator("#waves").getByText("passed").first().isVisible(), "a wave that passed");
  await until(
    async () =>
      /Positive\n/.test(await window.page.locator("#verdict").innerText()) &&
      (await demo.ask(`/api/v1/cases/${CASE}`)).measurements.latest.verdict === "positive",
    "the verdict",
  );
  assert.ok(await window.page.evaluate(() => window.isSamePage === true), "the page was never loaded again");
  assert.deepEqual(window.faults, []);
});
