// The journal: who decided what, in sentences. Searched by the server, over all of it; the server checks the chain of hashes when asked.
import { Anchor, Button, Group, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { accounts, journal, verifiedJournal } from "../../api/queries.ts";
import { useAddress } from "../../lib/address.ts";
import { instantOf, of } from "../../lib/number.ts";
import { EmptyState, ErrorState, PageHeader, Section, Waiting } from "../../lib/Page.tsx";
import { ReadOn } from "../../lib/ReadOn.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { said } from "../../lib/said.ts";
import { plain } from "../../lib/words.ts";
import { dayFrom, instantFrom } from "./days.ts";
import { pageOf } from "./streams.ts";

const FILTERS = ["stream", "text", "actor", "kind", "from", "to"] as const;

export default function Journal() {
  const [query, set] = useAddress();
  const given = Object.fromEntries(
    FILTERS.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])),
  ) as Partial<Record<(typeof FILTERS)[number], string>>;
  const { from: first, to: before, ...others } = given;
  const from = instantFrom(first);
  const to = instantFrom(before);
  const asked = useInfiniteQuery(journal({ ...others, ...(from && { from }), ...(to && { to }) }));
  const people = useQuery(accounts).data ?? [];
  const rows = asked.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <>
      <PageHeader
        title="Journal"
        says={
          <>
            {given.stream === undefined ? (
              "Everything that was decided, the newest first."
            ) : (
              <>
                Everything decided in <span className="mono">{given.stream}</span>.{" "}
                <Anchor component={Link} to="/journal">
                  Show all
                </Anchor>
              </>
            )}{" "}
            Each entry carries the hash of all before it.
          </>
        }
        actions={<Verify />}
      />
      <Group mb="md" gap="sm" align="end">
        <Words value={given.text ?? ""} onChange={(text) => set("text", text)} />
        <Select
          aria-label="Who"
          placeholder="Everybody"
          clearable
          searchable
          w={190}
          data={[
            { value: "system", label: "Tenure itself" },
            ...people.map(({ id, display_name: name }) => ({ value: id, label: name })),
          ]}
          value={given.actor ?? null}
          onChange={(actor) => set("actor", actor)}
        />
        <TextInput
          type="date"
          label="From"
          value={dayFrom(given.from)}
          onChange={(event) => set("from", event.currentTarget.value)}
        />
        <TextInput
          type="date"
          label="Before"
          value={dayFrom(given.to)}
          onChange={(event) => set("to", event.currentTarget.value)}
        />
        {(given.kind ?? given.text ?? given.actor ?? given.from ?? given.to) !== undefined && (
          <Button
            variant="subtle"
            component={Link}
            to={given.stream === undefined ? "?" : `?stream=${encodeURIComponent(given.stream)}`}
            replace
          >
            Clear
          </Button>
        )}
      </Group>
      {asked.isPending ? (
        <Waiting lines={8} />
      ) : asked.isError ? (
        <ErrorState error={asked.error} retry={() => void asked.refetch()} />
      ) : rows.length === 0 && !asked.hasNextPage ? (
        <Section>
          <EmptyState title="No entry fits">
            {Object.keys(given).length === 0 ? "Nothing was decided yet." : "Try fewer words, or another time."}
          </EmptyState>
        </Section>
      ) : (
        <>
          <Rows
            label="Entries"
            rows={rows}
            rowKey={(one) => String(one.seq)}
            columns={[
              { name: "No.", width: "64px", cell: (one) => one.seq },
              { name: "When", width: "178px", phone: "102px", cell: (one) => instantOf(one.at) },
              {
                name: "Who",
                width: "150px",
                cell: (one) => (
                  <Text size="sm" truncate title={one.actor}>
                    {one.who}
                  </Text>
                ),
              },
              {
                name: "What",
                width: "minmax(280px, 2.4fr)",
                phone: "minmax(0, 1fr)",
                cell: (one) => (
                  <Text size="sm" lineClamp={2} title={`${plain(one.kind)}: ${said(one.sentence)}`}>
                    {said(one.sentence)}
                  </Text>
                ),
              },
              {
                name: "Where",
                width: "minmax(130px, 0.9fr)",
                cell: (one) => {
                  const to = pageOf(one.stream);
                  return to === null ? (
                    <span className="quiet">{one.stream}</span>
                  ) : (
                    <Anchor component={Link} size="sm" to={to}>
                      {one.stream.slice(one.stream.indexOf("/") + 1)}
                    </Anchor>
                  );
                },
              },
              {
                name: "Hash",
                width: "96px",
                cell: (one) => (
                  <span className="mono quiet" title={one.hash}>
                    {one.hash.slice(0, 8)}
                  </span>
                ),
              },
            ]}
          />
          <Group mt="sm" gap="sm">
            <Text size="sm" className="quiet num">
              {of(rows.length, "entry", "entries")}
            </Text>
            <ReadOn of={asked} />
          </Group>
        </>
      )}
    </>
  );
}

/** Checks the whole chain, and says what it found. */
function Verify() {
  const asked = useQuery({ ...verifiedJournal, enabled: false });
  return (
    <Group gap="sm" role="status">
      {asked.data !== undefined && !asked.isFetching && (
        <Text size="sm" c={asked.data.verified ? undefined : "red"}>
          {asked.data.verified
            ? `${of(asked.data.entries ?? 0, "entry", "entries")}, whole; the chain ends at ${asked.data.head?.slice(0, 8) ?? ""}`
            : asked.data.problem}
        </Text>
      )}
      {asked.isError && (
        <Text size="sm" c="red">
          {asked.error.message}
        </Text>
      )}
      <Button size="xs" variant="default" onClick={() => void asked.refetch()} loading={asked.isFetching}>
        Check the chain
      </Button>
    </Group>
  );
}

/** Words to search for; asked for when the typing pauses. */
function Words({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  const ask = useDebouncedCallback(onChange, 300);
  // They are cleared from outside too.
  useEffect(() => {
    if (value === "") setText("");
  }, [value]);
  return (
    <TextInput
      aria-label="Search the journal"
      placeholder="Search all entries"
      w={280}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        ask(event.currentTarget.value);
      }}
    />
  );
}
