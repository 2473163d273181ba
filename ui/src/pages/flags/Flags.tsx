// Flags: how each stands in every environment, who answers for it, and which should leave the code.
import { Anchor, Badge, Button, Checkbox, Group, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Flag } from "../../api/model.ts";
import { environments, flags } from "../../api/queries.ts";
import { useAddress } from "../../lib/address.ts";
import { Cut } from "../../lib/Cut.tsx";
import { TeamName } from "../../lib/names.tsx";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { type Column, Rows } from "../../lib/Rows.tsx";
import { Answers } from "./Answers.tsx";
import { editOf, isByHand } from "./authored.ts";
import { FlagTabs } from "./FlagTabs.tsx";
import { said } from "../../lib/said.ts";

/** Environments that have a column on a phone; a flag's page has all. */
const ENVIRONMENTS_ON_PHONE = 2;

export default function Flags() {
  const [query, set] = useAddress();
  const asked = useQuery(flags);
  const known = (useQuery(environments).data ?? [])
    .filter(({ known: said }) => !said?.archived)
    .map(({ environment }) => environment);
  const find = (query.get("find") ?? "").toLowerCase();
  const isStale = query.get("stale") === "yes";
  const columns: Column<Flag>[] = [
    {
      name: "Flag",
      width: "minmax(220px, 2fr)",
      phone: "minmax(0, 1fr)",
      cell: (one) => (
        <>
          <Anchor component={Link} to={`/flags/${encodeURIComponent(one.key)}`} size="sm" fw={560} className="mono">
            {one.key}
          </Anchor>
          {one.description && (
            <Text size="xs" className="quiet" truncate>
              {one.description}
            </Text>
          )}
        </>
      ),
    },
    ...known.map((environment, at): Column<Flag> => ({
      name: environment,
      width: "120px",
      ...(at < ENVIRONMENTS_ON_PHONE ? { phone: "86px" } : {}),
      cell: (one) => {
        const standing = one.environments[environment];
        if (standing) return <Answers standing={standing} />;
        return isByHand(one) ? (
          <Anchor component={Link} to={editOf(one.key, environment)} size="sm" title={`Write it in ${environment}`}>
            not there
          </Anchor>
        ) : (
          <span className="quiet">not there</span>
        );
      },
    })),
    {
      name: "Decided by",
      width: "minmax(130px, 1fr)",
      cell: (one) =>
        one.case ? (
          <Anchor component={Link} to={`/cases/${one.case}`} size="sm">
            {one.case}
          </Anchor>
        ) : one.experiment ? (
          <Anchor component={Link} to={`/experiments/${encodeURIComponent(one.experiment)}/run`} size="sm">
            {one.experiment}
          </Anchor>
        ) : (
          "hand"
        ),
    },
    {
      name: "Owner",
      width: "minmax(110px, 0.9fr)",
      cell: (one) => (one.owner ? <TeamName team={one.owner} /> : <span className="quiet">nobody</span>),
    },
    {
      name: "Purpose",
      width: "minmax(150px, 1.2fr)",
      cell: (one) => {
        const [stale] = one.stale;
        return stale ? (
          <Badge color="late" title={said(stale.sentence)}>
            should leave the code
          </Badge>
        ) : (
          <span className="quiet">lives</span>
        );
      },
    },
  ];
  return (
    <>
      <PageHeader
        title="Flags"
        says="How each stands in every environment."
        actions={
          <Button component={Link} to="/flags/new" variant="filled">
            A new flag
          </Button>
        }
      />
      <FlagTabs />
      <Group mb="md" gap="md">
        <TextInput
          aria-label="Filter flags"
          placeholder="Filter by key, tag, owner or case"
          value={query.get("find") ?? ""}
          onChange={(event) => set("find", event.currentTarget.value)}
          w={280}
        />
        <Checkbox
          label="Only those that should leave the code"
          checked={isStale}
          onChange={(event) => set("stale", event.currentTarget.checked ? "yes" : "")}
        />
      </Group>
      <Asked of={asked} lines={8}>
        {(all) => {
          const shown = all.filter(
            (one) =>
              (!isStale || one.stale.length > 0) &&
              `${one.key} ${one.case ?? ""} ${one.experiment ?? ""} ${one.owner ?? ""} ${(one.tags ?? []).join(" ")} ${one.description ?? ""}`
                .toLowerCase()
                .includes(find),
          );
          if (shown.length === 0)
            return (
              <Section>
                <EmptyState
                  title={all.length === 0 ? "No flag yet" : "No flag fits this filter"}
                  action={
                    all.length === 0 ? (
                      <Button component={Link} to="/flags/new" mt="xs">
                        Write a flag
                      </Button>
                    ) : undefined
                  }
                >
                  A case makes its flag while it is built; others are written by hand.
                </EmptyState>
              </Section>
            );
          return <Rows label="Flags" rows={shown} rowKey={(one) => one.key} columns={columns} />;
        }}
      </Asked>
      <Cut of={flags} what="flags" />
    </>
  );
}
