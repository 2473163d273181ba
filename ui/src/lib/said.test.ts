import { expect, test } from "vitest";
import { day, instantOf } from "./number.ts";
import { opening, said, sentence } from "./said.ts";

const DAY = day("2026-11-23");
const INSTANT = instantOf("2026-11-23T22:54:04.125Z");

test.each([
  ["nothing to change in EXP-2026-11", "nothing to change in EXP-2026-11"],
  ["held since 2026-11-23, and that is long", `held since ${DAY}, and that is long`],
  ["since 2026-11-23T22:54:04.125Z", `since ${INSTANT}`],
  ["from 2026-11-23 to 2026-11-23", `from ${DAY} to ${DAY}`],
  ["a name like 2026-11-23-launch stays", "a name like 2026-11-23-launch stays"],
  ["no such day: 2026-13-45", "no such day: 2026-13-45"],
  ["+1.20 pp", "+1.20\u00a0pp"],
])("%s", (words, expected) => expect(said(words)).toBe(expected));

test("a sentence begins large and ends with a stop", () => {
  expect(sentence("the case is held")).toBe("The case is held.");
  expect(sentence("Is it held?")).toBe("Is it held?");
  expect(opening("answer it")).toBe("Answer it");
});
