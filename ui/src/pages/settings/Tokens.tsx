// Tokens: how programs reach the server. Each has a name, a reach, and the account it acts as.
import {
  Badge,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import { accounts, tokens } from "../../api/queries.ts";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { ConfirmButton } from "../../lib/ConfirmButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { PersonName } from "../../lib/names.tsx";
import { dayOf, instantOf } from "../../lib/number.ts";
import { Rows } from "../../lib/Rows.tsx";
import { AdminList, type OnMade } from "./AdminList.tsx";

type Reach = "evaluate" | "ingest" | "sync" | "read" | "write" | "admin";
const SCOPES: { value: Reach; label: string }[] = [
  { value: "evaluate", label: "evaluate: ask for flags" },
  { value: "ingest", label: "ingest: send events" },
  { value: "sync", label: "sync: read whole flag sets" },
  { value: "read", label: "read: the API" },
  { value: "write", label: "write: give commands" },
  { value: "admin", label: "admin: accounts, tokens, webhooks" },
];

export default function Tokens() {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: (id: string) => unwrap(client.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["tokens"] }),
  });
  return (
    <AdminList
      list={tokens}
      refused={{
        title: "Administrators make tokens",
        says: "Ask one for a token for your program; your own session is not one.",
      }}
      form={{ id: "new-token", title: "Make a token", inside: (onMade) => <NewToken onMade={onMade} /> }}
      empty={{
        title: "No token yet",
        says: "An application needs one with evaluate to ask for flags, and one with ingest to send events.",
      }}
    >
      {(all) => (
        <>
          {revoke.isError && <CommandFailure error={revoke.error} />}
          <Rows
            label="Tokens"
            rows={all}
            rowKey={(one) => one.id}
            columns={[
              {
                name: "Token",
                width: "minmax(150px, 1.2fr)",
                phone: "minmax(0, 1fr)",
                cell: (one) => (
                  <Text size="sm" fw={560} truncate>
                    {one.name}
                  </Text>
                ),
              },
              {
                name: "Reaches",
                width: "minmax(190px, 1.4fr)",
                cell: (one) => (
                  <Group gap={4}>
                    {one.scopes.map((scope) => (
                      <Badge key={scope} color="gray" size="sm">
                        {scope}
                      </Badge>
                    ))}
                  </Group>
                ),
              },
              { name: "Acts as", width: "150px", cell: (one) => <PersonName account={one.account} /> },
              {
                name: "Last used",
                width: "180px",
                cell: (one) => (one.last_used_at ? instantOf(one.last_used_at) : "never"),
              },
              { name: "Expires", width: "120px", cell: (one) => (one.expires_at ? dayOf(one.expires_at) : "never") },
              {
                name: "State",
                width: "110px",
                phone: "86px",
                cell: (one) =>
                  one.revoked_at ? (
                    <Badge color="gray">revoked</Badge>
                  ) : (
                    <ConfirmButton
                      size="compact-xs"
                      asks="Programs that carry it are refused at once. It cannot be given back; make another."
                      onConfirm={() => revoke.mutate(one.id)}
                      loading={revoke.isPending && revoke.variables === one.id}
                    >
                      Revoke
                    </ConfirmButton>
                  ),
              },
            ]}
          />
          <Cut of={tokens} what="tokens" />
        </>
      )}
    </AdminList>
  );
}

function NewToken({ onMade }: { onMade: OnMade }) {
  const queries = useQueryClient();
  const known = useQuery(accounts).data ?? [];
  const [given, setGiven] = useState<{
    name: string;
    scopes: Reach[];
    environment: string;
    account: string | null;
    days: number | "";
  }>({ name: "", scopes: ["evaluate"], environment: "", account: null, days: "" });
  const set = <K extends keyof typeof given>(name: K, value: (typeof given)[K]) =>
    setGiven((before) => ({ ...before, [name]: value }));
  const make = useMutation({
    mutationFn: () =>
      unwrap(
        client.POST("/api/v1/tokens", {
          body: {
            name: given.name,
            scopes: given.scopes,
            ...(given.environment === "" ? {} : { environment: given.environment }),
            ...(given.account === null ? {} : { account: given.account }),
            ...(given.days === "" ? {} : { expires_in_days: given.days }),
          },
        }),
      ),
    onSuccess: ({ token }) => {
      onMade({ name: given.name, secret: token });
      void queries.invalidateQueries({ queryKey: ["tokens"] });
      setGiven((before) => ({ ...before, name: "" }));
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label="What it is for"
            placeholder="checkout-web, production"
            value={given.name}
            onChange={(event) => set("name", event.currentTarget.value)}
          />
          <MultiSelect
            label="How far it reaches"
            data={SCOPES}
            value={given.scopes}
            onChange={(scopes) => set("scopes", scopes as Reach[])}
          />
          <Select
            label="Acts as"
            placeholder="you"
            clearable
            searchable
            data={known.map(({ id, display_name: name }) => ({ value: id, label: name }))}
            value={given.account}
            onChange={(account) => set("account", account)}
          />
          {given.scopes.includes("evaluate") && (
            <TextInput
              label="Environment whose flags it gets"
              placeholder="production"
              value={given.environment}
              onChange={(event) => set("environment", event.currentTarget.value)}
            />
          )}
          <NumberInput
            label="Expires after days"
            placeholder="never"
            min={1}
            value={given.days}
            onChange={(days) => set("days", days === "" ? "" : Number(days))}
          />
        </SimpleGrid>
        {make.isError && <CommandFailure error={make.error} />}
        <Button type="submit" variant="filled" loading={make.isPending} style={{ alignSelf: "start" }}>
          Make the token
        </Button>
      </Stack>
    </form>
  );
}
