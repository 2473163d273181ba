// A flag in words, and what is wrong with a draft.
import { expect, test } from "vitest";
import {
  type Authored,
  compared,
  type Condition,
  conditionWords,
  faultsOf,
  NEW,
  whoGetsWhat,
  withValues,
} from "./authored.ts";

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
  [{ attribute: "title", is: "contains", not: true, values: ["x"] }, "title does not contain x"],
  [{ attribute: "age", is: "at_least", values: [18] }, "age is at least 18"],
  [{ attribute: "age", is: "less", not: true, values: [18] }, "age is not less than 18"],
  [{ attribute: "app", is: "version_is", values: ["2.1.0"] }, "app is version 2.1.0"],
  [{ attribute: "app", is: "version_before", not: true, values: ["2.1.0"] }, "app is not a version before 2.1.0"],
  [{ attribute: "app", is: "version_from", values: ["2.1.0"] }, "app is at least version 2.1.0"],
  [{ attribute: "app", is: "version_same_major", values: ["2.1.0"] }, "app has the same major version as 2.1.0"],
  [
    { attribute: "app", is: "version_same_minor", not: true, values: ["2.1.0"] },
    "app does not have the same minor version as 2.1.0",
  ],
  [{ attribute: "email", is: "present", values: [] }, "email is there"],
  [{ attribute: "email", is: "present", not: true }, "email is not there"],
  [{ attribute: "email", is: "missing" }, "email is missing"],
  [{ attribute: "email", is: "missing", not: true }, "email is not missing"],
  [{ attribute: "", values: ["x"] }, "… is one of x"],
  [{ segment: "staff", not: true }, "not in the segment staff"],
])("a condition in words: %o", (condition, words) => expect(conditionWords(condition as Condition)).toBe(words));

test.each<[Condition["is"], unknown[]]>([
  ["at_most", [1]],
  ["version_from", ["1"]],
  ["starts_with", ["1", "2"]],
  ["missing", []],
])("a condition that becomes %s keeps what fits", (is, values) =>
  expect(compared({ attribute: "a", is: "one_of", values: ["1", "2"] }, is ?? "one_of")).toEqual({ is, values }),
);

test("a value that stood there keeps its type, and a size is a number", () => {
  expect(withValues({ is: "one_of", values: [1, true] }, ["1", "true", "2"])).toEqual([1, true, "2"]);
  expect(withValues({ is: "less", values: [] }, ["2"])).toEqual([2]);
});

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
