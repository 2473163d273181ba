// A rollout while it runs: waves and what they wait for, the confidence sequence, effect by epoch, guardrails, health, the verdict, and the way to stop it.
import { Alert, Badge, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import type { CaseFile, Judged, Look, Measured } from "../../api/model.ts";
import { caseFile, looks } from "../../api/queries.ts";
import { VerdictBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import {
  count,
  day,
  decimal,
  differenceUnit,
  effect,
  instantOf,
  interval,
  level,
  of,
  percent,
  pValue,
  type Unit,
} from "../../lib/number.ts";
import { Asked, EmptyState, Fact, Facts, PageHeader, Section } from "../../lib/Page.tsx";
import { plain, title as worded } from "../../lib/words.ts";
import { Verdicts } from "../case/Verdicts.tsx";
import { Guardrails } from "./Guardrails.tsx";
import { Sequence } from "./Sequence.tsx";
import { Waves } from "./Waves.tsx";

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
  return { ...look, estimate: Math.expm1(look.estimate), interval: look.interval.map(Math.expm1) };
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
      {latest && <Health latest={latest} kind={kind} />}
      <Allocations file={file} />
    </>
  );
}

function Epochs({ judged, unit, isRelative }: { judged: Judged; unit: Unit; isRelative: boolean }) {
  if (judged.strata.length === 0) return null;
  const moved = judged.heterogeneity;
  const toldOne = (value: number) => (isRelative ? Math.expm1(value) : value);
  return (
    <Section
      id="epochs"
      title="Effect by epoch"
      says={
        <>
          Each change of allocation starts an epoch; arms are compared within it.{" "}
          {moved &&
            `${moved.p_value < 0.05 ? "The effect differs between epochs" : "The epochs do not differ by more than chance"} (${pValue(moved.p_value)}).`}
        </>
      }
      flush
    >
      <Table.ScrollContainer minWidth={520}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Epoch</Table.Th>
              <Table.Th>Effect</Table.Th>
              <Table.Th>95 % interval, this epoch alone</Table.Th>
              <Table.Th>Control</Table.Th>
              <Table.Th>Treatment</Table.Th>
              <Table.Th>Weight</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {judged.strata.map((one) => (
              <Table.Tr key={one.index} className="num">
                <Table.Td>{one.index + 1}</Table.Td>
                <Table.Td>{one.estimate === null ? "too few units yet" : effect(toldOne(one.estimate), unit)}</Table.Td>
                <Table.Td>
                  {one.estimate !== null &&
                    one.se !== null &&
                    interval([toldOne(one.estimate - 1.96 * one.se), toldOne(one.estimate + 1.96 * one.se)], unit)}
                </Table.Td>
                <Table.Td>{count(one.control_n)} units</Table.Td>
                <Table.Td>{count(one.treatment_n)} units</Table.Td>
                <Table.Td>{percent(one.weight)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

/** Below this the arms are not what was dealt, and the measurement is not believed. */
const RATIO_P_MIN = 0.001;

function Health({ latest, kind }: { latest: Measured; kind: string | undefined }) {
  const ratio = latest.judged.sample_ratio;
  const isDealt = ratio ? ratio.p_chi2 >= RATIO_P_MIN : true;
  return (
    <Section
      id="health"
      title="Health"
      says={`The look of ${day(latest.on)}, by ${latest.engine || "an engine that did not name itself"}.`}
    >
      <Facts>
        {ratio && (
          <Fact name="Sample ratio">
            <Badge color={isDealt ? "gain" : "loss"}>{isDealt ? "as dealt" : "not as dealt"}</Badge>{" "}
            {isDealt
              ? "The arms have the sizes they were dealt"
              : "The arms do not have the sizes they were dealt: something loses units of one arm"}{" "}
            ({pValue(ratio.p_chi2)}).
          </Fact>
        )}
        <Fact name="Assignment">
          <Badge color={(latest.units_in_two_arms ?? 0) === 0 ? "gain" : "late"}>
            {(latest.units_in_two_arms ?? 0) === 0 ? "clean" : "mixed"}
          </Badge>{" "}
          {of(latest.units_in_two_arms ?? 0, "unit")} seen in both arms, counted in neither.
        </Fact>
        <Fact name="Maturity">
          {count(latest.provisional_units ?? 0)} units whose window has not passed are not counted yet.
        </Fact>
        {latest.drift && (
          <Fact name="Drift of control">
            It stands at {level(latest.drift.rollout, kind)}; in the experiment it was{" "}
            {level(latest.drift.experiment, kind)} ({pValue(latest.drift.p_value)}).
          </Fact>
        )}
        {latest.judged.fault && (
          <Fact name="Fault">
            <span style={{ color: "var(--loss)" }}>{worded(latest.judged.fault)}.</span>
          </Fact>
        )}
        {latest.judged.warnings.map((warning) => (
          <Fact key={warning} name="Mind">
            <span style={{ color: "var(--late)" }}>{worded(warning)}.</span>
          </Fact>
        ))}
      </Facts>
    </Section>
  );
}

function Allocations({ file }: { file: CaseFile }) {
  return (
    <Section
      id="allocations"
      title="Allocation log"
      says="What the flag showed to whom; it is only ever added to."
      flush
    >
      {file.allocations.length === 0 ? (
        <EmptyState title="Nobody has met the feature yet" />
      ) : (
        <Table.ScrollContainer minWidth={480}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>When</Table.Th>
                <Table.Th>Iteration</Table.Th>
                <Table.Th>Wave</Table.Th>
                <Table.Th>Meet the feature</Table.Th>
                <Table.Th>Admitted</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {file.allocations.map((one) => (
                <Table.Tr key={one.epoch} className="num">
                  <Table.Td>{instantOf(one.at)}</Table.Td>
                  <Table.Td>{one.iteration}</Table.Td>
                  <Table.Td>{typeof one.wave === "number" ? one.wave + 1 : "outside the waves"}</Table.Td>
                  <Table.Td>{decimal(one.exposure_percent, 2)} %</Table.Td>
                  <Table.Td>{decimal(one.admitted_percent, 2)} %</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Section>
  );
}
