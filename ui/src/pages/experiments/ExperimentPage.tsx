// One experiment: what was believed, what was measured, what the statistics said of it, and the case that came of it.
import { Anchor, Badge, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import type { Experiment, Summary } from "../../api/model.ts";
import { cases, experiment, wholeOf } from "../../api/queries.ts";
import { StageBadge, VerdictBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { EffectAxis, type EffectRow } from "../../lib/EffectAxis.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { PersonName, TeamName } from "../../lib/names.tsx";
import { count, day, dayOf, differenceUnit, effectSentence, level, of, percent, pValue } from "../../lib/number.ts";
import { Asked, Fact, Facts, PageHeader, Section } from "../../lib/Page.tsx";
import { sentence } from "../../lib/said.ts";
import { plain, title as worded } from "../../lib/words.ts";

export default function ExperimentPage() {
  const { id = "" } = useParams();
  const asked = useQuery(experiment(id));
  return (
    <Asked of={asked} lines={8}>
      {(one) => <Whole one={one} />}
    </Asked>
  );
}

/** An arm as it was given: units and successes, or moments. */
function armOf(arm: unknown): { n: number; level: number | null } {
  if (Array.isArray(arm)) return { n: Number(arm[0]), level: Number(arm[1]) / Number(arm[0]) };
  const given = arm as { n?: number; mean?: number; successes?: number } | null;
  const n = given?.n ?? 0;
  return { n, level: given?.mean ?? (given?.successes !== undefined && n > 0 ? given.successes / n : null) };
}

function Whole({ one }: { one: Experiment }) {
  const { judged, metric, measurement, prior } = one;
  const unit = differenceUnit(metric.kind);
  const known = useQuery(wholeOf(cases));
  const mine = known.data?.filter(({ experiment: of }) => of === one.experiment);
  const [control, treatment] = [armOf(measurement.control), armOf(measurement.treatment)];
  const rows: EffectRow[] = judged.absolute
    ? [
        {
          label: "Difference",
          note: worded(metric.name),
          told: judged.absolute,
          tone: judged.verdict === "positive" ? "gain" : judged.verdict === "negative" ? "loss" : "open",
        },
      ]
    : [];
  return (
    <>
      <PageHeader
        title={one.title ?? one.experiment}
        back={{ to: "/experiments", label: "Experiments" }}
        says={
          <Group gap="xs">
            <VerdictBadge verdict={judged.verdict} nuance={judged.nuance ? plain(judged.nuance) : null} />
            <span className="mono">{one.experiment}</span>
            <span>
              by <TeamName team={one.team} />, ended {day(one.ended)}
            </span>
          </Group>
        }
        actions={
          mine?.length === 0 && judged.verdict === "positive" ? (
            <CommandButton command="open_case" with={{ experiment: one.experiment }} primary />
          ) : undefined
        }
      />
      {one.hypothesis && (
        <Section title="Hypothesis">
          <Text>
            <span className="quiet">We believe </span>
            {one.hypothesis.we_believe}
            <span className="quiet"> will result in </span>
            {one.hypothesis.will_result_in}
            <span className="quiet">, because </span>
            {one.hypothesis.because}
            <span className="quiet">.</span>
          </Text>
        </Section>
      )}
      <Section id="result" title="Result" says={sentence(judged.sentence)}>
        {rows.length > 0 && <EffectAxis rows={rows} unit={unit} />}
        <div style={{ marginTop: 18 }}>
          <Figures>
            <Figure label="Control" note={`${count(control.n)} units`}>
              {control.level === null ? "not given" : level(control.level, metric.kind)}
            </Figure>
            <Figure label="Treatment" note={`${count(treatment.n)} units`}>
              {treatment.level === null ? "not given" : level(treatment.level, metric.kind)}
            </Figure>
            {judged.lift && (
              <Figure
                label="Lift"
                note={`95 % interval ${judged.lift.interval.map((bound) => percent(bound)).join(" to ")}`}
              >
                {percent(judged.lift.estimate)}
              </Figure>
            )}
            {typeof judged.p_value === "number" && <Figure label="p-value">{pValue(judged.p_value)}</Figure>}
          </Figures>
        </div>
      </Section>
      <Section id="about" title="How it was measured">
        <Facts>
          <Fact name="Metric">
            {worded(metric.name)}, a {plain(metric.kind)} per <span className="mono">{metric.unit}</span>;{" "}
            {metric.direction === "decrease" ? "less" : "more"} is better
          </Fact>
          {measurement.source && <Fact name="Source">{measurement.source}</Fact>}
          {one.run && (
            <Fact name="Run here">
              {one.run.arm}, the best of {of(one.run.arms, "arm")} after {of(one.run.looks, "look")}:{" "}
              <Anchor component={Link} to={`/experiments/${encodeURIComponent(one.experiment)}/run`} size="sm">
                all arms and looks
              </Anchor>
            </Fact>
          )}
          {one.surface && <Fact name="Surface">{one.surface}</Fact>}
          {one.parent && (
            <Fact name="Follows">
              <Anchor component={Link} to={`/experiments/${one.parent}`} size="sm">
                {one.parent}
              </Anchor>
            </Fact>
          )}
          {one.baseline && (
            <Fact name="Had to beat">
              <Anchor component={Link} to={`/cases/${one.baseline}`} size="sm">
                {one.baseline}
              </Anchor>
            </Fact>
          )}
          {judged.sample_ratio && (
            <Fact name="Sample ratio">
              {judged.sample_ratio.p_chi2 < 0.001
                ? "the arms do not have the sizes they were dealt"
                : "the arms have the sizes they were dealt"}{" "}
              ({pValue(judged.sample_ratio.p_chi2)})
            </Fact>
          )}
          {prior && (
            <Fact name="With its parent as prior">
              {effectSentence(
                { estimate: prior.combined, interval: prior.interval },
                prior.scale === "relative" ? "percent" : unit,
              )}
              ; shown, and decides nothing
            </Fact>
          )}
          {judged.warnings.map((warning) => (
            <Fact key={warning} name="Mind">
              {sentence(warning)}
            </Fact>
          ))}
          <Fact name="Registered">
            <PersonName account={one.registered.by} />, {dayOf(one.registered.at)}
          </Fact>
        </Facts>
      </Section>
      <Section id="cases" title="What came of it">
        <Asked of={known} lines={1}>
          {(all) => <CameOfIt cases={all.filter(({ experiment: of }) => of === one.experiment)} verdict={judged.verdict} />}
        </Asked>
      </Section>
    </>
  );
}

function CameOfIt({ cases: mine, verdict }: { cases: readonly Summary[]; verdict: string }) {
  if (mine.length === 0)
    return (
      <Text size="sm" className="quiet">
        {verdict === "positive"
          ? "No case yet: its team may open one."
          : "Only a significant positive result may become a case."}
      </Text>
    );
  return (
    <Facts>
      {mine.map((found) => (
        <Fact
          key={found.id}
          name={
            <Anchor component={Link} to={`/cases/${found.id}`} size="sm">
              {found.id}
            </Anchor>
          }
        >
          <StageBadge stage={found.stage} /> {found.held && <Badge color="loss">held</Badge>}
        </Fact>
      ))}
    </Facts>
  );
}
