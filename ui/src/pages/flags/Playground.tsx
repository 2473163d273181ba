// The playground: a context against the flags of an environment, each answer with the rule that gave it. Nobody is exposed by trying.
import { Badge, Button, Code, Group, JsonInput, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import type { EvaluationStep, Explained } from "../../api/model.ts";
import { environments } from "../../api/queries.ts";
import { environmentIn, useAddress } from "../../lib/address.ts";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { FlagTabs } from "./FlagTabs.tsx";

/** The most answers that are shown together. */
const ANSWERS_MAX = 100;

export default function Playground() {
  const [query, set] = useAddress();
  const [context, setContext] = useState('{\n  "targetingKey": "user-42"\n}');
  const environment = environmentIn(query);
  const only = query.get("flag") ?? "";
  const known = (useQuery(environments).data ?? []).map((one) => one.environment);
  const attempt = useMutation({
    mutationFn: (after: string) =>
      unwrap(
        client.POST("/api/v1/playground", {
          body: {
            context: JSON.parse(context) as Record<string, unknown>,
            environment,
            flag: only === "" ? null : only,
            limit: ANSWERS_MAX,
            after,
            at: null,
          },
        }),
      ),
  });
  const { items: answers = [], next } = attempt.data ?? {};
  return (
    <>
      <PageHeader
        title="Playground"
        says="Give a context, and see what each flag answers and why. Nobody is exposed by it."
      />
      <FlagTabs />
      <Section>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            attempt.mutate("");
          }}
        >
          <Stack gap="md">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <Select
                label="Environment"
                data={[...new Set([environment, "production", ...known])]}
                value={environment}
                onChange={(value) => set("environment", value ?? "production")}
                allowDeselect={false}
              />
              <TextInput
                label="Only this flag"
                placeholder="all flags"
                value={only}
                onChange={(event) => set("flag", event.currentTarget.value.trim())}
              />
            </SimpleGrid>
            <JsonInput
              label="Context"
              description="targetingKey names the unit; add the attributes that rules ask about"
              autosize
              minRows={4}
              maxRows={14}
              formatOnBlur
              validationError="this is not JSON"
              classNames={{ input: "mono" }}
              value={context}
              onChange={setContext}
            />
            {attempt.isError && <CommandFailure error={attempt.error} />}
            <Button type="submit" variant="filled" loading={attempt.isPending} style={{ alignSelf: "start" }}>
              Try it
            </Button>
          </Stack>
        </form>
      </Section>
      {attempt.data && answers.length === 0 && (
        <Section>
          <EmptyState title={`No flag in ${environment}`} />
        </Section>
      )}
      {answers.map((one) => (
        <Answer key={one.key} one={one} />
      ))}
      {typeof next === "string" && (
        <Button onClick={() => attempt.mutate(next)} loading={attempt.isPending}>
          The flags after {next}
        </Button>
      )}
    </>
  );
}

function Answer({ one }: { one: Explained }) {
  return (
    <Section
      title={
        <Group gap="xs">
          <span className="mono">{one.key}</span>
          <Badge color={one.error ? "loss" : "iris"}>
            {one.variant ?? (one.error ? "no answer" : "the code's default")}
          </Badge>
        </Group>
      }
      says={one.error ?? decidedBy(one)}
    >
      <Text size="sm">
        <span className="quiet">Value </span>
        <span className="mono">{one.value === undefined ? "none" : JSON.stringify(one.value)}</span>
        <span className="quiet">, reason {one.reason}</span>
      </Text>
      {one.steps.length > 0 && (
        <details open={one.steps.length < 4}>
          <summary style={{ cursor: "pointer", fontSize: "0.85rem", marginTop: 8 }}>How it came to that</summary>
          <Trace steps={one.steps} />
        </details>
      )}
    </Section>
  );
}

function decidedBy({ decided_by: by, reason }: Explained): string {
  if (by === undefined || by === null) return `Reason ${reason}.`;
  if (by === "default") return "No target and no rule decided: the default.";
  if ("target" in by) return `Target ${by.target} names this unit.`;
  return `Rule ${by.rule.place}${by.rule.name ? `, ${by.rule.name},` : ""} decided.`;
}

function Trace({ steps }: { steps: readonly EvaluationStep[] }) {
  return (
    <ul style={{ margin: "4px 0", paddingLeft: 18, fontSize: "0.82rem" }}>
      {steps.map((step, at) => (
        // A step's place is its name.
        <li key={at}>
          <span className="mono">
            {step.operator}
            {step.variable && ` ${step.variable}`}
          </span>{" "}
          gave <Code>{JSON.stringify(step.value)}</Code>
          {(step.steps ?? []).length > 0 && <Trace steps={step.steps ?? []} />}
        </li>
      ))}
    </ul>
  );
}
