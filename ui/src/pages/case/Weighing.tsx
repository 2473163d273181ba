// Cost against benefit: what was weighed, and a calculator that asks the server what other numbers would say. Nothing is recorded by trying.
import { Group, NumberInput, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import type { CaseFile, Weighing as Weighed } from "../../api/model.ts";
import { lineOf } from "../../api/problem.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { money, months, percent } from "../../lib/number.ts";
import { Section } from "../../lib/Page.tsx";

const INPUTS = [
  ["audience_per_year", "People who meet it in a year"],
  ["value_per_unit", "Value of one more success"],
  ["benefit_per_year", "Or: benefit a year"],
  ["day_rate", "Cost of a person-day"],
] as const;

export function Weighing({ file }: { file: CaseFile }) {
  const [tried, setTried] = useState<Record<string, number>>({});
  const [settled] = useDebouncedValue(tried, 300);
  const isTrying = Object.keys(settled).length > 0;
  const answer = useQuery({
    queryKey: ["case", file.id, "what-if", settled],
    enabled: isTrying,
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: async () =>
      (await unwrap(
        client.POST("/api/v1/cases/{case}/what-if", { params: { path: { case: file.id } }, body: settled as never }),
      )) as Weighed,
  });
  const recorded = file.cost_benefit?.weighing;
  const shown = isTrying && answer.data !== undefined && !answer.isError ? answer.data : recorded;
  return (
    <Section
      id="weighing"
      title="Cost and benefit"
      says={file.weighing_stale ?? (file.cost_benefit ? `Version ${file.cost_benefit.version}.` : "Not weighed yet.")}
      actions={<CommandButton command="set_cost_benefit" with={{ case: file.id }} choices={file.choices} size="xs" />}
    >
      {shown && (
        <Figures>
          <Figure
            label="Benefit a year"
            note={`95 % interval ${shown.benefit_per_year.interval.map((one) => money(one)).join(" to ")}`}
          >
            {money(shown.benefit_per_year.expected, shown.currency)}
          </Figure>
          <Figure
            label="Cost of building"
            note={`95 % interval ${shown.one_off_cost.interval.map((one) => money(one)).join(" to ")}`}
          >
            {money(shown.one_off_cost.expected, shown.currency)}
          </Figure>
          <Figure label="Maintenance a year">{money(shown.maintenance_per_year, shown.currency)}</Figure>
          <Figure label="Pays back after" note={`${percent(shown.payback?.within_a_year ?? 0)} likely within a year`}>
            {typeof shown.payback?.months === "number" ? months(shown.payback.months) : "never"}
          </Figure>
        </Figures>
      )}
      <Text size="sm" fw={600} mt="md" mb={6} className="no-print">
        What if
      </Text>
      <Group gap="sm" className="no-print">
        {INPUTS.map(([name, label]) => (
          <NumberInput
            key={name}
            label={label}
            min={0}
            w={200}
            size="xs"
            thousandSeparator=" "
            value={tried[name] ?? ""}
            onChange={(value) =>
              setTried((before) => {
                const { [name]: _, ...rest } = before;
                return value === "" ? rest : { ...rest, [name]: Number(value) };
              })
            }
          />
        ))}
      </Group>
      {answer.isError && isTrying && (
        <Text size="sm" c="var(--late)" mt="xs" role="status">
          {lineOf(answer.error)}
        </Text>
      )}
    </Section>
  );
}
