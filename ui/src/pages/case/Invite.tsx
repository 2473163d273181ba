// Inviting a product owner without an account: a signed link to the page with four buttons. The link is shown once and kept nowhere.
import { Alert, Button, Code, CopyButton, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import type { Invited } from "../../api/model.ts";
import { Dialog, FormDialog } from "../../lib/FormDialog.tsx";
import { day } from "../../lib/number.ts";

const TITLE = "Invite a product owner by link";

export function Invite({ id, teams }: { id: string; teams: readonly string[] }) {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <>
      <Button size="xs" onClick={dialog.open}>
        Invite by link
      </Button>
      {isOpen && <Ask id={id} teams={teams} onClose={dialog.close} />}
    </>
  );
}

function Ask({ id, teams, onClose }: { id: string; teams: readonly string[]; onClose: () => void }) {
  const queries = useQueryClient();
  const [given, setGiven] = useState({ team: teams[0] ?? "", person: "", email: "", until: "" });
  const take = (name: "person" | "email" | "until") => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setGiven((before) => ({ ...before, [name]: value }));
  };
  const invite = useMutation({
    mutationFn: () =>
      unwrap(
        client.POST("/api/v1/cases/{case}/invitations", {
          params: { path: { case: id } },
          body: {
            team: given.team,
            person: given.person,
            ...(given.email === "" ? {} : { email: given.email }),
            ...(given.until === "" ? {} : { until: given.until }),
          },
        }),
      ),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["case", id] }),
  });
  if (invite.data) return <Made made={invite.data} onClose={onClose} />;
  return (
    <FormDialog
      title={TITLE}
      onClose={onClose}
      submit="Make the link"
      onSubmit={() => invite.mutate()}
      error={invite.error}
      isPending={invite.isPending}
    >
      <Text size="sm" className="quiet">
        They need no account: the page works on a phone and has four buttons. They answer once, for one team.
      </Text>
      <Select
        label="For which team"
        data={[...teams]}
        value={given.team}
        onChange={(team) => setGiven((before) => ({ ...before, team: team ?? "" }))}
        allowDeselect={false}
      />
      <TextInput
        label="Who is invited"
        description="A name, as people would know it"
        value={given.person}
        onChange={take("person")}
        data-autofocus
      />
      <TextInput
        type="email"
        label="Mail it to"
        placeholder="optional"
        description="Used once and not kept"
        value={given.email}
        onChange={take("email")}
      />
      <TextInput
        type="date"
        label="Good until"
        description="The day the answer is promised by, when left out"
        value={given.until}
        onChange={take("until")}
      />
    </FormDialog>
  );
}

function Made({ made, onClose }: { made: Invited; onClose: () => void }) {
  return (
    <Dialog title={TITLE} onClose={onClose}>
      <Stack gap="md">
        <Text size="sm">
          Whoever has this link can answer for the team, until {day(made.until)}. It is shown this once: hand it to
          nobody else.
        </Text>
        <Code block data-link>
          {made.link}
        </Code>
        {made.mailed && (
          <Alert color={made.mailed.delivered ? "gain" : "late"}>
            {made.mailed.delivered ? "It was mailed." : "It could not be mailed: hand it over yourself."}
          </Alert>
        )}
        <Group justify="flex-end">
          <CopyButton value={made.link}>
            {({ copied, copy }) => (
              <Button variant="filled" onClick={copy}>
                {copied ? "Copied" : "Copy the link"}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
