// Experiments: results with their verdict, and the way from a winning one to a case.
import { Anchor, Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { cases, experiments, wholeOf } from "../../api/queries.ts";
import { VerdictBadge } from "../../lib/badges.tsx";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { day, differenceUnit, effectSentence } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { RunningHere } from "./RunningHere.tsx";

export default function Experiments() {
  const asked = useQuery(experiments);
  const known = useQuery(wholeOf(cases)).data;
  const opened = new Map((known ?? []).map((one): [string, string] => [one.experiment, one.id]));
  return (
    <>
      <PageHeader
        title="Experiments"
        says="What was tried. A significant positive one may become a case."
        actions={
          <Button component={Link} to="/experiments/intake" variant="filled">
            Take an experiment in
          </Button>
        }
      />
      <RunningHere />
      <Asked of={asked} lines={8}>
        {(all) =>
          all.length === 0 ? (
            <Section>
              <EmptyState
                title="No experiment yet"
                action={
                  <Button component={Link} to="/experiments/intake" mt="xs">
                    Take an experiment in
                  </Button>
                }
              >
                From its numbers, a summary file, GrowthBook or Statsig; from a file of units with{" "}
                <code>tenure import</code>.
              </EmptyState>
            </Section>
          ) : (
            <Rows
              label="Experiments"
              rows={all}
              rowKey={(one) => one.experiment}
              columns={[
                {
                  name: "Experiment",
                  width: "minmax(220px, 2fr)",
                  phone: "minmax(0, 1.3fr)",
                  cell: (one) => (
                    <>
                      <Anchor
                        component={Link}
                        to={`/experiments/${encodeURIComponent(one.experiment)}`}
                        size="sm"
                        fw={560}
                        truncate
                        display="block"
                      >
                        {one.title ?? one.experiment}
                      </Anchor>
                      <Text size="xs" className="quiet" truncate>
                        {one.experiment} · {one.team}
                      </Text>
                    </>
                  ),
                },
                { name: "Ended", width: "110px", cell: (one) => day(one.ended) },
                {
                  name: "Result",
                  width: "230px",
                  phone: "minmax(0, 1fr)",
                  cell: (one) => <VerdictBadge verdict={one.judged.verdict} nuance={one.judged.nuance} />,
                },
                {
                  name: "Effect",
                  width: "minmax(260px, 1.4fr)",
                  cell: (one) =>
                    one.judged.absolute
                      ? effectSentence(one.judged.absolute, differenceUnit(one.metric.kind))
                      : "not known",
                },
                {
                  name: "Case",
                  width: "180px",
                  cell: (one) =>
                    opened.has(one.experiment) ? (
                      <Anchor component={Link} size="sm" to={`/cases/${opened.get(one.experiment)}`}>
                        {opened.get(one.experiment)}
                      </Anchor>
                    ) : known !== undefined && one.judged.verdict === "positive" ? (
                      <CommandButton command="open_case" with={{ experiment: one.experiment }} size="xs" />
                    ) : (
                      ""
                    ),
                },
              ]}
            />
          )
        }
      </Asked>
      <Cut of={experiments} what="experiments" />
    </>
  );
}
