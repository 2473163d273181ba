// Where an experiment that is run here stands, and what may be done there.
import { Badge } from "@mantine/core";
import type { Choice, Run, RunStatus } from "../../api/model.ts";
import { dayOf } from "../../lib/number.ts";

const STATUS: Readonly<Record<RunStatus, { color: string; name: string }>> = {
  planned: { color: "gray", name: "Planned" },
  running: { color: "iris", name: "Running" },
  judged: { color: "gain", name: "Judged" },
  stopped: { color: "late", name: "Stopped" },
};

export function StatusBadge({ status }: { status: RunStatus }) {
  return <Badge color={STATUS[status].color}>{STATUS[status].name}</Badge>;
}

/** Its steps; those that its status leaves no room for say so. Who may take one is the server's to say, when it is taken. */
export function stepsOf({ status, started, ended }: Run): Choice[] {
  const since = ended?.stamp.at ?? started?.at ?? null;
  const step = (command: string, allowed: boolean, instead: string): Choice =>
    allowed
      ? { command, allowed }
      : {
          command,
          allowed,
          refusal: {
            code: "wrong_state",
            sentence: `It is ${status}${since === null ? "" : ` since ${dayOf(since)}`}; ${instead}`,
            since,
          },
        };
  return [
    step("plan_run", status === "planned", "its plan is frozen, another question is another experiment."),
    step("start_run", status === "planned", "an experiment is started once."),
    step("stop_run", ended === null, "everybody gets what control gets already."),
  ];
}
