// A rollout while it runs: waves and what they wait for, the confidence sequence, effect by epoch, guardrails, health, the verdict, and the way to stop it.
import { Alert, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import type { CaseFile, Look } from "../../api/model.ts";
import { caseFile, looks } from "../../api/queries.ts";
import { VerdictBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { count, decimal, instantOf, level, percent } from "../../lib/number.ts";
import { ByDay } from "../../lib/look/ByDay.tsx";
import { Epochs } from "../../lib/look/Epochs.tsx";
import { Guardrails } from "../../lib/look/Guardrails.tsx";
import { Health } from "../../lib/look/Health.tsx";
import { AT_EACH_LOOK, BOUNDS, Sequence, told, unitOn } from "../../lib/look/Sequence.tsx";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { sentence } from "../../lib/said.ts";
import { plain } from "../../lib/words.ts";
import { Verdicts } from "../case/Verdicts.tsx";
import { Waves } from "./Waves.tsx";
import { Allocations } from "./Allocations.tsx";

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

function Whole({ file, track }: { file: CaseFile; track: Look[] }) {
  const kind = file.of_experiment?.metric?.kind;
  const latest = file.measurements.latest;
  const judged = latest?.judged;
  const scale = judged?.scale ?? file.measurements.design?.plan.scale ?? "absolute";
  const isRelative = scale === "relative";
  const unit = unitOn(scale, kind);
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
        says={judged?.sentence ? sentence(judged.sentence) : "No look was taken yet."}
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
            {sentence(latest.replication.sentence)}
          </Text>
        )}
      </Section>
      <Section
        id="sequence"
        title="Confidence sequence"
        says={
          <>
            {AT_EACH_LOOK[unit]}{" "}
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
      {latest && !latest.self_reported && <ByDay novelty={latest.by_day} unit={unit} isRelative={isRelative} />}
      <Guardrails planned={file.plan?.guardrails ?? []} latest={latest?.guardrails ?? []} />
      {latest && <Health look={latest} judged={[latest.judged]} />}
      <Allocations file={file} />
    </>
  );
}
