// What was frozen when an experiment that is run here was planned, and the way to plan it anew before its start.
import { Anchor, Text } from "@mantine/core";
import { Link } from "react-router";
import type { Run, RunPlan } from "../../api/model.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { PersonName } from "../../lib/names.tsx";
import { count, dayOf, decimal, level, of, percent } from "../../lib/number.ts";
import { unitOn } from "../../lib/look/Sequence.tsx";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { plain, title as worded } from "../../lib/words.ts";
import { stepsOf } from "./status.tsx";

export function Plan({ run }: { run: Run }) {
  const { plan } = run;
  const weights = plan.arms.reduce((sum, { weight }) => sum + weight, 0);
  const smallest = smallestLift(plan);
  return (
    <Section id="plan" title="Plan">
      {plan.hypothesis && (
        <Text mb="md">
          <span className="quiet">We believe </span>
          {plan.hypothesis.we_believe}
          <span className="quiet"> will result in </span>
          {plan.hypothesis.will_result_in}
          <span className="quiet">, because </span>
          {plan.hypothesis.because}
          <span className="quiet">.</span>
        </Text>
      )}
      <Facts>
        <Fact name="Metric">
          {worded(plan.metric.name)}, a {plain(plan.metric.kind)} per <span className="mono">{plan.metric.unit}</span>;{" "}
          {plan.metric.direction === "decrease" ? "less" : "more"} is better
        </Fact>
        <Fact name="Arms">
          {plan.arms.map(({ name, value, weight }) => (
            <div key={name}>
              {name}: <span className="mono">{JSON.stringify(value)}</span>, {percent(weight / weights)} of those admitted
            </div>
          ))}
        </Fact>
        <Fact name="Admitted">{decimal(plan.coverage_percent, 2)} % of all units</Fact>
        <Fact name="Flag">
          <Anchor component={Link} to={`/flags/${encodeURIComponent(plan.flag)}`} size="sm">
            {plan.flag}
          </Anchor>{" "}
          in {plan.environment}
        </Fact>
        <Fact name="Size">
          {count(plan.planned_n)} units in control, by a level of {level(plan.expected.value, plan.metric.kind)}
          {smallest !== null && `, to find a change of ${percent(smallest)} of it`}
        </Fact>
        <Fact name="Lasts">
          at least {of(plan.min_days, "day")} before a positive verdict; closed after {of(plan.max_days, "day")}
          {typeof plan.window_hours === "number" &&
            `; outcomes count for ${of(plan.window_hours, "hour")} after first exposure`}
        </Fact>
        {plan.surface && <Fact name="Surface">{plan.surface}</Fact>}
        {plan.baseline && (
          <Fact name="Has to beat">
            <Anchor component={Link} to={`/cases/${plan.baseline}`} size="sm">
              {plan.baseline}
            </Anchor>
          </Fact>
        )}
        {plan.parent && (
          <Fact name="Follows">
            <Anchor component={Link} to={`/experiments/${encodeURIComponent(plan.parent)}`} size="sm">
              {plan.parent}
            </Anchor>
          </Fact>
        )}
        <Fact name="Planned">
          <PersonName account={run.planned.by} />, {dayOf(run.planned.at)}
        </Fact>
        {run.started && (
          <Fact name="Started">
            <PersonName account={run.started.by} />, {dayOf(run.started.at)}
          </Fact>
        )}
      </Facts>
    </Section>
  );
}

/** The smallest effect worth finding as a share of control's level. */
function smallestLift({ effect, scale, expected }: RunPlan): number | null {
  if (typeof effect !== "number") return null;
  if (scale === "relative") return Math.expm1(effect);
  return expected.value === 0 ? null : effect / Math.abs(expected.value);
}

/** Planning it anew: the dialog begins with the plan in force, and keeps what it does not ask for. */
export function PlanAnew({ run }: { run: Run }) {
  const { plan } = run;
  const smallest = smallestLift(plan);
  const given = {
    title: plan.title,
    ...plan.hypothesis,
    team: plan.team,
    flag: plan.flag,
    metric: plan.metric.name,
    arms: plan.arms,
    coverage_percent: plan.coverage_percent,
    level: plan.expected.value,
    ...(plan.metric.kind === "mean" ? { sd: Math.sqrt(plan.expected.variance) } : {}),
    ...(smallest === null
      ? { planned_n: plan.planned_n }
      : { smallest_lift: Number((Math.abs(smallest) * 100).toPrecision(10)) }),
    min_days: plan.min_days,
    max_days: plan.max_days,
    window_hours: plan.window_hours,
    guardrails: plan.guardrails,
    environment: plan.environment,
    surface: plan.surface,
    baseline: plan.baseline,
  };
  return (
    <CommandButton
      command="plan_run"
      label="Plan anew"
      with={{ experiment: run.experiment, unit: plan.metric.unit, ...(plan.parent ? { parent: plan.parent } : {}) }}
      initial={given}
      choices={stepsOf(run)}
    />
  );
}

/** The unit in which its effects are told. */
export const unitOf = ({ plan }: Run) => unitOn(plan.scale, plan.metric.kind);
