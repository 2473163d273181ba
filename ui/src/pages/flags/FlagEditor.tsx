// Writing a flag in one environment: variants, units named one by one, rules in their order. Beside it stands, in words, who gets what.
// Where the environment asks for approval, a change is proposed instead of made.
import {
  ActionIcon,
  Alert,
  Button,
  Checkbox,
  Group,
  List,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Textarea,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { environments, flag, segments } from "../../api/queries.ts";
import { Problem } from "../../api/problem.ts";
import { environmentIn, useAddress } from "../../lib/address.ts";
import { useGive } from "../../lib/command/give.ts";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { replaced, without } from "../../lib/ListInput.tsx";
import { of } from "../../lib/number.ts";
import { Asked, PageHeader, Section, Waiting } from "../../lib/Page.tsx";
import { idFrom } from "../../lib/command/forms.ts";
import { type Authored, faultsOf, type FlagType, NEW, whoGetsWhat, VARIANTS_FIRST } from "./authored.ts";
import { RuleEditor } from "./RuleEditor.tsx";
import { UnitsInput } from "./UnitsInput.tsx";
import { Variants } from "./Variants.tsx";

export default function FlagEditor() {
  const { key } = useParams();
  const [query] = useAddress();
  const environment = environmentIn(query);
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
          isOther={Boolean(source && !("authored" in source))}
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
  const [, setAddress] = useAddress();
  const places = useQuery(environments).data ?? [];
  const inUse = places.filter(({ known: said }) => !said?.archived).map((one) => one.environment);
  const approvals = places.find((one) => one.environment === environment)?.known?.approvals ?? 0;
  const known = (useQuery(segments).data ?? []).map(({ segment }) => segment);
  const set = <K extends keyof Authored>(name: K, value: Authored[K]) => setDraft((one) => ({ ...one, [name]: value }));
  const needsApproval = approvals > 0;
  // One name for one proposal: it must be the same when it is sent and when its page is opened.
  const [mark] = useState(() => Date.now().toString(36));
  const request = idFrom("CR", `${named} ${mark}`);
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
  const { targets = [], rules = [] } = draft;
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
        actions={
          <Select
            label="Environment"
            size="xs"
            w={180}
            data={[...new Set([environment, "production", ...inUse])]}
            value={environment}
            onChange={(place) => setAddress("environment", place)}
            allowDeselect={false}
          />
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
            <Variants key={draft.type} draft={draft} onChange={(changed) => set("variants", changed)} />
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
              onClick={() => set("targets", [...targets, { variant: variants[0] ?? "", keys: [] }])}
            >
              Add
            </Button>
          }
        >
          {targets.length === 0 ? (
            <Text size="sm" className="quiet">
              Nobody is named.
            </Text>
          ) : (
            <Stack gap="xs">
              {targets.map((target, at) => {
                const change = (to: Partial<typeof target>) =>
                  set("targets", replaced(targets, at, { ...target, ...to }));
                return (
                  <Group key={at} gap="xs" align="end">
                    <UnitsInput
                      flex={3}
                      miw={200}
                      size="xs"
                      aria-label={`units ${at + 1}`}
                      value={target.keys}
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
                      onClick={() => set("targets", without(targets, at))}
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
              onClick={() => set("rules", [...rules, { when: [], serve: variants[0] ?? "" }])}
            >
              Add a rule
            </Button>
          }
        >
          {rules.length === 0 ? (
            <Text size="sm" className="quiet">
              No rule: everybody gets the default.
            </Text>
          ) : (
            <Stack gap="md">
              {rules.map((rule, at) => (
                <RuleEditor
                  key={at}
                  at={at}
                  rule={rule}
                  variants={variants}
                  segments={known}
                  onChange={(changed) => set("rules", replaced(rules, at, changed))}
                  onRemove={() => set("rules", without(rules, at))}
                  onUp={at === 0 ? undefined : () => set("rules", moved(rules, at))}
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
