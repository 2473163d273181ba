// The way back from a command: by what it was given, and by the entry that it wrote.
import { expect, test } from "vitest";
import { undoOf } from "./undo.ts";

const wrote = (...kinds: string[]) => ({
  entries: kinds.map((kind, at) => ({ kind, seq: 40 + at, stream: kind.split("_")[0] ?? "" })),
});
const FLAG = { key: "badge", environment: "staging" };
const reverting = (entry: number) => ({
  command: "revert_flag",
  with: { ...FLAG, entry, reason: "Undone at once" },
});

test.each(["set_flag", "archive_flag", "revert_flag"])("%s is taken back by its entry", (command) => {
  expect(undoOf({ command, with: FLAG }, wrote("flag_set"))).toEqual(reverting(40));
  expect(undoOf({ command, with: FLAG }, wrote("deputy_acted", "flag_set"))).toEqual(reverting(41));
});

test("a proposed change is withdrawn", () =>
  expect(undoOf({ command: "propose_change", with: { request: "CR-1", ...FLAG } }, wrote("change_proposed"))).toEqual({
    command: "withdraw_change",
    with: { request: "CR-1", reason: "Undone at once" },
  }));

test.each([
  ["a flag archived everywhere", "archive_flag", { key: "badge" }, wrote("flag_archived")],
  ["what changed nothing", "grant_role", { account: "a", role: "admin" }, wrote()],
  ["what has no way back", "start_wave", { case: "PC-1" }, wrote("wave_started")],
])("%s is not undone", (_, command, given, done) =>
  expect(undoOf({ command, with: given }, done)).toBeUndefined());
