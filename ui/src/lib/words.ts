// The process's names as people read them. Nouns are the same at every layer; only underscores go.
import type { Stage, Verdict } from "../api/model.ts";

export const STAGES: readonly Stage[] = [
  "preparation",
  "buy_in",
  "building",
  "ready",
  "rolling_out",
  "outcome",
  "productionised",
  "parked",
  "rerunning",
  "removing",
  "closed",
  "removed",
  "retired",
];

const STAGE_NAMES: Record<Stage, string> = {
  preparation: "Preparation",
  buy_in: "Buy-in",
  building: "Building",
  ready: "Ready",
  rolling_out: "Rolling out",
  outcome: "Outcome",
  productionised: "Productionised",
  parked: "Parked",
  rerunning: "Re-running",
  removing: "Removing",
  closed: "Closed",
  removed: "Removed",
  retired: "Retired",
};

export function stageName(stage: string): string {
  return STAGE_NAMES[stage as Stage] ?? plain(stage);
}

const VERDICT_NAMES: Record<Verdict, string> = {
  positive: "Positive",
  not_significant: "Not significant",
  negative: "Negative",
  immature: "No verdict yet",
  invalid: "Invalid",
};

export function verdictName(verdict: string, nuance?: string | null): string {
  const name = VERDICT_NAMES[verdict as Verdict] ?? plain(verdict);
  return nuance ? `${name}, ${nuance}` : name;
}

export function verdictColor(verdict: string | null | undefined): string {
  if (verdict === "positive") return "gain";
  if (verdict === "negative" || verdict === "invalid") return "loss";
  if (verdict === "not_significant") return "late";
  return "gray";
}

export function stageColor(stage: string): string {
  if (stage === "productionised" || stage === "closed") return "gain";
  if (stage === "removing" || stage === "removed" || stage === "retired") return "gray";
  if (stage === "parked" || stage === "rerunning") return "late";
  return "iris";
}

/** A name of the process in words: `approve_with_conditions` is "approve with conditions". */
export function plain(name: string): string {
  return name.replaceAll("_", " ");
}

/** What is written in capitals wherever it stands. */
const CAPITALS = /\b(api|qa|pr|ui|sdk|sql|seo)\b/gi;

/** The same with a capital; a number and its unit stay on one line. */
export function title(name: string): string {
  const text = plain(name)
    .replace(CAPITALS, (word) => word.toUpperCase())
    .replace(/(\d) (%|pp)/g, "$1\u00a0$2");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A grant in words: `product_owner:checkout` is "product owner of checkout". */
export function grantName(grant: string): string {
  const [role = "", scope] = grant.split(":");
  return scope === undefined ? plain(role) : `${plain(role)} of ${scope}`;
}
