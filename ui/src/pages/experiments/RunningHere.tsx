// Experiments that run here, or are planned to: where each stands and how far it is. Those that ended with a result are in the list of results too.
import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Run } from "../../api/model.ts";
import { runs } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { day, differenceUnit, effectSentence, of } from "../../lib/number.ts";
import { Asked, EmptyState, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { StatusBadge } from "../run/status.tsx";

/** What is open comes first. */
const ORDER: Readonly<Record<Run["status"], number>> = { running: 0, planned: 1, judged: 2, stopped: 3 };

export function RunningHere() {
  return (
    <Section
      id="here"
      title="Running here"
      says="Tenure draws the arms on a flag, looks, and judges each arm against control."
      actions={<CommandButton command="plan_run" size="xs" />}
      flush
    >
      <Asked of={useQuery(runs)} lines={2}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No experiment runs here">
              Plan one, and its result is in the list below as soon as it is judged.
            </EmptyState>
          ) : (
            <Rows
              label="Experiments that run here"
              rows={[...all].sort((a, b) => ORDER[a.status] - ORDER[b.status])}
              rowKey={(one) => one.experiment}
              columns={[
                {
                  name: "Experiment",
                  width: "minmax(220px, 2fr)",
                  phone: "minmax(0, 1.3fr)",
                  cell: (one) => (
                    <>
                      <Anchor
                        component={Link}
                        to={`/experiments/${encodeURIComponent(one.experiment)}/run`}
                        size="sm"
                        fw={560}
                        truncate
                        display="block"
                      >
                        {one.plan.title ?? one.experiment}
                      </Anchor>
                      <Text size="xs" className="quiet" truncate>
                        {one.experiment} · {one.plan.team}
                      </Text>
                    </>
                  ),
                },
                { name: "Status", width: "110px", phone: "96px", cell: (one) => <StatusBadge status={one.status} /> },
                { name: "Since", width: "110px", cell: (one) => (one.started_on ? day(one.started_on) : "") },
                { name: "Looks", width: "86px", cell: (one) => of(one.looks, "look") },
                {
                  name: "Best arm so far",
                  width: "minmax(280px, 1.6fr)",
                  cell: (one) => bestOf(one),
                },
              ]}
            />
          )
        }
      </Asked>
      <Cut of={runs} what="experiments that run here" />
    </Section>
  );
}

/** The arm that is ahead, with its interval. */
function bestOf({ arms, plan, ended }: Run): string {
  const sign = plan.metric.direction === "decrease" ? -1 : 1;
  const told = Object.entries(arms).flatMap(([name, { latest }]) =>
    latest?.judged.absolute ? [{ name, effect: latest.judged.absolute }] : [],
  );
  const best =
    told.find(({ name }) => name === ended?.arm) ??
    told.sort((a, b) => sign * (b.effect.estimate - a.effect.estimate))[0];
  return best === undefined
    ? "nothing measured yet"
    : `${best.name}: ${effectSentence(best.effect, differenceUnit(plan.metric.kind))}`;
}
