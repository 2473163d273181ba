// Warranties and bugs: whose bug it is is answered by the case; here is every feature that somebody answers for.
import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Summary } from "../../api/model.ts";
import { cases, wholeOf } from "../../api/queries.ts";
import { StageBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { TeamName } from "../../lib/names.tsx";
import { day } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";

export default function Warranties() {
  return (
    <>
      <PageHeader
        title="Warranties and bugs"
        says="The building team answers through the warranty's last day, the product owners after it."
      />
      <Asked of={useQuery(wholeOf(cases))} lines={6}>
        {(all) => {
          const rows = all
            .filter((one) => one.warranty_ends || one.open_bugs > 0 || one.exposure_percent > 0)
            .sort(
              (a, b) =>
                b.open_bugs - a.open_bugs ||
                String(a.warranty_ends ?? "9").localeCompare(String(b.warranty_ends ?? "9")),
            );
          return rows.length === 0 ? (
            <Section>
              <EmptyState title="No feature is with customers yet" />
            </Section>
          ) : (
            <Rows
              label="Warranties"
              rows={rows}
              rowKey={(one) => one.id}
              columns={[
                {
                  name: "Feature",
                  width: "minmax(220px, 2fr)",
                  phone: "minmax(0, 1fr)",
                  cell: (one) => (
                    <>
                      <Anchor
                        component={Link}
                        to={`/cases/${one.id}#warranty`}
                        size="sm"
                        fw={560}
                        truncate
                        display="block"
                      >
                        {one.title ?? one.id}
                      </Anchor>
                      <Text size="xs" className="quiet" truncate>
                        {one.id}
                        {one.warranty_ends && (
                          <Text span inherit hiddenFrom="sm">
                            {" "}
                            · until {day(one.warranty_ends)}
                          </Text>
                        )}
                      </Text>
                    </>
                  ),
                },
                {
                  name: "Accountable today",
                  width: "minmax(170px, 1.3fr)",
                  phone: "minmax(0, 1fr)",
                  cell: (one) => <Accountable one={one} />,
                },
                { name: "Stage", width: "140px", cell: (one) => <StageBadge stage={one.stage} /> },
                {
                  name: "Warranty's last day",
                  width: "160px",
                  cell: (one) => (one.warranty_ends ? day(one.warranty_ends) : "not running"),
                },
                { name: "Open bugs", width: "100px", cell: (one) => one.open_bugs },
                {
                  name: "",
                  width: "140px",
                  phone: "104px",
                  cell: (one) => <CommandButton command="report_bug" with={{ case: one.id }} size="compact-xs" />,
                },
              ]}
            />
          );
        }}
      </Asked>
      <Cut of={cases} what="cases" />
    </>
  );
}

/** Whose bug it would be today. */
function Accountable({ one }: { one: Summary }) {
  const teams = one.accountable_teams ?? [];
  if (!one.accountable) return <>nobody yet</>;
  return (
    <>
      <Text size="sm" truncate>
        {one.accountable === "building_team" ? "the building team" : "the product owners"}
      </Text>
      {teams.length > 0 && (
        <Text size="xs" className="quiet" truncate>
          {teams.map((team, at) => (
            <span key={team}>
              {at > 0 && ", "}
              <TeamName team={team} />
            </span>
          ))}
        </Text>
      )}
    </>
  );
}
