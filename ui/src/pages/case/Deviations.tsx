// The deviation ledger with its fidelity bar, and the follow-ups that came of bigger ideas.
import { Progress, Text } from "@mantine/core";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { percent } from "../../lib/number.ts";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { plain, title as worded } from "../../lib/words.ts";
import type { CaseFile } from "../../api/model.ts";
import { By } from "./By.tsx";

export function Deviations({ file }: { file: CaseFile }) {
  const rows = file.ledger?.deviations ?? [];
  const { spent, budget, fidelity } = file.fidelity;
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      id="deviations"
      title="Deviations from the experiment"
      says={`${spent} of ${budget} spent: ${percent(fidelity)} fidelity.`}
      actions={
        <>
          <CommandButton command="log_deviation" {...button} />
          <CommandButton command="add_follow_up" {...button} />
        </>
      }
    >
      <Progress
        value={fidelity * 100}
        color={fidelity > 0.4 ? "gain" : "late"}
        size="md"
        aria-label={`fidelity ${percent(fidelity)}`}
        mb="sm"
      />
      {rows.length === 0 ? (
        <Text size="sm" className="quiet">
          Built exactly as the experiment was.
        </Text>
      ) : (
        <Facts>
          {rows.map((one) => (
            <Fact key={one.number} name={`${worded(one.kind)}, weighs ${one.weight}`}>
              {one.description} <By stamp={one.stamp} />{" "}
              <CommandButton
                command="rule_deviation"
                with={{ case: file.id, number: one.number }}
                choices={file.choices}
                size="compact-xs"
                unlessRefused
              />
            </Fact>
          ))}
        </Facts>
      )}
      {Object.entries(file.follow_up_status ?? {}).length > 0 && (
        <>
          <Text fw={600} size="sm" mt="md">
            Follow-up experiments
          </Text>
          <Facts>
            {Object.entries(file.follow_up_status).map(([one, status]) => (
              <Fact key={one} name={one}>
                {plain(status)} {file.follow_ups?.[one]?.description}{" "}
                {status === "ready" && (
                  <CommandButton
                    command="start_follow_up"
                    with={{ case: file.id, follow_up: one }}
                    choices={file.choices}
                    size="compact-xs"
                  />
                )}
              </Fact>
            ))}
          </Facts>
        </>
      )}
    </Section>
  );
}
