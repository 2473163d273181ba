// What a metric's definition makes of one unit's events: the rule that the engine runs over all units, for one, so that its words can be tried.
import type { Metric } from "../../api/model.ts";

export type Draft = Metric;

export interface Outcome {
  /** The metric's own event, where it is empty. */
  event: string;
  hours: number;
  value: number;
}

export const EXAMPLE: readonly Outcome[] = [
  { event: "", hours: 2, value: 12.5 },
  { event: "", hours: 30, value: 40 },
  { event: "something_else", hours: 3, value: 1 },
];

function counted(draft: Draft, event: string, outcomes: readonly Outcome[]): Outcome[] {
  const until = draft.window_hours ?? Number.POSITIVE_INFINITY;
  const own = draft.event || draft.metric;
  return outcomes.filter((one) => (one.event || own) === event && one.hours >= 0 && one.hours < until);
}

function folded(how: Draft["aggregation"], found: readonly Outcome[]): number {
  const values = found.map(({ value }) => value);
  const sum = values.reduce((total, value) => total + value, 0);
  switch (how) {
    case "any":
      return found.length > 0 ? 1 : 0;
    case "count":
      return found.length;
    case "mean":
      return found.length === 0 ? 0 : sum / found.length;
    case "last":
      return [...found].sort((a, b) => a.hours - b.hours).at(-1)?.value ?? 0;
    default:
      return sum;
  }
}

/** The unit's number; a ratio's is its numerator over its denominator, and none where that is 0. */
export function numberOf(draft: Draft, outcomes: readonly Outcome[]): number | null {
  const found = counted(draft, draft.event || draft.metric, outcomes);
  if (draft.kind === "proportion") return found.length > 0 ? 1 : 0;
  const capped = Math.min(folded(draft.aggregation ?? "sum", found), draft.cap ?? Number.POSITIVE_INFINITY);
  if (draft.kind !== "ratio") return capped;
  const below = folded(draft.aggregation ?? "sum", counted(draft, draft.denominator ?? "", outcomes));
  return below === 0 ? null : capped / below;
}

export function sentenceOf(draft: Draft): string {
  const event = draft.event || draft.metric || "the event";
  const within = draft.window_hours ? `within ${draft.window_hours} hours of first exposure` : "during the rollout";
  const FOLDS: Record<string, string> = {
    any: "1 when there is any",
    count: "their number",
    sum: "the sum of their values",
    mean: "the mean of their values",
    last: "the value of the last",
  };
  const fold = FOLDS[draft.aggregation ?? "sum"];
  const cap = draft.cap ? `, at most ${draft.cap}` : "";
  switch (draft.kind) {
    case "proportion":
      return `A unit counts as 1 when it has ${event} ${within}, else as 0; the metric is the share of ones.`;
    case "ratio":
      return `The metric is the total of ${event} (${fold}${cap}) over the total of ${draft.denominator || "the denominator's event"}, both ${within}.`;
    case "quantile":
      return `A unit's number is ${fold} of ${event} ${within}${cap}; the metric is the ${draft.quantile ?? "…"} quantile of all units' numbers.`;
    default:
      return `A unit's number is ${fold} of ${event} ${within}${cap}; the metric is its mean over all units.`;
  }
}
