// Numbers, money and dates as the reader writes them, with a real minus sign and no more decimals than they deserve.
import type { Effect, Interval } from "../api/model.ts";

/** How an effect is told: percentage points, percent, or in the metric's own unit. */
export type Unit = "pp" | "percent" | "plain";

const MINUS = "−";

/** Formats by their decimals: to make one takes longer than to draw the row it stands in. */
const formats = new Map<string, Intl.NumberFormat>();

/** A number with so many decimals at most, and at least. */
function format(value: number, decimalsMax: number, decimalsMin = 0): string {
  const key = `${decimalsMin} to ${decimalsMax}`;
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.NumberFormat(undefined, {
      minimumFractionDigits: decimalsMin,
      maximumFractionDigits: decimalsMax,
    });
    formats.set(key, made);
  }
  return made.format(value).replace(/^-/, MINUS);
}

/** A whole number with its thousands grouped. */
export function count(value: number): string {
  return format(value, 0);
}

/** A number with at most so many decimals. */
export function decimal(value: number, decimalsMax = 1): string {
  return format(value, decimalsMax);
}

/** A share as a percentage: `78 %`, and `0.5 %` where that is needed to tell it from nothing. */
export function percent(share: number): string {
  const value = share * 100;
  return `${decimal(value, Math.abs(value) < 10 ? 1 : 0)} %`;
}

/** A p-value: `p = 0.013`, and `p < 0.001` below that. */
export function pValue(p: number): string {
  return p < 0.001 ? "p < 0.001" : `p = ${decimal(p, 3)}`;
}

/** An amount of money, whole from 100 on; in the company's own currency when none is named. */
export function money(amount: number, currency?: string | null): string {
  const text = decimal(amount, Math.abs(amount) >= 100 ? 0 : 2);
  return currency ? `${text} ${currency}` : text;
}

/** Money in a headline: `370 k`, `1.2 m`. */
export function moneyShort(amount: number, currency?: string | null): string {
  const size = Math.abs(amount);
  const text =
    size >= 1e6
      ? `${decimal(amount / 1e6, 2)} m`
      : size >= 10_000
        ? `${decimal(amount / 1e3, 0)} k`
        : decimal(amount, 0);
  return currency ? `${text} ${currency}` : text;
}

/** Months until something is paid back: `0.7 months`, `2.3 years`. */
export function months(value: number): string {
  return value >= 24 ? of(value / 12, "year") : of(value, "month");
}

/** So many of a thing: `1 day`, `14 days`. */
export function of(value: number, one: string, many = `${one}s`): string {
  const text = decimal(value, 1);
  return text === "1" ? `1 ${one}` : `${text} ${many}`;
}

/** Decimals that show an interval to two digits of its half width, from two to six. */
function decimalsFor(interval: Interval | null, scale: number): number {
  if (interval === null) return 2;
  const [low = 0, high = 0] = interval;
  const half = (Math.abs(high - low) / 2) * scale;
  if (!(half > 0) || !Number.isFinite(half)) return 2;
  if (half >= 10) return 1;
  return Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(half) + 1e-9)));
}

const SCALE: Record<Unit, number> = { pp: 100, percent: 100, plain: 1 };
const SUFFIX: Record<Unit, string> = { pp: " pp", percent: " %", plain: "" };

/** An effect as a figure: `+1.20 pp`. */
export function effect(value: number, unit: Unit, interval: Interval | null = null): string {
  const decimals = decimalsFor(interval, SCALE[unit]);
  const scaled = value * SCALE[unit];
  const text = format(Math.abs(scaled), decimals, decimals);
  return `${scaled < 0 ? MINUS : "+"}${text}${SUFFIX[unit]}`;
}

/** An interval in words: `0.75 to 1.65`. */
export function interval(bounds: Interval, unit: Unit): string {
  const decimals = decimalsFor(bounds, SCALE[unit]);
  return bounds
    .map((bound) => format(bound * SCALE[unit], decimals, decimals))
    .join(" to ");
}

/** An effect with its interval, as it is said in a sentence: `+1.20 pp, 95 % interval 0.75 to 1.65`. */
export function effectSentence(told: Effect, unit: Unit): string {
  const figure = effect(told.estimate, unit, told.interval);
  return told.interval === null ? figure : `${figure}, 95 % interval ${interval(told.interval, unit)}`;
}

/** The unit in which a difference of a metric is told. */
export function differenceUnit(metricKind: string | undefined): Unit {
  return metricKind === "proportion" ? "pp" : "plain";
}

/** A level of a metric: `10.42 %` for a proportion. */
export function level(value: number, metricKind: string | undefined): string {
  return metricKind === "proportion" ? `${decimal(value * 100, 2)} %` : decimal(value, 4);
}

const DATE: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
const inUtc = new Intl.DateTimeFormat(undefined, { ...DATE, timeZone: "UTC" });
const here = new Intl.DateTimeFormat(undefined, DATE);
const hereWithTime = new Intl.DateTimeFormat(undefined, {
  ...DATE,
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
});

function told(format: Intl.DateTimeFormat, date: Date): string {
  return Number.isNaN(date.getTime()) ? "no date" : format.format(date);
}

/** A date without a time, such as a deadline, in words: it is the same day everywhere. */
export function day(date: string): string {
  return told(inUtc, new Date(`${date.slice(0, 10)}T12:00:00Z`));
}

/** An instant's date where the reader is. */
export function dayOf(instant: string): string {
  return told(here, new Date(instant));
}

/** An instant where the reader is, with the zone. */
export function instantOf(instant: string): string {
  return told(hereWithTime, new Date(instant));
}
