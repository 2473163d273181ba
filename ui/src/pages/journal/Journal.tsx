// The journal: who decided what. Entries are chained by hash; the command line verifies the chain.
import { Anchor, Button, Group, Text, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { journal } from "../../api/queries.ts";
import { PersonName } from "../../lib/names.tsx";
import { instantOf } from "../../lib/number.ts";
import { EmptyState, ErrorState, PageHeader, Section, Waiting } from "../../lib/Page.tsx";
import { Rows } from "../../lib/Rows.tsx";
import { title as worded } from "../../lib/words.ts";

export default function Journal() {
  const [query, setQuery] = useSearchParams();
  const stream = query.get("stream");
  const find = query.get("find") ?? "";
  const asked = useInfiniteQuery(journal(stream));
  const all = asked.data?.pages.flatMap(({ items }) => items) ?? [];
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = all.filter((one) => words.every((word) => `${one.kind} ${one.actor} ${one.stream} ${JSON.stringify(one.body)}`.toLowerCase().includes(word)));
  return (
    <>
      <PageHeader title="Journal" says={<>{stream === null ? "Everything that was decided, in order." : <>Everything decided in <span className="mono">{stream}</span>. <Anchor component={Link} to="/journal">Show all</Anchor></>} The chain is checked by <code>tenure journal verify</code>.</>} />
      <Group mb="md">
        <TextInput aria-label="Search the journal" placeholder="Search what was read so far" w={300} value={find} onChange={(event) => setQuery((before) => {
          const next = new URLSearchParams(before);
          if (event.target.value === "") next.delete("find");
          else next.set("find", event.target.value);
          return next;
        }, { replace: true })} />
        {asked.hasNextPage && <Button onClick={() => void asked.fetchNextPage()} loading={asked.isFetchingNextPage}>Read on</Button>}
      </Group>
      {asked.isPending ? <Waiting lines={8} /> : asked.isError ? <ErrorState error={asked.error} retry={() => void asked.refetch()} /> : shown.length === 0 ? <Section><EmptyState title="No entry fits" /></Section> : (
        <Rows
          label="Entries" rows={shown} rowKey={(one) => String(one.seq)}
          columns={[
            { name: "No.", width: "70px", cell: (one) => one.seq },
            { name: "When", width: "190px", cell: (one) => instantOf(one.at) },
            { name: "Who", width: "160px", cell: (one) => <PersonName account={one.actor} /> },
            { name: "What", width: "minmax(200px, 1.4fr)", cell: (one) => <Text size="sm" fw={540} title={JSON.stringify(one.body, null, 2)}>{worded(one.kind)}</Text> },
            { name: "Where", width: "minmax(150px, 1fr)", cell: (one) => one.stream.startsWith("case/") ? <Anchor component={Link} size="sm" to={`/cases/${one.stream.slice(5)}`}>{one.stream.slice(5)}</Anchor> : one.stream },
            { name: "Hash", width: "110px", cell: (one) => <span className="mono quiet">{one.hash.slice(0, 10)}</span> },
          ]}
        />
      )}
    </>
  );
}
