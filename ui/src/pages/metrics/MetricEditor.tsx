// Defining a metric, with a preview: a unit's events, which anybody may change, and the number that the definition makes of them.
import {
  ActionIcon,
  Button,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Table,
  Text,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { Metric } from "../../api/model.ts";
import { useGive } from "../../lib/command/give.ts";
import { FormDialog } from "../../lib/FormDialog.tsx";
import { replaced, without } from "../../lib/ListInput.tsx";
import { decimal } from "../../lib/number.ts";
import { type Draft, EXAMPLE, numberOf, type Outcome, sentenceOf } from "./preview.ts";

const NEW: Draft = { metric: "", kind: "proportion", direction: "increase", unit: "targetingKey" };

export function MetricEditor({
  metric,
  known,
  onClose,
}: {
  metric: Metric | undefined;
  known: readonly Metric[];
  onClose: () => void;
}) {
  const [draft, setDraft] = useState<Draft>(metric ?? NEW);
  const [outcomes, setOutcomes] = useState(EXAMPLE);
  const give = useGive({ onDone: onClose });
  const set = <K extends keyof Draft>(name: K, value: Draft[K]) => setDraft((before) => ({ ...before, [name]: value }));
  const event = draft.event || draft.metric;
  const taken = metric === undefined && known.some((one) => one.metric === draft.metric);
  const number = (value: string | number) => (value === "" ? null : Number(value));
  const save = () =>
    give.mutate({
      command: "define_metric",
      with: Object.fromEntries(
        Object.entries(draft).filter(([, value]) => value !== null && value !== undefined && value !== ""),
      ),
    });
  return (
    <FormDialog
      title={metric ? `Metric ${metric.title ?? metric.metric}` : "Define a metric"}
      size="xl"
      onClose={onClose}
      submit={metric ? "Replace the definition" : "Define"}
      onSubmit={save}
      error={give.error}
      isPending={give.isPending}
    >
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <TextInput
          label="Id"
          placeholder="purchase"
          value={draft.metric}
          readOnly={metric !== undefined}
          {...(taken ? { error: "This metric exists: saving replaces its definition." } : {})}
          onChange={(change) => set("metric", change.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label="Name"
          placeholder="optional"
          value={draft.title ?? ""}
          onChange={(change) => set("title", change.currentTarget.value)}
        />
        <Select
          label="Which way is good"
          data={[
            { value: "increase", label: "More is better" },
            { value: "decrease", label: "Less is better" },
          ]}
          value={draft.direction}
          onChange={(value) => set("direction", value === "decrease" ? "decrease" : "increase")}
          allowDeselect={false}
        />
        <Select
          label="What the number is"
          data={[
            { value: "proportion", label: "Share of units with the event" },
            { value: "mean", label: "Mean of a value per unit" },
            { value: "ratio", label: "Ratio of two totals" },
            { value: "quantile", label: "Quantile of a value" },
          ]}
          value={draft.kind}
          onChange={(value) => set("kind", value as Draft["kind"])}
          allowDeselect={false}
        />
        <TextInput
          label="Outcome event"
          placeholder={draft.metric || "the metric's id"}
          value={draft.event ?? ""}
          onChange={(change) => set("event", change.currentTarget.value)}
        />
        {draft.kind !== "proportion" && (
          <Select
            label="A unit's outcomes become"
            clearable
            placeholder="the sum"
            data={[
              { value: "any", label: "1 when there is any" },
              { value: "count", label: "how many there are" },
              { value: "sum", label: "the sum of their values" },
              { value: "mean", label: "the mean of their values" },
              { value: "last", label: "the value of the last" },
            ]}
            value={draft.aggregation ?? null}
            onChange={(value) => set("aggregation", value as Draft["aggregation"])}
          />
        )}
        {draft.kind === "ratio" && (
          <TextInput
            label="Event of the denominator"
            value={draft.denominator ?? ""}
            onChange={(change) => set("denominator", change.currentTarget.value)}
          />
        )}
        {draft.kind === "quantile" && (
          <NumberInput
            label="Which quantile"
            min={0.01}
            max={0.99}
            step={0.05}
            value={draft.quantile ?? ""}
            onChange={(value) => set("quantile", number(value))}
          />
        )}
        <NumberInput
          label="Hours in which outcomes count"
          placeholder="the whole rollout"
          min={1}
          value={draft.window_hours ?? ""}
          onChange={(value) => set("window_hours", number(value))}
        />
        {draft.kind !== "proportion" && (
          <NumberInput
            label="Largest value a unit may have"
            placeholder="none"
            min={0}
            value={draft.cap ?? ""}
            onChange={(value) => set("cap", number(value))}
          />
        )}
        <TextInput
          label="Attribute that carries the unit"
          value={draft.unit}
          onChange={(change) => set("unit", change.currentTarget.value)}
        />
      </SimpleGrid>
      <Preview draft={{ ...draft, event }} outcomes={outcomes} onChange={setOutcomes} />
    </FormDialog>
  );
}

function Preview({
  draft,
  outcomes,
  onChange,
}: {
  draft: Draft;
  outcomes: readonly Outcome[];
  onChange: (outcomes: readonly Outcome[]) => void;
}) {
  const value = numberOf(draft, outcomes);
  return (
    <section aria-label="Preview">
      <Text fw={600} size="sm">
        What it makes of one unit
      </Text>
      <Text size="sm" className="quiet">
        {sentenceOf(draft)} Change the events to try it; nothing here is sent.
      </Text>
      <Table.ScrollContainer minWidth={420}>
        <Table verticalSpacing={4} mt={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Event</Table.Th>
              <Table.Th>Hours after first exposure</Table.Th>
              <Table.Th>Value</Table.Th>
              <Table.Th aria-label="remove" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {outcomes.map((one, at) => (
              // Events have no name; their place is what they are.
              <Table.Tr key={at}>
                <Table.Td>
                  <TextInput
                    size="xs"
                    aria-label={`event ${at + 1}`}
                    placeholder={draft.event || "the metric's own"}
                    value={one.event}
                    onChange={(event) => onChange(replaced(outcomes, at, { ...one, event: event.currentTarget.value }))}
                  />
                </Table.Td>
                <Table.Td>
                  <NumberInput
                    size="xs"
                    aria-label={`event ${at + 1}, hours`}
                    value={one.hours}
                    onChange={(hours) => onChange(replaced(outcomes, at, { ...one, hours: Number(hours) }))}
                  />
                </Table.Td>
                <Table.Td>
                  <NumberInput
                    size="xs"
                    aria-label={`event ${at + 1}, value`}
                    value={one.value}
                    onChange={(given) => onChange(replaced(outcomes, at, { ...one, value: Number(given) }))}
                  />
                </Table.Td>
                <Table.Td>
                  <ActionIcon
                    aria-label={`remove event ${at + 1}`}
                    onClick={() => onChange(without(outcomes, at))}
                  >
                    <IconTrash size={15} />
                  </ActionIcon>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Group justify="space-between" mt={6}>
        <Button
          size="compact-xs"
          leftSection={<IconPlus size={13} />}
          onClick={() => onChange([...outcomes, { event: "", hours: 1, value: 1 }])}
        >
          Add an event
        </Button>
        <Text size="sm" role="status">
          This unit counts as{" "}
          <b className="num">{value === null ? "nothing: it is not in the metric" : decimal(value, 4)}</b>.
        </Text>
      </Group>
    </section>
  );
}
