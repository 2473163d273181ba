// What landed in the platform, and the parked ideas that may come back because of it.
import { Anchor, Badge, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { cases, platformChanges, wholeOf } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { PersonName } from "../../lib/names.tsx";
import { dayOf, money } from "../../lib/number.ts";
import { Asked, EmptyState, Fact, Facts, PageHeader, Section } from "../../lib/Page.tsx";
import { said } from "../../lib/said.ts";

export default function PlatformChanges() {
  return (
    <>
      <PageHeader
        title="Platform changes and parked ideas"
        says="A parked idea comes back when something lands that makes it cheap."
        actions={<CommandButton command="register_platform_change" primary />}
      />
      <Section title="Parked ideas">
        <Asked of={useQuery(wholeOf(cases))}>
          {(all) => {
            const parked = all.filter((one) => one.stage === "parked");
            return parked.length === 0 ? (
              <EmptyState title="Nothing is parked" />
            ) : (
              <Facts>
                {parked.map((one) => (
                  <Fact
                    key={one.id}
                    name={
                      <Anchor component={Link} to={`/cases/${one.id}`} size="sm">
                        {one.title ?? one.id}
                      </Anchor>
                    }
                  >
                    {typeof one.promise?.benefit_per_year === "number" &&
                      `worth ${money(one.promise.benefit_per_year)} a year, `}
                    parked since {dayOf(one.stage_since)}{" "}
                    {one.suggestions > 0 && <Badge color="iris">it may be easier now</Badge>}
                    {one.until?.what && (
                      <Text size="sm" className="quiet">
                        {said(one.until.what)}
                      </Text>
                    )}
                  </Fact>
                ))}
              </Facts>
            );
          }}
        </Asked>
      </Section>
      <Section title="What landed">
        <Asked of={useQuery(platformChanges)}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState title="No platform change yet">
                Register one when something lands that others build on.
              </EmptyState>
            ) : (
              <Facts>
                {all.map((one) => (
                  <Fact key={one.platform_change} name={one.platform_change}>
                    <Group gap={6}>
                      {one.tags.map((tag: string) => (
                        <Badge key={tag} color="gray">
                          {tag}
                        </Badge>
                      ))}
                      <span className="quiet">
                        <PersonName account={one.stamp.by} />, {dayOf(one.stamp.at)}
                      </span>
                    </Group>
                    {one.description && <Text size="sm">{one.description}</Text>}
                  </Fact>
                ))}
              </Facts>
            )
          }
        </Asked>
        <Cut of={platformChanges} what="platform changes" />
      </Section>
    </>
  );
}
