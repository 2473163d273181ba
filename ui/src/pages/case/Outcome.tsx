// Deployment before the first wave, and the outcome after it.
import { Button, Text } from "@mantine/core";
import { Link } from "react-router";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { day, decimal, level, of, percent } from "../../lib/number.ts";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { Verdicts } from "./Verdicts.tsx";
import type { CaseFile } from "../../api/model.ts";
import { PlanButton } from "../rollout/PlanButton.tsx";
import { By } from "./By.tsx";

export function Outcome({ file }: { file: CaseFile }) {
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  const verdict = file.measurements?.latest?.verdict;
  if (!file.first_exposed) {
    return (
      <Section
        id="rollout"
        title="Deployment"
        says="The flag is raised in waves against a control cohort."
        actions={
          <>
            <PlanButton file={file} />
            <CommandButton command="start_wave" {...button} />
          </>
        }
      >
        {file.plan ? (
          <Text size="sm">{file.plan.waves.map((wave) => `${wave.percent} % ${wave.kind}`).join(", then ")}.</Text>
        ) : (
          <Text size="sm" className="quiet">
            No plan yet.
          </Text>
        )}
        {(file.rollout_cost ?? []).map((cost) => (
          <Text size="sm" key={cost.share} className="quiet num">
            To find {percent(cost.share)} of the corrected effect takes about {decimal(cost.expected_units, 0)} units,
            at most {decimal(cost.largest_units, 0)}.
          </Text>
        ))}
      </Section>
    );
  }
  return (
    <Section
      id="outcome"
      title="Outcome"
      actions={
        <Button component={Link} to={`/cases/${file.id}/rollout`} size="xs">
          See the rollout
        </Button>
      }
    >
      <Verdicts file={file} verdict={verdict} />
      {file.kept && (
        <div style={{ marginTop: 12 }}>
          <Kept file={file} kept={file.kept} />
        </div>
      )}
    </Section>
  );
}

/** What was kept: on which grounds, and the baseline that the next one has to beat. */
function Kept({ file, kept }: { file: CaseFile; kept: NonNullable<CaseFile["kept"]> }) {
  const { justification } = kept;
  return (
    <Facts>
      <Fact name="Kept">
        on {day(kept.on)} <By stamp={kept.stamp} />
        {kept.recovered && ", recovered after a negative"}
      </Fact>
      <Fact name="Baseline to beat">
        {level(kept.level.value, file.of_experiment?.metric?.kind)}, the treatment's level in the rollout
      </Fact>
      {justification && (
        <Fact name="Justified">
          {justification.why} {of(justification.maintenance_days, "day")} of maintenance a year, paid by{" "}
          {justification.who_pays}; looked at again on {day(justification.review_on)}.{" "}
          <CommandButton
            command="review_keep"
            with={{ case: file.id }}
            choices={file.choices}
            size="compact-xs"
            unlessRefused
          />
        </Fact>
      )}
    </Facts>
  );
}
