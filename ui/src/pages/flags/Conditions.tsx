// The conditions of a rule, all of which must hold: an attribute compared with values, or a segment.
import { ActionIcon, Button, Checkbox, Group, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { without } from "../../lib/ListInput.tsx";
import {
  compared,
  COMPARISONS,
  type Condition,
  hasOneValue,
  hasValues,
  isOfVersions,
  type Operator,
  withValues,
} from "./authored.ts";

export function Conditions({
  label,
  value,
  segments,
  onChange,
}: {
  label: string;
  value: readonly Condition[];
  segments: readonly string[];
  onChange: (conditions: Condition[]) => void;
}) {
  const change = (at: number, to: Partial<Condition>) =>
    onChange(value.map((one, place) => (place === at ? { ...one, ...to } : one)));
  return (
    <Stack gap={6}>
      {value.length === 0 && (
        <Text size="sm" className="quiet">
          No condition: everybody who comes this far.
        </Text>
      )}
      {value.map((one, at) => (
        // A condition's place is its name.
        <Group key={at} gap={6} align="end">
          {typeof one.segment === "string" ? (
            <Select
              size="xs"
              flex={2}
              aria-label={`${label}, condition ${at + 1}, segment`}
              placeholder="segment"
              searchable
              data={[...new Set([...segments, ...(one.segment === "" ? [] : [one.segment])])]}
              value={one.segment || null}
              onChange={(segment) => change(at, { segment: segment ?? "" })}
              nothingFoundMessage="no segment yet"
            />
          ) : (
            <>
              <TextInput
                size="xs"
                w={150}
                aria-label={`${label}, condition ${at + 1}, attribute`}
                placeholder="attribute"
                value={one.attribute ?? ""}
                onChange={(event) => change(at, { attribute: event.currentTarget.value })}
              />
              <Select
                size="xs"
                w={210}
                aria-label={`${label}, condition ${at + 1}, comparison`}
                data={Object.entries(COMPARISONS).map(([operator, [words]]) => ({ value: operator, label: words }))}
                value={one.is ?? "one_of"}
                onChange={(is) => change(at, compared(one, (is ?? "one_of") as Operator))}
                maxDropdownHeight={320}
                allowDeselect={false}
              />
              {hasValues(one.is) && (
                <TagsInput
                  size="xs"
                  flex={2}
                  miw={160}
                  aria-label={`${label}, condition ${at + 1}, values`}
                  placeholder={isOfVersions(one.is) ? "2.1.0, then Enter" : "value, then Enter"}
                  {...(hasOneValue(one.is) ? { maxTags: 1 } : {})}
                  value={(one.values ?? []).map(String)}
                  onChange={(values) => change(at, { values: withValues(one, values) })}
                />
              )}
            </>
          )}
          <Checkbox
            size="xs"
            label="not"
            checked={one.not === true}
            onChange={(event) => change(at, { not: event.currentTarget.checked })}
            mb={6}
          />
          <ActionIcon
            aria-label={`${label}, remove condition ${at + 1}`}
            onClick={() => onChange(without(value, at))}
          >
            <IconTrash size={15} />
          </ActionIcon>
        </Group>
      ))}
      <Group gap={6}>
        <Button
          size="compact-xs"
          leftSection={<IconPlus size={13} />}
          onClick={() => onChange([...value, { attribute: "", is: "one_of", values: [] }])}
        >
          Attribute
        </Button>
        <Button
          size="compact-xs"
          leftSection={<IconPlus size={13} />}
          onClick={() => onChange([...value, { segment: "" }])}
        >
          Segment
        </Button>
      </Group>
    </Stack>
  );
}
