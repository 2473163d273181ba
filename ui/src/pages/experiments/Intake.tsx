// Taking an experiment in: from its numbers, or from another tool's export. What would be registered is shown first; nothing is registered by trying.
import {
  Alert,
  Button,
  Group,
  JsonInput,
  List,
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Textarea,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { client, unwrap } from "../../api/client.ts";
import type { TakenIn } from "../../api/model.ts";
import { teams } from "../../api/queries.ts";
import { VerdictBadge } from "../../lib/badges.tsx";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { PageHeader, Section } from "../../lib/Page.tsx";
import { sentence } from "../../lib/said.ts";
import { documentOf, EMPTY, type Numbers } from "./numbers.ts";

type Source = "numbers" | "summary" | "growthbook" | "statsig";

const SOURCES: { value: Source; label: string }[] = [
  { value: "numbers", label: "Numbers" },
  { value: "summary", label: "Summary" },
  { value: "growthbook", label: "GrowthBook" },
  { value: "statsig", label: "Statsig" },
];

export default function Intake() {
  const go = useNavigate();
  const queries = useQueryClient();
  const [source, setSource] = useState<Source>("numbers");
  const [numbers, setNumbers] = useState<Numbers>(EMPTY);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<{ team: string | null; ended: string }>({ team: null, ended: "" });
  const isNumbers = source === "numbers";
  const send = async (dryRun: boolean) =>
    (await unwrap(
      client.POST("/api/v1/experiments/intake", {
        body: {
          source: source === "numbers" ? "summary" : source,
          document: (isNumbers ? documentOf(numbers) : JSON.parse(text)) as Record<string, never>,
          choices: (isNumbers
            ? {}
            : Object.fromEntries(
                Object.entries(chosen).filter(([, value]) => value !== null && value !== ""),
              )) as never,
          dry_run: dryRun,
        },
      }),
    )) as TakenIn;
  const dry = useMutation({ mutationFn: () => send(true) });
  const register = useMutation({
    mutationFn: () => send(false),
    onSuccess: (taken) => {
      void queries.invalidateQueries();
      const first = taken.commands[0];
      void go(
        first?.do === "register_experiment"
          ? `/experiments/${encodeURIComponent(first.with.experiment)}`
          : "/experiments",
      );
    },
  });
  const change = <K extends keyof Numbers>(name: K, value: Numbers[K]) => {
    dry.reset();
    setNumbers((before) => ({ ...before, [name]: value }));
  };
  return (
    <>
      <PageHeader
        title="Take an experiment in"
        back={{ to: "/experiments", label: "Experiments" }}
        says="Give what was measured. Tenure judges it anew, and shows what it understood before anything is registered."
      />
      <Section>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            dry.mutate();
          }}
        >
          <Stack gap="md" maw={860}>
            <SegmentedControl
              aria-label="Where it comes from"
              size="xs"
              data={SOURCES}
              value={source}
              onChange={(value) => {
                dry.reset();
                setSource(value as Source);
              }}
              style={{ alignSelf: "start" }}
            />
            {isNumbers ? (
              <Form numbers={numbers} change={change} />
            ) : (
              <>
                <SimpleGrid cols={{ base: 1, sm: 2 }}>
                  <Team
                    value={chosen.team}
                    onChange={(team) => {
                      dry.reset();
                      setChosen((before) => ({ ...before, team }));
                    }}
                    hint="Where the file does not say it"
                  />
                  <TextInput
                    type="date"
                    label="Last day it ran"
                    description="Where the file does not say it"
                    value={chosen.ended}
                    onChange={(event) => {
                      const { value } = event.currentTarget;
                      dry.reset();
                      setChosen((before) => ({ ...before, ended: value }));
                    }}
                  />
                </SimpleGrid>
                <JsonInput
                  label="The file"
                  description={
                    source === "summary"
                      ? "Tenure's own form: counts, moments, or an effect with its interval."
                      : "The experiment as that tool exports it, in JSON."
                  }
                  autosize
                  minRows={8}
                  maxRows={24}
                  validationError="this is not JSON"
                  value={text}
                  onChange={(value) => {
                    dry.reset();
                    setText(value);
                  }}
                  classNames={{ input: "mono" }}
                />
              </>
            )}
            <Group>
              <Button type="submit" variant={dry.data ? "default" : "filled"} loading={dry.isPending}>
                Show what would be registered
              </Button>
            </Group>
            {dry.isError && <CommandFailure error={dry.error} />}
          </Stack>
        </form>
      </Section>
      {dry.data && (
        <Section
          id="dry-run"
          title="What would be registered"
          says="Nothing is registered yet."
          actions={
            <Button variant="filled" onClick={() => register.mutate()} loading={register.isPending}>
              Register it
            </Button>
          }
        >
          <Understood taken={dry.data} />
          {register.isError && <CommandFailure error={register.error} />}
        </Section>
      )}
    </>
  );
}

