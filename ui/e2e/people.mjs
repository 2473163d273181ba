// Who the stories are about, and a browser for each of them. What goes wrong on a page unseen (an exception, a request that fails on the
// server, something the policy forbids) fails the story.
import { chromium } from "playwright-core";
import { PASSWORD } from "./server.mjs";

/** Three people carry a case: who leads and builds, who manages product and design, who owns the product and its code. */
export const PEOPLE = {
  lena: { name: "Lena Fischer", roles: ["development_lead", "developer"] },
  priya: { name: "Priya Nair", roles: ["product_manager", "design_lead"] },
  omar: { name: "Omar Haddad", roles: ["product_owner:boards", "codebase_owner:boards-web"] },
};

/** How long a page may take before a story gives up: these may run beside a compiler. */
const PATIENCE_MS = 60_000;

export async function settle(admin, people = PEOPLE) {
  const give = (name, arguments_) => admin("POST", "/api/v1/commands", { do: name, with: arguments_ });
  await give("define_team", { team: "growth", name: "Growth" });
  await give("define_team", { team: "boards", name: "Boards" });
  await give("define_codebase", { codebase: "boards-web", items: ["qa_demo", "pr_review"], team: "boards" });
  await give("define_metric", {
    metric: "invite_sent",
    title: "Invite sent",
    kind: "proportion",
    event: "invite_sent",
    window_hours: 24,
  });
  for (const [id, { name, roles }] of Object.entries(people)) {
    await admin("POST", "/api/v1/accounts", { id, login: `${id}@example.com`, display_name: name, password: PASSWORD });
    for (const role of roles) await give("grant_role", { account: id, role });
  }
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A browser window of its own; `faults` gathers what went wrong in it. */
export async function open(browser, server, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of (401|409|400|404)/.test(message.text()))
      faults.push(`${page.url()}: ${message.text()}`);
  });
  page.on("response", (answer) => {
    if (answer.status() >= 500) faults.push(`${answer.request().method()} ${answer.url()}: ${answer.status()}`);
  });
  const at = (path) => page.goto(server.url + path);
  return { context, page, faults, at, ...steps(page) };
}

/** Signs somebody in by the form, as they would. */
export async function signIn(window, login, password = PASSWORD) {
  await window.at("/");
  await window.page.getByLabel("Login").fill(login);
  await window.page.getByRole("textbox", { name: "Password" }).fill(password);
  await window.page.getByRole("button", { name: "Sign in" }).click();
  await window.page.getByRole("heading", { name: "My desk" }).waitFor();
}

/** What people do on a page. */
function steps(page) {
  /** Fills a dialog's fields by their labels: texts and numbers are typed, lists are chosen from, `true` ticks the radio or box of that name. */
  const fill = async (fields, within = page) => {
    for (const [label, value] of Object.entries(fields)) {
      if (value === true) {
        await within
          .getByRole("radio", { name: label, exact: true })
          .or(within.getByRole("checkbox", { name: label, exact: true }))
          .check();
        continue;
      }
      const field = within
        .getByLabel(label, { exact: true })
        .and(within.locator("input:not([type=hidden]), textarea"))
        .first();
      if (Array.isArray(value)) {
        for (const one of value) {
          await field.click();
          await page.getByRole("option", { name: one, exact: true }).click();
        }
        await page.keyboard.press("Tab");
        continue;
      }
      const isList = (await field.getAttribute("aria-haspopup")) === "listbox";
      if (isList) {
        await field.click();
        await page.getByRole("option", { name: value, exact: true }).click();
      } else {
        await field.fill(String(value));
      }
    }
  };
  /** Opens a step's dialog, answers it, and waits until it is done. */
  const give = async (button, fields = {}, { within = page, submit } = {}) => {
    await within.getByRole("button", { name: button, exact: true }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await fill(fields, dialog);
    await dialog.getByRole("button", { name: submit ?? button, exact: true }).click();
    await dialog.waitFor({ state: "detached" });
  };
  return { fill, give };
}
