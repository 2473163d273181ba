// One rule of a flag: its conditions, and what it serves whoever meets all of them.
import { ActionIcon, Group, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { IconArrowUp, IconTrash } from "@tabler/icons-react";
import { type Rule } from "./authored.ts";
import { Conditions } from "./Conditions.tsx";

export function RuleEditor({
  at,
  rule,
  variants,
  segments: known,
  onChange,
  onRemove,
  onUp,
}: {
  at: number;
  rule: Rule;
  variants: readonly string[];
  segments: readonly string[];
  onChange: (rule: Rule) => void;
  onRemove: () => void;
  onUp: (() => void) | undefined;
}) {
  const { serve } = rule;
  const isSplit = typeof serve !== "string";
  const label = `rule ${at + 1}`;
  return (
    <fieldset style={{ border: "1px solid var(--line)", borderRadius: 9, padding: 14, margin: 0, minWidth: 0 }}>
      <legend style={{ fontSize: "0.8rem", padding: "0 6px" }}>Rule {at + 1}</legend>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <TextInput
            size="xs"
            flex={1}
            maw={320}
            aria-label={`${label}, name`}
            placeholder="What people call it"
            value={rule.name ?? ""}
            onChange={(event) =>
              onChange({ ...rule, name: event.currentTarget.value === "" ? null : event.currentTarget.value })
            }
          />
          <Group gap={2}>
            {onUp && (
              <ActionIcon aria-label={`move ${label} up`} onClick={onUp}>
                <IconArrowUp size={15} />
              </ActionIcon>
            )}
            <ActionIcon aria-label={`remove ${label}`} onClick={onRemove}>
              <IconTrash size={15} />
            </ActionIcon>
          </Group>
        </Group>
        <Conditions
          label={label}
          value={rule.when ?? []}
          segments={known}
          onChange={(when) => onChange({ ...rule, when })}
        />
        <Group gap="xs" align="end">
          <Select
            size="xs"
            w={190}
            label="Serves"
            aria-label={`${label} serves`}
            data={[
              ...variants.map((name) => ({ value: `=${name}`, label: name })),
              { value: "split", label: "a split by percentage" },
            ]}
            value={isSplit ? "split" : `=${serve}`}
            onChange={(value) =>
              onChange({
                ...rule,
                serve:
                  value === "split"
                    ? {
                        split: variants.map((variant, place) => ({
                          variant,
                          percent:
                            place === 0
                              ? 100 - Math.floor(100 / variants.length) * (variants.length - 1)
                              : Math.floor(100 / variants.length),
                        })),
                      }
                    : (value ?? "=").slice(1),
              })
            }
            allowDeselect={false}
          />
          {isSplit &&
            serve.split.map((portion, place) => (
              <NumberInput
                key={portion.variant}
                size="xs"
                w={110}
                label={portion.variant}
                aria-label={`${label}, percent of ${portion.variant}`}
                suffix=" %"
                min={0}
                max={100}
                value={portion.percent}
                onChange={(percent) =>
                  onChange({
                    ...rule,
                    serve: {
                      ...serve,
                      split: serve.split.map((one, other) =>
                        other === place ? { ...one, percent: Number(percent) } : one,
                      ),
                    },
                  })
                }
              />
            ))}
        </Group>
      </Stack>
    </fieldset>
  );
}
