// A flag as people write it, in words: what a condition asks, what a rule serves, who gets what. Nothing is evaluated here; the server does that.
import type { Flag } from "../../api/model.ts";
import type { components } from "../../api/schema";

type Schemas = components["schemas"];
export type Authored = Schemas["Authored"];
export type Rule = Schemas["Rule"];
export type Serve = Schemas["Serve"];
export type Condition = Schemas["Condition"];
export type Operator = Schemas["Operator"];
export type Keys = Schemas["Keys"];
export type FlagType = Schemas["FlagType"];

/** Every comparison that there is: its words, and those of its opposite. */
export const COMPARISONS: Readonly<Record<Operator, readonly [words: string, opposite: string]>> = {
  one_of: ["is one of", "is not one of"],
  starts_with: ["starts with", "does not start with"],
  ends_with: ["ends with", "does not end with"],
  contains: ["contains", "does not contain"],
  less: ["is less than", "is not less than"],
  at_most: ["is at most", "is not at most"],
  greater: ["is greater than", "is not greater than"],
  at_least: ["is at least", "is not at least"],
  version_is: ["is version", "is not version"],
  version_before: ["is a version before", "is not a version before"],
  version_from: ["is at least version", "is not at least version"],
  version_same_major: ["has the same major version as", "does not have the same major version as"],
  version_same_minor: ["has the same minor version as", "does not have the same minor version as"],
  present: ["is there", "is not there"],
  missing: ["is missing", "is not missing"],
};

const SIZES: ReadonlySet<Operator> = new Set(["less", "at_most", "greater", "at_least"]);

export const isOfVersions = (is: Operator = "one_of"): boolean => is.startsWith("version_");

/** Whether a comparison is with values; the others ask only whether the attribute is there. */
export const hasValues = (is: Operator = "one_of"): boolean => is !== "present" && is !== "missing";

/** Whether it is with one value only: a bound has no alternatives. */
export const hasOneValue = (is: Operator = "one_of"): boolean => SIZES.has(is) || isOfVersions(is);

/** Sizes are numbers; what reads as truth or a number elsewhere stays a text. */
function valueOf(is: Operator = "one_of", text: string): unknown {
  return SIZES.has(is) && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** The values as they were typed; one that stood there already keeps its type. */
export function withValues({ is, values = [] }: Condition, typed: readonly string[]): unknown[] {
  return typed.map((text) => values.find((value) => String(value) === text) ?? valueOf(is, text));
}

/** Another comparison, with the values that it can take. */
export function compared({ values = [] }: Condition, is: Operator): Partial<Condition> {
  const kept = !hasValues(is) ? [] : hasOneValue(is) ? values.slice(0, 1) : values;
  return { is, values: kept.map((value) => valueOf(is, String(value))) };
}

export const NEW: Authored = {
  type: "boolean",
  variants: { on: true, off: false },
  default: "off",
  enabled: true,
  targets: [],
  rules: [],
};

/** The variants that a new flag of a type starts with. */
export const VARIANTS_FIRST: Readonly<Record<FlagType, { variants: Record<string, unknown>; default: string }>> = {
  boolean: { variants: { on: true, off: false }, default: "off" },
  string: { variants: { new: "new", old: "old" }, default: "old" },
  number: { variants: { high: 20, low: 10 }, default: "low" },
  object: { variants: { new: {}, old: {} }, default: "old" },
};

/** Whether people decide what it serves: no case and no run does. */
export function isByHand({ case: of, environments }: Pick<Flag, "case" | "environments">): boolean {
  const isRaised = Object.values(environments).some(({ exposure_percent: raised }) => typeof raised === "number");
  return typeof of !== "string" && !isRaised;
}

/** Where a flag is written in an environment. */
export const editOf = (key: string, environment: string): string =>
  `/flags/${encodeURIComponent(key)}/edit?environment=${encodeURIComponent(environment)}`;

/** The units of a list, where it is given and not kept elsewhere. */
export function keysOf(keys: Keys | undefined): string[] {
  return Array.isArray(keys) ? keys : [];
}

export function countOf(keys: Keys | undefined): number {
  return keys === undefined ? 0 : Array.isArray(keys) ? keys.length : keys.count;
}

/** A condition in words: `plan is one of team, business`. */
export function conditionWords({ attribute, is, not, segment, values }: Condition): string {
  if (typeof segment === "string" && segment !== "") return `${not ? "not " : ""}in the segment ${segment}`;
  const [verb, opposite] = COMPARISONS[is ?? "one_of"];
  const than = hasValues(is) ? ` ${(values ?? []).map(String).join(" or ")}` : "";
  return `${attribute || "…"} ${not ? opposite : verb}${than}`.trim();
}

/** The same of people: `in the segment staff`, `whose plan is one of team`. */
function whoWords(condition: Condition): string {
  return typeof condition.segment === "string" ? conditionWords(condition) : `whose ${conditionWords(condition)}`;
}

/** What is served, in words: `on`, or `on 20 %, off 80 %`. */
export function serveWords(serve: Serve): string {
  return typeof serve === "string"
    ? serve
    : serve.split.map(({ variant, percent }) => `${variant} ${percent} %`).join(", ");
}

/** Who gets what, a line each, in the order in which it is decided. */
export function whoGetsWhat(flag: Authored): string[] {
  if (flag.enabled === false) return ["The flag is switched off: everybody gets the default in the caller's code."];
  const unit = flag.unit && flag.unit !== "targetingKey" ? flag.unit : "unit";
  return [
    ...(flag.targets ?? []).map(
      ({ keys, variant }) => `${countOf(keys)} named ${countOf(keys) === 1 ? `${unit} gets` : `${unit}s get`} ${variant}.`,
    ),
    ...(flag.rules ?? []).map(({ name, when, serve }) => {
      const who =
        (when ?? []).length === 0 ? "Everybody else" : `Everybody ${(when ?? []).map(whoWords).join(" and ")}`;
      return `${name ? `${name}: ` : ""}${who} gets ${serveWords(serve)}${typeof serve === "string" ? "" : `, by ${serve.by ?? flag.unit ?? "targetingKey"}; each keeps what it got`}.`;
    }),
    `All others get ${flag.default}.`,
  ];
}

/** What is wrong with a draft before it is sent, in words; the server checks all of it again. */
export function faultsOf(flag: Authored): string[] {
  const names = Object.keys(flag.variants);
  const faults: string[] = [];
  if (names.length === 0) faults.push("A flag needs a variant.");
  if (!names.includes(flag.default)) faults.push(`The default ${flag.default || "…"} is none of the variants.`);
  for (const [at, { serve }] of (flag.rules ?? []).entries()) {
    if (typeof serve === "string") {
      if (!names.includes(serve))
        faults.push(`Rule ${at + 1} serves ${serve || "nothing"}, which is none of the variants.`);
      continue;
    }
    const total = serve.split.reduce((sum, { percent }) => sum + percent, 0);
    if (Math.abs(total - 100) > 1e-9)
      faults.push(`The parts of rule ${at + 1} are ${total} % together: they must be 100 %.`);
  }
  return faults;
}
