// The case file: one page that a growth lead would print. Promise against delivery, what blocks, and everything recorded, in the order of the process.
import { Alert, Anchor, Badge, Button, Group, List, Menu, Progress, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import type { CaseFile as File, Stamp } from "../../api/model.ts";
import { caseFile } from "../../api/queries.ts";
import { Deadline, StageBadge, VerdictBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { EffectAxis, type EffectRow } from "../../lib/EffectAxis.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { PersonName, TeamName, TENURE, Who } from "../../lib/names.tsx";
import { day, dayOf, decimal, differenceUnit, interval, money, months, of, percent } from "../../lib/number.ts";
import { Asked, Fact, Facts, PageHeader, Section } from "../../lib/Page.tsx";
import { StageRail } from "../../lib/StageRail.tsx";
import { plain, title as worded } from "../../lib/words.ts";
import { Invite } from "./Invite.tsx";
import { rail } from "./rail.ts";
import { Verdicts } from "./Verdicts.tsx";
import { Weighing } from "./Weighing.tsx";

export default function CaseFile() {
  const { id = "" } = useParams();
  const asked = useQuery(caseFile(id));
  return (
    <Asked of={asked} lines={12}>
      {(file) => <Whole file={file} />}
    </Asked>
  );
}

export function By({ stamp }: { stamp: Stamp }) {
  return (
    <span className="quiet nowrap">
      <PersonName account={stamp.by} />, {dayOf(stamp.at)}
    </span>
  );
}

function Whole({ file }: { file: File }) {
  const name = file.of_experiment?.title ?? file.id;
  return (
    <>
      <PageHeader
        title={name}
        back={{ to: "/portfolio", label: "Portfolio" }}
        says={
          <Group gap="xs">
            <StageBadge stage={file.stage} />
            <span className="mono">{file.id}</span>
            <span>
              of <TeamName team={file.team} />
            </span>
            {file.iteration > 1 && <span>iteration {file.iteration}</span>}
          </Group>
        }
        actions={
          <>
            {file.first_exposed && (
              <Button component={Link} to={`/cases/${file.id}/rollout`}>
                Rollout
              </Button>
            )}
            <Documents id={file.id} />
          </>
        }
      />
      <Next file={file} />
      <PromiseAndDelivery file={file} />
      <Section>
        <StageRail stops={rail(file)} />
      </Section>
      <Preparation file={file} />
      <Weighing file={file} />
      <SignOffs file={file} />
      <Deviations file={file} />
      <OwnerProcess file={file} />
      <Outcome file={file} />
      <Warranty file={file} />
      <Lineage file={file} />
      <History file={file} />
    </>
  );
}

function Documents({ id }: { id: string }) {
  const to = (document: string) =>
    `/api/v1/cases/${encodeURIComponent(id)}/documents/${document}?zone=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)}`;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button>Documents</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={to("dossier")} target="_blank">
          Dossier
        </Menu.Item>
        <Menu.Item component="a" href={to("decision-record")} target="_blank">
          Decision record
        </Menu.Item>
        <Menu.Item component="a" href={to("release-note")} target="_blank">
          Release note
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Next({ file }: { file: File }) {
  const wait = file.waits?.[0];
  const isOwn = wait?.who.every(({ seat }) => seat === TENURE) === true;
  if (wait === undefined && !file.until && !file.hold) return null;
  return (
    <>
      {file.hold && (
        <Alert color="loss" title="Exposure is held at 0" mb="md">
          Every customer gets the old behaviour since {dayOf(file.hold.since.at)}.{" "}
          <CommandButton command="release_hold" with={{ case: file.id }} choices={file.choices} size="xs" />
        </Alert>
      )}
      {(file.warnings ?? []).map((warning) => (
        <Alert key={JSON.stringify(warning)} color="late" mb="md">
          {typeof warning === "string" ? warning : JSON.stringify(warning)}
        </Alert>
      ))}
      {wait !== undefined ? (
        <Alert color={wait.overdue ? "loss" : "iris"} mb="lg" title={isOwn ? "What goes on" : "What blocks"}>
          <Group justify="space-between" gap="md">
            <Text size="sm" maw={760}>
              <b>
                <Who who={wait.who} />
              </b>{" "}
              to {wait.what}, since {dayOf(wait.since)}
              {wait.due && (
                <>
                  , <Deadline due={wait.due} overdue={wait.overdue} lateByDays={wait.late_by_days} />
                </>
              )}
            </Text>
            {!isOwn && <CommandButton command={wait.command} with={wait.with} choices={file.choices} primary />}
          </Group>
          {file.waits.length > 1 && (
            <Text size="sm" mt={6} className="quiet">
              {of(file.waits.length - 1, "more step")} can be done at the same time:{" "}
              {file.waits
                .slice(1, 4)
                .map((one) => one.what)
                .join("; ")}
              .
            </Text>
          )}
        </Alert>
      ) : file.until ? (
        <Alert color="gray" mb="lg" title="Only time has to pass">
          {file.until.what}
          {file.until.until && ` until ${day(file.until.until)}`}.
        </Alert>
      ) : null}
    </>
  );
}

function PromiseAndDelivery({ file }: { file: File }) {
  const kind = file.of_experiment?.metric?.kind;
  const unit = differenceUnit(kind);
  const { promise, delivery } = file;
  const payback = delivery?.payback_months ?? promise?.payback_months;
  const rows: EffectRow[] = [];
  if (promise?.absolute)
    rows.push({ label: "Won", told: promise.absolute, tone: "promise", note: "by the experiment" });
  if (delivery?.absolute)
    rows.push({
      label: "Delivered",
      told: delivery.absolute,
      tone: delivery.verdict === "positive" ? "gain" : delivery.verdict === "negative" ? "loss" : "open",
      note: delivery.self_reported ? "self-reported" : "measured in the rollout",
    });
  return (
    <Section
      id="promise"
      title="Promise and delivery"
      says={
        file.of_experiment?.metric ? (
          <>
            {worded(file.of_experiment.metric.name)}, per {file.of_experiment.metric.unit}
          </>
        ) : undefined
      }
      actions={
        delivery && (
          <>
            <VerdictBadge verdict={delivery.verdict} nuance={delivery.nuance} />
            {delivery.replication && <Badge color="gray">{plain(delivery.replication)}</Badge>}
          </>
        )
      }
    >
      {rows.length > 0 ? <EffectAxis rows={rows} unit={unit} /> : <Text className="quiet">No effect is known.</Text>}
      {delivery?.sentence && (
        <Text size="sm" mt="sm">
          {worded(delivery.sentence)}.
        </Text>
      )}
      {!delivery && (
        <Text size="sm" mt="sm" className="quiet">
          Nothing is delivered yet: the rollout measures it.
        </Text>
      )}
      {delivery?.self_reported && (
        <Text size="sm" className="quiet">
          Self-reported: {delivery.self_reported}.
        </Text>
      )}
      <div style={{ marginTop: 18 }}>
        <Figures>
          {promise?.benefit_per_year !== undefined && promise.benefit_per_year !== null && (
            <Figure
              label="Expected gain a year"
              note={
                promise.benefit_interval &&
                `95 % interval ${promise.benefit_interval.map((one) => money(one)).join(" to ")}`
              }
            >
              {money(promise.benefit_per_year)}
            </Figure>
          )}
          {delivery && (
            <Figure label="Realised share" note="of the effect after correction for selection">
              {typeof delivery.realised_share === "number" ? percent(delivery.realised_share) : "not known yet"}
            </Figure>
          )}
          {typeof payback === "number" && (
            <Figure
              label={typeof delivery?.payback_months === "number" ? "Pays back after, as delivered" : "Pays back after"}
            >
              {months(payback)}
            </Figure>
          )}
          <Figure label="Customers who meet it" note={file.hold ? "held" : undefined}>
            {decimal(file.exposure_percent, 1)} %
          </Figure>
        </Figures>
      </div>
    </Section>
  );
}

function Preparation({ file }: { file: File }) {
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
          <CommandButton command="reopen_case" {...button} />
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
        <Text size="sm" mt="xs">
          Delegated to <PersonName account={file.delegation.to} />,{" "}
          {file.delegation.accepted ? "accepted" : "not accepted yet"}.
        </Text>
      )}
      <Decisions file={file} />
    </Section>
  );
}

