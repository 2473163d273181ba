// The plan's waves: which one runs, since when, and what the next one waits for.
import { Badge, Table, Text } from "@mantine/core";
import type { CaseFile } from "../../api/model.ts";
import { count, day, decimal, instantOf, of } from "../../lib/number.ts";
import { EmptyState, Section } from "../../lib/Page.tsx";
import { PlanButton } from "./PlanButton.tsx";
import { said } from "../../lib/said.ts";

export function Waves({ file }: { file: CaseFile }) {
  const { plan, running } = file;
  // Kept: everybody meets it, and no wave runs any more.
  const isOver = file.stage === "productionised" || file.stage === "closed";
  const about =
    plan &&
    [
      plan.automatic ? "Tenure starts the waves and takes the looks." : "People start the waves.",
      `A positive verdict takes at least ${of(plan.min_days, "day")} of measured waves; after ${of(plan.max_days, "day")} an open one is closed as underpowered.`,
      typeof plan.planned_n === "number" ? `${count(plan.planned_n)} units an arm at the planned end.` : "",
    ]
      .filter(Boolean)
      .join(" ");
  return (
    <Section
      id="waves"
      title="Waves"
      says={about ?? "No plan yet."}
      actions={<PlanButton file={file} />}
      flush={plan !== null}
    >
      {plan === null ? (
        <EmptyState title="No plan yet">A plan says by which waves the flag is raised, and what is watched.</EmptyState>
      ) : (
        <Table.ScrollContainer minWidth={520}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Wave</Table.Th>
                <Table.Th>Meets the feature</Table.Th>
                <Table.Th>Kind</Table.Th>
                <Table.Th>Gate to the next</Table.Th>
                <Table.Th>State</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {plan.waves.map((wave, at) => {
                const state = isOver
                  ? "done"
                  : running === null || at > running.wave
                    ? "ahead"
                    : at < running.wave
                      ? "done"
                      : "now";
                return (
                  // A wave's place is its name.
                  <Table.Tr key={at} className="num" aria-current={state === "now" ? "step" : undefined}>
                    <Table.Td>{at + 1}</Table.Td>
                    <Table.Td>{decimal(wave.percent, 2)} %</Table.Td>
                    <Table.Td>
                      {wave.kind === "safety" ? "safety: looks for harm" : "measured: gives the verdict"}
                    </Table.Td>
                    <Table.Td>
                      {gate(wave, at === plan.waves.length - 1, plan.waves[at + 1]?.approval === true)}
                    </Table.Td>
                    <Table.Td>
                      {state === "now" && running ? (
                        <>
                          <Badge color="iris">runs</Badge>{" "}
                          <Text span size="sm" className="quiet">
                            since {instantOf(running.since)}
                          </Text>
                        </>
                      ) : (
                        <Badge color={state === "done" ? "gain" : "gray"}>
                          {state === "done" ? "passed" : "ahead"}
                        </Badge>
                      )}
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {file.until && !isOver && (
        <Text size="sm" px={20} py="md">
          Waiting: {said(file.until.what)}
          {file.until.until && ` until ${day(file.until.until)}`}.
        </Text>
      )}
    </Section>
  );
}

function gate(
  wave: { min_hours?: number | null | undefined; min_units?: number | null | undefined },
  isLast: boolean,
  needsApproval: boolean,
): string {
  if (isLast) return "the verdict";
  const parts = [
    typeof wave.min_hours === "number" ? of(wave.min_hours, "hour") : "the policy's hours",
    typeof wave.min_units === "number" ? `${count(wave.min_units)} units an arm` : "",
    needsApproval ? "a person's approval" : "",
  ].filter(Boolean);
  return parts.join(", ");
}
