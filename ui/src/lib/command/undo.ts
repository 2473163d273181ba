// The way back from a command, where one command with arguments that are known is just that. Whether it is allowed still, the server says.
import type { Done } from "../../api/model.ts";

export interface Given {
  command: string;
  with: Record<string, unknown>;
}

type Undo = (given: Readonly<Record<string, unknown>>, done: Done) => Given | undefined;

const WHY = "Undone at once";

/** Takes back the change of a flag in the one environment it was made in. */
const revert: Undo = ({ key, environment }, { entries }) => {
  // What somebody did for another is noted first.
  const entry = entries.find(({ kind }) => kind.startsWith("flag_"));
  return entry === undefined || typeof environment !== "string"
    ? undefined
    : { command: "revert_flag", with: { key, environment, entry: entry.seq, reason: WHY } };
};

// Not here: `stop_exposure`. A case that was held before would be released too.
const UNDO: Readonly<Record<string, Undo>> = {
  grant_role: ({ account, role }) => ({ command: "revoke_role", with: { account, role } }),
  revoke_role: ({ account, role }) => ({ command: "grant_role", with: { account, role } }),
  name_deputy: ({ deputy, account }) => ({
    command: "revoke_deputy",
    with: { deputy, ...(account === undefined ? {} : { account }) },
  }),
  delegate_prep: ({ case: id }) => ({ command: "revoke_delegation", with: { case: id } }),
  propose_change: ({ request }) => ({ command: "withdraw_change", with: { request, reason: WHY } }),
  archive_environment: ({ environment }) => ({ command: "set_environment", with: { environment } }),
  set_flag: revert,
  archive_flag: revert,
  revert_flag: revert,
};

/** What takes a command back; nothing where it changed nothing. */
export function undoOf({ command, with: given }: Given, done: Done): Given | undefined {
  return done.entries.length === 0 ? undefined : UNDO[command]?.(given, done);
}
