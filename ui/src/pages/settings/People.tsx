// People: who can sign in, which roles they hold and where, who stands in for whom.
import { Badge, Button, Group, PasswordInput, Select, Text, TextInput } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, unwrap } from "../../api/client.ts";
import type { Account } from "../../api/model.ts";
import { accounts, codebases, session, teams } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { useGive } from "../../lib/command/give.ts";
import { Cut } from "../../lib/Cut.tsx";
import { FormDialog } from "../../lib/FormDialog.tsx";
import { Asked, EmptyState, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { grantName, title as worded } from "../../lib/words.ts";

/** Every role, with what its holder does, and where it is held. */
const ROLES: readonly [role: string, does: string, where?: "team" | "codebase"][] = [
  ["development_lead", "driver: accountable for preparation and building"],
  ["product_manager", "driver: weighs cost and benefit"],
  ["design_lead", "driver: rules on design"],
  ["lead_developer", "may take preparation over by delegation"],
  ["developer", "builds"],
  ["designer", "designs"],
  ["product_owner", "answers for a product team", "team"],
  ["codebase_owner", "passes a codebase's items", "codebase"],
  ["observer", "reads"],
  ["importer", "carries results in"],
  ["admin", "sets Tenure up, decides nothing in a case"],
];

/** Where a row of the table has no room for columns (`Rows.module.css`). */
const PHONE = "(max-width: 620px)";

export default function People() {
  const asked = useQuery(accounts);
  const me = useQuery(session).data;
  const isPhone = useMediaQuery(PHONE, false, { getInitialValueInEffect: false });
  const [isNew, making] = useDisclosure(false);
  const [granted, setGranted] = useState<string | null>(null);
  const mayMake = me?.may.includes("accounts") === true;
  return (
    <>
      <Section
        id="people"
        title="People and roles"
        says="Roles are the journal's: who held what, and when, can always be read there."
        actions={
          <>
            {mayMake && (
              <Button size="xs" variant="filled" onClick={making.open}>
                Add a person
              </Button>
            )}
            <CommandButton command="name_deputy" size="xs" />
          </>
        }
        flush
      >
        <Asked of={asked}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState title="Nobody has an account yet" />
            ) : (
              <Rows
                label="People"
                rows={all}
                rowKey={({ id }) => id}
                columns={
                  isPhone
                    ? [
                        {
                          name: "Who holds what",
                          width: "minmax(0, 1fr)",
                          phone: "minmax(0, 1fr)",
                          cell: (one) => (
                            <>
                              <Name one={one} />
                              <Roles one={one} onGive={setGranted} />
                            </>
                          ),
                        },
                      ]
                    : [
                        { name: "Who", width: "minmax(150px, 1fr)", cell: (one) => <Name one={one} /> },
                        {
                          name: "Roles",
                          width: "minmax(340px, 3fr)",
                          cell: (one) => <Roles one={one} onGive={setGranted} />,
                        },
                      ]
                }
              />
            )
          }
        </Asked>
      </Section>
      <Cut of={accounts} what="people" />
      {isNew && <NewPerson onClose={making.close} onMade={setGranted} />}
      {granted !== null && (
        <GiveRole
          account={granted}
          name={asked.data?.find(({ id }) => id === granted)?.display_name ?? granted}
          onClose={() => setGranted(null)}
        />
      )}
    </>
  );
}

function Name({ one: { id, display_name: name, disabled } }: { one: Account }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="sm" truncate title={id}>
        {name}
      </Text>
      {disabled && (
        <Badge color="gray" style={{ flexShrink: 0 }}>
          cannot sign in
        </Badge>
      )}
    </Group>
  );
}

