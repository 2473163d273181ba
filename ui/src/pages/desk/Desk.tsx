// My desk: only what waits on the reader, oldest first, each answerable in place.
import classes from "./Desk.module.css";
import { Anchor, Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import type { ChangeRequest, Wait } from "../../api/model.ts";
import { PAGE_MAX } from "../../api/list.ts";
import { cases, DESK_FIRST, desk } from "../../api/queries.ts";
import { Deadline } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { PersonName } from "../../lib/names.tsx";
import { count, dayOf } from "../../lib/number.ts";
import { Asked, EmptyState, ErrorState, PageHeader, Section, Waiting } from "../../lib/Page.tsx";
import { opening } from "../../lib/said.ts";
import { useApprovals } from "./approvals.ts";

/** How many are read with each step on. */
const MORE = 100;

export default function Desk() {
  const [limit, setLimit] = useState(DESK_FIRST);
  const asked = useQuery(desk(limit));
  const approvals = useApprovals();
  const known = useQuery(cases).data;
  const titles = new Map<string, string>((known ?? []).map((one) => [one.id, one.title ?? one.id]));
  return (
    <>
      <PageHeader title="My desk" says="What waits on you, oldest first. Nothing else." />
      <Asked of={asked} lines={8}>
        {({ waits, total }) => {
          const items = inTime([
            ...waits.map((wait) => ({
              key: `${wait.case}/${wait.command}/${JSON.stringify(wait.with)}`,
              since: wait.since,
              shown: <Item wait={wait} title={titles.get(wait.case)} />,
            })),
            ...approvals.waiting.map((one) => ({
              key: `change request ${one.request}`,
              since: one.changed.at,
              shown: <Approval one={one} />,
            })),
          ]);
          const rest = approvals.asked;
          const isUnknown = rest.isError && rest.data === undefined;
          if (items.length === 0 && rest.isLoading) return <Waiting lines={8} />;
          return (
            <>
              {isUnknown && <ErrorState error={rest.error} retry={() => void rest.refetch()} />}
              {items.length === 0 ? (
                !isUnknown && <Nothing isFirst={known?.length === 0} />
              ) : (
                <ol className={classes.list}>
                  {items.map(({ key, shown }) => (
                    <li key={key}>{shown}</li>
                  ))}
                </ol>
              )}
              {total > waits.length && (
                <Group mt="md" gap="sm">
                  <Text size="sm" className="quiet">
                    {count(total - waits.length)} more wait behind these.
                  </Text>
                  {waits.length < PAGE_MAX && (
                    <Button
                      size="xs"
                      onClick={() => setLimit(Math.min(PAGE_MAX, limit + MORE))}
                      loading={asked.isPlaceholderData}
                    >
                      Read on
                    </Button>
                  )}
                </Group>
              )}
            </>
          );
        }}
      </Asked>
    </>
  );
}

interface Waited {
  key: string;
  since: string;
  shown: ReactNode;
}

/** The oldest first. */
function inTime(items: Waited[]): Waited[] {
  return items.sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
}

function Nothing({ isFirst }: { isFirst: boolean }) {
  return (
    <Section>
      <EmptyState
        title="Nothing waits on you"
        action={
          isFirst ? (
            <Button component={Link} to="/start" variant="filled" mt="xs">
              Take the first steps
            </Button>
          ) : undefined
        }
      >
        When somebody needs your answer, it stands here. The{" "}
        <Anchor component={Link} to="/portfolio">
          portfolio
        </Anchor>{" "}
        shows how all cases are doing.
      </EmptyState>
    </Section>
  );
}

/** A change request that lacks the reader's approval. */
function Approval({ one }: { one: ChangeRequest }) {
  return (
    <article className={classes.item}>
      <div className={classes.what}>
        <Text fw={600}>Approve a change of {one.differences.map(({ name }) => name).join(", ")}</Text>
        <Text size="sm">{one.reason}</Text>
        <Text size="sm" className="quiet">
          <Anchor component={Link} to={`/change-requests/${encodeURIComponent(one.request)}`} size="sm">
            {one.request}: what it changes
          </Anchor>{" "}
          · in {one.environment}, by <PersonName account={one.proposed.by} /> · since {dayOf(one.changed.at)}
        </Text>
      </div>
      <CommandButton command="approve_change" with={{ request: one.request, revision: one.revision }} primary />
    </article>
  );
}

function Item({ wait, title }: { wait: Wait; title: string | undefined }) {
  return (
    <article className={classes.item} data-overdue={wait.overdue || undefined}>
      <div className={classes.what}>
        <Text fw={600}>{opening(wait.what)}</Text>
        <Text size="sm" className="quiet">
          <Anchor component={Link} to={`/cases/${wait.case}`} size="sm">
            {title ?? wait.case}
          </Anchor>{" "}
          · since {dayOf(wait.since)}
          {wait.due && (
            <>
              {" "}
              · <Deadline due={wait.due} overdue={wait.overdue} lateByDays={wait.late_by_days} />
            </>
          )}
        </Text>
      </div>
      <Group gap="xs" wrap="wrap">
        {wait.command === "reopen_case" && typeof wait.with.platform_change === "string" && (
          <CommandButton
            command="dismiss_suggestion"
            with={{ case: wait.case, platform_change: wait.with.platform_change }}
          />
        )}
        <CommandButton command={wait.command} with={wait.with} primary />
      </Group>
    </article>
  );
}
