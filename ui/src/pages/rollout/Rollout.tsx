// A rollout while it runs: waves and what they wait for, the confidence sequence, effect by epoch, guardrails, health, the verdict, and the way to stop it.
import { Alert, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import type { CaseFile, Look } from "../../api/model.ts";
import { caseFile, looks } from "../../api/queries.ts";
import { VerdictBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { count, decimal, differenceUnit, instantOf, level, percent, type Unit } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { plain, title as worded } from "../../lib/words.ts";
import { Verdicts } from "../case/Verdicts.tsx";
import { Guardrails } from "./Guardrails.tsx";
import { Sequence } from "./Sequence.tsx";
import { Waves } from "./Waves.tsx";
import { Allocations } from "./Allocations.tsx";
import { Epochs } from "./Epochs.tsx";
import { Health } from "./Health.tsx";

export default function Rollout() {
  const { id = "" } = useParams();
  const asked = useQuery(caseFile(id));
  const track = useQuery(looks(id)).data?.track ?? [];
  return (
    <Asked of={asked} lines={10}>
      {(file) => <Whole file={file} track={track} />}
    </Asked>
  );
}

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

const BOUNDS: Record<string, string> = {
  planned:
    "The bound in force is the planned one, which spends its error over the plan's looks; the forever one stands behind it.",
  forever: "The bound in force is the forever one: it holds however often and however long it is watched.",
  fixed: "One look of a fixed design.",
  newcombe: "One look of a fixed design.",
};

function Whole({ file, track }: { file: CaseFile; track: Look[] }) {
  const kind = file.of_experiment?.metric?.kind;
  const latest = file.measurements.latest;
  const judged = latest?.judged;
  const scale = judged?.scale ?? file.measurements.design?.plan.scale ?? "absolute";
  const isRelative = scale === "relative";
  const unit: Unit = isRelative ? "percent" : differenceUnit(kind);
  const button = { with: { case: file.id }, choices: file.choices } as const;
  const corrected = file.measurements.design?.corrected.estimate;
  return (
    <>
      <PageHeader
        title={`Rollout of ${file.of_experiment?.title ?? file.id}`}
        back={{ to: `/cases/${file.id}`, label: "Case file" }}
        actions={
          <>
            <CommandButton command="start_wave" {...button} />
            <CommandButton command="record_measurement" {...button} />
            <CommandButton command="stop_exposure" {...button} />
          </>
        }
      />
      {file.hold && (
        <Alert color="loss" title="Exposure is held at 0" mb="md">
          Every customer gets the old behaviour since {instantOf(file.hold.since.at)}.{" "}
          <CommandButton command="release_hold" {...button} size="xs" />
        </Alert>
      )}
      <Section>
        <Figures>
          <Figure label="Meet the feature">{decimal(file.exposure_percent, 1)} %</Figure>
          <Figure label="Admitted to either arm">{decimal(file.admitted_percent, 1)} %</Figure>
          {latest && (
            <Figure label="Control" note={`${count(latest.control.n)} units`}>
              {level(latest.control.value, kind)}
            </Figure>
          )}
          {latest && (
            <Figure label="Treatment" note={`${count(latest.treatment.n)} units`}>
              {level(latest.treatment.value, kind)}
            </Figure>
          )}
          {typeof judged?.information_fraction === "number" && (
            <Figure label="Information gathered" note="of what the plan asks for">
              {percent(judged.information_fraction)}
            </Figure>
          )}
        </Figures>
      </Section>
      <Waves file={file} />
      <Section
        id="verdict"
        title="Verdict"
        says={judged?.sentence ? `${worded(judged.sentence)}.` : "No look was taken yet."}
        actions={
          latest && <VerdictBadge verdict={latest.verdict} nuance={judged?.nuance ? plain(judged.nuance) : null} />
        }
      >
        <Verdicts file={file} verdict={latest?.verdict} />
        {latest?.self_reported && (
          <Text size="sm" mt="sm">
            Self-reported: {latest.self_reported}.
          </Text>
        )}
        {latest?.replication && (
          <Text size="sm" mt="sm">
            {worded(latest.replication.sentence)}.
          </Text>
        )}
      </Section>
      <Section
        id="sequence"
        title="Confidence sequence"
        says={
          <>
            {isRelative
              ? "The lift at each look, in percent."
              : unit === "pp"
                ? "The difference at each look, in percentage points."
                : "The difference at each look, in the metric's unit."}{" "}
            {judged?.bound && BOUNDS[judged.bound]}
          </>
        }
      >
        {track.length > 0 ? (
          <Sequence
            looks={track.map((look) => told(look, scale))}
            unit={unit}
            {...(corrected === undefined ? {} : { expected: isRelative ? Math.expm1(corrected) : corrected })}
          />
        ) : (
          <EmptyState title="No look yet">
            {latest?.self_reported
              ? "This was measured outside: there are no looks of Tenure's own."
              : "The first look follows when both arms have enough units."}
          </EmptyState>
        )}
      </Section>
      {judged && <Epochs judged={judged} unit={unit} isRelative={isRelative} />}
      <Guardrails file={file} />
      {latest && <Health latest={latest} />}
      <Allocations file={file} />
    </>
  );
}
