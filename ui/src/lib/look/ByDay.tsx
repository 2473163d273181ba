// The effect by days since exposure: does it wear off with use, or grow? The same units are seen on all days.
import classes from "./Sequence.module.css";
import { VisuallyHidden } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import type { Interval, Novelty } from "../../api/model.ts";
import { axisTicks } from "../EffectAxis.tsx";
import { count, decimal, effect, interval, of, type Unit } from "../number.ts";
import { EmptyState, Section } from "../Page.tsx";
import { sentence } from "../said.ts";

const WIDTH_FIRST = 820;
const HEIGHT = 220;
const LEFT = 46;
const BOTTOM = 26;
/** Days that are named below the axis, at most. */
const NAMED_MAX = 14;
/** An interval so many times as wide as the one in the middle is drawn to the edge. */
const WIDEST_OF_MIDDLE = 3;

interface Day {
  day: number;
  estimate: number;
  interval: Interval;
}

export function ByDay({
  novelty,
  unit,
  isRelative,
  of: whose,
}: {
  /** None where the metric's window holds too few days, and until units were seen on all of them. */
  novelty: Novelty | null | undefined;
  unit: Unit;
  isRelative: boolean;
  /** Whose it is, where there are several of them on a page. */
  of?: string;
}) {
  const told = (value: number) => (isRelative ? Math.expm1(value) : value);
  const days = (novelty?.days ?? []).flatMap(({ day, estimate, interval }): Day[] =>
    estimate && interval ? [{ day, estimate: told(estimate.value), interval: interval.map(told) }] : [],
  );
  const title = "Effect by days since exposure";
  return (
    <Section
      id={whose === undefined ? "by-day" : `by-day-${whose}`}
      title={whose === undefined ? title : `${title}, ${whose}`}
      says={
        novelty && days.length > 0 ? (
          <>
            {sentence(novelty.sentence)} {count(novelty.control_n)} control and {count(novelty.treatment_n)} treatment
            units were seen on all {of(novelty.days.length, "day")}.
          </>
        ) : undefined
      }
    >
      {days.length === 0 ? (
        <EmptyState title="No effect by day">
          A metric whose outcomes count for some days after exposure has one, once units of both arms were seen on all
          of them.
        </EmptyState>
      ) : (
        <Drawn days={days} unit={unit} />
      )}
    </Section>
  );
}

function Drawn({ days, unit }: { days: readonly Day[]; unit: Unit }) {
  const { ref, width: measured } = useElementSize();
  const width = measured > 0 ? measured : WIDTH_FIRST;
  const widths = days.map(({ interval: [low = 0, high = 0] }) => high - low).sort((a, b) => a - b);
  const reach = WIDEST_OF_MIDDLE * (widths[Math.floor(widths.length / 2)] ?? 0);
  const shown = days.map((one) => ({
    ...one,
    drawn: one.interval.map((end) => Math.min(one.estimate + reach, Math.max(one.estimate - reach, end))),
  }));
  const ticks = axisTicks(shown.flatMap(({ drawn, estimate }) => [...drawn, estimate]));
  const bottom = ticks[0] ?? 0;
  const top = ticks[ticks.length - 1] ?? 1;
  const step = (width - LEFT - 10) / days.length;
  const x = (at: number) => LEFT + (at + 0.5) * step;
  const y = (value: number) => 8 + ((top - value) / (top - bottom || 1)) * (HEIGHT - BOTTOM - 8);
  const every = Math.ceil(days.length / NAMED_MAX);
  return (
    <figure className={classes.figure} ref={ref}>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} aria-hidden>
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
        {shown.map(({ day, estimate, interval: whole, drawn: [low = 0, high = 0] }, at) => (
          <g key={day}>
            <title>{`day ${day}: ${effect(estimate, unit, whole)}, 95 % interval ${interval(whole, unit)}`}</title>
            <path d={`M${x(at)},${y(low)}V${y(high)}`} className={classes.planned} />
            <circle cx={x(at)} cy={y(estimate)} r={3.5} className={classes.dot} />
            {at % every === 0 && (
              <text x={x(at)} y={HEIGHT - 6} textAnchor="middle">
                {at === 0 ? `day ${day}` : day}
              </text>
            )}
          </g>
        ))}
      </svg>
      <VisuallyHidden>
        <table>
          <thead>
            <tr>
              <th scope="col">Day since exposure</th>
              <th scope="col">Effect</th>
              <th scope="col">95 % interval</th>
            </tr>
          </thead>
          <tbody>
            {days.map(({ day, estimate, interval: whole }) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                <td>{effect(estimate, unit, whole)}</td>
                <td>{interval(whole, unit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </VisuallyHidden>
    </figure>
  );
}
