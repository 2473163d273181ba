// A change request stands on the desk of those whose approval it lacks, and on nobody else's.
import { expect, test } from "vitest";
import { waitsFor } from "./approvals.ts";

const ada = { account: "ada", may: ["desk", "flags"] } as Parameters<typeof waitsFor>[1];
const open = { status: "open", authors: ["ben"], approvals: {}, approvals_needed: 1 } as Parameters<typeof waitsFor>[0];
const stamp = { at: "2025-03-01T09:00:00Z", by: "cleo" };

test("it waits for whoever sets flags and is no author", () => {
  expect(waitsFor(open, ada)).toBe(true);
  expect(waitsFor({ ...open, authors: ["ben", "ada"] }, ada)).toBe(false);
  expect(waitsFor(open, { ...ada, may: ["desk"] })).toBe(false);
});

test("it waits no longer once it is approved, by the reader or by enough others, or has come to its end", () => {
  expect(waitsFor({ ...open, approvals: { cleo: stamp }, approvals_needed: 2 }, ada)).toBe(true);
  expect(waitsFor({ ...open, approvals: { cleo: stamp } }, ada)).toBe(false);
  expect(waitsFor({ ...open, approvals: { ada: stamp }, approvals_needed: 2 }, ada)).toBe(false);
  expect(waitsFor({ ...open, approvals_needed: 0 }, ada)).toBe(false);
  expect(waitsFor({ ...open, status: "applied" }, ada)).toBe(false);
});
