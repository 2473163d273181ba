// The journal's live feed: server-sent events read by fetch, because events are named by their kind and an EventSource hears only
// names that it knows beforehand. Resumes behind the last entry it saw, waits longer after each failure, stops
// where it is refused, and says whether it is connected.
import type { components } from "./schema";

export type Entry = components["schemas"]["EntryView"];
/** Lost ones are tried again; refused ones are not. */
export type Connection = "connecting" | "live" | "offline" | "refused";

const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 30_000;
/** The server beats every 15 s; twice that without a byte is a dead connection. */
const SILENCE_MAX_MS = 40_000;

interface Listener {
  entry(entry: Entry): void;
  connection(connection: Connection): void;
  /** The feed is there again, and entries may have come meanwhile that it does not tell. */
  missed(): void;
}

/** Follows the feed until the returned function is called. */
export function follow(listener: Listener): () => void {
  const over = new AbortController();
  void run(listener, over.signal);
  return () => over.abort();
}

/** The last entry that was seen. */
interface Seen {
  id: string | null;
}

async function run(listener: Listener, over: AbortSignal): Promise<void> {
  const seen: Seen = { id: null };
  let wait = WAIT_FIRST_MS;
  let hasGap = false;
  while (!over.aborted) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    over.addEventListener("abort", stop, { once: true });
    let isEnded = false;
    let liveAt: number | null = null;
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (seen.id !== null) headers["last-event-id"] = seen.id;
      const answer = await fetch("/api/v1/feed", { headers, credentials: "same-origin", signal: attempt.signal });
      if (answer.status === 401 || answer.status === 403) {
        if (!over.aborted) listener.connection("refused");
        return;
      }
      if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
      liveAt = Date.now();
      listener.connection("live");
      if (hasGap) listener.missed();
      hasGap = false;
      isEnded = await read(answer.body, seen, listener, attempt);
    } catch {
      // Said below: the reader sees that what is shown may be old.
    } finally {
      over.removeEventListener("abort", stop);
    }
    if (over.aborted) return;
    const wasLong = liveAt !== null && Date.now() - liveAt >= WAIT_FIRST_MS;
    if (wasLong) wait = WAIT_FIRST_MS;
    // The server ends a feed from time to time, to look at the session anew: that is no loss. One that it ends at once is.
    if (isEnded && wasLong) {
      hasGap = seen.id === null;
      continue;
    }
    hasGap = true;
    listener.connection("offline");
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, WAIT_MAX_MS);
  }
}

/** Reads a feed to its end; whether that was the server's doing, and no failure. */
async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  seen: Seen,
  listener: Listener,
  attempt: AbortController,
): Promise<boolean> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let silence = setTimeout(() => attempt.abort(), SILENCE_MAX_MS);
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      clearTimeout(silence);
      silence = setTimeout(() => attempt.abort(), SILENCE_MAX_MS);
      for (const { id, data } of parser.push(value)) {
        if (id !== null) seen.id = id;
        const entry = parsed(data);
        if (entry !== null) listener.entry(entry);
      }
    }
  } catch {
    return false;
  } finally {
    clearTimeout(silence);
  }
}

function parsed(data: string): Entry | null {
  try {
    return JSON.parse(data) as Entry;
  } catch {
    return null;
  }
}

export interface ServerEvent {
  id: string | null;
  name: string | null;
  data: string;
}

/** Server-sent events from text that arrives in pieces. */
export class EventParser {
  #rest = "";

  push(text: string): ServerEvent[] {
    // A carriage return at the very end may be the first half of a line's end: it stays for the next piece.
    const blocks = (this.#rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(event).filter((found) => found !== null);
  }
}

function event(block: string): ServerEvent | null {
  let id: string | null = null;
  let name: string | null = null;
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "id") id = value;
    else if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 ? null : { id, name, data: data.join("\n") };
}