/** In one line, which is scrolled where somebody holds more than it has room for. */
function Roles({ one: { id, roles }, onGive }: { one: Account; onGive: (account: string) => void }) {
  return (
    <Group gap={6} wrap="nowrap" py={2} px={2} style={{ overflowX: "auto", scrollbarWidth: "thin" }}>
      {roles.length === 0 && <span className="quiet nowrap">no role yet</span>}
      {roles.map((role) => (
        <Group key={role} gap={2} wrap="nowrap" style={{ flexShrink: 0 }}>
          <Badge color="gray">{grantName(role)}</Badge>
          <CommandButton command="revoke_role" with={{ account: id, role }} label="Take away" size="compact-xs" />
        </Group>
      ))}
      <Button size="compact-xs" onClick={() => onGive(id)} style={{ flexShrink: 0 }}>
        Give a role
      </Button>
    </Group>
  );
}

function NewPerson({ onClose, onMade }: { onClose: () => void; onMade: (account: string) => void }) {
  const queries = useQueryClient();
  const [given, setGiven] = useState({ login: "", display_name: "", password: "" });
  const take = (name: keyof typeof given) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setGiven((before) => ({ ...before, [name]: value }));
  };
  const make = useMutation({
    mutationFn: () =>
      unwrap(
        client.POST("/api/v1/accounts", {
          body: {
            login: given.login,
            ...(given.display_name === "" ? {} : { display_name: given.display_name }),
            ...(given.password === "" ? {} : { password: given.password }),
          },
        }),
      ),
    onSuccess: (made) => {
      void queries.invalidateQueries();
      onClose();
      onMade(made.id);
    },
  });
  return (
    <FormDialog
      title="Add a person"
      onClose={onClose}
      submit="Add"
      onSubmit={() => make.mutate()}
      error={make.error}
      isPending={make.isPending}
    >
      <TextInput
        label="Login"
        description="Usually an e-mail address; notices go there"
        value={given.login}
        onChange={take("login")}
        autoComplete="off"
        data-autofocus
      />
      <TextInput
        label="Name that others see"
        value={given.display_name}
        onChange={take("display_name")}
        autoComplete="off"
      />
      <PasswordInput
        label="First password"
        description="At least 12 characters. Without one, only tokens act as this account."
        value={given.password}
        onChange={take("password")}
        autoComplete="new-password"
      />
    </FormDialog>
  );
}

function GiveRole({ account, name, onClose }: { account: string; name: string; onClose: () => void }) {
  const [role, setRole] = useState<string | null>(null);
  const [scope, setScope] = useState<string | null>(null);
  const where = ROLES.find(([known]) => known === role)?.[2];
  const knownTeams = useQuery({ ...teams, enabled: where === "team" }).data ?? [];
  const knownCodebases = useQuery({ ...codebases, enabled: where === "codebase" }).data ?? [];
  const give = useGive({ onDone: onClose });
  const places =
    where === "team"
      ? knownTeams.map(({ team, name: named }) => ({ value: team, label: named }))
      : knownCodebases.map(({ codebase }) => ({ value: codebase, label: codebase }));
  return (
    <FormDialog
      title={`Give ${name} a role`}
      onClose={onClose}
      submit="Give the role"
      onSubmit={() =>
        give.mutate({
          command: "grant_role",
          with: { account, role: where === undefined ? role : `${role}:${scope}` },
        })
      }
      error={give.error}
      isPending={give.isPending}
      isReady={role !== null && (where === undefined || scope !== null)}
    >
      <Select
        label="Role"
        placeholder="choose"
        data={ROLES.map(([known, does]) => ({ value: known, label: `${worded(known)}: ${does}` }))}
        value={role}
        onChange={(value) => {
          setRole(value);
          setScope(null);
        }}
        data-autofocus
      />
      {where !== undefined && (
        <Select
          label={where === "team" ? "Of which team" : "Of which codebase"}
          placeholder="choose"
          data={places}
          value={scope}
          onChange={setScope}
          searchable
          nothingFoundMessage={where === "team" ? "no team yet: add it first" : "no codebase yet: add it first"}
        />
      )}
    </FormDialog>
  );
}
