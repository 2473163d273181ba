// The feed is read whole however the network cuts it, and an entry refreshes what it touches.
import { expect, test } from "vitest";
import { EventParser } from "./feed.ts";
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
