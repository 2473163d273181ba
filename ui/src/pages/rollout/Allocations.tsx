// The allocation log: what the flag showed to whom, only ever added to.
import { Table } from "@mantine/core";
import type { CaseFile } from "../../api/model.ts";
import { decimal, instantOf } from "../../lib/number.ts";
import { EmptyState, Section } from "../../lib/Page.tsx";

export function Allocations({ file }: { file: CaseFile }) {
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