function Decisions({ file }: { file: File }) {
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Stack gap="xs" mt="md">
      {(file.decisions ?? []).map((one) => (
        <Text size="sm" key={one.taken.at}>
          <b>{worded(one.open.proposal.kind)}</b>: {one.open.proposal.reason}{" "}
          <span className="quiet">confirmed by</span>{" "}
          {Object.values<string>(one.open.confirmed).map((account, at) => (
            <span key={account}>
              {at > 0 && ", "}
              <PersonName account={account} />
            </span>
          ))}{" "}
          <span className="quiet">{dayOf(one.taken.at)}</span>
        </Text>
      ))}
      {file.proposal && (
        <Alert color="iris" title={`Proposed: ${plain(file.proposal.proposal?.kind ?? "a decision")}`}>
          {file.proposal.proposal?.reason} <CommandButton command="confirm_decision" {...button} primary />
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

function SignOffs({ file }: { file: File }) {
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
                {view.changed_since && view.changed_since.added.length > 0 && (
                  <Text size="sm" mt={4} className="quiet">
                    Changed since:{" "}
                    {view.changed_since.added
                      .map((one) => `${one.description} (${one.size.kind}, weighs ${one.size.weight})`)
                      .join("; ")}
                    .
                  </Text>
                )}
              </Fact>
            );
          })}
        </Facts>
      )}
    </Section>
  );
}

