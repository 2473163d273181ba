// What landed in the platform, and the parked ideas that may come back because of it.
import { Anchor, Badge, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { cases, platformChanges, wholeOf } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { PersonName } from "../../lib/names.tsx";
import { dayOf, money } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { said } from "../../lib/said.ts";

export default function PlatformChanges() {
  return (
    <>
      <PageHeader
        title="Platform changes and parked ideas"
        says="A parked idea comes back when something lands that makes it cheap."
        actions={<CommandButton command="register_platform_change" primary />}
      />
      <Section title="Parked ideas" flush>
        <Asked of={useQuery(wholeOf(cases))}>
          {(all) => {
            const parked = all.filter((one) => one.stage === "parked");
            return parked.length === 0 ? (
              <EmptyState title="Nothing is parked" />
            ) : (
              <Rows
                label="Parked ideas"
                rows={parked}
                rowKey={(one) => one.id}
                columns={[
                  {
                    name: "Idea",
                    width: "minmax(240px, 2fr)",
                    phone: "minmax(0, 1fr)",
                    cell: (one) => {
                      const until = one.until?.what ? said(one.until.what) : "";
                      return (
                        <>
                          <Anchor component={Link} to={`/cases/${one.id}`} size="sm" fw={560} truncate display="block">
                            {one.title ?? one.id}
                          </Anchor>
                          {until !== "" && (
                            <Text size="xs" className="quiet" truncate title={until}>
                              {until}
                            </Text>
                          )}
                        </>
                      );
                    },
                  },
                  {
                    name: "Worth a year",
                    width: "120px",
                    cell: (one) =>
                      typeof one.promise?.benefit_per_year === "number" ? money(one.promise.benefit_per_year) : "",
                  },
                  { name: "Parked since", width: "120px", phone: "92px", cell: (one) => dayOf(one.stage_since) },
                  {
                    name: "Now",
                    width: "170px",
                    phone: "88px",
                    cell: (one) =>
                      one.suggestions > 0 && (
                        <Badge color="iris" maw="100%" title="it may be easier now">
                          it may be easier now
                        </Badge>
                      ),
                  },
                ]}
              />
            );
          }}
        </Asked>
      </Section>
      <Section title="What landed" flush>
        <Asked of={useQuery(platformChanges)}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState title="No platform change yet">
                Register one when something lands that others build on.
              </EmptyState>
            ) : (
              <Rows
                label="What landed"
                rows={all}
                rowKey={(one) => one.platform_change}
                columns={[
                  {
                    name: "Platform change",
                    width: "minmax(240px, 1.6fr)",
                    phone: "minmax(0, 1fr)",
                    cell: (one) => (
                      <>
                        <Text size="sm" truncate title={one.platform_change}>
                          {one.platform_change}
                        </Text>
                        {one.description && (
                          <Text size="xs" className="quiet" truncate title={one.description}>
                            {one.description}
                          </Text>
                        )}
                      </>
                    ),
                  },
                  {
                    name: "Tags",
                    width: "minmax(180px, 1.4fr)",
                    phone: "minmax(0, 1fr)",
                    cell: (one) => (
                      <Group gap={6} wrap="nowrap" title={one.tags.join(", ")}>
                        {one.tags.map((tag: string) => (
                          <Badge key={tag} color="gray">
                            {tag}
                          </Badge>
                        ))}
                      </Group>
                    ),
                  },
                  {
                    name: "Registered by",
                    width: "minmax(150px, 1fr)",
                    cell: (one) => (
                      <Text size="sm" truncate>
                        <PersonName account={one.stamp.by} />
                      </Text>
                    ),
                  },
                  { name: "On", width: "110px", phone: "92px", cell: (one) => dayOf(one.stamp.at) },
                ]}
              />
            )
          }
        </Asked>
      </Section>
      <Cut of={platformChanges} what="platform changes" />
    </>
  );
}
