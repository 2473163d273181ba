// The rail from experiment to baseline: where a case has been, where it is, who moved it and when.
import classes from "./StageRail.module.css";
import type { ReactNode } from "react";

export interface Stop {
  name: string;
  state: "done" | "now" | "ahead" | "left";
  note?: ReactNode;
}

export function StageRail({ stops }: { stops: readonly Stop[] }) {
  return (
    <ol className={classes.rail}>
      {stops.map(({ name, state, note }) => (
        <li key={name} data-state={state} aria-current={state === "now" ? "step" : undefined}>
          <span className={classes.name}>{name}</span>
          <span className={classes.note}>{note}</span>
        </li>
      ))}
    </ol>
  );
}
