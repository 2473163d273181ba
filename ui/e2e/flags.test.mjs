// A flag is written, its change approved by somebody else, served, and tried: nothing is done but by the pages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, settle, signIn } from "./people.mjs";
import { claim, start } from "./server.mjs";

let server;
let browser;
let lena;
let admin;

before(async () => {
  server = await start();
  await settle(await claim(server));
  browser = await launch();
  lena = await open(browser, server);
  admin = await open(browser, server);
  await signIn(lena, "lena@example.com");
  await signIn(admin, "admin@example.com");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function propose() {
  await lena.at("/flags/new");
  await lena.fill({ Key: "checkout-badge" });
  await lena.page.getByRole("button", { name: "Add a rule" }).click();
  await lena.page.getByRole("button", { name: "Attribute" }).click();
  await lena.page.getByLabel("rule 1, condition 1, attribute").fill("plan");
  await lena.page.getByRole("combobox", { name: "rule 1, condition 1, values" }).fill("team");
  await lena.page.keyboard.press("Enter");
  await lena.page.getByText("Everybody whose plan is one of team gets on.").waitFor();
  await lena.fill({ Why: "Teams asked for it." });
  await lena.page.getByRole("button", { name: "Propose the change" }).click();
  await lena.page.getByRole("heading", { name: /Change request/ }).waitFor();
}

test("a change of a protected environment is proposed, read by another, approved and served", async () => {
  await admin.at("/environments");
  await admin.give("Set an environment", { Id: "production", "People who approve a change, besides its author": "1" });
  await admin.page.getByText("1 person besides the author").waitFor();

  await propose();
  await lena.page.getByRole("button", { name: "Undo" }).click();
  await lena.page.locator("header").getByText("withdrawn").waitFor();
  await propose();
  const address = new URL(lena.page.url()).pathname;

  await admin.at(address);
  await admin.page.getByText("Teams asked for it.").waitFor();
  await admin.give("Approve");
  await lena.give("Apply");
  await lena.page.locator("header").getByText("applied").waitFor();

  await lena.at("/playground?flag=checkout-badge");
  await lena.page.getByLabel("Context").fill('{"targetingKey": "u1", "plan": "team"}');
  await lena.page.getByRole("button", { name: "Try it" }).click();
  await lena.page.getByText("Rule 1 decided.").waitFor();
  await lena.at("/flags/checkout-badge");
  await lena.page.getByText("Everybody whose plan is one of team gets on.").waitFor();
  await lena.page.locator("#environments").getByText("on, by rules").waitFor();
  for (const { faults } of [lena, admin, admin]) assert.deepEqual(faults, []);
});
