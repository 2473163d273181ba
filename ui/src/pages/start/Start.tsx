// The first quarter of an hour: from an empty server to a case with a served flag. Each step says whether it is done, from what the server
// knows, and leads to the page that does it; the last one is code for the reader's own language.
import classes from "./Start.module.css";
import { Anchor, Button, Code, CopyButton, Group, SegmentedControl, Text } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { cases, codebases, experiments, people, session, teams, tokens } from "../../api/queries.ts";
import { PageHeader } from "../../lib/Page.tsx";
import { LANGUAGES, snippet } from "./snippets.ts";

export default function Start() {
  const me = useQuery(session).data;
  const known = {
    teams: useQuery(teams).data ?? [],
    codebases: useQuery(codebases).data ?? [],
    people: useQuery(people).data ?? [],
    experiments: useQuery(experiments).data ?? [],
    cases: useQuery(cases).data ?? [],
    tokens: useQuery({ ...tokens, enabled: me?.may.includes("accounts") === true }).data ?? [],
  };
  const holds = (role: string) =>
    known.people.some(({ grants }) => grants.some((grant) => grant.split(":")[0] === role));
  const drivers = ["development_lead", "product_manager", "design_lead"].every(holds);
  const flagged = known.cases.find(({ flag }) => flag !== null && flag !== undefined);
  const steps: { name: string; done: boolean; says: ReactNode; to?: [path: string, label: string] }[] = [
    {
      name: "Name the teams",
      done: known.teams.length >= 2,
      says: "The team that runs your experiments, and each team whose product an experiment touches. One person may play every part.",
      to: ["/settings/teams", "Teams"],
    },
    {
      name: "Name the code",
      done: known.codebases.length > 0,
      says: "A codebase has owners and a short list that they check before customers meet a change: a QA demo, a reviewed pull request.",
      to: ["/settings/codebases", "Codebases"],
    },
    {
      name: "Say who is who",
      done: drivers && holds("product_owner") && holds("codebase_owner"),
      says: "Three drivers (development lead, product manager, design lead), a product owner for each product team, an owner for each codebase. In a small company all of them can be you.",
      to: ["/settings/people", "People and roles"],
    },
    {
      name: "Take a winning experiment in",
      done: known.experiments.length > 0,
      says: "From its numbers, or as GrowthBook or Statsig exports it. What would be registered is shown first.",
      to: ["/experiments/intake", "Take an experiment in"],
    },
    {
      name: "Open a case for it",
      done: known.cases.length > 0,
      says: "Only a significant positive result may become a case. From there your desk says what comes next, and on whom it waits.",
      to: ["/experiments", "Experiments"],
    },
    {
      name: "Give it a flag",
      done: flagged !== undefined,
      says: "When the product teams have agreed, a developer creates the flag in the case file. It is off for everybody until a wave starts.",
      ...(known.cases[0] ? { to: [`/cases/${known.cases[0].id}#building`, "The case file"] as [string, string] } : {}),
    },
    {
      name: "Make a token for your application",
      done: known.tokens.some(
        ({ scopes, revoked_at: revoked }) => scopes.includes("evaluate") && !scopes.includes("admin") && !revoked,
      ),
      says: "With evaluate to ask for flags and ingest to send what customers do.",
      to: ["/settings/tokens", "Tokens"],
    },
  ];
  const next = steps.findIndex(({ done }) => !done);
  return (
    <>
      <PageHeader
        title="From nothing to a served flag"
        says="A quarter of an hour, and you can stop at any step: what is done stays done."
      />
      <ol className={classes.steps}>
        {steps.map(({ name, done, says, to }, at) => (
          <li
            key={name}
            data-done={done || undefined}
            data-next={at === next || undefined}
            aria-current={at === next ? "step" : undefined}
          >
            <span className={classes.mark} aria-hidden>
              {done ? <IconCheck size={16} /> : at + 1}
            </span>
            <div>
              <Text fw={600}>
                {name}
                {done && <span className={classes.done}> done</span>}
              </Text>
              <Text size="sm" className="quiet prose">
                {says}
              </Text>
            </div>
            {to !== undefined && (
              <Button component={Link} to={to[0]} size="xs" variant={at === next ? "filled" : "default"}>
                {to[1]}
              </Button>
            )}
          </li>
        ))}
      </ol>
      <Ask flag={flagged?.flag ?? "checkout-badge"} />
    </>
  );
}

function Ask({ flag }: { flag: string }) {
  // Which language somebody writes is no secret, and worth remembering.
  const [language, setLanguage] = useLocalStorage<(typeof LANGUAGES)[number]["name"]>({
    key: "tenure-language",
    defaultValue: "JavaScript",
  });
  const parts = snippet(language, { url: window.location.origin, flag });
  return (
    <section className={classes.ask} aria-labelledby="ask-title">
      <Text id="ask-title" component="h2" fw={600} size="lg">
        Ask for the flag in your code
      </Text>
      <Text size="sm" className="quiet prose">
        Through OpenFeature, so that nothing but these lines knows Tenure. Put the token where your secrets are.
      </Text>
      <SegmentedControl
        my="sm"
        aria-label="Language"
        data={LANGUAGES.map(({ name }) => name)}
        value={language}
        onChange={(value) => setLanguage(value as typeof language)}
      />
      {parts.map(({ name, text }) => (
        <div key={name} className={classes.code}>
          <Group justify="space-between" mb={4}>
            <Text size="sm" fw={560}>
              {name}
            </Text>
            <CopyButton value={text}>
              {({ copied, copy }) => (
                <Button size="compact-xs" onClick={copy} aria-label={`Copy: ${name}`}>
                  {copied ? "Copied" : "Copy"}
                </Button>
              )}
            </CopyButton>
          </Group>
          <Code block tabIndex={0}>
            {text}
          </Code>
        </div>
      ))}
      <Text size="sm">
        When a unit does what the metric counts, send it:{" "}
        <Anchor href="/openapi.json" size="sm">
          the API's description
        </Anchor>{" "}
        has all of <code>POST /api/v1/events</code>.
      </Text>
    </section>
  );
}
