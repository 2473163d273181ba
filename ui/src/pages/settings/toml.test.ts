// A policy is written as the file that says the same.
import { expect, test } from "vitest";
import { toml } from "./toml.ts";

test("keys come before tables, dates stand bare, nothing is null", () => {
  expect(
    toml({
      weights: { polish: 1 },
      alpha: 0.05,
      who: "one",
      none: null,
      empty: {},
      holidays: ["2026-12-25"],
      teams: { growth: { alpha: 0.01 }, "a b": { weights: { polish: 2 } } },
    }),
  ).toBe(
    'alpha = 0.05\nwho = "one"\nholidays = [2026-12-25]\n\n[weights]\npolish = 1\n\n[teams.growth]\nalpha = 0.01\n\n[teams."a b".weights]\npolish = 2\n',
  );
});
