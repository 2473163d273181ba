// A number that matters, with what it is and the interval it stands in.
import classes from "./Figure.module.css";
import type { ReactNode } from "react";
import type { Effect } from "../api/model.ts";
import { effect, interval, type Unit } from "./number.ts";

export function Figure({
  label,
  children,
  note,
  tone,
}: {
  label: ReactNode;
  children: ReactNode;
  note?: ReactNode;
  tone?: "gain" | "loss" | "late" | undefined;
}) {
  return (
    <div className={classes.figure}>
      <div className={classes.label}>{label}</div>
      <div className={classes.value} data-tone={tone}>
        {children}
      </div>
      {note !== undefined && <div className={classes.note}>{note}</div>}
    </div>
  );
}

/** An effect as a figure, with its interval beneath. */
export function EffectFigure({
  label,
  told,
  unit,
  note,
}: {
  label: ReactNode;
  told: Effect | null | undefined;
  unit: Unit;
  note?: ReactNode;
}) {
  if (told === null || told === undefined)
    return (
      <Figure label={label} note={note}>
        not known yet
      </Figure>
    );
  return (
    <Figure
      label={label}
      note={
        <>
          {told.interval !== null && <>95 % interval {interval(told.interval, unit)}</>}
          {note}
        </>
      }
    >
      {effect(told.estimate, unit, told.interval)}
    </Figure>
  );
}

/** Figures in a row that wraps. */
export function Figures({ children }: { children: ReactNode }) {
  return <div className={classes.row}>{children}</div>;
}
