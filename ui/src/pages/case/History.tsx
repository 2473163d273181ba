// How a case came to be where it is: whom its time was spent on, whose it is, and its journal, folded until it is asked for.
import { Button, Group } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import type { CaseFile } from "../../api/model.ts";
import { journal } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { PersonName, TeamName } from "../../lib/names.tsx";
import { dayOf, instantOf, of } from "../../lib/number.ts";
import { ErrorState, Fact, Facts, Section, Waiting } from "../../lib/Page.tsx";
import { ReadOn } from "../../lib/ReadOn.tsx";
import { said } from "../../lib/said.ts";
import { title as worded } from "../../lib/words.ts";

const DAY_SECONDS = 86_400;

export function History({ file }: { file: CaseFile }) {
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  const spent = Object.entries(file.pace.seconds).sort(([, a], [, b]) => b - a);
  return (
    <Section
      id="history"
      title="How it got here"
      actions={
        <>
          <CommandButton command="offer_onus" {...button} unlessRefused />
          <CommandButton command="accept_onus" {...button} unlessRefused />
          <CommandButton command="change_case_policy" {...button} unlessRefused />
          <CommandButton command="retire_case" {...button} unlessRefused />
          <CommandButton command="withdraw_case" {...button} />
        </>
      }
    >
      <Facts>
        {spent.map(([party, seconds]) => (
          <Fact key={party} name={<Party party={party} />}>
            {of(seconds / DAY_SECONDS, "day")}
          </Fact>
        ))}
        {file.earlier_teams.map(({ team, until }) => (
          <Fact key={until} name="Onus before">
            <TeamName team={team} />, until {dayOf(until)}
          </Fact>
        ))}
        {file.onus_offered && (
          <Fact name="Onus offered to">
            <TeamName team={String(file.onus_offered[0])} />
          </Fact>
        )}
        {file.collides_with.length > 0 && (
          <Fact name="On the same surface">{file.collides_with.join(", ")}: units may be in both rollouts.</Fact>
        )}
      </Facts>
      <Entries id={file.id} />
    </Section>
  );
}

/** Whom time was waited on, by the name the server has for it. */
function Party({ party }: { party: string }) {
  const [kind = "", scope] = party.split(":");
  if (kind === "product_team" && scope !== undefined)
    return (
      <>
        Product owners of <TeamName team={scope} />
      </>
    );
  if (kind === "codebase" && scope !== undefined) return <>Owners of {scope}</>;
  return <>{kind === "rollout" ? "With customers, being measured" : worded(kind)}</>;
}

function Entries({ id }: { id: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)} className="no-print">
      <summary style={{ cursor: "pointer", fontSize: "0.85rem", marginTop: 10 }}>The journal of this case</summary>
      {isOpen && <Opened stream={`case/${id}`} />}
    </details>
  );
}

function Opened({ stream }: { stream: string }) {
  const asked = useInfiniteQuery(journal({ stream }));
  if (asked.isError) return <ErrorState error={asked.error} retry={() => void asked.refetch()} />;
  if (asked.isPending) return <Waiting lines={3} />;
  return (
    <>
      <Facts>
        {asked.data.pages
          .flatMap(({ items }) => items)
          .map((one) => (
            <Fact key={one.seq} name={<span className="num">{instantOf(one.at)}</span>}>
              {said(one.sentence)}{" "}
              <span className="quiet">
                <PersonName account={one.actor} />
              </span>
            </Fact>
          ))}
      </Facts>
      <Group gap="xs" mt="xs">
        <ReadOn of={asked} />
        <Button component={Link} to={`/journal?stream=${encodeURIComponent(stream)}`} size="xs">
          Search it
        </Button>
      </Group>
    </>
  );
}
