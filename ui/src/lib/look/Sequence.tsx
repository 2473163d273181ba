// The confidence sequence: estimate and interval at each look. Anybody may look at any time; the interval keeps its promise all the same.
import classes from "./Sequence.module.css";
import { useElementSize } from "@mantine/hooks";
import { axisTicks } from "../EffectAxis.tsx";
import type { Interval, Look } from "../../api/model.ts";
import { count, dayOf, decimal, differenceUnit, effect, interval, type Unit } from "../number.ts";

/** Until the width is known, and where nothing measures it. */
const WIDTH_FIRST = 820;
const HEIGHT = 260;
const LEFT = 46;
const BOTTOM = 26;

/** Looks whose interval is so wide that the later ones would be a line; they are drawn to the edge. */
const WIDEST_OF_LAST = 3;

/** What is drawn, in words. */
export const AT_EACH_LOOK: Readonly<Record<Unit, string>> = {
  percent: "The lift at each look, in percent.",
  pp: "The difference at each look, in percentage points.",
  plain: "The difference at each look, in the metric's unit.",
};

export const BOUNDS: Readonly<Record<string, string>> = {
  planned:
    "The bound in force is the planned one, which spends its error over the plan's looks; the forever one stands behind it.",
  forever: "The bound in force is the forever one: it holds however often and however long it is watched.",
  fixed: "One look of a fixed design.",
  newcombe: "One look of a fixed design.",
};

/** The unit in which effects on a plan's scale are told. */
export const unitOn = (scale: string, metricKind: string | undefined): Unit =>
  scale === "relative" ? "percent" : differenceUnit(metricKind);

/** A look on the plan's scale as a reader takes it: a lift in percent where the plan is relative. */
export function told(look: Look, scale: string): Look {
  if (scale !== "relative") return look;
  const lift = (interval: number[]) => interval.map(Math.expm1);
  const { planned, forever } = look.bounds ?? {};
  return {
    ...look,
    estimate: Math.expm1(look.estimate),
    interval: lift(look.interval),
    bounds: { ...(planned && { planned: lift(planned) }), ...(forever && { forever: lift(forever) }) },
  };
}

const low = ([first = 0]: Interval) => first;
const high = ([, second = 0]: Interval) => second;

export function Sequence({
  looks,
  unit,
  expected,
}: {
  looks: readonly Look[];
  unit: Unit;
  /** The experiment's effect after correction, drawn as a line. */ expected?: number;
}) {
  // As wide as its place, so that words keep their size on a phone.
  const { ref, width: measured } = useElementSize();
  const width = measured > 0 ? measured : WIDTH_FIRST;
  const last = looks[looks.length - 1];
  const first = looks[0];
  if (last === undefined || first === undefined) return null;
  const reach = WIDEST_OF_LAST * Math.max(Math.abs(high(last.interval) - low(last.interval)), Math.abs(last.estimate));
  const clip = (value: number) => Math.min(last.estimate + reach, Math.max(last.estimate - reach, value));
  const ticks = axisTicks([
    ...looks.flatMap((look) => look.interval.map(clip)),
    ...(expected === undefined ? [] : [clip(expected)]),
  ]);
  const bottom = ticks[0] ?? 0;
  const top = ticks[ticks.length - 1] ?? 1;
  const from = Date.parse(first.at);
  const span = Date.parse(last.at) - from || 1;
  const x = (at: string) => LEFT + ((Date.parse(at) - from) / span) * (width - LEFT - 10);
  const y = (value: number) => 8 + ((top - value) / (top - bottom || 1)) * (HEIGHT - BOTTOM - 8);
  const band = (of: readonly (readonly [string, Interval])[]) =>
    [
      ...of.map(([at, drawn]) => `${x(at)},${y(clip(high(drawn)))}`),
      ...of.map(([at, drawn]) => `${x(at)},${y(clip(low(drawn)))}`).reverse(),
    ].join(" ");
  const inForce = looks.map((look) => [look.at, look.interval] as const);
  const forever = looks.flatMap((look) => (look.bounds?.forever ? [[look.at, look.bounds.forever] as const] : []));
  const planned = looks.flatMap((look) => (look.bounds?.planned ? [[look.at, look.bounds.planned] as const] : []));
  return (
    <figure className={classes.figure} ref={ref}>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={`${looks.length} looks; the last: ${effect(last.estimate, unit, last.interval)}, 95 % interval ${interval(last.interval, unit)}`}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line
              x1={LEFT}
              x2={width - 10}
              y1={y(tick)}
              y2={y(tick)}
              className={tick === 0 ? classes.zero : classes.grid}
            />
            <text x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
              {decimal(unit === "plain" ? tick : tick * 100, 2)}
            </text>
          </g>
        ))}
        {forever.length > 1 && <polygon points={band(forever)} className={classes.forever} />}
        <polygon points={band(inForce)} className={classes.band} />
        {planned.map(([at, drawn]) => (
          <path
            key={at}
            d={`M${x(at)},${y(clip(low(drawn)))}V${y(clip(high(drawn)))}`}
            className={classes.planned}
          />
        ))}
        <polyline
          points={looks.map((look) => `${x(look.at)},${y(clip(look.estimate))}`).join(" ")}
          className={classes.line}
        />
        {looks.map((look) => (
          <circle key={look.at} cx={x(look.at)} cy={y(clip(look.estimate))} r={3.5} className={classes.dot}>
            <title>{`${dayOf(look.at)}: ${effect(look.estimate, unit, look.interval)}, 95 % interval ${interval(look.interval, unit)}, ${count(look.units)} units`}</title>
          </circle>
        ))}
        {expected !== undefined && (
          <g>
            <line
              x1={LEFT}
              x2={width - 10}
              y1={y(clip(expected))}
              y2={y(clip(expected))}
              className={classes.expected}
            />
            <text x={width - 12} y={y(clip(expected)) - 5} textAnchor="end" className={classes.over}>
              the experiment, corrected: {effect(expected, unit, last.interval)}
            </text>
          </g>
        )}
        <text x={LEFT} y={HEIGHT - 6}>
          {dayOf(first.at)}
        </text>
        <text x={width - 10} y={HEIGHT - 6} textAnchor="end">
          {dayOf(last.at)}
        </text>
      </svg>
      {forever.length > 1 && (
        <figcaption className={classes.legend}>
          <span className={classes.inForceKey}>in force</span>
          <span className={classes.foreverKey}>forever bound</span>
          {planned.length > 0 && <span className={classes.plannedKey}>planned bound</span>}
        </figcaption>
      )}
    </figure>
  );
}
