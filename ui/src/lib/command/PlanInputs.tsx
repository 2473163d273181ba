// The parts of a rollout's plan that are lists: its waves, and its guardrails with their margins.
import { ActionIcon, Button, Group, Input, NumberInput, Select, Stack } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { metrics } from "../../api/queries.ts";
import type { FieldProps } from "./FieldInput.tsx";

interface Wave {
  percent: number | undefined;
  kind: "safety" | "measure";
  min_hours?: number | undefined;
}

/** Two waves that most rollouts start from. */
const WAVES_FIRST: Wave[] = [
  { percent: 5, kind: "safety" },
  { percent: 50, kind: "measure" },
];

export function Waves({ field, value, onChange, fault }: FieldProps) {
  const waves = (value as Wave[] | undefined) ?? [];
  const change = (at: number, to: Partial<Wave>) =>
    onChange(waves.map((wave, place) => (place === at ? { ...wave, ...to } : wave)));
  return (
    <Input.Wrapper
      label={field.label}
      error={fault}
      description="The share of all units that meets the feature, and at least how long."
    >
      <Stack gap="xs" mt={6}>
        {waves.map((wave, at) => (
          // Waves have no name; their place is what they are.
          <Group key={at} gap="xs" wrap="nowrap">
            <NumberInput
              aria-label={`wave ${at + 1}, percent`}
              w={96}
              suffix=" %"
              min={0.1}
              max={99}
              value={wave.percent ?? ""}
              onChange={(given) => change(at, { percent: given === "" ? undefined : Number(given) })}
            />
            <Select
              aria-label={`wave ${at + 1}, kind`}
              flex={1}
              data={[
                { value: "safety", label: "safety: looks for harm" },
                { value: "measure", label: "measured: gives the verdict" },
              ]}
              value={wave.kind}
              onChange={(kind) => change(at, { kind: kind === "safety" ? "safety" : "measure" })}
              allowDeselect={false}
            />
            <NumberInput
              aria-label={`wave ${at + 1}, hours at least`}
              w={110}
              suffix=" h"
              placeholder="48 h"
              min={1}
              value={wave.min_hours ?? ""}
              onChange={(given) => change(at, { min_hours: given === "" ? undefined : Number(given) })}
            />
            <ActionIcon
              aria-label={`remove wave ${at + 1}`}
              onClick={() => onChange(waves.filter((_, place) => place !== at))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Button
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() =>
            onChange(waves.length === 0 ? WAVES_FIRST : [...waves, { percent: undefined, kind: "measure" }])
          }
          style={{ alignSelf: "start" }}
        >
          {waves.length === 0 ? "Start from 5 % safety, 50 % measured" : "Add a wave"}
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}

interface Guardrail {
  metric: string | null;
  margin: number | undefined;
}

export function Guardrails({ field, value, onChange, fault }: FieldProps) {
  const known = useQuery(metrics).data ?? [];
  const rails = (value as Guardrail[] | undefined) ?? [];
  const change = (at: number, to: Partial<Guardrail>) =>
    onChange(rails.map((rail, place) => (place === at ? { ...rail, ...to } : rail)));
  return (
    <Input.Wrapper
      label={field.label}
      error={fault}
      description="Metrics that must not get worse by more than their margin."
    >
      <Stack gap="xs" mt={6}>
        {rails.map((rail, at) => (
          <Group key={at} gap="xs" wrap="nowrap">
            <Select
              aria-label={`guardrail ${at + 1}, metric`}
              flex={1}
              searchable
              data={known.map((one) => one.metric)}
              value={rail.metric}
              onChange={(metric) => change(at, { metric })}
              placeholder="metric"
            />
            <NumberInput
              aria-label={`guardrail ${at + 1}, margin`}
              w={120}
              suffix=" %"
              min={0}
              value={rail.margin === undefined ? "" : rail.margin * 100}
              onChange={(given) => change(at, { margin: given === "" ? undefined : Number(given) / 100 })}
              placeholder="margin"
            />
            <ActionIcon
              aria-label={`remove guardrail ${at + 1}`}
              onClick={() => onChange(rails.filter((_, place) => place !== at))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Button
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...rails, { metric: null, margin: 0.01 }])}
          style={{ alignSelf: "start" }}
        >
          Add a guardrail
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}
