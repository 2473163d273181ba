// Keeps what is open fresh: an entry of the journal marks what it touches as stale, and says so to whoever asks how the connection is.
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { type Connection, type Entry, follow } from "./feed.ts";
import { session } from "./queries.ts";

const ConnectionContext = createContext<Connection>("connecting");

/** Whether the live feed is connected. */
export function useConnection(): Connection {
  return useContext(ConnectionContext);
}

/** Lists that any decision of a case may change. */
const OF_CASES = ["cases", "portfolio", "desk"];
/** At most one refresh of a list in this time, however busy the journal is. */
const GATHER_MS = 800;

export function Live({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => {
    const gathered = new Gathered(queries);
    const stop = follow({
      entry: (entry) => gathered.add(entry),
      connection: (now) => {
        setConnection(now);
        // Who is no longer signed in is asked to sign in.
        if (now === "refused") void queries.invalidateQueries({ queryKey: session.queryKey });
      },
      // Asking once again costs little.
      missed: () => void queries.invalidateQueries(),
    });
    return () => {
      stop();
      gathered.stop();
    };
  }, [queries]);
  return <ConnectionContext value={connection}>{children}</ConnectionContext>;
}

/** The keys that an entry makes stale. */
export function touched(entry: Pick<Entry, "stream">): string[][] {
  const slash = entry.stream.indexOf("/");
  const kind = slash < 0 ? entry.stream : entry.stream.slice(0, slash);
  const id = slash < 0 ? null : entry.stream.slice(slash + 1);
  const keys: string[][] = [["journal"], ...(TOUCHED[kind] ?? [kind]).map((key) => [key])];
  if (kind === "case" && id !== null) keys.push(["case", id]);
  return keys;
}

/** What an entry of a stream other than a case's own page makes stale, by the noun the stream is about. */
const TOUCHED: Record<string, string[]> = {
  case: [...OF_CASES, "flags"],
  experiment: ["experiments", "desk"],
  run: ["runs", "experiments", "flags"],
  flag: ["flags"],
  segment: ["flags", "segments"],
  environment: ["flags", "environments"],
  change: ["flags", "change-requests", "desk"],
  platform: ["platform-changes", "case", ...OF_CASES],
  team: ["teams", "people"],
  succession: ["teams", "people", "case", ...OF_CASES],
  role: ["people", "session", "desk", "case"],
  deputy: ["people", "desk", "case"],
  codebase: ["codebases"],
  metric: ["metrics"],
  policy: ["policy"],
  calendar: ["teams", "policy"],
};

class Gathered {
  readonly #queries: QueryClient;
  readonly #keys = new Map<string, string[]>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(queries: QueryClient) {
    this.#queries = queries;
  }

  add(entry: Entry): void {
    for (const key of touched(entry)) this.#keys.set(key.join("/"), key);
    this.#timer ??= setTimeout(() => this.#refresh(), GATHER_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #refresh(): void {
    this.#timer = null;
    const keys = [...this.#keys.values()];
    this.#keys.clear();
    for (const queryKey of keys) void this.#queries.invalidateQueries({ queryKey });
  }
}
