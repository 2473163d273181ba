// An experiment while it runs here: its arms against control, looks over time, guardrails, health, its plan, and how it ended.
import { Anchor, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import type { Run } from "../../api/model.ts";
import { cases, run, wholeOf } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { ByDay } from "../../lib/look/ByDay.tsx";
import { Guardrails } from "../../lib/look/Guardrails.tsx";
import { Health } from "../../lib/look/Health.tsx";
import { PersonName, TeamName } from "../../lib/names.tsx";
import { count, day, dayOf, decimal, of } from "../../lib/number.ts";
import { Asked, PageHeader, Section } from "../../lib/Page.tsx";
import { Arms } from "./Arms.tsx";
import { Looks, Sequences } from "./Looks.tsx";
import { Plan, PlanAnew, unitOf } from "./Plan.tsx";
import { StatusBadge, stepsOf } from "./status.tsx";
import { said } from "../../lib/said.ts";

export default function RunPage() {
  const { id = "" } = useParams();
  return (
    <Asked of={useQuery(run(id))} lines={10}>
      {(one) => <Whole run={one} />}
    </Asked>
  );
}

function Whole({ run }: { run: Run }) {
  const { plan, latest } = run;
  const guardrails = plan.guardrails ?? [];
  const button = { with: { experiment: run.experiment }, choices: stepsOf(run) } as const;
  const measured = Object.entries(run.arms).flatMap(([name, { latest }]) => (latest ? [{ name, latest }] : []));
  const [first] = measured;
  return (
    <>
      <PageHeader
        title={plan.title ?? run.experiment}
        back={{ to: "/experiments", label: "Experiments" }}
        says={
          <Group gap="xs">
            <StatusBadge status={run.status} />
            <span className="mono">{run.experiment}</span>
            <span>
              by <TeamName team={plan.team} />
              {run.started_on && `, since ${day(run.started_on)}`}
            </span>
          </Group>
        }
        actions={
          <>
            <PlanAnew run={run} />
            <CommandButton command="start_run" {...button} primary />
            <CommandButton command="stop_run" {...button} />
          </>
        }
      />
      <Ended run={run} />
      <Section>
        <Figures>
          <Figure label="Admitted to an arm" note="of all units">
            {decimal(plan.coverage_percent, 1)} %
          </Figure>
          <Figure label="Units in control" note={`of ${count(plan.planned_n)} planned`}>
            {first ? count(first.latest.control.n) : "none yet"}
          </Figure>
          <Figure label="Looks" note={run.looked ? `the last on ${dayOf(run.looked)}` : "none yet"}>
            {count(run.looks)}
          </Figure>
          {latest && latest.units_in_two_arms > 0 && (
            <Figure label="Seen in two arms" note="units that count in none" tone="late">
              {count(latest.units_in_two_arms)}
            </Figure>
          )}
          <Figure label="Lasts at most" note={`no positive verdict before ${of(plan.min_days, "day")}`}>
            {of(plan.max_days, "day")}
          </Figure>
        </Figures>
      </Section>
      <Arms run={run} />
      <Sequences run={run} />
      {measured.map(({ name, latest }) => (
        <ByDay
          key={name}
          novelty={latest.by_day}
          unit={unitOf(run)}
          isRelative={plan.scale === "relative"}
          {...(measured.length > 1 ? { of: name } : {})}
        />
      ))}
      {guardrails.length === 0 || measured.length === 0 ? (
        <Guardrails planned={guardrails} latest={[]} />
      ) : (
        measured.map(({ name, latest }) => (
          <Guardrails
            key={name}
            planned={guardrails}
            latest={latest.guardrails ?? []}
            {...(measured.length > 1 ? { of: name } : {})}
          />
        ))
      )}
      {latest && <Health look={latest} judged={latest.arms.map(({ judged }) => judged)} />}
      <Looks run={run} />
      <Plan run={run} />
    </>
  );
}

/** How it ended, and what may come of it. */
function Ended({ run: { experiment, ended, arms } }: { run: Run }) {
  const known = useQuery({ ...wholeOf(cases), enabled: ended?.arm != null }).data;
  if (ended === null) return null;
  const came = known?.find((one) => one.experiment === experiment);
  const won = ended.arm && arms[ended.arm]?.latest?.judged.verdict === "positive";
  return (
    <Section
      id="end"
      title={ended.arm ? `Its result is of ${ended.arm}` : "It ended without a result"}
      says={
        <>
          <PersonName account={ended.stamp.by} />, {dayOf(ended.stamp.at)}. Everybody gets what control gets.
        </>
      }
      actions={
        won && known !== undefined && came === undefined ? (
          <CommandButton command="open_case" with={{ experiment }} label="Open a case from it" primary />
        ) : undefined
      }
    >
      {ended.reason && <Text size="sm">Reason: {said(ended.reason)}.</Text>}
      {ended.arm && (
        <Text size="sm">
          It is registered as an experiment:{" "}
          <Anchor component={Link} to={`/experiments/${encodeURIComponent(experiment)}`} size="sm">
            the judged result
          </Anchor>
          {came && (
            <>
              , and its case is{" "}
              <Anchor component={Link} to={`/cases/${came.id}`} size="sm">
                {came.id}
              </Anchor>
            </>
          )}
          .
        </Text>
      )}
    </Section>
  );
}
