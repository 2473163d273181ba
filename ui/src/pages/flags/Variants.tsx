// The variants of a flag: a name and a value each, of the flag's own type.
import { ActionIcon, Button, Group, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { replaced, without } from "../../lib/ListInput.tsx";
import { type Authored, type FlagType } from "./authored.ts";

export function Variants({ draft, onChange }: { draft: Authored; onChange: (variants: Authored["variants"]) => void }) {
  // Rows of their own: while a name is typed it may be another's for a moment, and must not swallow that one.
  const [rows, setRows] = useState(() => Object.entries(draft.variants));
  const isTaken = (name: string) => rows.filter(([other]) => other === name).length > 1;
  const put = (next: [name: string, value: unknown][]) => {
    setRows(next);
    if (new Set(next.map(([name]) => name)).size === next.length) onChange(Object.fromEntries(next));
  };
  return (
    <Stack gap={6}>
      {rows.map(([name, value], at) => (
        <Group key={at} gap={6} align="start">
          <TextInput
            size="xs"
            w={150}
            aria-label={`variant ${at + 1}, name`}
            value={name}
            error={isTaken(name) ? "Another is called that" : undefined}
            onChange={(event) => put(replaced(rows, at, [event.currentTarget.value, value]))}
          />
          <ValueInput
            type={draft.type}
            label={`variant ${at + 1}, value`}
            value={value}
            onChange={(given) => put(replaced(rows, at, [name, given]))}
          />
          {rows.length > 1 && (
            <ActionIcon aria-label={`remove variant ${name}`} onClick={() => put(without(rows, at))}>
              <IconTrash size={15} />
            </ActionIcon>
          )}
        </Group>
      ))}
      <Button
        size="compact-xs"
        leftSection={<IconPlus size={13} />}
        style={{ alignSelf: "start" }}
        onClick={() => put([...rows, [freeName(rows), rows[0]?.[1] ?? null]])}
      >
        Add a variant
      </Button>
    </Stack>
  );
}

/** `variant-3`, or the next that nobody has. */
function freeName(rows: readonly [string, unknown][]): string {
  for (let number = rows.length + 1; ; number += 1) {
    const name = `variant-${number}`;
    if (rows.every(([other]) => other !== name)) return name;
  }
}

function ValueInput({
  type,
  label,
  value,
  onChange,
}: {
  type: FlagType;
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const [text, setText] = useState(() => JSON.stringify(value));
  switch (type) {
    case "boolean":
      return (
        <Select
          size="xs"
          w={120}
          aria-label={label}
          data={["true", "false"]}
          value={String(value)}
          onChange={(given) => onChange(given === "true")}
          allowDeselect={false}
        />
      );
    case "number":
      return (
        <NumberInput
          size="xs"
          w={160}
          aria-label={label}
          value={typeof value === "number" ? value : ""}
          onChange={(given) => onChange(Number(given))}
        />
      );
    case "string":
      return (
        <TextInput
          size="xs"
          flex={1}
          aria-label={label}
          value={String(value ?? "")}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    default:
      return (
        <TextInput
          size="xs"
          flex={1}
          aria-label={label}
          classNames={{ input: "mono" }}
          value={text}
          error={isJson(text) ? undefined : "this is not JSON"}
          onChange={(event) => {
            setText(event.currentTarget.value);
            if (isJson(event.currentTarget.value)) onChange(JSON.parse(event.currentTarget.value));
          }}
        />
      );
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
