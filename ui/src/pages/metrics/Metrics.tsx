// The catalogue of metrics: how outcomes become one number per unit.
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { metrics } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { of } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { title as worded } from "../../lib/words.ts";

export default function Metrics() {
  return (
    <>
      <PageHeader title="Metrics" says="How what people do becomes one number per unit." actions={<CommandButton command="define_metric" />} />
      <Asked of={useQuery(metrics)}>
        {(all) => all.length === 0 ? <Section><EmptyState title="No metric yet">A rollout measures the experiment's own metric: define it here, with the event that carries it.</EmptyState></Section> : (
          <Rows
            label="Metrics" rows={all} rowKey={(one) => one.metric}
            columns={[
              { name: "Metric", width: "minmax(180px, 1.5fr)", cell: (one) => <Text size="sm" fw={560}>{one.title ?? one.metric}</Text> },
              { name: "Kind", width: "120px", cell: (one) => worded(one.kind) },
              { name: "Event", width: "minmax(140px, 1fr)", cell: (one) => <span className="mono">{one.event ?? one.metric}</span> },
              { name: "Good is", width: "90px", cell: (one) => (one.direction === "decrease" ? "less" : "more") },
              { name: "Per", width: "130px", cell: (one) => <span className="mono">{one.unit}</span> },
              { name: "Counts for", width: "110px", cell: (one) => (one.window_hours ? of(one.window_hours, "hour") : "the rollout") },
            ]}
          />
        )}
      </Asked>
    </>
  );
}
