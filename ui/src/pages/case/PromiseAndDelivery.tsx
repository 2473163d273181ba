// What the experiment promised and what the rollout delivered, on one axis with their intervals.
import { Badge, Text } from "@mantine/core";
import { VerdictBadge } from "../../lib/badges.tsx";
import { EffectAxis, type EffectRow } from "../../lib/EffectAxis.tsx";
import { Figure, Figures } from "../../lib/Figure.tsx";
import { decimal, differenceUnit, money, months, percent } from "../../lib/number.ts";
import { Section } from "../../lib/Page.tsx";
import { sentence } from "../../lib/said.ts";
import { plain, title as worded } from "../../lib/words.ts";
import type { CaseFile } from "../../api/model.ts";

export function PromiseAndDelivery({ file }: { file: CaseFile }) {
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
          {sentence(delivery.sentence)}
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
