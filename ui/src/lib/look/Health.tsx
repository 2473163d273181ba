// Whether the data can be believed: what the server found when it looked, the worst first, each with what to do about it.
import { Badge, Text } from "@mantine/core";
import type { DataFinding, Judged } from "../../api/model.ts";
import { count, day } from "../number.ts";
import { Fact, Facts, Section } from "../Page.tsx";
import { sentence } from "../said.ts";
import { title as worded } from "../words.ts";

const STATES: Readonly<Record<DataFinding["state"], { color: string; name: string }>> = {
  good: { color: "gain", name: "good" },
  warning: { color: "late", name: "worth a look" },
  bad: { color: "loss", name: "not to be believed" },
};

/** What a look says about itself. */
interface Looked {
  on: string;
  engine: string;
  health?: readonly DataFinding[];
  provisional_units: number;
  self_reported?: string | null;
}

export function Health({ look, judged }: { look: Looked; judged: readonly Pick<Judged, "fault" | "warnings">[] }) {
  const { health = [], provisional_units: provisional } = look;
  const faults = new Set(judged.flatMap(({ fault }) => fault ?? []));
  const warnings = new Set(judged.flatMap(({ warnings }) => warnings));
  return (
    <Section
      id="health"
      title="Health"
      says={`The look of ${day(look.on)}, by ${look.engine || "an engine that did not name itself"}.`}
    >
      <Facts>
        {[...faults].map((fault) => (
          <Fact key={fault} name="Fault">
            <span style={{ color: "var(--loss)" }}>{sentence(fault)}</span>
          </Fact>
        ))}
        {health.map(({ check, state, sentence: found, remedy }) => (
          <Fact key={check} name={worded(check)}>
            <Badge color={STATES[state].color}>{STATES[state].name}</Badge> {sentence(found)}
            {remedy && (
              <Text size="sm" className="quiet">
                {sentence(remedy)}
              </Text>
            )}
          </Fact>
        ))}
        {look.self_reported ? (
          <Fact name="Events">Measured outside: Tenure has seen none of its events.</Fact>
        ) : (
          <Fact name="Maturity">{count(provisional)} units whose window has not passed are not counted yet.</Fact>
        )}
        {[...warnings].map((warning) => (
          <Fact key={warning} name="Mind">
            <span style={{ color: "var(--late)" }}>{sentence(warning)}</span>
          </Fact>
        ))}
      </Facts>
    </Section>
  );
}
