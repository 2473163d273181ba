// Sign-offs: what each product team answered, to which version of the ledger, and what changed since.
import { Badge, Group, List, Text } from "@mantine/core";
import { Deadline } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { TeamName } from "../../lib/names.tsx";
import { day } from "../../lib/number.ts";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { plain } from "../../lib/words.ts";
import { Invite } from "./Invite.tsx";
import type { CaseFile, LedgerDiff } from "../../api/model.ts";
import { By } from "./By.tsx";

export function SignOffs({ file }: { file: CaseFile }) {
  const views = file.sign_off_status ?? [];
  return (
    <Section
      id="sign-offs"
      title="Sign-offs"
      says="Each is pinned to a version of the deviation ledger. Silence is never consent."
      actions={
        <>
          <CommandButton command="request_buy_in" with={{ case: file.id }} choices={file.choices} size="xs" />
          {views.some(({ status }) => status === "requested" || status === "stale") && (
            <Invite id={file.id} teams={views.map(({ team }) => team)} />
          )}
        </>
      }
    >
      {views.length === 0 ? (
        <Text size="sm" className="quiet">
          Product teams are asked for buy-in once the drivers decided to proceed.
        </Text>
      ) : (
        <Facts>
          {views.map((view) => {
            const given = file.sign_offs?.[view.team];
            return (
              <Fact key={view.team} name={<TeamName team={view.team} />}>
                <Group gap="xs">
                  <Badge
                    color={
                      view.status === "approved"
                        ? "gain"
                        : view.status === "refused"
                          ? "loss"
                          : view.status === "stale"
                            ? "late"
                            : "gray"
                    }
                  >
                    {plain(view.status)}
                  </Badge>
                  {given?.answered && <By stamp={given.answered.stamp} />}
                  {view.self_approved && <Badge color="late">self-approved</Badge>}
                  {view.due && <Deadline due={view.due} />}
                  <CommandButton
                    command="ask_question"
                    with={{ case: file.id, team: view.team }}
                    choices={file.choices}
                    size="compact-xs"
                    unlessRefused
                  />
                  {view.status === "requested" && (
                    <CommandButton
                      command="answer_buy_in"
                      with={{ case: file.id, team: view.team }}
                      choices={file.choices}
                      size="compact-xs"
                    />
                  )}
                </Group>
                {(given?.questions ?? []).map((one) => (
                  <Group key={one.number} gap="xs" mt={4}>
                    <Text size="sm">Asked: {one.question}</Text>
                    <By stamp={one.asked} />
                    {one.reply ? (
                      <Text size="sm">
                        Answered: {one.reply.reply} <By stamp={one.reply.stamp} />
                      </Text>
                    ) : (
                      <CommandButton
                        command="answer_question"
                        with={{ case: file.id, team: view.team, number: one.number }}
                        choices={file.choices}
                        size="compact-xs"
                      />
                    )}
                  </Group>
                ))}
                {Object.entries(file.invitations ?? {})
                  .filter(([, one]) => one.team === view.team && one.answered === null && one.revoked === null)
                  .map(([name, one]) => (
                    <Group key={name} gap="xs" mt={4}>
                      <Text size="sm" className="quiet">
                        {one.person} is invited by link until {day(one.until)}
                      </Text>
                      <CommandButton
                        command="revoke_invitation"
                        with={{ case: file.id, invitation: name }}
                        choices={file.choices}
                        size="compact-xs"
                      />
                    </Group>
                  ))}
                {given?.answered?.comment && <Text size="sm">{given.answered.comment}</Text>}
                {(given?.answered?.conditions ?? []).map((condition) => (
                  <Group key={condition.text} gap="xs" mt={4}>
                    <Text size="sm">Condition: {condition.text}</Text>
                    {condition.satisfied ? (
                      <By stamp={condition.satisfied} />
                    ) : (
                      <CommandButton
                        command="satisfy_condition"
                        with={{ case: file.id, team: view.team, condition: condition.text }}
                        choices={file.choices}
                        size="compact-xs"
                      />
                    )}
                  </Group>
                ))}
                {view.changed_since && <ChangedSince of={view.changed_since} />}
              </Fact>
            );
          })}
        </Facts>
      )}
    </Section>
  );
}

/** What the ledger gained since the sign-off was given: why it is stale. */
function ChangedSince({ of: { added, ruled, spent_before: before, spent_now: now } }: { of: LedgerDiff }) {
  if (added.length === 0 && ruled.length === 0) return null;
  return (
    <div>
      <Text size="sm" mt={4} className="quiet">
        Changed since, from {before} to {now} spent:
      </Text>
      <List size="sm" spacing={2}>
        {added.map((one) => (
          <List.Item key={`added ${one.number}`}>
            added: {one.description} ({one.size.kind}, weighs {one.size.weight})
          </List.Item>
        ))}
        {ruled.map((one) => (
          <List.Item key={`ruled ${one.number}`}>
            {one.description}: {one.before.kind} before, {one.now.kind} now (weighs {one.now.weight})
          </List.Item>
        ))}
      </List>
    </div>
  );
}
