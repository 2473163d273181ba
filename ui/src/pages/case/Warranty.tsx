// The warranty clock: who answers for bugs today, which there are, and where the code still is.
import { Badge, Group, List, Text } from "@mantine/core";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { TeamName } from "../../lib/names.tsx";
import { day, of } from "../../lib/number.ts";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { plain } from "../../lib/words.ts";
import type { CaseFile } from "../../api/model.ts";
import { By } from "./By.tsx";

export function Warranty({ file }: { file: CaseFile }) {
  const { accountable, teams, ends, days_left: left } = file.accountability;
  const bugs = Object.entries(file.bugs ?? {});
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      id="warranty"
      title="Warranty"
      says={
        accountable ? (
          <>
            Today {accountable === "building_team" ? "the building team" : "the product owners"} (
            {teams.map((team, at) => (
              <span key={team}>
                {at > 0 && ", "}
                <TeamName team={team} />
              </span>
            ))}
            ) {accountable === "building_team" ? "is" : "are"} accountable for bugs.
          </>
        ) : (
          "Nobody has met the feature yet, so nobody is accountable for bugs."
        )
      }
      actions={
        <>
          <CommandButton command="propose_warranty" {...button} />
          <CommandButton command="report_bug" {...button} />
          <CommandButton command="extend_warranty" {...button} unlessRefused />
          <CommandButton command="prepare_hand_over" {...button} />
          <CommandButton command="close_case" {...button} />
        </>
      }
    >
      <Facts>
        {file.warranty && (
          <Fact name="Length">
            {of(file.warranty.months, "month")}, agreed by{" "}
            {Object.keys(file.warranty.agreed).length === 0
              ? "nobody yet"
              : Object.keys(file.warranty.agreed).map((team, at) => (
                  <span key={team}>
                    {at > 0 && ", "}
                    <TeamName team={team} />
                  </span>
                ))}{" "}
            <CommandButton command="agree_warranty" with={{ case: file.id }} choices={file.choices} size="compact-xs" />
          </Fact>
        )}
        {ends && (
          <Fact name="Last day">
            {day(ends)}
            {typeof left === "number" && (left >= 0 ? `, ${of(left, "day")} left` : ", over")}
          </Fact>
        )}
        {bugs.map(([bug, one]) => (
          <Fact key={bug} name={bug}>
            <Group gap="xs">
              <Badge color={one.fixed ? "gain" : "loss"}>{one.fixed ? "fixed" : "open"}</Badge>
              {one.description} reported {day(one.on)}, {plain(one.accountable)}
              {one.moved_to && `, belongs to ${one.moved_to}`}
              {one.disputes?.at(-1)?.settled === null && (
                <CommandButton
                  command="settle_dispute"
                  with={{ case: file.id, bug }}
                  choices={file.choices}
                  size="compact-xs"
                />
              )}
              {!one.fixed && (
                <>
                  <CommandButton
                    command="fix_bug"
                    with={{ case: file.id, bug }}
                    choices={file.choices}
                    size="compact-xs"
                  />
                  <CommandButton
                    command="dispute_bug"
                    with={{ case: file.id, bug }}
                    choices={file.choices}
                    size="compact-xs"
                  />
                </>
              )}
            </Group>
          </Fact>
        ))}
        {file.hand_over && (
          <Fact name="Hand-over">
            drawn up <By stamp={file.hand_over.prepared} />,{" "}
            {Object.keys(file.hand_over.acknowledged).length === 0 ? (
              "acknowledged by nobody yet"
            ) : (
              <>
                acknowledged by{" "}
                {Object.keys(file.hand_over.acknowledged).map((team, at) => (
                  <span key={team}>
                    {at > 0 && ", "}
                    <TeamName team={team} />
                  </span>
                ))}
              </>
            )}{" "}
            <CommandButton
              command="acknowledge_hand_over"
              with={{ case: file.id }}
              choices={file.choices}
              size="compact-xs"
              unlessRefused
            />
            <List size="sm" mt={4}>
              {file.hand_over.pack.removal.map((step) => (
                <List.Item key={step}>{step}</List.Item>
              ))}
            </List>
          </Fact>
        )}
        {(file.codebases_not_cleared ?? []).map((codebase) => (
          <Fact key={codebase} name={codebase}>
            flag and losing code still there{" "}
            <CommandButton
              command="confirm_removed"
              with={{ case: file.id, codebase }}
              choices={file.choices}
              size="compact-xs"
            />
          </Fact>
        ))}
      </Facts>
      {!file.warranty && bugs.length === 0 && (
        <Text size="sm" className="quiet">
          No warranty is proposed yet.
        </Text>
      )}
    </Section>
  );
}
