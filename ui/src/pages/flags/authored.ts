// A flag as people write it, in words: what a condition asks, what a rule serves, who gets what. Nothing is evaluated here; the server does that.
import type { components } from "../../api/schema";

type Schemas = components["schemas"];
export type Authored = Schemas["Authored"];
export type Rule = Schemas["Rule"];
export type Serve = Schemas["Serve"];
export type Condition = Schemas["Condition"];
export type Keys = Schemas["Keys"];
export type FlagType = Schemas["FlagType"];

export const OPERATORS = [
  ["one_of", "is one of"],
  ["starts_with", "starts with"],
  ["ends_with", "ends with"],
  ["contains", "contains"],
  ["less", "is less than"],
  ["at_most", "is at most"],
  ["greater", "is greater than"],
  ["at_least", "is at least"],
] as const;

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
  const verb =
    is === "missing"
      ? "is missing"
      : (OPERATORS.find(([name]) => name === (is ?? "one_of"))?.[1] ?? String(is).replaceAll("_", " "));
  return `${attribute ?? "…"} ${not ? negated(verb) : verb} ${(values ?? []).map(String).join(" or ")}`.trim();
}

/** The same of people: `in the segment staff`, `whose plan is one of team`. */
function whoWords(condition: Condition): string {
  return typeof condition.segment === "string" ? conditionWords(condition) : `whose ${conditionWords(condition)}`;
}

/** `is not one of`, `does not start with`. */
function negated(verb: string): string {
  return verb.startsWith("is ") ? verb.replace("is ", "is not ") : `does not ${verb.replace(/s\b/, "")}`;
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
