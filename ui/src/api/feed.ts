// The journal's live feed: server-sent events read by fetch, because events are named by their kind and an EventSource hears only
// names that it knows beforehand. Resumes behind the last entry it saw, waits longer after each failure, and says whether it is connected.
import type { components } from "./schema";

export type Entry = components["schemas"]["EntryView"];
export type Connection = "connecting" | "live" | "offline";

const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 30_000;
/** The server beats every 15 s; twice that without a byte is a dead connection. */
const SILENCE_MAX_MS = 40_000;

interface Listener {
  entry(entry: Entry): void;
  connection(connection: Connection): void;
}

/** Follows the feed until the returned function is called. */
export function follow(listener: Listener): () => void {
  const over = new AbortController();
  void run(listener, over.signal);
  return () => over.abort();
}

async function run(listener: Listener, over: AbortSignal): Promise<void> {
  let lastId: string | null = null;
  let wait = WAIT_FIRST_MS;
  while (!over.aborted) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    over.addEventListener("abort", stop, { once: true });
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (lastId !== null) headers["last-event-id"] = lastId;
      const answer = await fetch("/api/v1/feed", { headers, credentials: "same-origin", signal: attempt.signal });
      if (answer.status === 401 || answer.status === 403) return;
      if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
      listener.connection("live");
      wait = WAIT_FIRST_MS;
      lastId = await read(answer.body, lastId, listener, attempt);
    } catch {
      // Said below: the reader sees that what is shown may be old.
    } finally {
      over.removeEventListener("abort", stop);
    }
    if (over.aborted) return;
    listener.connection("offline");
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, WAIT_MAX_MS);
  }
}

async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  lastId: string | null,
  listener: Listener,
  attempt: AbortController,
): Promise<string | null> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let silence = setTimeout(() => attempt.abort(), SILENCE_MAX_MS);
  const parser = new EventParser();
  let last = lastId;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return last;
      clearTimeout(silence);
      silence = setTimeout(() => attempt.abort(), SILENCE_MAX_MS);
      for (const { id, data } of parser.push(value)) {
        if (id !== null) last = id;
        const entry = parsed(data);
        if (entry !== null) listener.entry(entry);
      }
    }
  } catch {
    return last;
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
