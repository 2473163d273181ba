// Building: backlog, flag, and the owner process of each codebase with what shows each item.
import { Anchor, Badge, Group, Text } from "@mantine/core";
import { Link } from "react-router";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { of } from "../../lib/number.ts";
import { Fact, Facts, Section } from "../../lib/Page.tsx";
import { plain, title as worded } from "../../lib/words.ts";
import type { CaseFile } from "../../api/model.ts";
import { By } from "./By.tsx";
import { AddEvidence, EvidenceList } from "./Evidence.tsx";

export function Building({ file }: { file: CaseFile }) {
  const lists = Object.entries(file.checklists ?? {});
  const button = { with: { case: file.id }, choices: file.choices, size: "xs" } as const;
  return (
    <Section
      id="building"
      title="Building"
      says={
        file.flag ? (
          <>
            Wrapped in the flag{" "}
            <Anchor component={Link} to={`/flags/${encodeURIComponent(file.flag.key)}`}>
              {file.flag.key}
            </Anchor>
            {file.backlog && `, ${of(file.backlog.days, "person-day")} in the backlog`}
          </>
        ) : (
          "No flag yet."
        )
      }
      actions={
        <>
          {!file.backlog && <CommandButton command="reserve_backlog" {...button} />}
          {!file.flag && <CommandButton command="create_flag" {...button} />}
          <CommandButton command="assign_builder" {...button} />
          <CommandButton command="finish_building" {...button} />
        </>
      }
    >
      {lists.length === 0 && (
        <Text size="sm" className="quiet">
          The owner process of each codebase begins with the building.
        </Text>
      )}
      {lists.map(([codebase, list]) => (
        <div key={codebase}>
          <Text fw={600} size="sm" mt="xs">
            {codebase}
          </Text>
          <Facts>
            {list.items.map((item) => {
              const last = item.attempts[item.attempts.length - 1];
              return (
                <Fact key={item.name} name={worded(item.name)}>
                  <Group gap="xs">
                    <Badge
                      color={
                        last?.result === "passed"
                          ? "gain"
                          : last?.result === "failed" || last?.result === "blocked"
                            ? "loss"
                            : last
                              ? "late"
                              : "gray"
                      }
                    >
                      {last ? plain(last.result) : "open"}
                    </Badge>
                    {last && <By stamp={last.stamp} />}
                    {last?.reason && <Text size="sm">{last.reason}</Text>}
                    {last?.result !== "passed" && (
                      <>
                        <CommandButton
                          command="checklist"
                          with={{ case: file.id, codebase, item: item.name }}
                          choices={file.choices}
                          size="compact-xs"
                        />
                        <AddEvidence place={{ case: file.id, codebase, item: item.name }} choices={file.choices} />
                      </>
                    )}
                  </Group>
                  <EvidenceList id={file.id} item={item} />
                </Fact>
              );
            })}
          </Facts>
        </div>
      ))}
    </Section>
  );
}
