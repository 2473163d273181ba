// Flags of an environment: what each serves now, and the case that decides it.
import { Anchor, Badge, Group, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import type { Flag } from "../../api/model.ts";
import { flags } from "../../api/queries.ts";
import { CommandButton } from "../../lib/command/CommandButton.tsx";
import { Asked, EmptyState, PageHeader, Section } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";

export default function Flags() {
  const [query, setQuery] = useSearchParams();
  const environment = query.get("environment") ?? "production";
  const asked = useQuery(flags(environment));
  const find = (query.get("find") ?? "").toLowerCase();
  const set = (name: string, value: string) => setQuery((before) => {
    const next = new URLSearchParams(before);
    if (value === "") next.delete(name);
    else next.set(name, value);
    return next;
  }, { replace: true });
  return (
    <>
      <PageHeader title="Flags" says={`What is served in ${environment}.`} actions={<CommandButton command="set_flag" with={{ environment }} />} />
      <Group mb="md">
        <TextInput aria-label="Filter flags" placeholder="Filter by key or case" value={query.get("find") ?? ""} onChange={(event) => set("find", event.currentTarget.value)} w={260} />
        <TextInput aria-label="Environment" placeholder="production" defaultValue={environment} onBlur={(event) => set("environment", event.currentTarget.value.trim())} w={160} />
      </Group>
      <Asked of={asked} lines={8}>
        {(all) => {
          const shown = all.filter((one) => `${one.key} ${one.case ?? ""}`.toLowerCase().includes(find));
          if (shown.length === 0) return <Section><EmptyState title={all.length === 0 ? `No flag in ${environment} yet` : "No flag fits this filter"}>A case makes its flag while it is built; others are set by hand.</EmptyState></Section>;
          return (
            <Rows
              label="Flags" rows={shown} rowKey={(one) => one.key}
              columns={[
                { name: "Flag", width: "minmax(200px, 2fr)", cell: (one) => <span className="mono">{one.key}</span> },
                { name: "State", width: "120px", cell: (one) => <State flag={one} /> },
                { name: "Variants", width: "minmax(200px, 1.4fr)", cell: (one) => variants(one) },
                { name: "Decided by", width: "minmax(140px, 1fr)", cell: (one) => one.case ? <Anchor component={Link} to={`/cases/${one.case}`} size="sm">{one.case}</Anchor> : "hand" },
                { name: "", width: "120px", cell: (one) => one.case ? "" : <CommandButton command="archive_flag" with={{ key: one.key, environment }} size="compact-xs" /> },
              ]}
            />
          );
        }}
      </Asked>
    </>
  );
}

function State({ flag }: { flag: Flag }) {
  if (flag.fault) return <Badge color="loss" title={flag.fault}>not served</Badge>;
  const enabled = (flag.definition as { state?: string }).state === "ENABLED";
  return <Badge color={enabled ? "gain" : "gray"}>{enabled ? "served" : "off"}</Badge>;
}

function variants(flag: Flag): string {
  return Object.keys((flag.definition as { variants?: object }).variants ?? {}).join(", ");
}
