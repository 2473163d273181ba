// The parts of a rollout's plan that are lists: its waves, and its guardrails with their margins.
import { NumberInput, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { metrics } from "../../api/queries.ts";
import { ListInput } from "../ListInput.tsx";
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
  return (
    <ListInput<Wave>
      label={field.label}
      description="The share of all units that meets the feature, and at least how long."
      fault={fault}
      noun="wave"
      value={waves}
      onChange={onChange}
      add={
        waves.length === 0
          ? { label: "Start from 5 % safety, 50 % measured", give: () => WAVES_FIRST }
          : { label: "Add a wave", give: () => [{ percent: undefined, kind: "measure" }] }
      }
    >
      {(wave, name, change) => (
        <>
          <NumberInput
            aria-label={`${name}, percent`}
            w={96}
            suffix=" %"
            min={0.1}
            max={99}
            value={wave.percent ?? ""}
            onChange={(given) => change({ percent: given === "" ? undefined : Number(given) })}
          />
          <Select
            aria-label={`${name}, kind`}
            flex={1}
            data={[
              { value: "safety", label: "safety: looks for harm" },
              { value: "measure", label: "measured: gives the verdict" },
            ]}
            value={wave.kind}
            onChange={(kind) => change({ kind: kind === "safety" ? "safety" : "measure" })}
            allowDeselect={false}
          />
          <NumberInput
            aria-label={`${name}, hours at least`}
            w={110}
            suffix=" h"
            placeholder="48 h"
            min={1}
            value={wave.min_hours ?? ""}
            onChange={(given) => change({ min_hours: given === "" ? undefined : Number(given) })}
          />
        </>
      )}
    </ListInput>
  );
}

interface Guardrail {
  metric: string | null;
  margin: number | undefined;
}

export function Guardrails({ field, value, onChange, fault }: FieldProps) {
  const known = useQuery(metrics).data ?? [];
  return (
    <ListInput<Guardrail>
      label={field.label}
      description="Metrics that must not get worse by more than their margin."
      fault={fault}
      noun="guardrail"
      value={(value as Guardrail[] | undefined) ?? []}
      onChange={onChange}
      add={{ label: "Add a guardrail", give: () => [{ metric: null, margin: 0.01 }] }}
    >
      {(rail, name, change) => (
        <>
          <Select
            aria-label={`${name}, metric`}
            flex={1}
            searchable
            data={known.map((one) => one.metric)}
            value={rail.metric}
            onChange={(metric) => change({ metric })}
            placeholder="metric"
          />
          <NumberInput
            aria-label={`${name}, margin`}
            w={120}
            suffix=" %"
            min={0}
            value={rail.margin === undefined ? "" : rail.margin * 100}
            onChange={(given) => change({ margin: given === "" ? undefined : Number(given) / 100 })}
            placeholder="margin"
          />
        </>
      )}
    </ListInput>
  );
}
