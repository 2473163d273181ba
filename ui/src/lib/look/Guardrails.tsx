// Guardrails: metrics that must not get worse by more than their margin, each with how far it is from it.
import { Badge, Group, Progress, Table } from "@mantine/core";
import type { Guardrail, GuardrailLook, GuardrailQuestion, JudgedGuardrail } from "../../api/model.ts";
import { decimal, percent } from "../number.ts";
import { EmptyState, Section } from "../Page.tsx";
import { plain } from "../words.ts";

const STATES: Record<string, { color: string; name: string; says: string }> = {
  safe: { color: "gain", name: "safe", says: "not worse by as much as the margin" },
  open: { color: "gray", name: "open", says: "not known yet" },
  worse: { color: "late", name: "worse", says: "worse than no change: a keep needs a justification" },
  harmed: { color: "loss", name: "harmed", says: "worse than the margin" },
};

export function Guardrails({
  planned,
  latest,
  of,
}: {
  planned: readonly Guardrail[];
  /** What the latest look said of each. */
  latest: readonly GuardrailLook[];
  /** Whose they are, where there are several of them on a page. */
  of?: string;
}) {
  const title = of === undefined ? "Guardrails" : `Guardrails of ${of}`;
  const id = of === undefined ? "guardrails" : `guardrails-${of}`;
  if (planned.length === 0 && latest.length === 0) {
    return (
      <Section id={id} title={title}>
        <EmptyState title="No guardrail is planned">
          A guardrail is a metric that must not get worse by more than its margin; the plan names them.
        </EmptyState>
      </Section>
    );
  }
  return (
    <Section id={id} title={title} says="Each is tested at every look, against its margin." flush>
      <Table.ScrollContainer minWidth={700}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Metric</Table.Th>
              <Table.Th>May get worse by</Table.Th>
              <Table.Th>Change</Table.Th>
              <Table.Th>At worst</Table.Th>
              <Table.Th>Of the margin</Table.Th>
              <Table.Th>State</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {[...new Set([...planned.map(({ metric }) => metric), ...latest.map(({ metric }) => metric)])].map(
              (metric) => {
                const look = latest.find((one) => one.metric === metric);
                const margin = planned.find((one) => one.metric === metric)?.margin;
                const judged = look?.judged;
                const state = STATES[judged?.state ?? "open"];
                const said = (value: number) =>
                  look?.scale === "relative" ? percent(Math.expm1(value)) : decimal(value, 4);
                return (
                  <Table.Tr key={metric} className="num">
                    <Table.Td>{metric}</Table.Td>
                    <Table.Td>{margin === undefined ? "" : `${percent(margin)} of control`}</Table.Td>
                    <Table.Td>
                      {judged ? said(judged.estimate) : look?.cannot_say ? plain(look.cannot_say) : "no look yet"}
                    </Table.Td>
                    <Table.Td>{judged ? said(judged.bound) : ""}</Table.Td>
                    <Table.Td>
                      {look?.judged && look.design && <Used judged={look.judged} design={look.design} />}
                    </Table.Td>
                    <Table.Td>
                      <Badge color={state?.color ?? "gray"}>{state?.name ?? "open"}</Badge>{" "}
                      <span className="quiet">{state?.says}</span>
                    </Table.Td>
                  </Table.Tr>
                );
              },
            )}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  );
}

/** How much of the margin the bound on the bad side takes up. */
function Used({ judged, design }: { judged: JudgedGuardrail; design: GuardrailQuestion }) {
  const worse = design.direction === "decrease" ? judged.bound : -judged.bound;
  const share = Math.max(0, worse) / design.margin;
  const words = percent(share);
  return (
    <Group gap={8} wrap="nowrap">
      <Progress
        w={72}
        value={Math.min(100, share * 100)}
        color={share >= 1 ? "loss" : share > 0.75 ? "late" : "gain"}
        aria-label={`${words} of the margin used`}
      />
      {words}
    </Group>
  );
}
