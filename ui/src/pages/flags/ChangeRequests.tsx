// Change requests: what somebody wants to change, as those who approve it read it.
import { Anchor, Badge, Group, SegmentedControl, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearchParams } from "react-router";
import { changeRequest, changeRequests } from "../../api/queries.ts";
import type { ChangeRequest as View, RequestStatus } from "../../api/model.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { PersonName } from "../../lib/names.tsx";
import { dayOf, instantOf, of } from "../../lib/number.ts";
import { Asked, EmptyState, Fact, Facts, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { Differences } from "./Differences.tsx";
import { FlagTabs } from "./FlagTabs.tsx";

export default function ChangeRequests() {
  const { request } = useParams();
  return request === undefined ? <All /> : <One id={request} />;
}

function Status({ one }: { one: View }) {
  const color =
    one.status === "applied" ? "gain" : one.status === "rejected" ? "loss" : one.status === "open" ? "iris" : "gray";
  return <Badge color={color}>{one.status}</Badge>;
}

function approvalsOf(one: View): number {
  return Object.keys(one.approvals ?? {}).length;
}

function All() {
  const [query, setQuery] = useSearchParams();
  const status = (query.get("status") ?? "open") as RequestStatus;
  const asked = useQuery(changeRequests(status));
  return (
    <>
      <PageHeader
        title="Change requests"
        says="Where an environment asks for approval, a change is read by others before it is served."
      />
      <FlagTabs />
      <SegmentedControl
        aria-label="Where they stand"
        mb="md"
        value={status}
        onChange={(value) => setQuery({ status: value }, { replace: true })}
        data={[
          { value: "open", label: "Open" },
          { value: "applied", label: "Applied" },
          { value: "rejected", label: "Rejected" },
          { value: "withdrawn", label: "Withdrawn" },
        ]}
      />
      <Asked of={asked}>
        {(all) =>
          all.length === 0 ? (
            <Section>
              <EmptyState title={`No change request is ${status}`}>
                Editing a flag in an environment that asks for approval makes one.
              </EmptyState>
            </Section>
          ) : (
            <Rows
              label="Change requests"
              rows={all}
              rowKey={(one) => one.request}
              columns={[
                {
                  name: "Request",
                  width: "minmax(180px, 1.3fr)",
                  phone: "minmax(0, 1fr)",
                  cell: (one) => (
                    <Anchor
                      component={Link}
                      to={`/change-requests/${encodeURIComponent(one.request)}`}
                      size="sm"
                      fw={560}
                    >
                      {one.request}
                    </Anchor>
                  ),
                },
                {
                  name: "Changes",
                  width: "minmax(180px, 1.4fr)",
                  cell: (one) => one.differences.map(({ name }) => name).join(", "),
                },
                {
                  name: "Why",
                  width: "minmax(180px, 1.6fr)",
                  cell: (one) => (
                    <Text size="sm" truncate>
                      {one.reason}
                    </Text>
                  ),
                },
                { name: "Where", width: "120px", cell: (one) => one.environment },
                { name: "Approvals", width: "100px", phone: "76px", cell: (one) => `${approvalsOf(one)} of ${one.approvals_needed}` },
                { name: "Proposed", width: "120px", cell: (one) => dayOf(one.proposed.at) },
              ]}
            />
          )
        }
      </Asked>
      <Cut of={changeRequests(status)} what="change requests" />
    </>
  );
}

function One({ id }: { id: string }) {
  const asked = useQuery(changeRequest(id));
  return (
    <Asked of={asked}>
      {(one) => (
        <>
          <PageHeader
            title={`Change request ${one.request}`}
            back={{ to: "/change-requests", label: "Change requests" }}
            says={
              <Group gap="xs">
                <Status one={one} />
                <span>
                  for {one.environment}, by <PersonName account={one.proposed.by} />, {instantOf(one.proposed.at)}
                </span>
              </Group>
            }
            actions={
              one.status === "open" && (
                <>
                  <CommandButton
                    command="approve_change"
                    with={{ request: one.request, revision: one.revision }}
                    primary
                  />
                  <CommandButton command="apply_change" with={{ request: one.request }} />
                  <CommandButton command="reject_change" with={{ request: one.request }} />
                  <CommandButton command="withdraw_change" with={{ request: one.request }} />
                </>
              )
            }
          />
          <Section title="Why">
            <Text>{one.reason}</Text>
            {one.because && (
              <Text size="sm" mt="xs" c="var(--late)">
                {one.because}
              </Text>
            )}
          </Section>
          <Section id="approvals" title="Approval">
            <Facts>
              <Fact name="Needed">
                {one.approvals_needed === 0 ? "none" : of(one.approvals_needed, "person", "people")}, none of them an
                author
              </Fact>
              <Fact name="Given">
                {approvalsOf(one) === 0
                  ? "by nobody yet"
                  : Object.entries(one.approvals ?? {}).map(([account, stamp]) => (
                      <span key={account}>
                        <PersonName account={account} />, {dayOf(stamp.at)}{" "}
                      </span>
                    ))}
              </Fact>
              <Fact name="Revision">
                {one.revision}
                {one.revision > 1 && ": an edit needs approval again"}
              </Fact>
              {one.at && <Fact name="Applied at">{instantOf(one.at)}, by Tenure itself</Fact>}
            </Facts>
          </Section>
          {one.differences.map((change) => (
            <Section
              key={`${change.noun} ${change.name}`}
              title={
                <Group gap="xs">
                  <span>
                    {change.noun === "flag" ? (
                      <Anchor
                        component={Link}
                        to={`/flags/${encodeURIComponent(change.name)}?environment=${one.environment}`}
                      >
                        {change.name}
                      </Anchor>
                    ) : (
                      `Segment ${change.name}`
                    )}
                  </span>
                  {change.changed_since && <Badge color="late">changed since it was proposed</Badge>}
                </Group>
              }
            >
              <Differences of={change} />
            </Section>
          ))}
        </>
      )}
    </Asked>
  );
}
