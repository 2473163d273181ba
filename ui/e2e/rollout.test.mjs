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
  const { track } = await demo.ask(`/api/v1/cases/${CASE}/looks`);
  await until(async () => (await looks()) === track.length, "every look");
  await drawsBothBounds(window.page.locator("#sequence"), track);
  assert.deepEqual(window.faults, []);
});

/** The forever bound as a band, the planned one as a stroke at each look that has it: as many as the API says. */
async function drawsBothBounds(sequence, track) {
  const count = (bound) => track.filter(({ bounds }) => bounds?.[bound]).length;
  assert.ok(count("planned") > 1 && count("forever") > 1, `the looks have both bounds: ${JSON.stringify(track.at(-1))}`);
  const points = (await sequence.locator("polygon").first().getAttribute("points")).split(" ");
  assert.equal(points.length, 2 * count("forever"));
  assert.equal(await sequence.locator("path").count(), count("planned"));
  assert.equal(await sequence.locator("circle").count(), track.length);
  for (const words of ["in force", "forever bound", "planned bound"])
    await sequence.getByText(words, { exact: true }).waitFor();
}

test("the journal's chain is checked from the page", async () => {
  const window = await demo.as(browser, "design-lead");
  await window.at("/journal");
  await window.page.getByRole("button", { name: "Check the chain" }).click();
  const said = await window.page.getByText(/entries, whole; the chain ends at/).innerText();
  const { entries, head, verified } = await demo.ask("/api/v1/journal/verify");
  assert.equal(verified, true);
  // Nothing is decided any more: page and API speak of the same chain.
  assert.equal(said, `${entries.toLocaleString("en-GB")} entries, whole; the chain ends at ${head.slice(0, 8)}`);
  assert.deepEqual(window.faults, []);
});
