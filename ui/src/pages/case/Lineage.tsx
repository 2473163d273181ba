// The chain of kept cases that led here.
import { Anchor, Table } from "@mantine/core";
import { Link } from "react-router";
import { day, differenceUnit, effect, interval, level } from "../../lib/number.ts";
import { Section } from "../../lib/Page.tsx";
import type { CaseFile } from "../../api/model.ts";

export function Lineage({ file }: { file: CaseFile }) {
  const chain = file.lineage;
  if (!chain || chain.links.length === 0) return null;
  const unit = differenceUnit(chain.metric?.kind);
  return (
    <Section
      id="lineage"
      title="Lineage"
      says={`The chain of kept cases: together ${effect(chain.difference, unit, chain.interval)}, 95 % interval ${interval(chain.interval, unit)}. Never the plain sum of lifts.`}
      flush
    >
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Case</Table.Th>
            <Table.Th>Kept</Table.Th>
            <Table.Th>From</Table.Th>
            <Table.Th>To</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {chain.links.map((link) => (
            <Table.Tr key={link.case} className="num">
              <Table.Td>
                <Anchor component={Link} to={`/cases/${link.case}`} size="sm">
                  {link.case}
                </Anchor>
              </Table.Td>
              <Table.Td>{day(link.on)}</Table.Td>
              <Table.Td>{level(link.from.value, chain.metric?.kind)}</Table.Td>
              <Table.Td>{level(link.to.value, chain.metric?.kind)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
