// Where a case stands on its rail, from what is recorded of it.
import type { CaseFile } from "../../api/model.ts";
import type { Stop } from "../../lib/StageRail.tsx";
import { day, dayOf } from "../../lib/number.ts";
import { stageName } from "../../lib/words.ts";

const NAMES = ["Experiment", "Preparation", "Building", "Deployment", "Warranty", "Baseline"] as const;

/** How far along a stage is; those that left the way stand where they left it. */
export function railAt(file: Pick<CaseFile, "stage" | "kept" | "first_exposed" | "flag">): number {
  switch (file.stage) {
    case "preparation":
    case "buy_in":
    case "rerunning":
      return 1;
    case "building":
      return 2;
    case "ready":
    case "rolling_out":
    case "outcome":
      return 3;
    case "productionised":
      return 4;
    case "closed":
      return 5;
    default:
      return file.kept ? 4 : file.first_exposed ? 3 : file.flag ? 2 : 1;
  }
}

export function rail(file: CaseFile): Stop[] {
  const at = railAt(file);
  const notes = [
    file.of_experiment?.ended ? `ended ${day(file.of_experiment.ended)}` : undefined,
    `opened ${dayOf(file.opened.at)}`,
    file.backlog ? `from ${dayOf(file.backlog.stamp.at)}` : undefined,
    file.first_exposed_on ? `since ${day(file.first_exposed_on)}` : undefined,
    file.accountability?.ends ? `until ${day(file.accountability.ends)}` : undefined,
    file.kept ? `set ${day(file.kept.on)}` : undefined,
  ];
  return NAMES.map((name, place) => ({
    name,
    state: place < at || file.stage === "closed" ? "done" : place === at ? "now" : "ahead",
    note:
      place === at && file.stage !== "closed"
        ? [stageName(file.stage), notes[place]].filter(Boolean).join(", ")
        : notes[place],
  }));
}
