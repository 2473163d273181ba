// The rail from experiment to baseline: where a case has been, where it is, who moved it, when, and what shows it.
import classes from "./StageRail.module.css";
import { Anchor } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

export interface Stop {
  name: string;
  state: "done" | "now" | "ahead" | "left";
  note?: ReactNode;
  /** Where what shows it stands. */
  to?: string;
}

export function StageRail({ stops }: { stops: readonly Stop[] }) {
  return (
    <ol className={classes.rail}>
      {stops.map(({ name, state, note, to }) => (
        <li key={name} data-state={state} aria-current={state === "now" ? "step" : undefined}>
          <span className={classes.name}>
            {to === undefined ? (
              name
            ) : (
              <Anchor component={Link} to={to} inherit c="inherit">
                {name}
              </Anchor>
            )}
          </span>
          <span className={classes.note}>{note}</span>
        </li>
      ))}
    </ol>
  );
}
