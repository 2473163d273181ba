// The input of one field of a command, by what it is.
import {
  Checkbox,
  Group,
  Input,
  JsonInput,
  NumberInput,
  Radio,
  Stack,
  TagsInput,
  Textarea,
  TextInput,
} from "@mantine/core";
import { replaced } from "../ListInput.tsx";
import type { Field } from "./form.ts";
import { Known } from "./KnownInput.tsx";
import { Guardrails, Waves } from "./PlanInputs.tsx";
import { RunArms } from "./RunArmsInput.tsx";

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
    case "runArms":
      return <RunArms {...{ field, value, onChange, fault }} />;
    case "json":
      return <Json {...{ field, value, onChange, fault }} />;
    default:
      return <Known {...{ field, value, onChange, fault }} />;
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
              onChange(replaced(days, at, given === "" ? undefined : Number(given)))
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
