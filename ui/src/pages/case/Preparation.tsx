// Preparation: who was asked, what it would cost, what was decided and by whom.
import { Alert, Group, Stack, Text } from "@mantine/core";
import { Fragment } from "react";
import { Deadline } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { PersonName, TeamName } from "../../lib/names.tsx";
import { day, dayOf, decimal, of } from "../../lib/number.ts";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { plain, title as worded } from "../../lib/words.ts";
import type { CaseFile } from "../../api/model.ts";
import { By } from "./By.tsx";
import { People } from "./People.tsx";

export function Preparation({ file }: { file: CaseFile }) {
  const asked = Object.entries(file.consultations ?? {});
  const estimates = Object.entries(file.estimates ?? {});
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      id="preparation"
      title="Preparation"
      actions={
        <>
          <CommandButton command="request_consultation" {...button} />
          <CommandButton command="submit_estimate" {...button} />
          <CommandButton command="delegate_prep" {...button} />
        </>
      }
    >
      {file.parked && (
        <Alert color="late" mb="md" title="Parked">
          {file.parked.reason}
          {file.parked.unblock?.length > 0 && <> It comes back with {file.parked.unblock.join(", ")}.</>}
          {file.parked.review_on && <> Looked at again on {day(file.parked.review_on)}.</>}{" "}
          <CommandButton command="reopen_case" {...button} />{" "}
          <CommandButton command="review_parked" {...button} unlessRefused />
          {file.suggestions.map((change) => (
            <Group key={change} gap="xs" mt="xs">
              <Text size="sm">
                <b>{change}</b> may have made it easier.
              </Text>
              {["snooze_suggestion", "dismiss_suggestion"].map((command) => (
                <CommandButton
                  key={command}
                  command={command}
                  with={{ case: file.id, platform_change: change }}
                  choices={file.choices}
                  size="compact-xs"
                />
              ))}
            </Group>
          ))}
        </Alert>
      )}
      {asked.length === 0 ? (
        <Text size="sm" className="quiet">
          No product team was asked yet.
        </Text>
      ) : (
        <Facts>
          {asked.map(([team, one]) => (
            <Fact key={team} name={<TeamName team={team} />}>
              {one.answered ? (
                <>
                  {one.codebases.join(", ")} <By stamp={one.answered} />
                  {one.advice && <Text size="sm">{one.advice}</Text>}
                </>
              ) : (
                <Group gap="xs">
                  asked, <Deadline due={one.due} />
                  <CommandButton
                    command="answer_consultation"
                    with={{ case: file.id, team }}
                    choices={file.choices}
                    size="compact-xs"
                  />
                </Group>
              )}
            </Fact>
          ))}
          {estimates.map(([codebase, one]) => (
            <Fact key={codebase} name={codebase}>
              {one.days.map((one) => decimal(one)).join(", ")} person-days (low, likely, high),{" "}
              {of(one.maintenance_days_per_year, "day")} of maintenance a year <By stamp={one.stamp} />
            </Fact>
          ))}
        </Facts>
      )}
      {file.delegation && (
        <Group gap="xs" mt="xs">
          <Text size="sm">
            Delegated to <PersonName account={file.delegation.to} />,{" "}
            {file.delegation.accepted ? "accepted" : "not accepted yet"}.
          </Text>
          <CommandButton command="accept_delegation" {...button} unlessRefused />
          <CommandButton command="revoke_delegation" {...button} unlessRefused />
        </Group>
      )}
      {file.rerun && (
        <Text size="sm" mt="xs">
          Re-run to make it easier to build: {file.rerun.goals.join("; ")}
          {file.rerun.target_days !== null && `, in ${of(file.rerun.target_days, "person-day")}`}
          {file.rerun.expected_days !== null && `; the variation is estimated at ${decimal(file.rerun.expected_days)}`}.
        </Text>
      )}
      <Decisions file={file} />
    </Section>
  );
}

function Decisions({ file }: { file: CaseFile }) {
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Stack gap="xs" mt="md">
      {(file.decisions ?? []).map((one) => (
        <Text size="sm" key={one.taken.at}>
          <b>{worded(one.open.proposal.kind)}</b>: {one.open.proposal.reason}{" "}
          <span className="quiet">confirmed by</span>{" "}
          <People accounts={Object.values<string>(one.open.confirmed)} />{" "}
          <span className="quiet">{dayOf(one.taken.at)}</span>
        </Text>
      ))}
      {file.proposal && (
        <Alert color="iris" title={`Proposed: ${plain(file.proposal.proposal?.kind ?? "a decision")}`}>
          {file.proposal.proposal?.reason} <By stamp={file.proposal.proposed} />
          <Group gap="xs" mt={6}>
            <Text size="sm">
              Confirmed by <Confirmed by={file.proposal.confirmed ?? {}} />.
            </Text>
            <CommandButton command="confirm_decision" {...button} primary />
          </Group>
        </Alert>
      )}
      {["preparation", "parked"].includes(file.stage) && (
        <Group gap="xs">
          {["proceed", "park", "rerun"].map((kind) => (
            <CommandButton key={kind} command="decide" kind={kind} {...button} />
          ))}
        </Group>
      )}
    </Stack>
  );
}

/** Which drivers have confirmed, and through whom. */
function Confirmed({ by }: { by: Readonly<Record<string, string>> }) {
  const roles = Object.entries(by);
  if (roles.length === 0) return <>nobody yet</>;
  return (
    <>
      {roles.map(([role, account], at) => (
        <Fragment key={role}>
          {at > 0 && ", "}
          <PersonName account={account} /> ({plain(role)})
        </Fragment>
      ))}
    </>
  );
}
