// A day that was chosen is that day wherever the reader is.
import { afterEach, expect, test, vi } from "vitest";
import { dayFrom, instantFrom } from "./days.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([
  ["Europe/Berlin", "2026-06-09T22:00:00.000Z"],
  ["Pacific/Auckland", "2026-06-09T12:00:00.000Z"],
  ["America/New_York", "2026-06-10T04:00:00.000Z"],
  ["UTC", "2026-06-10T00:00:00.000Z"],
])("in %s", (zone, instant) => {
  vi.stubEnv("TZ", zone);
  expect(instantFrom("2026-06-10")).toBe(instant);
  expect(dayFrom("2026-06-10")).toBe("2026-06-10");
  // As older addresses have it.
  expect(instantFrom(instant)).toBe(instant);
  expect(dayFrom(instant)).toBe("2026-06-10");
});

test.each([undefined, "", "soon", "2026-13-45"])("%s is not asked for", (given) =>
  expect(instantFrom(given)).toBeUndefined());
