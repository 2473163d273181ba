// The dialog of a command, made from its form. A refusal stays inside it, beside what was typed; nothing typed is lost.
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "../../api/problem.ts";
import { commands } from "../../api/queries.ts";
import { FormDialog } from "../FormDialog.tsx";
import { fieldsFrom, type Schema } from "./described.ts";
import { FieldInput } from "./FieldInput.tsx";
import type { Field, Form } from "./form.ts";
import { argumentsOf, fieldsOf, formOf, FORMS, idFrom, missing, verbOf } from "./forms.ts";
import { useGive } from "./give.ts";

/** Fields whose name can be made from another's words. */
const NAMED_AFTER: Record<string, [prefix: string, from: string]> = {
  bug: ["BUG", "description"],
  follow_up: ["FU", "description"],
  platform_change: ["PCH", "description"],
};

export default function CommandDialog({
  command,
  known,
  onClose,
  initial,
}: {
  command: string;
  known: Record<string, unknown>;
  onClose: () => void;
  initial: Record<string, unknown>;
}) {
  const isOwn = command in FORMS;
  const described = useQuery({ ...commands, enabled: !isOwn }).data?.find(({ name }) => name === command);
  const form: Form =
    isOwn || described === undefined
      ? formOf(command)
      : { ...formOf(command), says: described.says, fields: fieldsFrom(described.with as Schema) };
  const [given, setGiven] = useState<Record<string, unknown>>(initial);
  const [isTried, setTried] = useState(false);
  const give = useGive({ onDone: onClose });
  const names = new Set(Object.keys(known));
  const fields = fieldsOf(form, { ...given, ...known }, names);
  const named = withNames(fields, given);
  const lacking = missing(fields, named);
  const verb = verbOf(command, known.kind as string | undefined);
  const fault = give.error instanceof Problem ? give.error.field : null;

  const submit = () => {
    setTried(true);
    if (lacking.length === 0) give.mutate({ command, with: argumentsOf(form, known, named) });
  };

  return (
    <FormDialog
      title={form.title ?? verb}
      onClose={onClose}
      submit={verb}
      onSubmit={submit}
      error={give.error}
      isPending={give.isPending}
      danger={form.danger === true}
      size={fields.some(({ is }) => is === "waves" || is === "runArms" || is === "json") ? "lg" : "md"}
    >
      <About known={known} />
      {form.says !== undefined && (
        <Text size="sm" className="quiet">
          {form.says}
        </Text>
      )}
      {fields.map((field, at) => (
        <FieldInput
          key={field.name}
          field={field}
          value={named[field.name]}
          autoFocus={at === 0}
          fault={
            isTried && lacking.includes(field.name)
              ? "This is needed."
              : fault === field.name
                ? give.error?.message
                : undefined
          }
          onChange={(value) => setGiven((before) => ({ ...before, [field.name]: value }))}
        />
      ))}
    </FormDialog>
  );
}

/** What the command is about, as far as it is known. */
function About({ known }: { known: Record<string, unknown> }) {
  const parts = Object.entries(known).filter(([name, value]) => typeof value === "string" && name !== "kind");
  if (parts.length === 0) return null;
  return (
    <Text size="sm" className="quiet mono">
      {parts.map(([, value]) => String(value)).join(" · ")}
    </Text>
  );
}

function withNames(fields: readonly Field[], given: Record<string, unknown>): Record<string, unknown> {
  const named = { ...given };
  for (const { name } of fields) {
    const rule = NAMED_AFTER[name];
    if (
      rule !== undefined &&
      named[name] === undefined &&
      typeof named[rule[1]] === "string" &&
      named[rule[1]] !== ""
    ) {
      named[name] = idFrom(rule[0], String(named[rule[1]]).split(/\s+/).slice(0, 4).join(" "));
    }
  }
  return named;
}