function Deviations({ file }: { file: File }) {
  const rows = file.ledger?.deviations ?? [];
  const { spent, budget, fidelity } = file.fidelity;
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      id="deviations"
      title="Deviations from the experiment"
      says={`${spent} of ${budget} spent: ${percent(fidelity)} fidelity.`}
      actions={
        <>
          <CommandButton command="log_deviation" {...button} />
          <CommandButton command="add_follow_up" {...button} />
        </>
      }
    >
      <Progress
        value={fidelity * 100}
        color={fidelity > 0.4 ? "gain" : "late"}
        size="md"
        aria-label={`fidelity ${percent(fidelity)}`}
        mb="sm"
      />
      {rows.length === 0 ? (
        <Text size="sm" className="quiet">
          Built exactly as the experiment was.
        </Text>
      ) : (
        <Facts>
          {rows.map((one) => (
            <Fact key={one.number} name={`${worded(one.kind)}, weighs ${one.weight}`}>
              {one.description} <By stamp={one.stamp} />
            </Fact>
          ))}
        </Facts>
      )}
      {Object.entries(file.follow_up_status ?? {}).length > 0 && (
        <>
          <Text fw={600} size="sm" mt="md">
            Follow-up experiments
          </Text>
          <Facts>
            {Object.entries(file.follow_up_status).map(([one, status]) => (
              <Fact key={one} name={one}>
                {plain(status)} {file.follow_ups?.[one]?.description}{" "}
                {status === "ready" && (
                  <CommandButton
                    command="start_follow_up"
                    with={{ case: file.id, follow_up: one }}
                    choices={file.choices}
                    size="compact-xs"
                  />
                )}
              </Fact>
            ))}
          </Facts>
        </>
      )}
    </Section>
  );
}

