// A field that holds a list of small things without names: each on a line of its own, changed or taken out at its place, and one button for another.
import { ActionIcon, Button, Group, Input, Stack } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** The list with another value at that place. */
export function replaced<T>(list: readonly T[], at: number, by: T): T[] {
  return list.map((one, place) => (place === at ? by : one));
}

/** The list without what is at that place. */
export function without<T>(list: readonly T[], at: number): T[] {
  return list.filter((_, place) => place !== at);
}

export function ListInput<T extends object>({
  label,
  description,
  fault,
  noun,
  value,
  onChange,
  add,
  children,
}: {
  label: string;
  description: string;
  fault: string | undefined;
  /** What one of them is called: `wave 2, percent`. */
  noun: string;
  value: readonly T[];
  onChange: (value: T[]) => void;
  add: { label: string; give: () => readonly T[] };
  /** The inputs of one, by its name and the way to change it. */
  children: (one: T, name: string, change: (to: Partial<T>) => void) => ReactNode;
}) {
  return (
    <Input.Wrapper label={label} description={description} error={fault}>
      <Stack gap="xs" mt={6}>
        {value.map((one, at) => {
          const name = `${noun} ${at + 1}`;
          return (
            <Group key={name} gap="xs" wrap="nowrap">
              {children(one, name, (to) => onChange(replaced(value, at, { ...one, ...to })))}
              <ActionIcon aria-label={`remove ${name}`} onClick={() => onChange(without(value, at))}>
                <IconTrash size={16} />
              </ActionIcon>
            </Group>
          );
        })}
        <Button
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...value, ...add.give()])}
          style={{ alignSelf: "start" }}
        >
          {add.label}
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}
