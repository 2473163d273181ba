// The effect within each epoch of the allocation log, and whether it moves with time.
import { Table } from "@mantine/core";
import type { Judged } from "../../api/model.ts";
import { count, effect, interval, percent, pValue, type Unit } from "../number.ts";
import { Section } from "../Page.tsx";

export function Epochs({ judged, unit, isRelative }: { judged: Judged; unit: Unit; isRelative: boolean }) {
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
