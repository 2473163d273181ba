// Figures as people read them: units, intervals, no more decimals than they deserve.
import { expect, test } from "vitest";
import { axisTicks } from "./EffectAxis.tsx";
import { effect, effectSentence, interval, money, percent } from "./number.ts";

test("an effect has a sign, its unit, and the decimals its interval deserves", () => {
  const check = (value: number, bounds: [number, number] | null, text: string) =>
    expect(effect(value, "pp", bounds)).toBe(text);
  check(0.012, null, "+1.20 pp");
  check(-0.012, null, "−1.20 pp");
  check(0.0012, [0.0011, 0.0013], "+0.120 pp");
  check(0.75, [0.46, 1.09], "+75.0 pp");
});

test("an interval is told in one unit and with one number of decimals", () => {
  expect(interval([0.0075, 0.0165], "pp")).toBe("0.75 to 1.65");
  expect(interval([-0.0075, 0.0165], "pp")).toBe("−0.75 to 1.65");
  expect(effectSentence({ estimate: 0.012, interval: [0.0075, 0.0165] }, "pp")).toBe(
    "+1.20 pp, 95 % interval 0.75 to 1.65",
  );
});

test("shares and money", () => {
  expect(percent(0.784)).toBe("78 %");
  expect(percent(0.005)).toBe("0.5 %");
  expect(money(51_840.4)).toBe("51,840");
});

test("an axis holds every value, and zero", () => {
  const check = (values: number[]) => {
    const ticks = axisTicks(values);
    expect(Math.min(...ticks)).toBeLessThanOrEqual(Math.min(0, ...values) + 1e-12);
    expect(Math.max(...ticks)).toBeGreaterThanOrEqual(Math.max(0, ...values) - 1e-12);
    expect(ticks.some((tick) => Math.abs(tick) < 1e-12)).toBe(true);
  };
  check([0.0075, 0.0165]);
  check([-0.03, -0.001]);
  check([-2, 7]);
});
