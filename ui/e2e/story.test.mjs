// A case by three people in three browsers, from its import to productionised; nothing is done but by the pages.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { launch, open, settle, signIn } from "./people.mjs";
import { claim, start } from "./server.mjs";

let server;
let browser;
let lena;
let priya;
let omar;

before(async () => {
  server = await start();
  await settle(await claim(server));
  browser = await launch();
  lena = await open(browser, server);
  priya = await open(browser, server);
  omar = await open(browser, server);
  await signIn(lena, "lena@example.com");
  await signIn(priya, "priya@example.com");
  await signIn(omar, "omar@example.com");
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const day = (offset) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
const stage = (window, name) => window.page.locator("header").getByText(name, { exact: true }).waitFor();
/** The desk's item whose sentence has these words. */
const item = (window, words) => window.page.locator("article", { hasText: words });

/** From the experiment to a case that the drivers decided to build: what all endings share. */
async function carry(name) {
  const id = `PC-${name}`;
  const title = `${name.toLowerCase()} invite prompt`;

  // The experiment is taken in: first what would be registered, then for good.
  await lena.at("/experiments/intake");
  await lena.fill({
    "Name for people": title,
    Id: `EXP-${name}`,
    "Team that ran it": "Growth",
    "Last day it ran": day(-3),
    "We believe": "a prompt after the second card",
    "will result in": "more invites",
    because: "boards are for teams",
    "Primary metric": "invite_sent",
    "Control, units": "20140",
    "Control, that did it": "2417",
    "Treatment, units": "20065",
    "Treatment, that did it": "2729",
  });
  await lena.page.getByRole("button", { name: "Show what would be registered" }).click();
  await lena.page.getByText("Nothing is registered yet.").waitFor();
  await lena.page.getByRole("button", { name: "Register it" }).click();
  await lena.page.getByRole("heading", { name: title }).waitFor();
  await lena.give("Open a case", { "Name of the case": id });

  // Preparation: advice and cost, weighed, decided by three seats that two people hold.
  await lena.at(`/cases/${id}`);
  await stage(lena, "Preparation");
  await lena.give("Ask a product team", { "Which team": "Boards" });
  await omar.at("/");
  await omar.give(
    "Answer",
    { "Codebases concerned": ["boards-web"], Advice: "Use the button of the design system." },
    { within: item(omar, title) },
  );
  await lena.page.getByText("Use the button of the design system.").waitFor();
  await lena.give(
    "Estimate",
    { "Which codebase": "boards-web", "Person-days, low": "9", "Person-days, likely": "14", "Person-days, high": "22" },
    { within: lena.page.locator("#preparation") },
  );
  await priya.at(`/cases/${id}`);
  await priya.give(
    "Weigh cost and benefit",
    { "Benefit a year": "51840", "Cost of building": "12350", "Maintenance a year": "2600" },
    { within: priya.page.locator("#weighing") },
  );
  await priya.give("Proceed", { Why: "It pays back in a quarter." }, { within: priya.page.locator("#preparation") });
  await lena.give("Confirm", {}, { within: lena.page.locator("#preparation") });
  await stage(priya, "Buy-in");
  return id;
}

test("three people carry a case from its experiment to productionised", async () => {
  const id = await carry("KEEP");
  await priya.give("Ask for buy-in", { "Which team": "Boards" }, { within: priya.page.locator("#sign-offs") });
  await omar.at("/");
  await omar.give("Answer", { Approve: true }, { within: item(omar, "buy-in") });
  await build(id);
  await rollOut(id);
  await measure(id, ["41220", "4905"], ["41310", "5412"]);

  await stage(lena, "Outcome");
  await priya.give("Keep", {}, { within: priya.page.locator("#outcome") });
  await stage(lena, "Productionised");
  const delivered = await lena.page.locator("#promise").innerText();
  assert.match(delivered, /Delivered/);
  assert.match(delivered, /self-reported/i);
  await lena.page.getByText("100 %", { exact: true }).first().waitFor();
  for (const { faults } of [lena, priya, omar]) assert.deepEqual(faults, []);
});

async function build(id) {
  await stage(lena, "Building");
  const building = lena.page.locator("#building");
  await lena.give(
    "Log a deviation",
    { "What is changed": "Spacing as the product has it", "Polish, weighs 1: nobody would call it different": true },
    { within: lena.page.locator("#deviations") },
  );
  await lena.give("Make space in the backlog", { "Person-days": "14" }, { within: building });
  await lena.give("Create the flag", { Key: `${id.toLowerCase()}-prompt` }, { within: building });
  await evidence();
  await omar.at(`/cases/${id}`);
  for (let done = 0; done < 2; done += 1) {
    await omar.give("Record", { Passed: true }, { within: omar.page.locator("#building") });
    await omar.page.locator("#building").getByText("passed").nth(done).waitFor();
  }
  await lena.give("Building is finished", {}, { within: building });
  await stage(lena, "Ready");
  await lena.give("Propose a warranty", { Months: "6" }, { within: lena.page.locator("#warranty") });
  await omar.page.locator("#warranty").getByText("6 months").waitFor();
  await omar.give("Agree", { "For which team": "Boards" }, { within: omar.page.locator("#warranty") });
}

/** A file is attached to an item of the owner process, and read back as it was. */
async function evidence() {
  const building = lena.page.locator("#building");
  await building.getByRole("button", { name: "Attach a file" }).first().click();
  const dialog = lena.page.getByRole("dialog");
  await dialog.waitFor();
  const text = "Shown to Boards on Tuesday.";
  const file = { name: "demo notes.txt", mimeType: "text/plain", buffer: Buffer.from(text) };
  await lena.page.locator("input[type=file]").setInputFiles(file);
  await lena.fill({ "What it shows": "the QA demo" }, dialog);
  await dialog.getByRole("button", { name: "Attach", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  const link = building.getByRole("link", { name: file.name });
  const [saved] = await Promise.all([lena.page.waitForEvent("download"), link.click()]);
  assert.equal(saved.suggestedFilename(), file.name);
  assert.equal(await readFile(await saved.path(), "utf8"), text);
}

async function rollOut(id) {
  const deployment = lena.page.locator("#rollout");
  await deployment.getByRole("button", { name: "Plan the rollout" }).click();
  const dialog = lena.page.getByRole("dialog");
  await dialog.getByRole("button", { name: /Start from 5 % safety/ }).click();
  await dialog.getByRole("button", { name: "Plan the rollout" }).click();
  await dialog.waitFor({ state: "detached" });
  await lena.give("Start the next wave", {}, { within: deployment });
  await stage(lena, "Rolling out");
  await lena.at(`/cases/${id}/rollout`);
  await lena.give("Start the next wave");
  await lena.page.locator("#waves").getByText("passed").waitFor();
}

async function measure(id, control, treatment) {
  await priya.at(`/cases/${id}/rollout`);
  await priya.give("Record an outside measurement", {
    "Who measured it, and with what": "the warehouse, by Priya",
    "Control, units": control[0],
    "Control, successes": control[1],
    "Treatment, units": treatment[0],
    "Treatment, successes": treatment[1],
    "Units an arm that were planned": "30000",
  });
  await lena.at(`/cases/${id}`);
  await priya.at(`/cases/${id}`);
}

test("buy-in is given by a signed link, without an account, on a phone", async () => {
  const id = await carry("LINK");
  await priya.give("Ask for buy-in", { "Which team": "Boards" }, { within: priya.page.locator("#sign-offs") });
  await priya.page.getByRole("button", { name: "Invite by link" }).click();
  const dialog = priya.page.getByRole("dialog");
  await priya.fill({ "Who is invited": "Noor of Boards" }, dialog);
  await dialog.getByRole("button", { name: "Make the link" }).click();
  const link = new URL(await dialog.locator("[data-link]").innerText());
  await dialog.getByRole("button", { name: "Done" }).click();

  const guest = await open(browser, server, { viewport: { width: 390, height: 844 } });
  await guest.at(link.pathname);
  await guest.page.getByText("Noor of Boards").waitFor();
  assert.ok(
    await guest.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    "the page fits a phone",
  );
  await guest.page.getByRole("button", { name: "Approve", exact: true }).click();
  await guest.page.getByText("You have answered.").waitFor();
  assert.deepEqual(guest.faults, []);
  await guest.context.close();
  await priya.page.locator("#sign-offs").getByText("approved").waitFor();
  await stage(priya, "Building");
});

test("a negative cannot be kept: the buttons refuse, with the reason", async () => {
  const id = await carry("HARM");
  await priya.give("Ask for buy-in", { "Which team": "Boards" }, { within: priya.page.locator("#sign-offs") });
  await omar.at("/");
  await omar.give("Answer", { Approve: true }, { within: item(omar, "buy-in") });
  await build(id);
  await rollOut(id);
  await measure(id, ["41220", "5412"], ["41310", "4905"]);
  await stage(priya, "Outcome");

  const outcome = priya.page.locator("#outcome");
  for (const refused of ["Keep", "Keep, justified"]) {
    const button = outcome.getByRole("button", { name: refused, exact: true });
    assert.equal(await button.getAttribute("aria-disabled"), "true");
    await button.press("Enter");
    const why = priya.page.getByRole("status", { name: refused, exact: true });
    await why.filter({ hasText: "negative_cannot_be_kept" }).waitFor();
    await priya.page.keyboard.press("Escape");
    await why.waitFor({ state: "hidden" });
  }
  assert.equal(await outcome.getByRole("button", { name: "Remove", exact: true }).getAttribute("aria-disabled"), null);
  await priya.page.getByText("0 %", { exact: true }).first().waitFor();
  for (const { faults } of [lena, priya, omar]) assert.deepEqual(faults, []);
});
