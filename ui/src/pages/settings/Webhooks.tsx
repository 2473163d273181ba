// Webhooks: entries posted to programs and chats, signed, tried until they arrive. What came of each post stands beside it.
import { Badge, Button, Group, Select, SimpleGrid, Stack, Table, TagsInput, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import type { Webhook } from "../../api/model.ts";
import { deliveries, webhooks } from "../../api/queries.ts";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { ConfirmButton } from "../../lib/ConfirmButton.tsx";
import { Cut } from "../../lib/Cut.tsx";
import { dayOf, instantOf, of } from "../../lib/number.ts";
import { Asked, Section } from "../../lib/Page.tsx";
import { AdminList, type Made, type OnMade } from "./AdminList.tsx";

export default function Webhooks() {
  return (
    <AdminList
      list={webhooks}
      refused={{
        title: "Administrators add webhooks",
        says: "Ask one; how you yourself are told is yours to choose.",
      }}
      form={{
        id: "new-webhook",
        title: "Add a webhook",
        says: "Messages follow Standard Webhooks: each is signed, has an id, and may come more than once.",
        inside: (onMade) => <NewWebhook onMade={onMade} />,
      }}
      empty={{
        title: "No webhook yet",
        says: "A chat hears of verdicts and holds; a program hears of every entry it asks for.",
      }}
    >
      {(all, onMade) => (
        <>
          {all.map((one) => (
            <One key={one.id} one={one} onMade={onMade} />
          ))}
          <Cut of={webhooks} what="webhooks" />
        </>
      )}
    </AdminList>
  );
}

/** A signing secret, to be shown once. */
const signing = (name: string, secret: string): Made => ({ name: `The signing secret of ${name}`, secret });

function One({ one, onMade }: { one: Webhook; onMade: OnMade }) {
  const queries = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const path = { params: { path: { id: one.id } } };
  const onSuccess = () => void queries.invalidateQueries({ queryKey: ["webhooks"] });
  const test = useMutation({ mutationFn: () => unwrap(client.POST("/api/v1/webhooks/{id}/test", path)), onSuccess });
  const remove = useMutation({ mutationFn: () => unwrap(client.DELETE("/api/v1/webhooks/{id}", path)), onSuccess });
  const turn = useMutation({
    mutationFn: (enabled: boolean) => unwrap(client.PATCH("/api/v1/webhooks/{id}", { ...path, body: { enabled } })),
    onSuccess,
  });
  const renew = useMutation({
    mutationFn: () => unwrap(client.POST("/api/v1/webhooks/{id}/secret", path)),
    onSuccess: (made) => {
      if (typeof made.secret === "string") onMade(signing(one.name, made.secret));
      onSuccess();
    },
  });
  const error = test.error ?? remove.error ?? turn.error ?? renew.error;
  const { kinds, cases, teams } = one.filter;
  return (
    <Section
      title={
        <Group gap="xs">
          {one.name}
          {one.disabled_at ? (
            <Badge color="loss">disabled</Badge>
          ) : one.failing_since ? (
            <Badge color="late">failing</Badge>
          ) : (
            <Badge color="gain">on</Badge>
          )}
        </Group>
      }
      says={
        <>
          <span className="mono">{one.url}</span>, {one.form === "slack" ? "as a chat message" : "signed JSON"};{" "}
          {[...kinds, ...cases, ...teams].length === 0
            ? "every entry"
            : [...kinds, ...cases, ...teams].join(", ").replaceAll("_", " ")}
        </>
      }
      actions={
        <>
          <Button size="xs" onClick={() => test.mutate()} loading={test.isPending}>
            Post a test
          </Button>
          {one.form === "standard" && (
            <Button size="xs" onClick={() => renew.mutate()} loading={renew.isPending}>
              New secret
            </Button>
          )}
          <Button size="xs" onClick={() => turn.mutate(Boolean(one.disabled_at))} loading={turn.isPending}>
            {one.disabled_at ? "Enable" : "Disable"}
          </Button>
          <ConfirmButton
            asks={`Nothing more is posted to ${one.name}, and what came of its posts is forgotten.`}
            onConfirm={() => remove.mutate()}
            loading={remove.isPending}
          >
            Remove
          </ConfirmButton>
        </>
      }
    >
      <Stack gap="xs">
        {one.disabled_why && (
          <Text size="sm" c="var(--loss)">
            Disabled since {dayOf(one.disabled_at ?? one.created_at)}: {one.disabled_why}.
          </Text>
        )}
        {one.failing_since && (
          <Text size="sm" c="var(--late)">
            Nothing could be delivered since {instantOf(one.failing_since)}; it is tried on.
          </Text>
        )}
        {one.old_secret_until && (
          <Text size="sm">The old secret signs too until {instantOf(one.old_secret_until)}.</Text>
        )}
        {test.data && (
          <Text size="sm" role="status" c={test.data.delivered ? "var(--gain)" : "var(--loss)"}>
            {test.data.delivered ? "The test arrived" : "The test did not arrive"}: {test.data.said}
          </Text>
        )}
        {error && <CommandFailure error={error} />}
        <Button
          size="compact-xs"
          style={{ alignSelf: "start" }}
          onClick={() => setOpen(!isOpen)}
          aria-expanded={isOpen}
        >
          {isOpen ? "Hide the last posts" : "Show the last posts"}
        </Button>
        {isOpen && <Posts id={one.id} />}
      </Stack>
    </Section>
  );
}

function Posts({ id }: { id: string }) {
  const queries = useQueryClient();
  const again = useMutation({
    mutationFn: (message: string) =>
      unwrap(
        client.POST("/api/v1/webhooks/{id}/deliveries/{message}/redeliver", { params: { path: { id, message } } }),
      ),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["webhooks", id, "deliveries"] }),
  });
  return (
    <Asked of={useQuery(deliveries(id))} lines={2}>
      {(all) =>
        all.length === 0 ? (
          <Text size="sm" className="quiet">
            Nothing was posted yet.
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={520}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Entry</Table.Th>
                  <Table.Th>When</Table.Th>
                  <Table.Th>What came of it</Table.Th>
                  <Table.Th aria-label="again" />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {all.map((post) => (
                  <Table.Tr key={post.message} className="num">
                    <Table.Td>{post.seq}</Table.Td>
                    <Table.Td>{instantOf(post.created_at)}</Table.Td>
                    <Table.Td>
                      {post.status} after {of(post.attempts, "attempt")}
                      {post.said && `: ${post.said}`}
                    </Table.Td>
                    <Table.Td>
                      <Button size="compact-xs" onClick={() => again.mutate(post.message)}>
                        Post again
                      </Button>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )
      }
    </Asked>
  );
}

function NewWebhook({ onMade }: { onMade: OnMade }) {
  const queries = useQueryClient();
  const [given, setGiven] = useState<{
    name: string;
    url: string;
    form: "standard" | "slack";
    kinds: string[];
    cases: string[];
  }>({ name: "", url: "", form: "standard", kinds: [], cases: [] });
  const set = <K extends keyof typeof given>(name: K, value: (typeof given)[K]) =>
    setGiven((before) => ({ ...before, [name]: value }));
  const make = useMutation({
    mutationFn: () =>
      unwrap(
        client.POST("/api/v1/webhooks", {
          body: {
            name: given.name,
            url: given.url,
            form: given.form,
            filter: { kinds: given.kinds, cases: given.cases, teams: [] },
          },
        }),
      ),
    onSuccess: (made) => {
      if (typeof made.secret === "string") onMade(signing(given.name, made.secret));
      void queries.invalidateQueries({ queryKey: ["webhooks"] });
      setGiven({ name: "", url: "", form: "standard", kinds: [], cases: [] });
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
            placeholder="#growth-rollouts"
            value={given.name}
            onChange={(event) => set("name", event.currentTarget.value)}
          />
          <Select
            label="Written as"
            data={[
              { value: "standard", label: "Signed JSON, for programs" },
              { value: "slack", label: "A chat message (Slack, Mattermost)" },
            ]}
            value={given.form}
            onChange={(form) => set("form", form === "slack" ? "slack" : "standard")}
            allowDeselect={false}
          />
          <TextInput
            type="url"
            label="Where to post"
            placeholder="https://"
            value={given.url}
            onChange={(event) => set("url", event.currentTarget.value)}
          />
          <TagsInput
            label="Only these kinds of entries"
            placeholder={given.kinds.length === 0 ? "all" : ""}
            data={[
              "measurement_recorded",
              "exposure_held",
              "feature_kept",
              "case_parked",
              "buy_in_answered",
              "bug_reported",
            ]}
            value={given.kinds}
            onChange={(kinds) => set("kinds", kinds)}
          />
        </SimpleGrid>
        {make.isError && <CommandFailure error={make.error} />}
        <Button type="submit" variant="filled" loading={make.isPending} style={{ alignSelf: "start" }}>
          Add the webhook
        </Button>
      </Stack>
    </form>
  );
}
