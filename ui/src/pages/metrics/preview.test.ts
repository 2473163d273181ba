// What a definition makes of a unit's events.
import { expect, test } from "vitest";
import type { Draft } from "./preview.ts";
import { numberOf } from "./preview.ts";

const EVENTS = [
  { event: "buy", hours: 2, value: 10 },
  { event: "buy", hours: 30, value: 50 },
  { event: "see", hours: 1, value: 1 },
  { event: "see", hours: 2, value: 1 },
];

test.each<[string, Partial<Draft>, number | null]>([
  ["any event makes a one", { kind: "proportion" }, 1],
  ["outside its window it does not", { kind: "proportion", event: "buy", window_hours: 2 }, 0],
  ["values are summed", { kind: "mean" }, 60],
  ["the window cuts", { kind: "mean", window_hours: 24 }, 10],
  ["the cap holds", { kind: "mean", cap: 20 }, 20],
  ["the last one by time", { kind: "mean", aggregation: "last" }, 50],
  ["events are counted", { kind: "mean", aggregation: "count" }, 2],
  ["a ratio divides", { kind: "ratio", denominator: "see" }, 30],
  ["a ratio over nothing says nothing", { kind: "ratio", denominator: "nothing" }, null],
])("%s", (_, draft, expected) => {
  expect(numberOf({ metric: "buy", kind: "mean", direction: "increase", unit: "targetingKey", ...draft }, EVENTS)).toBe(
    expected,
  );
});
