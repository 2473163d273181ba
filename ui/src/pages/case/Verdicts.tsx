// The text's three columns. The one that holds carries live buttons and refused ones with their reason; the others stay to be read. While
// none holds, the buttons stand below them all: a case can be ended, or built again, without a verdict.
import classes from "./Verdicts.module.css";
import { Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { CaseFile } from "../../api/model.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";

const OUTCOMES = [
  { verdict: "positive", name: "Positive", says: "Same as the experiment: keep it.", kinds: ["keep", "remove"] },
  {
    verdict: "not_significant",
    name: "Not significant",
    says: "Think: is it worth its maintenance? Can it be improved and measured again?",
    kinds: ["keep", "keep_justified", "iterate", "remove"],
  },
  {
    verdict: "negative",
    name: "Negative",
    says: "Remove or iterate. It can never be kept, whoever asks.",
    kinds: ["keep", "keep_justified", "iterate", "remove"],
  },
] as const;

const KINDS = ["keep", "keep_justified", "iterate", "remove"] as const;

export function Verdicts({ file, verdict }: { file: CaseFile; verdict: string | undefined }) {
  const isOffered = file.choices.some(({ command }) => command === "decide_outcome");
  const isOpen = OUTCOMES.every((one) => one.verdict !== verdict);
  return (
    <>
      <div className={classes.columns}>
        {OUTCOMES.map((one) => {
          const holds = one.verdict === verdict;
          return (
            <div key={one.verdict} className={classes.column} data-holds={holds || undefined}>
              <Text fw={600} size="sm">
                {one.name}
              </Text>
              <Text size="sm" className="quiet">
                {one.says}
              </Text>
              {holds && isOffered && (
                <Decide file={file} kinds={one.kinds}>
                  {one.verdict === "not_significant" && (
                    <CommandButton
                      command="acknowledge_keep"
                      with={{ case: file.id }}
                      choices={file.choices}
                      size="xs"
                    />
                  )}
                </Decide>
              )}
            </div>
          );
        })}
      </div>
      {isOpen && isOffered && <Decide file={file} kinds={KINDS} />}
    </>
  );
}

/** The ways an outcome can be decided: which of them are open, the server says. */
function Decide({ file, kinds, children }: { file: CaseFile; kinds: readonly string[]; children?: ReactNode }) {
  return (
    <Group gap={6} mt="xs">
      {kinds.map((kind) => (
        <CommandButton
          key={kind}
          command="decide_outcome"
          kind={kind}
          with={{ case: file.id }}
          choices={file.choices}
          size="xs"
          primary={kind === "keep"}
        />
      ))}
      {children}
    </Group>
  );
}
