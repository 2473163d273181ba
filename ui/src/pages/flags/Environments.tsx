// Environments: where flags are served, and how many people approve a change there.
import { Badge, Group, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { environments } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { count, of } from "../../lib/number.ts";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { FlagTabs } from "./FlagTabs.tsx";

export default function Environments() {
  return (
    <>
      <PageHeader
        title="Environments"
        says="Where flags are served. A protected one asks others to approve each change."
        actions={<CommandButton command="set_environment" primary />}
      />
      <FlagTabs />
      <Section flush>
        <Asked of={useQuery(environments)}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState title="No environment yet">Production exists as soon as a flag is in it.</EmptyState>
            ) : (
              <Table.ScrollContainer minWidth={520}>
                <Table>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Environment</Table.Th>
                      <Table.Th>Flags</Table.Th>
                      <Table.Th>A change is approved by</Table.Th>
                      <Table.Th>Open requests</Table.Th>
                      <Table.Th aria-label="steps" />
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {all.map(({ environment, known, flags, open_requests: open }) => (
                      <Table.Tr key={environment} className="num">
                        <Table.Td>
                          {known?.name ?? environment} {known?.archived && <Badge color="gray">archived</Badge>}
                        </Table.Td>
                        <Table.Td>{count(flags)}</Table.Td>
                        <Table.Td>
                          {(known?.approvals ?? 0) === 0
                            ? "nobody: changes are made directly"
                            : `${of(known?.approvals ?? 0, "person", "people")} besides the author`}
                        </Table.Td>
                        <Table.Td>{open}</Table.Td>
                        <Table.Td>
                          <Group gap={6}>
                            <CommandButton
                              command="set_environment"
                              with={{ environment }}
                              label="Change"
                              size="compact-xs"
                            />
                            {!known?.archived && (
                              <CommandButton command="archive_environment" with={{ environment }} size="compact-xs" />
                            )}
                          </Group>
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )
          }
        </Asked>
      </Section>
    </>
  );
}
