// A rollout while it runs: waves, the confidence sequence, effect by epoch, guardrails, health, the verdict, and the way to stop it.
import { Group, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import type { CaseFile, Judged } from "../../api/model.ts";
import { caseFile, looks } from "../../api/queries.ts";
import { VerdictBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { count, decimal, differenceUnit, effect, instantOf, level, percent, type Unit } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { title as worded } from "../../lib/words.ts";
import { Verdicts } from "../case/CaseFile.tsx";
import { Sequence, type Look } from "./Sequence.tsx";

export default function Rollout() {
  const { id = "" } = useParams();
  const asked = useQuery(caseFile(id));
  const track = useQuery(looks(id)).data?.track ?? [];
  return <Asked of={asked} lines={10}>{(file) => <Whole file={file} track={track} />}</Asked>;
}

/** A look on the plan's scale as a reader takes it: a lift in percent where the plan is relative. */
export function told(look: Look, scale: string): Look {
  if (scale !== "relative") return look;
  return { ...look, estimate: Math.expm1(look.estimate), interval: [Math.expm1(look.interval[0]), Math.expm1(look.interval[1])] };
}

function Whole({ file, track }: { file: CaseFile; track: Look[] }) {
  const kind = file.of_experiment?.metric?.kind;
  const latest = file.measurements?.latest;
  const scale = latest?.judged?.scale ?? file.measurements?.design?.plan?.scale ?? "absolute";
  const unit: Unit = scale === "relative" ? "percent" : differenceUnit(kind);
  const button = { with: { case: file.id }, choices: file.choices } as const;
  return (
    <>
      <PageHeader title={`Rollout of ${file.of_experiment?.title ?? file.id}`} back={{ to: `/cases/${file.id}`, label: "Case file" }} actions={<><CommandButton command="start_wave" {...button} /><CommandButton command="stop_exposure" {...button} /></>} />
      <Section>
        <Figures>
          <Figure label="Meet the feature">{decimal(file.exposure_percent, 1)} %</Figure>
          <Figure label="Admitted to either arm">{decimal(file.admitted_percent, 1)} %</Figure>
          {latest?.control && <Figure label="Control" note={`${count(latest.control.n)} units`}>{level(latest.control.value, kind)}</Figure>}
          {latest?.treatment && <Figure label="Treatment" note={`${count(latest.treatment.n)} units`}>{level(latest.treatment.value, kind)}</Figure>}
          {typeof latest?.judged?.information_fraction === "number" && <Figure label="Information gathered" note="of what the plan asks for">{percent(latest.judged.information_fraction)}</Figure>}
        </Figures>
      </Section>
      <Section title="Verdict" says={latest?.judged?.sentence ? `${worded(latest.judged.sentence)}.` : "No look was taken yet."} actions={latest && <VerdictBadge verdict={latest.verdict} nuance={latest.judged?.nuance} />}>
        <Verdicts file={file} verdict={latest?.verdict} />
        {latest?.replication?.sentence && <Text size="sm" mt="sm">{worded(latest.replication.sentence)}.</Text>}
      </Section>
      <Section title="Confidence sequence" says={scale === "relative" ? "The lift at each look, in percent." : unit === "pp" ? "The difference at each look, in percentage points." : "The difference at each look, in the metric's unit."}>
        {track.length > 0 ? <Sequence looks={track.map((look) => told(look, scale))} unit={unit} /> : <EmptyState title="No look yet">{latest?.self_reported ? "This was measured outside: there are no looks of Tenure's own." : "The first look follows when both arms have enough units."}</EmptyState>}
      </Section>
      {latest?.judged && <Epochs judged={latest.judged} unit={unit} relative={scale === "relative"} />}
      <Health file={file} />
      <Section title="Allocation log" flush>
        <Table>
          <Table.Thead><Table.Tr><Table.Th>When</Table.Th><Table.Th>Wave</Table.Th><Table.Th>Meet the feature</Table.Th><Table.Th>Admitted</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>{(file.allocations ?? []).map((one: CaseFile) => <Table.Tr key={one.at} className="num"><Table.Td>{instantOf(one.at)}</Table.Td><Table.Td>{typeof one.wave === "number" ? one.wave + 1 : "outside the waves"}</Table.Td><Table.Td>{decimal(one.exposure_percent, 2)} %</Table.Td><Table.Td>{decimal(one.admitted_percent, 2)} %</Table.Td></Table.Tr>)}</Table.Tbody>
        </Table>
      </Section>
    </>
  );
}

function Epochs({ judged, unit, relative }: { judged: Judged; unit: Unit; relative: boolean }) {
  if ((judged.strata ?? []).length === 0) return null;
  return (
    <Section title="Effect by epoch" says="Each change of allocation starts an epoch; they are compared within themselves." flush>
      <Table>
        <Table.Thead><Table.Tr><Table.Th>Epoch</Table.Th><Table.Th>Effect</Table.Th><Table.Th>Control</Table.Th><Table.Th>Treatment</Table.Th><Table.Th>Weight</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>{judged.strata.map((one: Judged) => <Table.Tr key={one.index} className="num"><Table.Td>{one.index + 1}</Table.Td><Table.Td>{effect(relative ? Math.expm1(one.estimate) : one.estimate, unit)}</Table.Td><Table.Td>{count(one.control_n)} units</Table.Td><Table.Td>{count(one.treatment_n)} units</Table.Td><Table.Td>{percent(one.weight)}</Table.Td></Table.Tr>)}</Table.Tbody>
      </Table>
    </Section>
  );
}

function Health({ file }: { file: CaseFile }) {
  const latest = file.measurements?.latest;
  const ratio = latest?.judged?.sample_ratio;
  const rails = latest?.guardrails ?? [];
  if (!latest) return null;
  return (
    <Section title="Health">
      {ratio && <Text size="sm">Sample ratio: {ratio.p_chi2 < 0.001 ? "the arms have not the sizes they were dealt" : "the arms have the sizes they were dealt"} (p = {decimal(ratio.p_chi2, 3)}).</Text>}
      <Text size="sm">{count(latest.units_in_two_arms ?? 0)} units were seen in both arms; the window of {count(latest.provisional_units ?? 0)} has not passed.</Text>
      {latest.drift && <Text size="sm">Control stands at {decimal(latest.drift.rollout * 100, 2)} %, in the experiment it was {decimal(latest.drift.experiment * 100, 2)} % (p = {decimal(latest.drift.p_value, 3)}).</Text>}
      {rails.map((rail: CaseFile) => <Text size="sm" key={rail.metric}>Guardrail {rail.metric}: {rail.sentence ?? worded(rail.status ?? "watched")}.</Text>)}
      {(latest.judged?.warnings ?? []).map((warning: string) => <Group key={warning}><Text size="sm" c="var(--late)">{warning}</Text></Group>)}
    </Section>
  );
}