function Understood({ taken }: { taken: TakenIn }) {
  return (
    <Stack gap="md">
      {taken.records.map(
        (record) =>
          record.kind === "experiment_registered" && (
            <div key={record.body.experiment}>
              <Group gap="xs">
                <VerdictBadge verdict={record.body.judged.verdict} />
                <Text fw={600}>{record.body.title ?? record.body.experiment}</Text>
              </Group>
              <Text size="sm">{sentence(record.body.judged.sentence)}</Text>
              {record.body.judged.verdict !== "positive" && (
                <Text size="sm" className="quiet">
                  It can be kept on record; only a significant positive result may become a case.
                </Text>
              )}
            </div>
          ),
      )}
      <Notes title="Know before you register it" color="late" notes={taken.warnings} />
      <Notes title="What was understood" color="iris" notes={taken.understood} />
      <Notes title="What was left aside" color="gray" notes={taken.ignored} />
    </Stack>
  );
}

function Notes({ title, color, notes }: { title: string; color: string; notes: TakenIn["warnings"] }) {
  if (notes.length === 0) return null;
  return (
    <Alert color={color} variant="light" title={title}>
      <List size="sm">
        {notes.map(({ path, says }) => (
          <List.Item key={`${path} ${says}`}>
            {path !== "" && <span className="mono">{path}: </span>}
            {says}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Team({
  value,
  onChange,
  hint,
}: {
  value: string | null;
  onChange: (team: string | null) => void;
  hint?: string;
}) {
  const known = useQuery(teams).data ?? [];
  return (
    <Select
      label="Team that ran it"
      description={hint}
      searchable
      data={known.map(({ team, name }) => ({ value: team, label: name }))}
      value={value}
      onChange={onChange}
      nothingFoundMessage="no team by that name: define it in the settings"
    />
  );
}

function Form({
  numbers,
  change,
}: {
  numbers: Numbers;
  change: <K extends keyof Numbers>(name: K, value: Numbers[K]) => void;
}) {
  const text = (
    name:
      "experiment" | "title" | "ended" | "metric" | "we_believe" | "will_result_in" | "because" | "surface" | "source",
  ) => ({
    value: numbers[name],
    onChange: (event: { currentTarget: { value: string } }) => change(name, event.currentTarget.value),
  });
  const isMean = numbers.kind === "mean";
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label="Name for people" placeholder="Reminder in the basket" {...text("title")} />
        <TextInput label="Id" placeholder="made from the name when left out" {...text("experiment")} />
        <Team value={numbers.team} onChange={(team) => change("team", team)} />
        <TextInput type="date" label="Last day it ran" {...text("ended")} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <Textarea label="We believe" autosize {...text("we_believe")} />
        <Textarea label="will result in" autosize {...text("will_result_in")} />
        <Textarea label="because" autosize {...text("because")} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <TextInput label="Primary metric" placeholder="purchase" {...text("metric")} />
        <Select
          label="What the number is"
          data={[
            { value: "proportion", label: "Share of units that did it" },
            { value: "mean", label: "Mean of a value per unit" },
          ]}
          value={numbers.kind}
          onChange={(kind) => change("kind", kind === "mean" ? "mean" : "proportion")}
          allowDeselect={false}
        />
        <Select
          label="Which way is good"
          data={[
            { value: "increase", label: "More is better" },
            { value: "decrease", label: "Less is better" },
          ]}
          value={numbers.direction}
          onChange={(direction) => change("direction", direction === "decrease" ? "decrease" : "increase")}
          allowDeselect={false}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {(["control", "treatment"] as const).map((arm) => (
          <Group key={arm} grow align="end" gap="xs" wrap="nowrap">
            <NumberInput
              label={`${arm === "control" ? "Control" : "Treatment"}, units`}
              min={1}
              thousandSeparator=" "
              value={numbers[arm].n ?? ""}
              onChange={(n) => change(arm, { ...numbers[arm], n: n === "" ? undefined : Number(n) })}
            />
            {isMean ? (
              <>
                <NumberInput
                  label="mean"
                  value={numbers[arm].mean ?? ""}
                  onChange={(mean) => change(arm, { ...numbers[arm], mean: mean === "" ? undefined : Number(mean) })}
                  aria-label={`${arm}, mean`}
                />
                <NumberInput
                  label="std. deviation"
                  min={0}
                  value={numbers[arm].sd ?? ""}
                  onChange={(sd) => change(arm, { ...numbers[arm], sd: sd === "" ? undefined : Number(sd) })}
                  aria-label={`${arm}, standard deviation`}
                />
              </>
            ) : (
              <NumberInput
                label={`${arm === "control" ? "Control" : "Treatment"}, that did it`}
                min={0}
                thousandSeparator=" "
                value={numbers[arm].successes ?? ""}
                onChange={(successes) =>
                  change(arm, { ...numbers[arm], successes: successes === "" ? undefined : Number(successes) })
                }
              />
            )}
          </Group>
        ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label="Product surface" placeholder="optional" {...text("surface")} />
        <TextInput label="Who measured it, and with what" placeholder="optional" {...text("source")} />
      </SimpleGrid>
    </>
  );
}
