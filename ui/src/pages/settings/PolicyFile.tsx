// The policy: the file that is in force, and a draft that is checked line by line before it is put in its place.
import { Button, Group, Stack, Table, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import { policy } from "../../api/queries.ts";
import { useGive } from "../../lib/command/give.ts";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { Asked, Section } from "../../lib/Page.tsx";
import { toml } from "./toml.ts";

export default function PolicyFile() {
  return <Asked of={useQuery(policy)}>{(now) => <Draft inForce={toml(now)} />}</Asked>;
}

function Draft({ inForce }: { inForce: string }) {
  const [text, setText] = useState(inForce);
  const check = useMutation({
    mutationFn: () => unwrap(client.POST("/api/v1/policy/check", { body: { toml: text } })),
  });
  const give = useGive({ onDone: () => check.reset() });
  const found = check.data;
  const isChanged = text !== inForce;
  return (
    <Section
      id="policy"
      title="Policy"
      says="What a team can reasonably disagree on. It holds for cases opened after it is set; what the process forbids is no policy. Keep the file under version control."
    >
      <Stack gap="md">
        <Textarea
          label="policy.toml"
          description={isChanged ? "Changed: not in force yet." : "In force."}
          autosize
          minRows={14}
          maxRows={34}
          classNames={{ input: "mono" }}
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            check.reset();
          }}
        />
        <Group gap="xs">
          <Button onClick={() => check.mutate()} loading={check.isPending}>
            Check
          </Button>
          <Button
            variant="filled"
            disabled={!isChanged || !found?.set_policy}
            loading={give.isPending}
            onClick={() => found?.set_policy && give.mutate({ command: "set_policy", with: found.set_policy })}
          >
            Put in force
          </Button>
          {isChanged && (
            <Button
              variant="subtle"
              onClick={() => {
                setText(inForce);
                check.reset();
              }}
            >
              Back to what is in force
            </Button>
          )}
        </Group>
        {found && found.faults.length === 0 && (
          <Text size="sm" c="var(--gain)" role="status">
            The file is good.
          </Text>
        )}
        {found && found.faults.length > 0 && (
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Line</Table.Th>
                <Table.Th>Key</Table.Th>
                <Table.Th>What to do</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.faults.map((fault) => (
                <Table.Tr key={`${fault.line} ${fault.key}`}>
                  <Table.Td className="num">{fault.line}</Table.Td>
                  <Table.Td className="mono">{fault.key}</Table.Td>
                  <Table.Td>{fault.says}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
        {check.isError && <CommandFailure error={check.error} />}
        {give.isError && <CommandFailure error={give.error} />}
      </Stack>
    </Section>
  );
}
