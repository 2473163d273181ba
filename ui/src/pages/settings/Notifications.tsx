// How the reader is told: by which channel, what at once, the rest once a week, and what not at all.
import { Button, Checkbox, Group, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import { notifications } from "../../api/queries.ts";
import { CommandFailure } from "../../lib/command/RefusalNotice.tsx";
import { Asked, Section } from "../../lib/Page.tsx";
import { title as worded } from "../../lib/words.ts";

type View = Awaited<ReturnType<Exclude<(typeof notifications)["queryFn"], undefined | symbol>>>;
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

export default function Notifications() {
  return <Asked of={useQuery(notifications)}>{(view) => <Choices view={view} />}</Asked>;
}

function Choices({ view }: { view: View }) {
  const queries = useQueryClient();
  const [choices, setChoices] = useState(view.choices);
  const [chat, setChat] = useState("");
  const set = <K extends keyof typeof choices>(name: K, value: (typeof choices)[K]) =>
    setChoices((before) => ({ ...before, [name]: value }));
  const save = useMutation({
    mutationFn: () =>
      unwrap(client.PUT("/api/v1/me/notifications", { body: { choices, ...(chat === "" ? {} : { chat_url: chat }) } })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["notifications"] }),
  });
  const test = useMutation({ mutationFn: () => unwrap(client.POST("/api/v1/me/notifications/test")) });
  return (
    <Section
      id="notifications"
      title="How I am told"
      says="What waits on you stands on your desk in any case. Asks, holds, negatives and late promises are told at once; the rest once a week."
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack gap="md">
          {!view.mail_possible && (
            <Text size="sm" c="var(--late)">
              This server has no mail server set, so mail reaches nobody yet.
            </Text>
          )}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select
              label="By which channel"
              data={[
                { value: "mail", label: `Mail${view.email ? ` to ${view.email}` : ""}` },
                { value: "chat", label: `Chat${view.chat_url ? ` at ${view.chat_url}` : ""}` },
                { value: "none", label: "Not at all" },
              ]}
              value={choices.channel}
              onChange={(channel) => set("channel", (channel ?? "mail") as typeof choices.channel)}
              allowDeselect={false}
            />
            {choices.channel === "chat" && (
              <TextInput
                type="url"
                label="The chat's incoming webhook"
                placeholder={view.chat_url ?? "https://"}
                description="Write-only: only its host is shown afterwards"
                value={chat}
                onChange={(event) => setChat(event.currentTarget.value)}
              />
            )}
          </SimpleGrid>
          <Checkbox
            label="Tell me at once what is asked of me, and what went wrong"
            checked={choices.at_once}
            onChange={(event) => set("at_once", event.currentTarget.checked)}
          />
          <Checkbox
            label="Tell me the rest once a week"
            checked={choices.digest}
            onChange={(event) => set("digest", event.currentTarget.checked)}
          />
          {choices.digest && (
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              <Select
                label="Day"
                data={DAYS.map((day) => ({ value: day, label: worded(day) }))}
                value={choices.schedule.day}
                onChange={(day) =>
                  set("schedule", { ...choices.schedule, day: (day ?? "monday") as typeof choices.schedule.day })
                }
                allowDeselect={false}
              />
              <Select
                label="Hour"
                data={Array.from({ length: 24 }, (_, hour) => ({
                  value: String(hour),
                  label: `${String(hour).padStart(2, "0")}:00`,
                }))}
                value={String(choices.schedule.hour)}
                onChange={(hour) => set("schedule", { ...choices.schedule, hour: Number(hour ?? 9) })}
                allowDeselect={false}
              />
              <TextInput
                label="Time zone"
                placeholder="the team's"
                value={choices.time_zone ?? ""}
                onChange={(event) =>
                  set("time_zone", event.currentTarget.value === "" ? null : event.currentTarget.value)
                }
              />
            </SimpleGrid>
          )}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TagsInput label="Cases not to hear of" value={choices.muted} onChange={(muted) => set("muted", muted)} />
            <TagsInput
              label="Cases to hear of besides my own"
              value={choices.watched}
              onChange={(watched) => set("watched", watched)}
            />
          </SimpleGrid>
          {save.isError && <CommandFailure error={save.error} />}
          {test.isError && <CommandFailure error={test.error} />}
          {test.data && (
            <Text size="sm" role="status" c={test.data.delivered ? "var(--gain)" : "var(--loss)"}>
              {test.data.delivered ? "The test was sent" : "The test was not sent"}: {test.data.said}
            </Text>
          )}
          <Group gap="xs">
            <Button type="submit" variant="filled" loading={save.isPending}>
              Save
            </Button>
            <Button onClick={() => test.mutate()} loading={test.isPending}>
              Send me a test
            </Button>
            {save.isSuccess && (
              <Text size="sm" c="var(--gain)" role="status">
                Saved.
              </Text>
            )}
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
