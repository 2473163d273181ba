// What is done without a mouse, and what is seen while the server is away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, settle } from "./people.mjs";
import { claim, PASSWORD, start } from "./server.mjs";

let server;
let browser;
let lena;

before(async () => {
  server = await start();
  await settle(await claim(server));
  browser = await launch();
  lena = await open(browser, server);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Presses Tab until what has the focus is named so. */
async function tabTo(name, presses = 60) {
  for (let press = 0; press < presses; press += 1) {
    const at = await lena.page.evaluate(() => {
      const one = document.activeElement;
      return one?.getAttribute("aria-label") ?? one?.labels?.[0]?.textContent ?? one?.textContent ?? "";
    });
    if (at.trim() === name) return;
    await lena.page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

/** Waits until a page's later script is there with all that it needs. */
async function scriptsSettled(name) {
  const loaded = () =>
    lena.page.evaluate(() => performance.getEntriesByType("resource").map((one) => new URL(one.name).pathname));
  for (let before = 0; ; ) {
    const names = (await loaded()).filter((path) => path.startsWith("/assets/"));
    if (names.length === before && names.some((path) => path.includes(name))) return;
    before = names.length;
    await lena.page.waitForTimeout(500);
  }
}

test("signing in, finding a page, taking a step: all by the keyboard", async () => {
  const { page } = lena;
  await lena.at("/");
  await page.getByLabel("Login").waitFor();
  await tabTo("Login");
  await page.keyboard.type("lena@example.com");
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "My desk" }).waitFor();

  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search" }).waitFor();
  await page.keyboard.type("platform");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Platform changes and parked ideas" }).waitFor();

  await tabTo("Register a platform change");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.keyboard.type("PCH-NEW-EDITOR");
  await tabTo("Tags");
  await page.keyboard.type("editor");
  await page.keyboard.press("Enter");
  await tabTo("Register a platform change");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByText("PCH-NEW-EDITOR").first().waitFor();

  await tabTo("Register a platform change");
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(lena.faults, []);
});

test("while the server is away the page says so, and keeps what it showed", async () => {
  await lena.at("/platform-changes");
  await lena.page.getByText("PCH-NEW-EDITOR").first().waitFor();
  await scriptsSettled("CommandDialog");
  await server.stop();
  await lena.page.getByText("The connection is lost.").waitFor();
  assert.ok(await lena.page.getByText("PCH-NEW-EDITOR").first().isVisible());
  await lena.page.getByRole("button", { name: "Register a platform change" }).click();
  const dialog = lena.page.getByRole("dialog");
  await lena.fill({ Name: "PCH-LATER" }, dialog);
  await dialog.getByLabel("Tags").first().fill("later");
  await lena.page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Register a platform change" }).click();
  await dialog.getByText("the server cannot be reached").waitFor();
  assert.equal(await dialog.getByLabel("Name", { exact: true }).inputValue(), "PCH-LATER", "nothing typed is lost");
});
