// What a command is given: what is known is not asked again, what is hidden or empty is not sent.
import { expect, test } from "vitest";
import { argumentsOf, fieldsOf, formOf, idFrom, missing } from "./forms.ts";

const names = (command: string, given: Record<string, unknown>, known: string[] = []) =>
  fieldsOf(formOf(command), given, new Set(known)).map(({ name }) => name);

test("fields of another kind of decision are not shown", () => {
  expect(names("decide", { kind: "park" })).toEqual(["kind", "reason", "unblock", "review_on"]);
  expect(names("decide", { kind: "proceed" }, ["kind"])).toEqual(["reason"]);
});

test("what is missing is named, what is optional is not", () => {
  expect(missing(fieldsOf(formOf("submit_estimate"), {}, new Set()), { days: [1, 2, undefined] })).toEqual([
    "codebase",
    "days",
  ]);
});

test("arguments hold what was known and given, and nothing hidden or empty", () => {
  const check = (command: string, known: object, given: object, sent: object) =>
    expect(argumentsOf(formOf(command), { ...known }, { ...given })).toEqual(sent);
  check(
    "decide",
    { case: "PC-1", kind: "proceed" },
    { reason: "pays", goals: ["x"] },
    { case: "PC-1", kind: "proceed", reason: "pays" },
  );
  check(
    "answer_buy_in",
    { case: "PC-1", team: "t" },
    { answer: "approve", comment: " " },
    { case: "PC-1", team: "t", answer: "approve" },
  );
  check(
    "record_measurement",
    { case: "PC-1" },
    { source: "s", control: [10, 1], treatment: [10, 2] },
    { case: "PC-1", source: "s", measurement: { control: [10, 1], treatment: [10, 2], planned_n: 0 } },
  );
  check(
    "decide_outcome",
    { case: "PC-1", kind: "keep_justified" },
    { why: "w", maintenance_days: 1, who_pays: "p", review_on: "2027-01-01" },
    {
      case: "PC-1",
      kind: "keep_justified",
      justification: { why: "w", maintenance_days: 1, who_pays: "p", review_on: "2027-01-01" },
    },
  );
});

test("a name is made from words", () => expect(idFrom("BUG", "Empty basket, again!")).toBe("BUG-EMPTY-BASKET-AGAIN"));
