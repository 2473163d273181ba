// A number that matters, with what it is and the interval it stands in.
import classes from "./Figure.module.css";
import type { ReactNode } from "react";

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

/** Figures in a row that wraps. */
export function Figures({ children }: { children: ReactNode }) {
  return <div className={classes.row}>{children}</div>;
}