function OwnerProcess({ file }: { file: File }) {
  const lists = Object.entries(file.checklists ?? {});
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      id="building"
      title="Building"
      says={
        file.flag ? (
          <>
            Wrapped in the flag{" "}
            <Anchor component={Link} to={`/flags/${encodeURIComponent(file.flag.key)}`}>
              {file.flag.key}
            </Anchor>
            {file.backlog && `, ${of(file.backlog.days, "person-day")} in the backlog`}
          </>
        ) : (
          "No flag yet."
        )
      }
      actions={
        <>
          {!file.backlog && <CommandButton command="reserve_backlog" {...button} />}
          {!file.flag && <CommandButton command="create_flag" {...button} />}
          <CommandButton command="assign_builder" {...button} />
          <CommandButton command="finish_building" {...button} />
        </>
      }
    >
      {lists.length === 0 && (
        <Text size="sm" className="quiet">
          The owner process of each codebase begins with the building.
        </Text>
      )}
      {lists.map(([codebase, list]) => (
        <div key={codebase}>
          <Text fw={600} size="sm" mt="xs">
            {codebase}
          </Text>
          <Facts>
            {list.items.map((item) => {
              const last = item.attempts[item.attempts.length - 1];
              return (
                <Fact key={item.name} name={worded(item.name)}>
                  <Group gap="xs">
                    <Badge
                      color={
                        last?.result === "passed"
                          ? "gain"
                          : last?.result === "failed" || last?.result === "blocked"
                            ? "loss"
                            : last
                              ? "late"
                              : "gray"
                      }
                    >
                      {last ? plain(last.result) : "open"}
                    </Badge>
                    {last && <By stamp={last.stamp} />}
                    {last?.reason && <Text size="sm">{last.reason}</Text>}
                    {last?.result !== "passed" && (
                      <>
                        <CommandButton
                          command="checklist"
                          with={{ case: file.id, codebase, item: item.name }}
                          choices={file.choices}
                          size="compact-xs"
                        />
                        <CommandButton
                          command="attach_evidence"
                          with={{ case: file.id, codebase, item: item.name }}
                          choices={file.choices}
                          size="compact-xs"
                        />
                      </>
                    )}
                  </Group>
                </Fact>
              );
            })}
          </Facts>
        </div>
      ))}
    </Section>
  );
}

function Outcome({ file }: { file: File }) {
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  const verdict = file.measurements?.latest?.verdict;
  if (!file.first_exposed) {
    return (
      <Section
        id="rollout"
        title="Deployment"
        says="The flag is raised in waves against a control cohort."
        actions={
          <>
            <CommandButton command="set_rollout_plan" {...button} />
            <CommandButton command="start_wave" {...button} />
          </>
        }
      >
        {file.plan ? (
          <Text size="sm">{file.plan.waves.map((wave) => `${wave.percent} % ${wave.kind}`).join(", then ")}.</Text>
        ) : (
          <Text size="sm" className="quiet">
            No plan yet.
          </Text>
        )}
        {(file.rollout_cost ?? []).map((cost) => (
          <Text size="sm" key={cost.share} className="quiet num">
            To find {percent(cost.share)} of the corrected effect takes about {decimal(cost.expected_units, 0)} units,
            at most {decimal(cost.largest_units, 0)}.
          </Text>
        ))}
      </Section>
    );
  }
  return (
    <Section
      id="outcome"
      title="Outcome"
      actions={
        <Button component={Link} to={`/cases/${file.id}/rollout`} size="xs">
          See the rollout
        </Button>
      }
    >
      <Verdicts file={file} verdict={verdict} />
      {file.kept && (
        <Text size="sm" mt="sm">
          Kept on {day(file.kept.on)} <By stamp={file.kept.stamp} />
          {file.kept.recovered && ", recovered after a negative"}.
        </Text>
      )}
    </Section>
  );
}

