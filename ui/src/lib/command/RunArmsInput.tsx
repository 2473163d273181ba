// The arms of an experiment that is run here: control first, each with what its units get and its part of them.
import { NumberInput, TextInput } from "@mantine/core";
import { ListInput } from "../ListInput.tsx";
import type { FieldProps } from "./FieldInput.tsx";

export interface RunArm {
  name: string;
  value: unknown;
  weight: number | undefined;
}

const ARMS_FIRST: readonly RunArm[] = [
  { name: "control", value: false, weight: 1 },
  { name: "treatment", value: true, weight: 1 },
];

/** What was typed as a value of a flag: JSON where it is that, else the words themselves. */
export function valueOf(typed: string): unknown {
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

const typed = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

export function RunArms({ field, value, onChange, fault }: FieldProps) {
  const arms = (value as RunArm[] | undefined) ?? [];
  return (
    <ListInput<RunArm>
      label={field.label}
      description="Control first; each with what its flag gives and its part of the units. Off and on, half each, when left out."
      fault={fault}
      noun="arm"
      value={arms}
      onChange={onChange}
      add={
        arms.length === 0
          ? { label: "Write the arms", give: () => ARMS_FIRST }
          : { label: "Add an arm", give: () => [{ name: "", value: "", weight: 1 }] }
      }
    >
      {(arm, name, change) => (
        <>
          <TextInput
            aria-label={`${name}, name`}
            flex={1}
            placeholder="name"
            value={arm.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <TextInput
            aria-label={`${name}, value`}
            flex={1}
            placeholder="value"
            defaultValue={typed(arm.value)}
            onChange={(event) => change({ value: valueOf(event.currentTarget.value) })}
          />
          <NumberInput
            aria-label={`${name}, weight`}
            w={84}
            min={1}
            placeholder="weight"
            value={arm.weight ?? ""}
            onChange={(given) => change({ weight: given === "" ? undefined : Number(given) })}
          />
        </>
      )}
    </ListInput>
  );
}
