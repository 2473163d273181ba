// Whether the data can be believed: what the server found when it looked, the worst first, each with what to do about it.
import { Badge, Text } from "@mantine/core";
import type { DataFinding, Measured } from "../../api/model.ts";
import { count, day } from "../../lib/number.ts";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { title as worded } from "../../lib/words.ts";

const STATES: Readonly<Record<DataFinding["state"], { color: string; name: string }>> = {
  good: { color: "gain", name: "good" },
  warning: { color: "late", name: "worth a look" },
  bad: { color: "loss", name: "not to be believed" },
};

export function Health({ latest }: { latest: Measured }) {
  const { judged, health = [], provisional_units: provisional } = latest;
  return (
    <Section
      id="health"
      title="Health"
      says={`The look of ${day(latest.on)}, by ${latest.engine || "an engine that did not name itself"}.`}
    >
      <Facts>
        {judged.fault && (
          <Fact name="Fault">
            <span style={{ color: "var(--loss)" }}>{worded(judged.fault)}.</span>
          </Fact>
        )}
        {health.map(({ check, state, sentence, remedy }) => (
          <Fact key={check} name={worded(check)}>
            <Badge color={STATES[state].color}>{STATES[state].name}</Badge> {worded(sentence)}.
            {remedy && (
              <Text size="sm" className="quiet">
                {worded(remedy)}.
              </Text>
            )}
          </Fact>
        ))}
        {latest.self_reported ? (
          <Fact name="Events">Measured outside: Tenure has seen none of its events.</Fact>
        ) : (
          <Fact name="Maturity">{count(provisional)} units whose window has not passed are not counted yet.</Fact>
        )}
        {judged.warnings.map((warning) => (
          <Fact key={warning} name="Mind">
            <span style={{ color: "var(--late)" }}>{worded(warning)}.</span>
          </Fact>
        ))}
      </Facts>
    </Section>
  );
}
