// Codebases and their owner processes: from a file under version control that is checked line by line, or one by one.
import { Badge, Button, Group, List, Text, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import { codebases, people } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { send } from "../../lib/command/give.ts";
import { FormDialog } from "../../lib/FormDialog.tsx";
import { PersonName, TeamName } from "../../lib/names.tsx";
import { of } from "../../lib/number.ts";
import { Asked, EmptyState, Fact, Facts, Section } from "../../lib/Page.tsx";
import { plain } from "../../lib/words.ts";

const EXAMPLE = `[checkout-web]
team = "checkout"
items = ["qa_demo", "pr_review", { name = "load_test", within_days = 3 }]
`;

export default function Codebases() {
  const [isFile, file] = useDisclosure(false);
  const seats = useQuery(people).data ?? [];
  return (
    <Section
      id="codebases"
      title="Codebases and owner processes"
      says="Only a codebase's owners pass or waive its items; exposure waits for all of them."
      actions={
        <>
          <CommandButton command="define_codebase" size="xs" primary />
          <Button size="xs" onClick={file.open}>
            From a file
          </Button>
        </>
      }
    >
      <Asked of={useQuery(codebases)}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="No codebase yet">
              Name the code that experiments are rebuilt in, and what its owners check: a QA demo, a reviewed pull
              request, whatever they list.
            </EmptyState>
          ) : (
            <Facts>
              {all.map(({ codebase, items, team }) => {
                const owners = seats.filter(({ grants }) => grants.includes(`codebase_owner:${codebase}`));
                return (
                  <Fact key={codebase} name={codebase}>
                    <Group gap={6}>
                      {items.length === 0 ? (
                        <span className="quiet">nothing to check</span>
                      ) : (
                        items.map((item, at) => (
                          <Badge key={nameOf(item)} color="gray">
                            {at + 1}. {plain(nameOf(item))}
                          </Badge>
                        ))
                      )}
                      {items.every((item) => typeof item === "string") && (
                        <CommandButton
                          command="define_codebase"
                          with={{ codebase }}
                          initial={{ items, team }}
                          label="Change"
                          size="compact-xs"
                        />
                      )}
                    </Group>
                    <Text size="sm" className="quiet">
                      {team && (
                        <>
                          of <TeamName team={team} />,{" "}
                        </>
                      )}
                      {owners.length === 0 ? (
                        "no owner yet"
                      ) : (
                        <>
                          owned by{" "}
                          {owners.map(({ person }, at) => (
                            <span key={person}>
                              {at > 0 && ", "}
                              <PersonName account={person} />
                            </span>
                          ))}
                        </>
                      )}
                    </Text>
                  </Fact>
                );
              })}
            </Facts>
          )
        }
      </Asked>
      {isFile && <FromFile onClose={file.close} />}
    </Section>
  );
}

function nameOf(item: string | { name: string }): string {
  return typeof item === "string" ? item : item.name;
}

function FromFile({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient();
  const [toml, setToml] = useState(EXAMPLE);
  const check = useMutation({ mutationFn: () => unwrap(client.POST("/api/v1/codebases/check", { body: { toml } })) });
  const put = useMutation({
    mutationFn: async () => {
      for (const one of check.data?.define_codebase ?? [])
        await send({ command: "define_codebase", with: one }, crypto.randomUUID());
    },
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const found = check.data;
  return (
    <FormDialog
      title="Owner processes from a file"
      size="lg"
      onClose={onClose}
      submit="Put in force"
      onSubmit={() => put.mutate()}
      error={check.error ?? put.error}
      isPending={put.isPending}
      isReady={found !== undefined && found.faults.length === 0}
      actions={
        <Button onClick={() => check.mutate()} loading={check.isPending}>
          Check
        </Button>
      }
    >
      <Textarea
        label="The file, in TOML"
        description={
          <>
            The same that <code>tenure codebase set</code> reads.
          </>
        }
        autosize
        minRows={8}
        maxRows={22}
        classNames={{ input: "mono" }}
        value={toml}
        onChange={(event) => {
          setToml(event.currentTarget.value);
          check.reset();
        }}
        data-autofocus
      />
      {found &&
        (found.faults.length > 0 ? (
          <List size="sm" c="var(--loss)">
            {found.faults.map((fault) => (
              <List.Item key={fault}>{fault}</List.Item>
            ))}
          </List>
        ) : (
          <Text size="sm" c="var(--gain)" role="status">
            Good: it defines {of(found.define_codebase.length, "codebase")}.
          </Text>
        ))}
    </FormDialog>
  );
}