function Warranty({ file }: { file: File }) {
  const { accountable, teams, ends, days_left: left } = file.accountability;
  const bugs = Object.entries(file.bugs ?? {});
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      id="warranty"
      title="Warranty"
      says={
        accountable ? (
          <>
            Today {accountable === "building_team" ? "the building team" : "the product owners"} (
            {teams.map((team, at) => (
              <span key={team}>
                {at > 0 && ", "}
                <TeamName team={team} />
              </span>
            ))}
            ) {accountable === "building_team" ? "is" : "are"} accountable for bugs.
          </>
        ) : (
          "Nobody has met the feature yet, so nobody is accountable for bugs."
        )
      }
      actions={
        <>
          <CommandButton command="propose_warranty" {...button} />
          <CommandButton command="report_bug" {...button} />
          <CommandButton command="prepare_hand_over" {...button} />
          <CommandButton command="close_case" {...button} />
        </>
      }
    >
      <Facts>
        {file.warranty && (
          <Fact name="Length">
            {of(file.warranty.months, "month")}, agreed by{" "}
            {Object.keys(file.warranty.agreed).length === 0
              ? "nobody yet"
              : Object.keys(file.warranty.agreed).map((team, at) => (
                  <span key={team}>
                    {at > 0 && ", "}
                    <TeamName team={team} />
                  </span>
                ))}{" "}
            <CommandButton command="agree_warranty" with={{ case: file.id }} choices={file.choices} size="compact-xs" />
          </Fact>
        )}
        {ends && (
          <Fact name="Last day">
            {day(ends)}
            {typeof left === "number" && (left >= 0 ? `, ${of(left, "day")} left` : ", over")}
          </Fact>
        )}
        {bugs.map(([bug, one]) => (
          <Fact key={bug} name={bug}>
            <Group gap="xs">
              <Badge color={one.fixed ? "gain" : "loss"}>{one.fixed ? "fixed" : "open"}</Badge>
              {one.description} reported {day(one.on)}, {plain(one.accountable)}
              {!one.fixed && (
                <>
                  <CommandButton
                    command="fix_bug"
                    with={{ case: file.id, bug }}
                    choices={file.choices}
                    size="compact-xs"
                  />
                  <CommandButton
                    command="dispute_bug"
                    with={{ case: file.id, bug }}
                    choices={file.choices}
                    size="compact-xs"
                  />
                </>
              )}
            </Group>
          </Fact>
        ))}
        {(file.codebases_not_cleared ?? []).map((codebase) => (
          <Fact key={codebase} name={codebase}>
            flag and losing code still there{" "}
            <CommandButton
              command="confirm_removed"
              with={{ case: file.id, codebase }}
              choices={file.choices}
              size="compact-xs"
            />
          </Fact>
        ))}
      </Facts>
      {!file.warranty && bugs.length === 0 && (
        <Text size="sm" className="quiet">
          No warranty is proposed yet.
        </Text>
      )}
    </Section>
  );
}

function Lineage({ file }: { file: File }) {
  const chain = file.lineage;
  if (!chain || chain.links.length === 0) return null;
  const unit = differenceUnit(chain.metric?.kind);
  return (
    <Section
      id="lineage"
      title="Lineage"
      says={`The chain of kept cases: together ${decimal(chain.difference * (unit === "pp" ? 100 : 1), 2)}${unit === "pp" ? " pp" : ""}, 95 % interval ${interval(chain.interval, unit)}. Never the plain sum of lifts.`}
      flush
    >
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Case</Table.Th>
            <Table.Th>Kept</Table.Th>
            <Table.Th>From</Table.Th>
            <Table.Th>To</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {chain.links.map((link) => (
            <Table.Tr key={link.case} className="num">
              <Table.Td>
                <Anchor component={Link} to={`/cases/${link.case}`} size="sm">
                  {link.case}
                </Anchor>
              </Table.Td>
              <Table.Td>{day(link.on)}</Table.Td>
              <Table.Td>
                {decimal(link.from.value * (unit === "pp" ? 100 : 1), 2)}
                {unit === "pp" && " %"}
              </Table.Td>
              <Table.Td>
                {decimal(link.to.value * (unit === "pp" ? 100 : 1), 2)}
                {unit === "pp" && " %"}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}

function History({ file }: { file: File }) {
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      title="More"
      actions={
        <>
          <Button component={Link} to={`/journal?stream=${encodeURIComponent(`case/${file.id}`)}`} size="xs">
            Its journal
          </Button>
          <CommandButton command="withdraw_case" {...button} />
        </>
      }
    >
      {file.notices.length === 0 ? (
        <Text size="sm" className="quiet">
          No deadline was near or missed.
        </Text>
      ) : (
        <List size="sm">
          {file.notices.map((one) => (
            <List.Item key={one}>{one}</List.Item>
          ))}
        </List>
      )}
    </Section>
  );
}
