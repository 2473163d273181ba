// The form of every command: one table from which every dialog is made; a test compares it with the API's description. A field that a task or
// a button already knows is not asked for again. Whether a command is allowed is never decided here: the server says so, with the reason.
import type { Field, Form, Forms } from "./form.ts";
import { PREPARATION } from "./forms/preparation.ts";
import { BUILDING } from "./forms/building.ts";
import { DEPLOYMENT } from "./forms/deployment.ts";
import { COMPANY } from "./forms/company.ts";
import { FLAGS } from "./forms/flags.ts";
import { RUN } from "./forms/run.ts";

export const FORMS: Forms = { ...PREPARATION, ...BUILDING, ...DEPLOYMENT, ...COMPANY, ...FLAGS, ...RUN };

const KIND_VERBS: Readonly<Record<string, string>> = {
  "decide/proceed": "Proceed",
  "decide/park": "Park",
  "decide/rerun": "Re-run",
  "decide_outcome/keep": "Keep",
  "decide_outcome/keep_justified": "Keep, justified",
  "decide_outcome/iterate": "Iterate",
  "decide_outcome/remove": "Remove",
  "review_keep/affirm": "It stays",
  "review_keep/remove": "Remove",
};

/** The form of a command; one that this table does not know is made from its description (`described.ts`). */
export function formOf(command: string): Form {
  return FORMS[command] ?? { verb: command.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()) };
}

export function verbOf(command: string, kind?: string | null): string {
  return (kind ? KIND_VERBS[`${command}/${kind}`] : undefined) ?? formOf(command).verb;
}

/** The fields that are still to be asked for. */
export function fieldsOf(form: Form, given: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): Field[] {
  return (form.fields ?? []).filter(({ name, when }) => !known.has(name) && (when === undefined || when(given)));
}

/** Names of fields that are missing or empty although they are needed. */
export function missing(fields: readonly Field[], given: Readonly<Record<string, unknown>>): string[] {
  return fields
    .filter((field) => field.optional !== true && field.is !== "yes" && isEmpty(given[field.name]))
    .map(({ name }) => name);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value))
    return value.length === 0 || value.some((one) => one === "" || one === null || one === undefined);
  return false;
}

/** The arguments of a command: what was known, what was given; nothing that is empty. */
export function argumentsOf(
  form: Form,
  known: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const shown = new Set(fieldsOf(form, { ...given, ...known }, new Set(Object.keys(known))).map(({ name }) => name));
  const filled = Object.entries(given).filter(([name, value]) => shown.has(name) && !isEmpty(value));
  const together = { ...known, ...Object.fromEntries(filled) };
  return form.into === undefined ? together : form.into(together);
}

/** A name from free words: `PC-FASTER-CHECKOUT`. */
export function idFrom(prefix: string, words: string): string {
  const body = words
    .normalize("NFKD")
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40);
  return body === "" ? prefix : `${prefix}-${body}`;
}
