// The table of forms against the API's description: no command that is unknown, no argument that does not exist, none forgotten that is needed.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fieldsFrom, type Schema } from "./described.ts";
import { FORMS } from "./forms.ts";

interface Described {
  components: {
    schemas: Record<string, Schema & { oneOf?: { properties: { do: { const: string }; with: { $ref: string } } }[] }>;
  };
}

const { schemas } = (JSON.parse(readFileSync("../openapi.json", "utf8")) as Described).components;
const COMMANDS = new Map(
  (schemas.Command?.oneOf ?? []).map(({ properties }) => [
    properties.do.const,
    schemas[properties.with.$ref.split("/").at(-1) ?? ""],
  ]),
);

/** Arguments that the place of a button always knows. */
const OF_THE_PLACE = new Set([
  "case",
  "experiment",
  "team",
  "codebase",
  "item",
  "bug",
  "invitation",
  "account",
  "role",
  "request",
  "key",
  "entry",
  "segment",
  "environment",
  "platform_change",
  "number",
  "succession",
  "deputy",
]);

test("the description has commands", () => expect(COMMANDS.size).toBeGreaterThan(50));

test.each(Object.entries(FORMS))("%s asks for what it takes", (command, form) => {
  const schema = COMMANDS.get(command);
  expect(schema, "the API has this command").toBeDefined();
  const names = (form.fields ?? []).map(({ name }) => name);
  const given =
    form.into === undefined ? names : Object.keys(form.into(Object.fromEntries(names.map((name) => [name, "x"]))));
  const takes = Object.keys(schema?.properties ?? {});
  expect(given.filter((name) => !takes.includes(name) && !(form.into !== undefined && names.includes(name)))).toEqual(
    [],
  );
  expect(
    (schema?.required ?? []).filter(
      (name) => !given.includes(name) && !names.includes(name) && !OF_THE_PLACE.has(name),
    ),
  ).toEqual([]);
});

test("a form is made from a description", () => {
  expect(
    fieldsFrom({
      properties: {
        on: { type: "string", format: "date" },
        days: { type: ["number", "null"] },
        tags: { type: "array", items: { type: "string" } },
      },
      required: ["on"],
    }),
  ).toEqual([
    { is: "date", name: "on", label: "On" },
    { is: "number", name: "days", label: "Days", optional: true },
    { is: "lines", name: "tags", label: "Tags", optional: true },
  ]);
});
