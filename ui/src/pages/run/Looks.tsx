// The looks at an experiment that is run here: each arm's confidence sequence, and every look as the journal has it.
import { Group, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Run, RunLook } from "../../api/model.ts";
import { runLooks } from "../../api/queries.ts";
import { AT_EACH_LOOK, Sequence, told } from "../../lib/look/Sequence.tsx";
import { differenceUnit, effectSentence, instantOf, of } from "../../lib/number.ts";
import { EmptyState, ErrorState, Section, Waiting } from "../../lib/Page.tsx";
import { ReadOn } from "../../lib/ReadOn.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { unitOf } from "./Plan.tsx";

/** Each arm's estimate and interval at each look. */
export function Sequences({ run }: { run: Run }) {
  const unit = unitOf(run);
  const drawn = Object.entries(run.arms).flatMap(([name, { track = [] }]) => (track.length > 0 ? [{ name, track }] : []));
  return (
    <Section
      id="sequence"
      title="Confidence sequences"
      says={`${AT_EACH_LOOK[unit]} It may be watched at any time: the interval keeps its promise all the same.`}
    >
      {drawn.length === 0 ? (
        <EmptyState title="No look yet">
          {run.started
            ? "Tenure looks by itself, as its policy says, once units have passed their window."
            : "Looks follow the start."}
        </EmptyState>
      ) : (
        drawn.map(({ name, track }) => (
          <div key={name}>
            <Text fw={600} size="sm" mt="md">
              {name} against control
            </Text>
            <Sequence looks={track.map((look) => told(look, run.plan.scale))} unit={unit} />
          </div>
        ))
      )}
    </Section>
  );
}

export function Looks({ run }: { run: Run }) {
  const asked = useInfiniteQuery({ ...runLooks(run.experiment), enabled: run.looks > 0 });
  if (run.looks === 0) return null;
  const rows = asked.data?.pages.flatMap(({ looks }) => looks) ?? [];
  return (
    <Section id="looks" title="Every look" says={`${of(run.looks, "look")} so far, the oldest first.`} flush>
      {asked.isPending ? (
        <Waiting lines={3} />
      ) : asked.isError ? (
        <ErrorState error={asked.error} retry={() => void asked.refetch()} />
      ) : (
        <>
          <Rows
            label="Looks"
            rows={rows}
            rowKey={({ seq }) => String(seq)}
            columns={[
              { name: "No.", width: "56px", phone: "40px", cell: ({ measured }) => measured.number },
              { name: "When", width: "190px", phone: "110px", cell: ({ at }) => instantOf(at) },
              ...Object.keys(run.arms).map((arm) => ({
                name: arm,
                width: "minmax(240px, 1fr)",
                phone: "minmax(190px, 1fr)",
                cell: (look: RunLook) => <Seen look={look} arm={arm} kind={run.plan.metric.kind} />,
              })),
            ]}
          />
          {asked.hasNextPage && (
            <Group p="sm">
              <ReadOn of={asked} />
            </Group>
          )}
        </>
      )}
    </Section>
  );
}

function Seen({ look: { measured }, arm, kind }: { look: RunLook; arm: string; kind: string }) {
  const seen = measured.arms.find((one) => one.arm === arm);
  if (seen === undefined) return <span className="quiet">closed before</span>;
  return (
    <>
      {seen.judged.absolute ? effectSentence(seen.judged.absolute, differenceUnit(kind)) : "cannot say yet"}
      {seen.closed && <span className="quiet">, closed</span>}
    </>
  );
}
