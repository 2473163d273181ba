// What a command of the process asks for, as data: the kinds of fields, and what forms have in common.

export type Field = {
  name: string;
  label: string;
  hint?: string;
  optional?: boolean;
  /** Shown only when this holds of what was given so far. */
  when?: (given: Readonly<Record<string, unknown>>) => boolean;
} & (
  | { is: "text" | "long"; placeholder?: string }
  | { is: "number"; min?: number; max?: number; unit?: string }
  | { is: "date" }
  | { is: "tags"; placeholder?: string }
  | { is: "lines" }
  | { is: "pick"; options: readonly (readonly [value: string, label: string])[] }
  | { is: "yes" }
  | { is: "person"; role?: string }
  | { is: "team" | "productTeam" | "codebase" | "codebases" | "case" | "metric" | "condition" }
  | { is: "days" }
  | { is: "waves" }
  | { is: "guardrails" }
  | { is: "runArms" }
  | { is: "json" }
  | { is: "arm" }
);

export interface Form {
  /** What the button says. */
  verb: string;
  /** The dialog's heading, where the verb is not enough. */
  title?: string;
  /** What happens, in a sentence. */
  says?: string;
  fields?: readonly Field[];
  danger?: boolean;
  /** Turns what the fields hold into the command's arguments, where that is not the same. */
  into?: (given: Record<string, unknown>) => Record<string, unknown>;
}

/** A reason in words. */
export const reason = (label = "Why", optional = false): Field => ({ is: "long", name: "reason", label, optional });

/** A product team, by what it is asked for. */
export const productTeam = (label: string): Field => ({ is: "productTeam", name: "team", label });

/** How far a deviation goes. */
export const SIZE: Field = {
  is: "pick",
  name: "kind",
  label: "How far it goes",
  options: [
    ["parity", "Parity, weighs 0: the same thing, built properly"],
    ["polish", "Polish, weighs 1: nobody would call it different"],
    ["adjustment", "Adjustment, weighs 3: it may change the effect"],
    ["redesign", "Redesign: belongs into a follow-up experiment"],
  ],
};

/** What brings a parked case back: a platform change with one of these tags, or a day. */
export const UNBLOCK: Field = {
  is: "tags",
  name: "unblock",
  label: "Tags of a platform change that would bring it back",
  optional: true,
};
export const REVIEW_ON: Field = { is: "date", name: "review_on", label: "Look at it again on", optional: true };

/** Shown only for this kind of decision. */
export const only = (kind: string) => (given: Readonly<Record<string, unknown>>) => given.kind === kind;

export type Forms = Readonly<Record<string, Form>>;
