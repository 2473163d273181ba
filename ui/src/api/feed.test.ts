// The feed is read whole however the network cuts it, and an entry refreshes what it touches.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventParser, follow } from "./feed.ts";
import { touched } from "./live.tsx";

const TEXT = ': beat\n\nid: 7\nevent: case_opened\ndata: {"a":\ndata: 1}\n\nid: 8\r\nevent: x\r\ndata: {}\r\n\r\n';

test("wherever the text is cut, the events are the same", () => {
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    const parser = new EventParser();
    const events = [...parser.push(TEXT.slice(0, cut)), ...parser.push(TEXT.slice(cut))];
    expect(events).toEqual([
      { id: "7", name: "case_opened", data: '{"a":\n1}' },
      { id: "8", name: "x", data: "{}" },
    ]);
  }
});

test("an entry of a case refreshes its file and the lists, one of a team does not", () => {
  expect(touched({ stream: "case/PC-1" })).toContainEqual(["case", "PC-1"]);
  expect(touched({ stream: "case/PC-1" })).toContainEqual(["desk"]);
  expect(touched({ stream: "team" })).not.toContainEqual(["desk"]);
});

describe("following", () => {
  interface Served {
    after: string | null;
    say: (text: string) => void;
    end: () => void;
    break: () => void;
  }
  const served: Served[] = [];
  let status = 200;
  let heard: string[] = [];
  let stop = () => {};

  const settle = () => vi.advanceTimersByTimeAsync(0);
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    served.length = 0;
    status = 200;
    heard = [];
    vi.useFakeTimers();
    vi.stubGlobal("fetch", (_: string, { headers }: { headers: Record<string, string> }) => {
      if (status !== 200) return Promise.resolve(new Response(null, { status }));
      const body = new ReadableStream<Uint8Array>({
        start(pipe) {
          served.push({
            after: headers["last-event-id"] ?? null,
            say: (text) => pipe.enqueue(new TextEncoder().encode(text)),
            end: () => pipe.close(),
            break: () => pipe.error(new Error("cut")),
          });
        },
      });
      return Promise.resolve(new Response(body));
    });
    stop = follow({
      entry: (entry) => heard.push(`entry ${entry.seq}`),
      connection: (now) => heard.push(now),
      missed: () => heard.push("missed"),
    });
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  test("a feed that the server ends is taken up at once, behind the last entry, and nothing is said to be lost", async () => {
    await settle();
    served[0]?.say('id: 7\ndata: {"seq":7}\n\n');
    await pass(5_000);
    served[0]?.end();
    await settle();
    expect(served.map(({ after }) => after)).toEqual([null, "7"]);
    expect(heard).toEqual(["live", "entry 7", "live"]);
  });

  test("one that ends before its first entry has nothing to take up behind: something may have been missed", async () => {
    await pass(5_000);
    served[0]?.end();
    await settle();
    expect(heard).toEqual(["live", "live", "missed"]);
  });

  test("one that breaks, or is ended as soon as it begins, is lost and tried again later", async () => {
    await pass(5_000);
    served[0]?.break();
    await settle();
    expect(heard).toEqual(["live", "offline"]);
    await pass(1_000);
    served[1]?.end();
    await settle();
    expect(heard).toEqual(["live", "offline", "live", "missed", "offline"]);
    await pass(1_000);
    expect(served).toHaveLength(2);
    await pass(1_000);
    expect(served).toHaveLength(3);
  });

  test.each([401, 403])("one that is refused with %i is not tried again", async (refusal) => {
    await pass(5_000);
    status = refusal;
    served[0]?.end();
    await pass(60_000);
    expect(served).toHaveLength(1);
    expect(heard).toEqual(["live", "refused"]);
  });
});
