// Writing a flag in one environment: variants, units named one by one, rules in their order. Beside it stands, in words, who gets what.
// Where the environment asks for approval, a change is proposed instead of made.
import {
  ActionIcon,
  Alert,
  Button,
  Checkbox,
  Group,
  List,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Textarea,
} from "@mantine/core";
import { IconArrowUp, IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { environments, flag, segments } from "../../api/queries.ts";
import { Problem } from "../../api/problem.ts";
import { useGive } from "../../lib/command/give.ts";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { of } from "../../lib/number.ts";
import { Asked, PageHeader, Section, Waiting } from "../../lib/Page.tsx";
import { idFrom } from "../../lib/command/forms.ts";
import {
  type Authored,
  faultsOf,
  type FlagType,
  keysOf,
  NEW,
  type Rule,
  VARIANTS_FIRST,
  whoGetsWhat,
} from "./authored.ts";
import { Conditions } from "./Conditions.tsx";

export default function FlagEditor() {
  const { key } = useParams();
  const [query] = useSearchParams();
  const environment = query.get("environment") ?? "production";
  const asked = useQuery({ ...flag(environment, key ?? ""), enabled: key !== undefined });
  if (key === undefined) return <Editor environment={environment} before={NEW} flagKey={null} />;
  if (asked.error instanceof Problem && asked.error.status === 404)
    return <Editor environment={environment} before={NEW} flagKey={key} />;
  if (asked.isPending) return <Waiting lines={8} />;
  return (
    <Asked of={asked}>
      {({ source }) => (
        <Editor
          key={environment}
          environment={environment}
          flagKey={key}
          before={source && "authored" in source ? source.authored : NEW}
          isOther={!(source && "authored" in source)}
        />
      )}
    </Asked>
  );
}

function Editor({
  environment,
  before,
  flagKey,
  isOther,
}: {
  environment: string;
  before: Authored;
  flagKey: string | null;
  isOther?: boolean;
}) {
  const go = useNavigate();
  const [draft, setDraft] = useState<Authored>(before);
  const [named, setNamed] = useState(flagKey ?? "");
  const [reason, setReason] = useState("");
  const approvals = useQuery(environments).data?.find((one) => one.environment === environment)?.known?.approvals ?? 0;
  const known = (useQuery(segments).data ?? []).map(({ segment }) => segment);
  const set = <K extends keyof Authored>(name: K, value: Authored[K]) => setDraft((one) => ({ ...one, [name]: value }));
  const needsApproval = approvals > 0;
  const request = idFrom("CR", `${named} ${Date.now().toString(36)}`);
  const give = useGive({
    onDone: () =>
      void go(
        needsApproval
          ? `/change-requests/${request}`
          : `/flags/${encodeURIComponent(named)}?environment=${environment}`,
      ),
  });
  const faults = faultsOf(draft);
  const variants = Object.keys(draft.variants);
  const save = () => {
    const change = { key: named, authored: draft };
    give.mutate(
      needsApproval
        ? {
            command: "propose_change",
            with: { request, environment, reason, changes: [{ do: "set_flag", with: change }] },
          }
        : { command: "set_flag", with: { ...change, environment, ...(reason === "" ? {} : { reason }) } },
    );
  };
  return (
    <>
      <PageHeader
        title={flagKey === null ? "A new flag" : `Edit ${flagKey}`}
        back={{
          to: flagKey === null ? "/flags" : `/flags/${encodeURIComponent(flagKey)}?environment=${environment}`,
          label: flagKey ?? "Flags",
        }}
        says={
          <>
            In <b>{environment}</b>
            {needsApproval && `, where ${of(approvals, "person", "people")} besides you approve a change`}.
          </>
        }
      />
      {isOther && (
        <Alert color="late" mb="md">
          This flag is written as a flagd definition. Saving replaces it by what stands here.
        </Alert>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (faults.length === 0) save();
        }}
      >
        <Section title="Variants" says="The values it can have.">
          <Stack gap="md">
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              {flagKey === null && (
                <TextInput
                  label="Key"
                  description="What code asks for"
                  placeholder="checkout-badge"
                  value={named}
                  onChange={(event) => setNamed(event.currentTarget.value.trim())}
                />
              )}
              <Select
                label="Type"
                description="Of every variant"
                data={["boolean", "string", "number", "object"]}
                value={draft.type}
                onChange={(type) =>
                  type !== null &&
                  setDraft((one) => ({
                    ...one,
                    type: type as FlagType,
                    ...VARIANTS_FIRST[type as FlagType],
                    targets: [],
                    rules: [],
                  }))
                }
                allowDeselect={false}
              />
              <Select
                label="Default"
                description="Served when nothing below decides"
                data={variants}
                value={draft.default}
                onChange={(value) => set("default", value ?? "")}
                allowDeselect={false}
              />
            </SimpleGrid>
            <Variants draft={draft} onChange={(changed) => set("variants", changed)} />
            <Checkbox
              label="The flag answers"
              description="Switched off, callers use the default in their code"
              checked={draft.enabled !== false}
              onChange={(event) => set("enabled", event.currentTarget.checked)}
            />
          </Stack>
        </Section>
        <Section
          title="Named units"
          says="They come first, whatever the rules say."
          actions={
            <Button
              size="xs"
              leftSection={<IconPlus size={14} />}
              onClick={() => set("targets", [...(draft.targets ?? []), { variant: variants[0] ?? "", keys: [] }])}
            >
              Add
            </Button>
          }
        >
          {(draft.targets ?? []).length === 0 ? (
            <Text size="sm" className="quiet">
              Nobody is named.
            </Text>
          ) : (
            <Stack gap="xs">
              {(draft.targets ?? []).map((target, at) => {
                const change = (to: Partial<typeof target>) =>
                  set(
                    "targets",
                    (draft.targets ?? []).map((one, place) => (place === at ? { ...one, ...to } : one)),
                  );
                return (
                  <Group key={at} gap="xs" align="end">
                    <TagsInput
                      flex={3}
                      miw={200}
                      size="xs"
                      aria-label={`units ${at + 1}`}
                      placeholder="unit, then Enter"
                      value={keysOf(target.keys)}
                      onChange={(keys) => change({ keys })}
                    />
                    <Select
                      w={150}
                      size="xs"
                      aria-label={`units ${at + 1} get`}
                      data={variants}
                      value={target.variant}
                      onChange={(variant) => change({ variant: variant ?? "" })}
                      allowDeselect={false}
                    />
                    <ActionIcon
                      aria-label={`remove units ${at + 1}`}
                      onClick={() =>
                        set(
                          "targets",
                          (draft.targets ?? []).filter((_, place) => place !== at),
                        )
                      }
                    >
                      <IconTrash size={15} />
                    </ActionIcon>
                  </Group>
                );
              })}
            </Stack>
          )}
        </Section>
        <Section
          title="Rules"
          says="In order: the first whose conditions all hold decides."
          actions={
            <Button
              size="xs"
              leftSection={<IconPlus size={14} />}
              onClick={() => set("rules", [...(draft.rules ?? []), { when: [], serve: variants[0] ?? "" }])}
            >
              Add a rule
            </Button>
          }
        >
          {(draft.rules ?? []).length === 0 ? (
            <Text size="sm" className="quiet">
              No rule: everybody gets the default.
            </Text>
          ) : (
            <Stack gap="md">
              {(draft.rules ?? []).map((rule, at) => (
                <RuleEditor
                  key={at}
                  at={at}
                  rule={rule}
                  variants={variants}
                  segments={known}
                  onChange={(changed) =>
                    set(
                      "rules",
                      (draft.rules ?? []).map((one, place) => (place === at ? changed : one)),
                    )
                  }
                  onRemove={() =>
                    set(
                      "rules",
                      (draft.rules ?? []).filter((_, place) => place !== at),
                    )
                  }
                  onUp={at === 0 ? undefined : () => set("rules", moved(draft.rules ?? [], at))}
                />
              ))}
            </Stack>
          )}
        </Section>
        <Section id="preview" title="Who gets what">
          <List size="sm" spacing={4} type="ordered">
            {whoGetsWhat(draft).map((line) => (
              <List.Item key={line}>{line}</List.Item>
            ))}
          </List>
          {faults.length > 0 && (
            <Alert color="late" mt="md" title="Before it can be saved">
              <List size="sm">
                {faults.map((fault) => (
                  <List.Item key={fault}>{fault}</List.Item>
                ))}
              </List>
            </Alert>
          )}
        </Section>
        <Section>
          <Stack gap="md">
            <Textarea
              label="Why"
              description={needsApproval ? "Those who approve it read this" : "Optional; it stands in the history"}
              autosize
              minRows={2}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
            {give.isError && <CommandFailure error={give.error} />}
            <Group gap="xs">
              <Button
                type="submit"
                variant="filled"
                loading={give.isPending}
                disabled={faults.length > 0 || named === "" || (needsApproval && reason.trim() === "")}
              >
                {needsApproval ? "Propose the change" : "Save"}
              </Button>
              <Button onClick={() => void go(-1)}>Cancel</Button>
            </Group>
          </Stack>
        </Section>
      </form>
    </>
  );
}

function moved<T>(list: readonly T[], at: number): T[] {
  const next = [...list];
  const [one] = next.splice(at, 1);
  if (one !== undefined) next.splice(at - 1, 0, one);
  return next;
}

function Variants({ draft, onChange }: { draft: Authored; onChange: (variants: Authored["variants"]) => void }) {
  const rows = Object.entries(draft.variants);
  const put = (at: number, name: string, value: unknown) =>
    onChange(Object.fromEntries(rows.map((row, place) => (place === at ? [name, value] : row))));
  return (
    <Stack gap={6}>
      {rows.map(([name, value], at) => (
        <Group key={at} gap={6}>
          <TextInput
            size="xs"
            w={150}
            aria-label={`variant ${at + 1}, name`}
            value={name}
            onChange={(event) => put(at, event.currentTarget.value, value)}
          />
          <ValueInput
            type={draft.type}
            label={`variant ${at + 1}, value`}
            value={value}
            onChange={(given) => put(at, name, given)}
          />
          {rows.length > 1 && (
            <ActionIcon
              aria-label={`remove variant ${name}`}
              onClick={() => onChange(Object.fromEntries(rows.filter((_, place) => place !== at)))}
            >
              <IconTrash size={15} />
            </ActionIcon>
          )}
        </Group>
      ))}
      <Button
        size="compact-xs"
        leftSection={<IconPlus size={13} />}
        style={{ alignSelf: "start" }}
        onClick={() => onChange({ ...draft.variants, [`variant-${rows.length + 1}`]: rows[0]?.[1] ?? null })}
      >
        Add a variant
      </Button>
    </Stack>
  );
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

function RuleEditor({
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
