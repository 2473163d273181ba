// The input of one field of a command, by what it is.
import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Input,
  JsonInput,
  MultiSelect,
  NumberInput,
  Radio,
  Select,
  Stack,
  TagsInput,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { accounts, cases, codebases, metrics, people, teams } from "../../api/queries.ts";
import type { Field } from "./forms.ts";

export interface FieldProps {
  field: Field;
  value: unknown;
  onChange: (value: unknown) => void;
  fault?: string | undefined;
  autoFocus?: boolean;
}

export function FieldInput({ field, value, onChange, fault, autoFocus }: FieldProps) {
  const about = {
    label: field.label,
    description: field.hint,
    error: fault,
    withAsterisk: false,
    "data-autofocus": autoFocus || undefined,
    name: field.name,
    ...(field.optional === true ? { placeholder: "optional" } : {}),
  };
  const text = typeof value === "string" ? value : "";
  switch (field.is) {
    case "text":
      return (
        <TextInput
          {...about}
          {...(field.placeholder ? { placeholder: field.placeholder } : {})}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
          autoComplete="off"
        />
      );
    case "long":
      return (
        <Textarea
          {...about}
          autosize
          minRows={2}
          maxRows={8}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case "number":
      return (
        <NumberInput
          {...about}
          {...(field.min === undefined ? {} : { min: field.min })}
          {...(field.max === undefined ? {} : { max: field.max })}
          value={typeof value === "number" ? value : ""}
          onChange={(given) => onChange(given === "" ? undefined : Number(given))}
          thousandSeparator=" "
        />
      );
    case "date":
      return (
        <TextInput {...about} type="date" value={text} onChange={(event) => onChange(event.currentTarget.value)} />
      );
    case "tags":
      return (
        <TagsInput
          {...about}
          placeholder={field.placeholder ?? "type a tag, then Enter"}
          value={(value as string[] | undefined) ?? []}
          onChange={onChange}
        />
      );
    case "lines":
      return (
        <Textarea
          {...about}
          autosize
          minRows={2}
          value={((value as string[] | undefined) ?? []).join("\n")}
          onChange={(event) => onChange(event.currentTarget.value.split("\n"))}
          onBlur={() => onChange(((value as string[] | undefined) ?? []).map((line) => line.trim()).filter(Boolean))}
        />
      );
    case "pick":
      return (
        <Radio.Group {...about} value={text} onChange={onChange}>
          <Stack gap={7} mt={6}>
            {field.options.map(([key, label]) => (
              <Radio key={key} value={key} label={label} />
            ))}
          </Stack>
        </Radio.Group>
      );
    case "yes":
      return (
        <Checkbox
          label={field.label}
          name={field.name}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "days":
      return <Days {...{ field, value, onChange, fault }} />;
    case "arm":
      return <Arm {...{ field, value, onChange, fault }} />;
    case "waves":
      return <Waves {...{ field, value, onChange, fault }} />;
    case "guardrails":
      return <Guardrails {...{ field, value, onChange, fault }} />;
    case "json":
      return <Json {...{ field, value, onChange, fault }} />;
    default:
      return <Known {...{ field, value, onChange, fault }} />;
  }
}

/** Something that the server has a list of. */
function Known({ field, value, onChange, fault }: FieldProps) {
  const isPerson = field.is === "person";
  const known = {
    people: useQuery({ ...people, enabled: isPerson }).data ?? [],
    accounts: useQuery({ ...accounts, enabled: isPerson }).data ?? [],
    teams: useQuery({ ...teams, enabled: field.is === "team" || field.is === "productTeam" }).data ?? [],
    codebases: useQuery({ ...codebases, enabled: field.is === "codebase" || field.is === "codebases" }).data ?? [],
    cases: useQuery({ ...cases, enabled: field.is === "case" }).data ?? [],
    metrics: useQuery({ ...metrics, enabled: field.is === "metric" }).data ?? [],
  };
  const about = {
    label: field.label,
    description: field.hint,
    error: fault,
    searchable: true,
    clearable: field.optional === true,
    name: field.name,
    nothingFoundMessage: "nothing by that name",
  };
  const one = (data: { value: string; label: string }[]) => (
    <Select
      {...about}
      data={data}
      value={typeof value === "string" ? value : null}
      onChange={onChange}
      placeholder={field.optional === true ? "optional" : "choose"}
    />
  );
  switch (field.is) {
    case "codebases":
      return (
        <MultiSelect
          {...about}
          data={known.codebases.map(({ codebase }) => codebase)}
          value={(value as string[] | undefined) ?? []}
          onChange={onChange}
          placeholder="choose"
        />
      );
    case "codebase":
      return one(known.codebases.map(({ codebase }) => ({ value: codebase, label: codebase })));
    case "case":
      return one(known.cases.map((found) => ({ value: found.id, label: found.title ?? found.id })));
    case "metric":
      return one(known.metrics.map((found) => ({ value: found.metric, label: found.title ?? found.metric })));
    case "person": {
      const { role } = field;
      const named = (id: string) => known.accounts.find((account) => account.id === id)?.display_name ?? id;
      const fit =
        role === undefined
          ? known.accounts.map(({ id }) => id)
          : known.people
              .filter(({ grants }) => grants.some((grant) => grant.split(":")[0] === role))
              .map(({ person }) => person);
      return one(fit.map((id) => ({ value: id, label: named(id) })));
    }
    default:
      return one(known.teams.map(({ team, name }) => ({ value: team, label: name ?? team })));
  }
}

function Days({ field, value, onChange, fault }: FieldProps) {
  const days = (value as (number | undefined)[] | undefined) ?? [undefined, undefined, undefined];
  return (
    <Input.Wrapper
      label={field.label}
      error={fault}
      description="low, likely and high: half of all such work takes about the likely one"
    >
      <Group grow gap="xs" mt={4}>
        {["low", "likely", "high"].map((name, at) => (
          <NumberInput
            key={name}
            aria-label={`${field.label}, ${name}`}
            placeholder={name}
            min={0}
            value={days[at] ?? ""}
            onChange={(given) =>
              onChange(days.map((day, place) => (place === at ? (given === "" ? undefined : Number(given)) : day)))
            }
          />
        ))}
      </Group>
    </Input.Wrapper>
  );
}

function Arm({ field, value, onChange, fault }: FieldProps) {
  const [units, successes] = (value as (number | undefined)[] | undefined) ?? [undefined, undefined];
  const number = (given: string | number) => (given === "" ? undefined : Number(given));
  return (
    <Input.Wrapper label={field.label} error={fault}>
      <Group grow gap="xs" mt={4}>
        <NumberInput
          aria-label={`${field.label}, units`}
          placeholder="units"
          min={0}
          value={units ?? ""}
          onChange={(given) => onChange([number(given), successes])}
          thousandSeparator=" "
        />
        <NumberInput
          aria-label={`${field.label}, successes`}
          placeholder="successes"
          min={0}
          value={successes ?? ""}
          onChange={(given) => onChange([units, number(given)])}
          thousandSeparator=" "
        />
      </Group>
    </Input.Wrapper>
  );
}

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

function Waves({ field, value, onChange, fault }: FieldProps) {
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

function Guardrails({ field, value, onChange, fault }: FieldProps) {
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

function Json({ field, value, onChange, fault }: FieldProps) {
  const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value, null, 2);
  return (
    <JsonInput
      label={field.label}
      description={field.hint}
      error={fault}
      autosize
      minRows={2}
      maxRows={16}
      formatOnBlur
      validationError="this is not JSON"
      name={field.name}
      classNames={{ input: "mono" }}
      value={text}
      onChange={(given) => {
        try {
          onChange(given.trim() === "" ? undefined : JSON.parse(given));
        } catch {
          onChange(given);
        }
      }}
    />
  );
}
