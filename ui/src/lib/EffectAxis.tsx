// Promise and delivery on one axis, each with its interval: the picture a sceptic looks at first. Positions are shares of the width, so it
// needs no measuring and prints as it stands; the numbers are said beside each row, so that nothing depends on seeing it.
import classes from "./EffectAxis.module.css";
import type { Effect, Interval } from "../api/model.ts";
import { decimal, effect, interval, type Unit } from "./number.ts";

export interface EffectRow {
  label: string;
  told: Effect;
  tone: "promise" | "gain" | "loss" | "open";
  note?: string;
}

export function EffectAxis({ rows, unit }: { rows: readonly EffectRow[]; unit: Unit }) {
  const ticks = axisTicks(rows.flatMap(({ told }) => [told.estimate, ...(told.interval ?? [])]));
  const first = ticks[0] ?? 0;
  const span = (ticks[ticks.length - 1] ?? 1) - first || 1;
  const at = (value: number) => `${Math.min(100, Math.max(0, ((value - first) / span) * 100))}%`;
  const between = ([low = 0, high = 0]: Interval) => ({ left: at(low), width: `calc(${at(high)} - ${at(low)})` });
  return (
    <div className={classes.axis}>
      {rows.map(({ label, told, tone, note }) => (
        <div className={classes.row} key={label}>
          <div className={classes.label}>
            <div>{label}</div>
            {note !== undefined && <div className={classes.note}>{note}</div>}
          </div>
          <div className={classes.track} aria-hidden>
            {ticks.map((tick) => (
              <i key={tick} className={classes.grid} data-zero={tick === 0 || undefined} style={{ left: at(tick) }} />
            ))}
            {told.interval !== null && <i className={classes.bar} data-tone={tone} style={between(told.interval)} />}
            <i className={classes.point} data-tone={tone} style={{ left: at(told.estimate) }} />
          </div>
          <div className={classes.said}>
            <b>{effect(told.estimate, unit, told.interval)}</b>
            {told.interval !== null && <span>95 % interval {interval(told.interval, unit)}</span>}
          </div>
        </div>
      ))}
      <div className={classes.row} aria-hidden>
        <div className={classes.label} />
        <div className={classes.ticks}>
          {ticks.map((tick) => (
            <span key={tick} style={{ left: at(tick) }}>
              {tickLabel(tick, unit)}
            </span>
          ))}
        </div>
        <div className={classes.said} />
      </div>
    </div>
  );
}

function tickLabel(tick: number, unit: Unit): string {
  const value = unit === "plain" ? tick : tick * 100;
  return decimal(Number(value.toPrecision(6)), 4);
}

/** Round values that hold all of the given ones, and zero. */
export function axisTicks(values: readonly number[], about = 5): number[] {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(0, ...finite);
  const high = Math.max(0, ...finite);
  const span = high - low || 1;
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const from = Math.floor(low / step + 1e-9);
  const to = Math.ceil(high / step - 1e-9);
  return Array.from({ length: to - from + 1 }, (_, index) => Number(((from + index) * step).toPrecision(12)));
}
