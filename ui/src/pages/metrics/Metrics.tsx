// The catalogue of metrics: how outcomes become one number per unit. A definition is written beside what it would do to one unit's events.
import { Anchor, Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { metrics } from "../../api/queries.ts";
import { Cut } from "../../lib/Cut.tsx";
import { of } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { title as worded } from "../../lib/words.ts";
import { MetricEditor } from "./MetricEditor.tsx";

export default function Metrics() {
  const [query, setQuery] = useSearchParams();
  const asked = useQuery(metrics);
  const edited = query.get("edit");
  const close = () => setQuery({}, { replace: true });
  return (
    <>
      <PageHeader
        title="Metrics"
        says="How what people do becomes one number per unit."
        actions={
          <Button variant="filled" component={Link} to="?edit=">
            Define a metric
          </Button>
        }
      />
      {edited !== null && asked.data && (
        <MetricEditor
          key={edited}
          known={asked.data}
          metric={edited === "" ? undefined : asked.data.find(({ metric }) => metric === edited)}
          onClose={close}
        />
      )}
      <Asked of={asked}>
        {(all) =>
          all.length === 0 ? (
            <Section>
              <EmptyState
                title="No metric yet"
                action={
                  <Button component={Link} to="?edit=" mt="xs">
                    Define a metric
                  </Button>
                }
              >
                A rollout measures the experiment's own metric: define it here, with the event that carries it.
              </EmptyState>
            </Section>
          ) : (
            <Rows
              label="Metrics"
              rows={all}
              rowKey={(one) => one.metric}
              columns={[
                {
                  name: "Metric",
                  width: "minmax(180px, 1.5fr)",
                  phone: "minmax(0, 1fr)",
                  cell: (one) => (
                    <>
                      <Anchor component={Link} to={`?edit=${encodeURIComponent(one.metric)}`} size="sm" fw={560}>
                        {one.title ?? one.metric}
                      </Anchor>
                      <Text size="xs" className="quiet mono" truncate>
                        {one.metric}
                      </Text>
                    </>
                  ),
                },
                { name: "Kind", width: "120px", phone: "96px", cell: (one) => worded(one.kind) },
                {
                  name: "Event",
                  width: "minmax(140px, 1fr)",
                  cell: (one) => (
                    <span className="mono">
                      {one.event ?? one.metric}
                      {one.denominator && ` / ${one.denominator}`}
                    </span>
                  ),
                },
                { name: "Good is", width: "90px", cell: (one) => (one.direction === "decrease" ? "less" : "more") },
                { name: "Per", width: "130px", cell: (one) => <span className="mono">{one.unit}</span> },
                {
                  name: "Counts for",
                  width: "110px",
                  cell: (one) => (one.window_hours ? of(one.window_hours, "hour") : "the rollout"),
                },
              ]}
            />
          )
        }
      </Asked>
      <Cut of={metrics} what="metrics" />
    </>
  );
}
