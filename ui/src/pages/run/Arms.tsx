// The arms of an experiment that is run here against control: effect with interval, what the statistics said, and which of them are closed.
import { Badge, Table, Text } from "@mantine/core";
import type { Run } from "../../api/model.ts";
import { VerdictBadge } from "../../lib/badges.tsx";
import { EffectAxis, type EffectRow } from "../../lib/EffectAxis.tsx";
import { count, differenceUnit, level, percent } from "../../lib/number.ts";
import { Section } from "../../lib/Page.tsx";
import { said } from "../../lib/said.ts";
import { plain, title as worded } from "../../lib/words.ts";

export function Arms({ run }: { run: Run }) {
  const { plan, arms } = run;
  const kind = plan.metric.kind;
  const control = Object.values(arms).find(({ latest }) => latest)?.latest?.control;
  const rows = Object.entries(arms).flatMap(([name, { latest }]): EffectRow[] => {
    const told = latest?.judged.absolute;
    if (!latest || !told) return [];
    const { verdict } = latest.judged;
    return [
      {
        label: name,
        note: latest.closed ? "closed" : "against control",
        told,
        tone: verdict === "positive" ? "gain" : verdict === "negative" ? "loss" : "open",
      },
    ];
  });
  const confidence = Object.values(arms).find(({ latest }) => latest)?.latest?.judged.confidence;
  return (
    <Section
      id="arms"
      title="Arms"
      says={
        confidence === undefined
          ? "Nothing was measured yet: the first look follows when the arms have units whose window has passed."
          : `Each arm against control at its share of the error: an interval holds with ${percent(confidence)}, all looks together.`
      }
      flush={rows.length === 0}
    >
      {rows.length > 0 && <EffectAxis rows={rows} unit={differenceUnit(kind)} />}
      <Table.ScrollContainer minWidth={620} mt={rows.length > 0 ? "md" : 0}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Arm</Table.Th>
              <Table.Th>Gets</Table.Th>
              <Table.Th>Units</Table.Th>
              <Table.Th>{worded(plan.metric.name)}</Table.Th>
              <Table.Th>Information</Table.Th>
              <Table.Th>Verdict</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {plan.arms.map(({ name, value }, at) => {
              const latest = arms[name]?.latest;
              const seen = at === 0 ? control : latest?.treatment;
              return (
                <Table.Tr key={name} className="num">
                  <Table.Td>{name}</Table.Td>
                  <Table.Td className="mono">{JSON.stringify(value)}</Table.Td>
                  <Table.Td>{seen ? count(seen.n) : "none yet"}</Table.Td>
                  <Table.Td>{seen && level(seen.value, kind)}</Table.Td>
                  <Table.Td>
                    {typeof latest?.judged.information_fraction === "number" &&
                      percent(latest.judged.information_fraction)}
                  </Table.Td>
                  <Table.Td>
                    {latest && (
                      <VerdictBadge
                        verdict={latest.judged.verdict}
                        nuance={latest.judged.nuance ? plain(latest.judged.nuance) : null}
                      />
                    )}{" "}
                    {latest?.closed && <Badge color="late">closed</Badge>}
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {Object.entries(arms).map(
        ([name, { latest }]) =>
          latest && (
            <Text key={name} size="sm" mt="sm">
              <b>{name}</b>: {said(latest.judged.sentence)}.{" "}
              {latest.closed && <span style={{ color: "var(--late)" }}>Closed: {said(latest.closed)}.</span>}
            </Text>
          ),
      )}
    </Section>
  );
}
