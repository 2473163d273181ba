// An experiment is planned, planned anew, started and stopped by its team; who may not, hears why. Nothing is done but by the pages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, settle, signIn } from "./people.mjs";
import { claim, start } from "./server.mjs";

let server;
let admin;
let browser;
let lena;
let omar;

before(async () => {
  server = await start();
  admin = await claim(server);
  await settle(admin);
  browser = await launch();
  lena = await open(browser, server);
  omar = await open(browser, server);
  await signIn(lena, "lena@example.com");
  await signIn(omar, "omar@example.com");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const run = () => admin("GET", "/api/v1/runs/EXP-INVITE");

test("an experiment that runs here, from its plan to its end", async () => {
  await lena.at("/experiments");
  await lena.page.getByText("No experiment runs here").waitFor();
  await lena.give("Plan an experiment", {
    Name: "EXP-INVITE",
    "What people call it": "A bolder invite button",
    "We believe that": "a button that is seen",
    "will result in": "more invites",
    because: "half never find it",
    Team: "Growth",
    Flag: "invite-button",
    "Metric that decides": "Invite sent",
    "Level expected of control": "0.1",
    "Smallest change worth finding, percent of control": "20",
  });
  await lena.page.getByRole("link", { name: "A bolder invite button" }).click();
  await lena.page.locator("#plan").getByText("to find a change of 20 % of it").waitFor();
  const planned = await run();
  assert.deepEqual(planned.plan.hypothesis, {
    we_believe: "a button that is seen",
    will_result_in: "more invites",
    because: "half never find it",
  });
  assert.deepEqual(
    planned.plan.arms.map(({ name, value, weight }) => [name, value, weight]),
    [
      ["control", false, 1],
      ["treatment", true, 1],
    ],
  );

  await lena.page.getByRole("button", { name: "Plan anew" }).click();
  const dialog = lena.page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Add an arm" }).click();
  await dialog.getByLabel("arm 3, name").fill("loud");
  await dialog.getByLabel("arm 3, value").fill('{"size": 2}');
  await dialog.getByRole("button", { name: "Plan an experiment" }).click();
  await dialog.getByRole("alert").getByText("of another type than control's").waitFor();
  await dialog.getByLabel("arm 3, value").fill("true");
  await dialog.getByRole("button", { name: "Plan an experiment" }).click();
  await dialog.waitFor({ state: "detached" });
  await lena.page.locator("#plan").getByText(/^loud: true, 33.% of those admitted$/).waitFor();
  const anew = await run();
  // What was not touched is as it was; a further arm takes its share of the error, so the plan grows.
  for (const kept of ["hypothesis", "effect", "expected", "team", "flag", "min_days", "max_days", "coverage_percent"])
    assert.deepEqual(anew.plan[kept], planned.plan[kept], kept);
  assert.ok(anew.plan.planned_n > planned.plan.planned_n, "three arms need more units than two");

  await omar.at("/experiments/EXP-INVITE/run");
  await omar.page.getByRole("button", { name: "Start", exact: true }).click();
  await omar.page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  await omar.page.getByRole("alert").getByText("forbidden").waitFor();
  await omar.page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();

  await lena.give("Start");
  await omar.page.getByText("Running", { exact: true }).waitFor();
  assert.equal((await run()).status, "running");
  await lena.page.getByRole("button", { name: "Plan anew" }).click({ force: true });
  await lena.page.getByRole("status").getByText("its plan is frozen").waitFor();

  await lena.page.getByRole("button", { name: "Stop" }).click();
  await dialog.getByRole("button", { name: "Stop" }).click();
  await dialog.getByText("This is needed.").waitFor();
  await lena.fill({ Why: "the button is gone" }, dialog);
  await dialog.getByRole("button", { name: "Stop" }).click();
  await dialog.waitFor({ state: "detached" });
  await lena.page.getByRole("heading", { name: "It ended without a result" }).waitFor();
  await lena.page.locator("#end").getByText("Reason: the button is gone.").waitFor();
  assert.equal((await run()).status, "stopped");
  await lena.at("/experiments");
  await lena.page.getByRole("table", { name: "Experiments that run here" }).getByText("Stopped").waitFor();
  for (const { faults } of [lena, omar]) assert.deepEqual(faults, []);
});
