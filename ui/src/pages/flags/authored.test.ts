// A flag in words, and what is wrong with a draft.
import { expect, test } from "vitest";
import { type Authored, type Condition, conditionWords, faultsOf, NEW, whoGetsWhat } from "./authored.ts";

const FLAG: Authored = {
  type: "boolean",
  variants: { on: true, off: false },
  default: "off",
  enabled: true,
  targets: [{ variant: "on", keys: ["u1", "u2"] }],
  rules: [
    { name: "Staff", when: [{ segment: "staff", is: "one_of", not: false, values: [] }], serve: "on" },
    {
      when: [{ attribute: "plan", is: "one_of", not: false, values: ["team", "business"] }],
      serve: {
        split: [
          { variant: "on", percent: 20 },
          { variant: "off", percent: 80 },
        ],
      },
    },
  ],
} as Authored;

test("who gets what is told in the order in which it is decided", () => {
  expect(whoGetsWhat(FLAG)).toEqual([
    "2 named units get on.",
    "Staff: Everybody in the segment staff gets on.",
    "Everybody whose plan is one of team or business gets on 20 %, off 80 %, by targetingKey; each keeps what it got.",
    "All others get off.",
  ]);
});

test.each<[Partial<Condition>, string]>([
  [{ attribute: "plan", is: "one_of", not: true, values: ["free"] }, "plan is not one of free"],
  [{ attribute: "email", is: "ends_with", not: true, values: ["@example.com"] }, "email does not end with @example.com"],
  [{ attribute: "age", is: "at_least", values: [18] }, "age is at least 18"],
  [{ segment: "staff", not: true }, "not in the segment staff"],
])("a condition in words: %o", (condition, words) => expect(conditionWords(condition as Condition)).toBe(words));

test.each<[string, Partial<Authored>, string[]]>([
  ["a new flag is good", {}, []],
  ["a default that is no variant", { default: "new" }, ["The default new is none of the variants."]],
  [
    "parts that are not the whole",
    { rules: [{ serve: { split: [{ variant: "on", percent: 20 }] } }] as Authored["rules"] },
    ["The parts of rule 1 are 20 % together: they must be 100 %."],
  ],
  [
    "a rule that serves nothing",
    { rules: [{ serve: "" }] as Authored["rules"] },
    ["Rule 1 serves nothing, which is none of the variants."],
  ],
])("%s", (_, change, expected) => expect(faultsOf({ ...NEW, ...change })).toEqual(expected));
