// One flag: how it stands in every environment, who gets what, what was changed and by whom, and where its key stands in code.
import { Anchor, Badge, Button, Code, Group, List, Table, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearchParams } from "react-router";
import { environments, flag, flagHistory, references } from "../../api/queries.ts";
import type { Flag, FlagChange } from "../../api/model.ts";
import { environmentIn } from "../../lib/address.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { PersonName, TeamName } from "../../lib/names.tsx";
import { day, dayOf, decimal, instantOf, of } from "../../lib/number.ts";
import { Asked, EmptyState, ErrorState, Fact, Facts, PageHeader, Section, Waiting } from "../../lib/Page.tsx";
import { ReadOn } from "../../lib/ReadOn.tsx";
import { editOf, isByHand, whoGetsWhat } from "./authored.ts";
import { Answers } from "./Answers.tsx";
import { Differences } from "./Differences.tsx";
import { said } from "../../lib/said.ts";

export default function FlagPage() {
  const { key = "" } = useParams();
  const [query] = useSearchParams();
  const environment = environmentIn(query);
  return (
    <Asked of={useQuery(flag(environment, key))} lines={8}>
      {(one) => <Whole one={one} environment={environment} />}
    </Asked>
  );
}

function Whole({ one, environment }: { one: Flag; environment: string }) {
  const { key, source, definition } = one;
  const isOfCase = typeof one.case === "string";
  const elsewhere = (useQuery(environments).data ?? [])
    .filter(({ environment: place, known }) => !known?.archived && !(place in one.environments))
    .map(({ environment: place }) => place);
  return (
    <>
      <PageHeader
        title={key}
        back={{ to: "/flags", label: "Flags" }}
        says={one.description ?? undefined}
        actions={
          <>
            <Button component={Link} to={`/playground?flag=${encodeURIComponent(key)}&environment=${environment}`}>
              Try it
            </Button>
            <CommandButton command="describe_flag" with={{ key }} />
            {!isOfCase && (
              <Button
                component={Link}
                to={editOf(key, environment)}
                variant="filled"
              >
                Edit in {environment}
              </Button>
            )}
            {!isOfCase && <CommandButton command="archive_flag" with={{ key, environment }} />}
          </>
        }
      />
      {one.stale.map((stale) => (
        <Text key={stale.reason} size="sm" c="var(--late)" mb="sm">
          It should leave the code: {said(stale.sentence)}.
        </Text>
      ))}
      <Section id="environments" title="Environments" flush>
        <Table.ScrollContainer minWidth={560}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Environment</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th>Default</Table.Th>
                <Table.Th>Set</Table.Th>
                <Table.Th>Why</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {Object.entries(one.environments).map(([name, standing]) => (
                <Table.Tr key={name}>
                  <Table.Td>
                    <Anchor
                      component={Link}
                      to={`?environment=${encodeURIComponent(name)}`}
                      size="sm"
                      fw={name === environment ? 600 : 400}
                    >
                      {name}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>
                    <Answers standing={standing} />
                  </Table.Td>
                  <Table.Td className="mono">{standing.default ?? "the code's own"}</Table.Td>
                  <Table.Td>
                    <PersonName account={standing.by} />, {dayOf(standing.since)}
                  </Table.Td>
                  <Table.Td>
                    {standing.reason}
                    {standing.request && (
                      <>
                        {" "}
                        <Anchor component={Link} to={`/change-requests/${standing.request}`} size="sm">
                          {standing.request}
                        </Anchor>
                      </>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
              {isByHand(one) &&
                elsewhere.map((place) => (
                  <Table.Tr key={place}>
                    <Table.Td>{place}</Table.Td>
                    <Table.Td className="quiet">not there</Table.Td>
                    <Table.Td colSpan={3}>
                      <Anchor component={Link} to={editOf(key, place)} size="sm">
                        Write it in {place}
                      </Anchor>
                    </Table.Td>
                  </Table.Tr>
                ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Section>
      <Section id="served" title={`Who gets what in ${environment}`}>
        {one.fault && (
          <Text size="sm" c="var(--loss)">
            It cannot be served: {one.fault}
          </Text>
        )}
        {isOfCase && (
          <Text size="sm">
            The case{" "}
            <Anchor component={Link} to={`/cases/${one.case}`} size="sm">
              {one.case}
            </Anchor>{" "}
            decides: {decimal(one.environments[environment]?.exposure_percent ?? 0, 2)} % of all units meet the feature.
            Its rollout raises it; nobody edits it by hand.
          </Text>
        )}
        {!isOfCase && one.experiment && !source && (
          <Text size="sm">
            The experiment{" "}
            <Anchor component={Link} to={`/experiments/${encodeURIComponent(one.experiment)}/run`} size="sm">
              {one.experiment}
            </Anchor>{" "}
            decides: {decimal(one.environments[environment]?.exposure_percent ?? 0, 2)} % of all units are admitted to
            one of its arms. All others get what control gets.
          </Text>
        )}
        {source && "authored" in source ? (
          <List size="sm" type="ordered" spacing={4}>
            {whoGetsWhat(source.authored).map((line) => (
              <List.Item key={line}>{line}</List.Item>
            ))}
          </List>
        ) : (
          !definition && (
            <EmptyState
              title={`It is not served in ${environment}`}
              action={
                isByHand(one) && elsewhere.includes(environment) && (
                  <Button component={Link} to={editOf(key, environment)} mt="xs">
                    Write it in {environment}
                  </Button>
                )
              }
            />
          )
        )}
        {definition && (
          <details>
            <summary style={{ cursor: "pointer", fontSize: "0.85rem", marginTop: 10 }}>Its flagd definition</summary>
            <Code block tabIndex={0}>
              {JSON.stringify(definition, null, 2)}
            </Code>
          </details>
        )}
      </Section>
      <Section id="about" title="About">
        <Facts>
          <Fact name="Answers for it">{one.owner ? <TeamName team={one.owner} /> : "nobody yet"}</Fact>
          <Fact name="Meant to live">
            {one.lifetime === "permanent"
              ? "for good"
              : one.lifetime
                ? `through ${day(one.lifetime.until)}`
                : "not said"}
          </Fact>
          {(one.tags ?? []).length > 0 && (
            <Fact name="Tags">
              <Group gap={4}>
                {(one.tags ?? []).map((tag) => (
                  <Badge key={tag} color="gray">
                    {tag}
                  </Badge>
                ))}
              </Group>
            </Fact>
          )}
        </Facts>
      </Section>
      <References flagKey={key} />
      {!isOfCase && <History flagKey={key} />}
    </>
  );
}

function References({ flagKey }: { flagKey: string }) {
  return (
    <Section
      id="references"
      title="In the code"
      says={
        <>
          As <code>tenure flag refs --upload</code> found it.
        </>
      }
    >
      <Asked of={useQuery(references(flagKey))} lines={2}>
        {(all) =>
          all.length === 0 ? (
            <Text size="sm" className="quiet">
              No codebase was scanned for it yet.
            </Text>
          ) : (
            <Facts>
              {all.map((scan) => (
                <Fact key={scan.codebase} name={scan.codebase}>
                  {(scan.counts[flagKey] ?? 0) === 0 ? "gone" : of(scan.counts[flagKey] ?? 0, "reference")} in{" "}
                  {of(scan.files, "file")}
                  {scan.commit && (
                    <>
                      {" "}
                      at <span className="mono">{scan.commit.slice(0, 10)}</span>
                    </>
                  )}
                  ,{" "}
                  <span className="quiet">
                    <PersonName account={scan.by} />, {dayOf(scan.at)}
                  </span>
                </Fact>
              ))}
            </Facts>
          )
        }
      </Asked>
    </Section>
  );
}

function History({ flagKey }: { flagKey: string }) {
  const asked = useInfiniteQuery(flagHistory(flagKey));
  const all = asked.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Section
      id="history"
      title="History"
      says={
        <>
          The latest change first; each can be taken back. Those before the last 50 are in the{" "}
          <Anchor component={Link} to={`/journal?stream=${encodeURIComponent(`flag/${flagKey}`)}`} size="sm">
            journal
          </Anchor>
          .
        </>
      }
    >
      {asked.isError ? (
        <ErrorState error={asked.error} retry={() => void asked.refetch()} />
      ) : asked.isPending ? (
        <Waiting lines={3} />
      ) : all.length === 0 ? (
        <Text size="sm" className="quiet">
          No change is kept.
        </Text>
      ) : (
        <>
          <Facts>
            {all.map((change) => (
              <Change key={`${change.environment} ${change.entry}`} of={change} flagKey={flagKey} />
            ))}
          </Facts>
          <ReadOn of={asked} />
        </>
      )}
    </Section>
  );
}

function Change({ of: change, flagKey }: { of: FlagChange; flagKey: string }) {
  return (
    <Fact
      name={
        <>
          <span className="num">{instantOf(change.at)}</span>
          <br />
          <PersonName account={change.by} />, {change.environment}
        </>
      }
    >
      <Differences of={change} />
      <Group gap="xs" mt={4}>
        {change.in_force && <Badge color="gain">in force</Badge>}
        {change.reason && (
          <Text size="sm" className="quiet">
            {change.reason}
          </Text>
        )}
        <CommandButton
          command="revert_flag"
          with={{ key: flagKey, entry: change.entry, environment: change.environment }}
          size="compact-xs"
        />
      </Group>
    </Fact>
  );
}
