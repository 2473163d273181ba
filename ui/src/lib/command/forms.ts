// What each command of the process asks for, as data: one table from which every dialog is made; a test compares it with the API's description. A field that a task or a button already
// knows is not asked for again. Whether a command is allowed is never decided here: the server says so, with the reason.

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
  /** Whether it cannot simply be taken back, and is asked once more in words. */
  weighty?: boolean;
  danger?: boolean;
  /** The command that takes it back, where the process has one. */
  undo?: (given: Readonly<Record<string, unknown>>) => { command: string; with: Record<string, unknown> };
  /** Turns what the fields hold into the command's arguments, where that is not the same. */
  into?: (given: Record<string, unknown>) => Record<string, unknown>;
}

const reason = (label = "Why", optional = false): Field => ({ is: "long", name: "reason", label, optional });
const SIZES = [
  ["parity", "Parity, weighs 0: the same thing, built properly"],
  ["polish", "Polish, weighs 1: nobody would call it different"],
  ["adjustment", "Adjustment, weighs 3: it may change the effect"],
  ["redesign", "Redesign: belongs into a follow-up experiment"],
] as const;

const only = (kind: string) => (given: Readonly<Record<string, unknown>>) => given.kind === kind;

/** A name from free words: `PC-FASTER-CHECKOUT`. */
export function idFrom(prefix: string, words: string): string {
  const body = words
    .normalize("NFKD")
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40);
  return body === "" ? prefix : `${prefix}-${body}`;
}

export const FORMS: Readonly<Record<string, Form>> = {
  open_case: {
    verb: "Open a case",
    says: "Your team carries this experiment to a productionised feature, and keeps the onus until another team accepts it.",
    fields: [{ is: "text", name: "case", label: "Name of the case", placeholder: "PC-CHECKOUT-BADGE" }],
  },
  offer_onus: {
    verb: "Offer the onus",
    says: "Another experiment team may take the case over; until it accepts, it stays with yours.",
    fields: [{ is: "team", name: "team", label: "To which team" }],
  },
  accept_onus: { verb: "Accept the onus", says: "Your team answers for this case from now on.", weighty: true },
  delegate_prep: {
    verb: "Delegate preparation",
    says: "A lead developer may consult and estimate in your place once they accept. You stay accountable.",
    fields: [{ is: "person", role: "lead_developer", name: "to", label: "To whom" }],
    undo: ({ case: id }) => ({ command: "revoke_delegation", with: { case: id } }),
  },
  accept_delegation: {
    verb: "Accept",
    title: "Accept the delegation",
    says: "You may consult product teams and estimate. The development lead stays accountable.",
  },
  revoke_delegation: { verb: "End the delegation", says: "Preparation is done by the development lead again." },
  request_consultation: {
    verb: "Ask a product team",
    title: "Ask a product team for advice",
    says: "They say which of their codebases are concerned, and what you should know.",
    fields: [
      { is: "productTeam", name: "team", label: "Which team" },
      { is: "long", name: "question", label: "What to ask beyond the usual", optional: true },
    ],
  },
  answer_consultation: {
    verb: "Answer",
    title: "Answer the consultation",
    fields: [
      {
        is: "codebases",
        name: "codebases",
        label: "Codebases concerned",
        hint: "At least one: each of them is estimated next.",
      },
      { is: "long", name: "advice", label: "Advice", optional: true },
    ],
  },
  submit_estimate: {
    verb: "Estimate",
    title: "Estimate a codebase",
    fields: [
      { is: "codebase", name: "codebase", label: "Which codebase" },
      { is: "days", name: "days", label: "Person-days" },
      { is: "number", name: "maintenance_days_per_year", label: "Maintenance, days a year", min: 0, optional: true },
    ],
  },
  set_cost_benefit: {
    verb: "Weigh cost and benefit",
    says: "Give what you know; the rest is reckoned from the experiment and the estimates.",
    fields: [
      {
        is: "number",
        name: "benefit_per_year",
        label: "Benefit a year",
        min: 0,
        optional: true,
        hint: "In money. Or give audience and value below.",
      },
      { is: "number", name: "audience_per_year", label: "People who meet it in a year", min: 0, optional: true },
      { is: "number", name: "value_per_unit", label: "Value of one more success", min: 0, optional: true },
      {
        is: "number",
        name: "one_off_cost",
        label: "Cost of building",
        min: 0,
        optional: true,
        hint: "From the estimates when left out.",
      },
      { is: "number", name: "maintenance_per_year", label: "Maintenance a year", min: 0, optional: true },
      { is: "number", name: "day_rate", label: "Cost of a person-day", min: 0, optional: true },
      { is: "text", name: "currency", label: "Currency", placeholder: "EUR", optional: true },
    ],
  },
  decide: {
    verb: "Decide",
    title: "Propose a decision",
    says: "The other drivers confirm it; the policy says who.",
    fields: [
      {
        is: "pick",
        name: "kind",
        label: "Decision",
        options: [
          ["proceed", "Proceed: build it"],
          ["park", "Park: keep it in mind"],
          ["rerun", "Re-run with variations that are easier to build"],
        ],
      },
      reason(),
      {
        is: "tags",
        name: "unblock",
        label: "Tags of a platform change that would bring it back",
        when: only("park"),
        optional: true,
      },
      {
        is: "date",
        name: "review_on",
        label: "Look at it again on",
        when: only("park"),
        optional: true,
        hint: "A parked case needs tags or a date.",
      },
      { is: "lines", name: "goals", label: "What to vary", when: only("rerun"), hint: "One goal a line." },
      {
        is: "number",
        name: "target_days",
        label: "Person-days it should be built in",
        when: only("rerun"),
        min: 0,
        optional: true,
      },
    ],
  },
  confirm_decision: {
    verb: "Confirm",
    title: "Confirm the decision",
    says: "Your confirmation is recorded with your name. It cannot be taken back; a new decision can be proposed.",
    weighty: true,
  },
  withdraw_case: {
    verb: "Withdraw the case",
    danger: true,
    weighty: true,
    says: "The drivers propose to give it up. Once customers have met the feature it is removed from the code.",
    fields: [
      reason(),
      {
        is: "pick",
        name: "to",
        label: "Where it rests",
        options: [
          ["parked", "Parked: it may come back"],
          ["retired", "Retired: for good"],
        ],
        optional: true,
      },
      { is: "tags", name: "unblock", label: "Tags that would bring it back", optional: true, when: only("parked") },
      { is: "date", name: "review_on", label: "Look at it again on", optional: true },
    ],
  },
  retire_case: { verb: "Retire for good", danger: true, weighty: true, fields: [reason()] },
  register_platform_change: {
    verb: "Register a platform change",
    says: "Parked cases that wait for one of its tags come back on their drivers' desks.",
    fields: [
      { is: "text", name: "platform_change", label: "Name", placeholder: "PCH-NEW-CHECKOUT" },
      { is: "long", name: "description", label: "What landed", optional: true },
      { is: "tags", name: "tags", label: "Tags" },
      { is: "codebases", name: "codebases", label: "Where it landed", optional: true },
    ],
  },
  dismiss_suggestion: {
    verb: "It does not help",
    title: "Dismiss the suggestion",
    says: "This pair is not suggested again.",
    weighty: true,
    fields: [reason("Why", true)],
  },
  snooze_suggestion: {
    verb: "Not now",
    title: "Put the suggestion off",
    fields: [{ is: "date", name: "until", label: "Bring it back on" }],
  },
  review_parked: {
    verb: "Leave it parked",
    says: "Looked at, and still not worth it.",
    fields: [
      { is: "date", name: "review_on", label: "Look at it again on", optional: true },
      { is: "tags", name: "unblock", label: "Tags that would bring it back", optional: true },
      reason("Why", true),
    ],
  },
  reopen_case: {
    verb: "Re-open",
    title: "Re-open the case",
    says: "Estimates, cost and benefit, and sign-offs start afresh.",
    fields: [
      {
        is: "long",
        name: "override",
        label: "Why an old experiment is still trusted",
        optional: true,
        hint: "Needed only past the policy's age limit.",
      },
    ],
  },
  request_buy_in: {
    verb: "Ask for buy-in",
    says: "The team's product owner is asked about the change as the ledger has it now.",
    fields: [{ is: "productTeam", name: "team", label: "Which team" }],
  },
  answer_buy_in: {
    verb: "Answer",
    title: "Answer for your team",
    fields: [
      {
        is: "pick",
        name: "answer",
        label: "Answer",
        options: [
          ["approve", "Approve"],
          ["approve_with_conditions", "Approve, on conditions"],
          ["changes_requested", "Ask for changes"],
          ["refuse", "Refuse: back to preparation"],
        ],
      },
      {
        is: "lines",
        name: "conditions",
        label: "Conditions",
        hint: "One a line; they are confirmed before customers meet it.",
        when: (given) => given.answer === "approve_with_conditions",
      },
      { is: "long", name: "comment", label: "Anything coming in your product that collides?", optional: true },
    ],
  },
  ask_question: {
    verb: "Ask back",
    fields: [
      { is: "productTeam", name: "team", label: "For which team" },
      { is: "long", name: "question", label: "What the team wants to know" },
    ],
  },
  answer_question: {
    verb: "Answer the question",
    fields: [
      { is: "productTeam", name: "team", label: "Of which team" },
      { is: "long", name: "reply", label: "Answer" },
    ],
  },
  satisfy_condition: {
    verb: "Condition is satisfied",
    fields: [{ is: "text", name: "condition", label: "Which condition" }],
  },
  revoke_invitation: { verb: "Take back", title: "Take the invitation back", weighty: true },
  log_deviation: {
    verb: "Log a deviation",
    says: "What is built differently from the experiment. The further the build deviates, the less likely the same result.",
    fields: [
      { is: "long", name: "description", label: "What is changed" },
      { is: "pick", name: "kind", label: "How far it goes", options: SIZES },
    ],
  },
  rule_deviation: {
    verb: "Rule on its size",
    fields: [
      { is: "number", name: "number", label: "Which change", min: 1 },
      { is: "pick", name: "kind", label: "How far it goes", options: SIZES },
    ],
  },
  add_follow_up: {
    verb: "Add a follow-up",
    says: "An idea for a next experiment. It waits until the original is productionised.",
    fields: [
      { is: "long", name: "description", label: "What it is about" },
      { is: "text", name: "follow_up", label: "Name", placeholder: "FU-SECOND-REMINDER" },
    ],
  },
  start_follow_up: {
    verb: "Start",
    title: "Start the follow-up",
    fields: [{ is: "text", name: "follow_up", label: "Which" }],
  },
  reserve_backlog: {
    verb: "Make space in the backlog",
    fields: [{ is: "number", name: "days", label: "Person-days", min: 0 }],
  },
  assign_builder: {
    verb: "Say who builds",
    fields: [{ is: "person", role: "developer", name: "developer", label: "Developer" }],
  },
  create_flag: {
    verb: "Create the flag",
    says: "Off for everybody until a wave starts.",
    fields: [
      { is: "text", name: "key", label: "Key", placeholder: "checkout-badge" },
      {
        is: "json",
        name: "treatment",
        label: "What those who meet the feature get",
        hint: "JSON; true when left out.",
        optional: true,
      },
      {
        is: "json",
        name: "control",
        label: "What everybody else gets",
        hint: "JSON; false when left out.",
        optional: true,
      },
    ],
  },
  checklist: {
    verb: "Record",
    title: "How did it go?",
    fields: [
      {
        is: "pick",
        name: "result",
        label: "Result",
        options: [
          ["passed", "Passed"],
          ["failed", "Failed"],
          ["blocked", "Blocked"],
          ["waived", "Waived: we do without it"],
        ],
      },
      { is: "long", name: "reason", label: "Why", optional: true, hint: "A waiver needs it." },
      { is: "text", name: "evidence", label: "What shows it", placeholder: "a link", optional: true },
    ],
  },
  attach_evidence: { verb: "Attach evidence", fields: [{ is: "text", name: "evidence", label: "A link, or a text" }] },
  finish_building: {
    verb: "Building is finished",
    says: "Flag, backlog and owner process are checked.",
    weighty: true,
  },
  propose_warranty: {
    verb: "Propose a warranty",
    says: "Your team is accountable for its bugs that long; the product owners after it.",
    fields: [{ is: "number", name: "months", label: "Months", min: 1, optional: true }],
  },
  agree_warranty: {
    verb: "Agree",
    title: "Agree the warranty",
    says: "After its last day your team answers for the feature's bugs.",
    fields: [{ is: "productTeam", name: "team", label: "For which team" }],
    weighty: true,
  },
  extend_warranty: {
    verb: "Extend the warranty",
    fields: [{ is: "number", name: "months", label: "By how many months", min: 1 }],
  },
  set_rollout_plan: {
    verb: "Plan the rollout",
    says: "Safety waves look for harm; measured waves give the verdict. 100 % comes only after a keep.",
    fields: [
      { is: "waves", name: "waves", label: "Waves" },
      { is: "number", name: "planned_n", label: "Units an arm at the planned end", min: 1, optional: true },
      {
        is: "number",
        name: "min_days",
        label: "Days of measured waves before a positive verdict",
        min: 1,
        optional: true,
        hint: "7 when left out",
      },
      {
        is: "number",
        name: "max_days",
        label: "Days after which an open verdict is closed",
        min: 1,
        optional: true,
        hint: "90 when left out",
      },
      {
        is: "number",
        name: "window_hours",
        label: "Hours after first exposure in which outcomes count",
        min: 1,
        optional: true,
      },
      {
        is: "metric",
        name: "metric",
        label: "Primary metric",
        hint: "The experiment's own when left out.",
        optional: true,
      },
      {
        is: "long",
        name: "mapping",
        label: "How another metric follows from the experiment's",
        optional: true,
        when: (given) => typeof given.metric === "string" && given.metric !== "",
      },
      { is: "guardrails", name: "guardrails", label: "Guardrails", optional: true },
      { is: "yes", name: "automatic", label: "Tenure starts the waves and takes the looks" },
    ],
  },
  start_wave: { verb: "Start the next wave", says: "Customers meet the feature at once.", weighty: true },
  stop_exposure: {
    verb: "Stop exposure now",
    danger: true,
    says: "Every customer gets the old behaviour at once. The case is held until somebody releases it.",
    fields: [reason("Why", true)],
    weighty: true,
  },
  release_hold: {
    verb: "Release the hold",
    says: "Exposure returns to the wave before.",
    fields: [reason("Why", true)],
    weighty: true,
  },
  guardrail_breach: {
    verb: "Report a guardrail breach",
    danger: true,
    fields: [{ is: "text", name: "name", label: "Which guardrail" }],
  },
  record_measurement: {
    verb: "Record an outside measurement",
    says: "Made elsewhere, and printed as self-reported everywhere. An iteration is judged once.",
    fields: [
      { is: "text", name: "source", label: "Who measured it, and with what" },
      { is: "arm", name: "control", label: "Control" },
      { is: "arm", name: "treatment", label: "Treatment" },
      { is: "number", name: "planned_n", label: "Units an arm that were planned", min: 0, optional: true },
      { is: "yes", name: "drift", label: "The context changed since the experiment" },
    ],
    into: ({ control, treatment, planned_n, ...rest }) => ({
      ...rest,
      measurement: { control, treatment, planned_n: planned_n ?? 0 },
    }),
  },
  decide_outcome: {
    verb: "Decide the outcome",
    weighty: true,
    fields: [
      {
        is: "pick",
        name: "kind",
        label: "Outcome",
        options: [
          ["keep", "Keep"],
          ["keep_justified", "Keep with a justification"],
          ["iterate", "Iterate: build it differently and measure again"],
          ["remove", "Remove"],
        ],
      },
      reason("Why", true),
      { is: "long", name: "why", label: "Why it is worth keeping", when: only("keep_justified") },
      {
        is: "number",
        name: "maintenance_days",
        label: "Maintenance, days a year",
        min: 0,
        when: only("keep_justified"),
      },
      { is: "text", name: "who_pays", label: "Who pays for that", when: only("keep_justified") },
      { is: "date", name: "review_on", label: "Review on", when: only("keep_justified") },
    ],
    into: ({ why, maintenance_days, who_pays, review_on, ...rest }) =>
      rest.kind === "keep_justified"
        ? { ...rest, justification: { why, maintenance_days, who_pays, review_on } }
        : rest,
  },
  acknowledge_keep: {
    verb: "Acknowledge",
    title: "Acknowledge the justified keep",
    says: "Your team will look after it although it shows no significant effect.",
    weighty: true,
  },
  confirm_removed: {
    verb: "It is gone from the code",
    title: "Confirm that flag and losing code are gone",
    fields: [{ is: "codebase", name: "codebase", label: "From which codebase" }],
    weighty: true,
  },
  review_keep: {
    verb: "Review the keep",
    fields: [
      {
        is: "pick",
        name: "kind",
        label: "Result",
        options: [
          ["affirm", "It stays"],
          ["remove", "Remove it"],
        ],
      },
      { is: "date", name: "review_on", label: "Next review", when: only("affirm") },
      reason("Why", true),
    ],
  },
  report_bug: {
    verb: "Report a bug",
    says: "Whoever is accountable today fixes it.",
    fields: [
      { is: "long", name: "description", label: "What is wrong" },
      { is: "text", name: "bug", label: "Name", placeholder: "BUG-EMPTY-BASKET" },
    ],
  },
  fix_bug: { verb: "It is fixed", title: "Say that the bug is fixed" },
  dispute_bug: {
    verb: "It is not ours",
    title: "Dispute whose bug it is",
    fields: [
      reason(),
      { is: "date", name: "reported_on", label: "It was reported in truth on", optional: true },
      { is: "case", name: "belongs_to", label: "The case it belongs to", optional: true },
    ],
  },
  settle_dispute: {
    verb: "Settle the dispute",
    fields: [{ is: "yes", name: "upheld", label: "The claim is right" }, reason("Why", true)],
  },
  prepare_hand_over: { verb: "Draw up the hand-over", says: "What the product owners get before the warranty ends." },
  acknowledge_hand_over: {
    verb: "Acknowledge",
    title: "Acknowledge the hand-over",
    fields: [{ is: "productTeam", name: "team", label: "For which team" }],
    weighty: true,
  },
  close_case: {
    verb: "Close the case",
    says: "The warranty is over and the flag is gone from the code.",
    weighty: true,
  },
  define_team: {
    verb: "Add a team",
    fields: [
      { is: "text", name: "team", label: "Id", placeholder: "checkout" },
      { is: "text", name: "name", label: "Name", placeholder: "Checkout", optional: true },
    ],
  },
  dissolve_team: {
    verb: "Dissolve",
    title: "Dissolve the team",
    danger: true,
    weighty: true,
    fields: [{ is: "team", name: "successor", label: "Who takes its place" }, reason()],
  },
  accept_succession: { verb: "Accept the succession", weighty: true },
  define_codebase: {
    verb: "Add a codebase",
    fields: [
      { is: "text", name: "codebase", label: "Id", placeholder: "checkout-web" },
      {
        is: "lines",
        name: "items",
        label: "Owner process, in order",
        hint: "One item a line, such as qa_demo or pr_review.",
      },
      { is: "team", name: "team", label: "Product team it belongs to", optional: true },
    ],
  },
  grant_role: {
    verb: "Give a role",
    fields: [
      { is: "person", name: "account", label: "To whom" },
      {
        is: "text",
        name: "role",
        label: "Role",
        placeholder: "product_owner:checkout",
        hint: "With :TEAM for a product owner and :CODEBASE for a codebase owner.",
      },
    ],
    undo: ({ account, role }) => ({ command: "revoke_role", with: { account, role } }),
  },
  revoke_role: {
    verb: "Take the role away",
    weighty: true,
    undo: ({ account, role }) => ({ command: "grant_role", with: { account, role } }),
  },
  name_deputy: {
    verb: "Name a deputy",
    says: "They act for you in those days, and entries say so.",
    fields: [
      { is: "person", name: "deputy", label: "Who acts for you" },
      { is: "date", name: "from", label: "From", optional: true },
      { is: "date", name: "until", label: "Until" },
      reason("Why", true),
    ],
    undo: ({ deputy, account }) => ({
      command: "revoke_deputy",
      with: { deputy, ...(account === undefined ? {} : { account }) },
    }),
  },
  revoke_deputy: { verb: "End it", title: "End that somebody acts for another" },
  change_case_policy: { verb: "Follow the policy in force", fields: [reason()] },
  set_calendar: {
    verb: "Set a team's calendar",
    fields: [
      { is: "team", name: "team", label: "Team" },
      { is: "text", name: "time_zone", label: "Time zone", placeholder: "Europe/Berlin", optional: true },
      { is: "lines", name: "holidays", label: "Holidays", hint: "One date a line: 2026-12-25", optional: true },
    ],
  },
  define_metric: {
    verb: "Define a metric",
    fields: [
      { is: "text", name: "metric", label: "Id", placeholder: "purchase" },
      { is: "text", name: "title", label: "Name", optional: true },
      {
        is: "pick",
        name: "kind",
        label: "What the number is",
        options: [
          ["proportion", "Proportion: the share of units with the event"],
          ["mean", "Mean of a value per unit"],
          ["ratio", "Ratio of two totals"],
          ["quantile", "Quantile of a value"],
        ],
      },
      { is: "text", name: "event", label: "Outcome event", hint: "The metric's id when left out.", optional: true },
      {
        is: "pick",
        name: "aggregation",
        label: "How a unit's outcomes become its number",
        options: [
          ["any", "1 when there is any"],
          ["count", "How many there are"],
          ["sum", "The sum of their values"],
          ["mean", "The mean of their values"],
          ["last", "The value of the last"],
        ],
        optional: true,
      },
      { is: "text", name: "denominator", label: "Event of the denominator", when: only("ratio") },
      { is: "number", name: "quantile", label: "Which quantile", min: 0, max: 1, when: only("quantile") },
      {
        is: "pick",
        name: "direction",
        label: "Which way is good",
        options: [
          ["increase", "More is better"],
          ["decrease", "Less is better"],
        ],
      },
      {
        is: "text",
        name: "unit",
        label: "Attribute that carries the unit",
        placeholder: "targetingKey",
        optional: true,
      },
      {
        is: "number",
        name: "window_hours",
        label: "Hours after first exposure in which outcomes count",
        min: 1,
        optional: true,
      },
      { is: "number", name: "cap", label: "Largest value a unit may have", min: 0, optional: true },
    ],
  },
  describe_flag: {
    verb: "Describe",
    title: "Say what the flag is for",
    fields: [
      { is: "text", name: "description", label: "What it is for", optional: true },
      { is: "team", name: "owner", label: "Team that answers for it", optional: true },
      { is: "tags", name: "tags", label: "Words to find it by", optional: true },
      {
        is: "date",
        name: "until",
        label: "Meant to live through",
        optional: true,
        hint: "Past that day it stands among those that should leave the code.",
      },
    ],
    into: ({ until, ...rest }) => (until === undefined ? rest : { ...rest, lifetime: { until } }),
  },
  revert_flag: {
    verb: "Take back",
    title: "Take the change back",
    says: "The flag is as it was before this change; all later ones are taken back too.",
    fields: [reason()],
  },
  approve_change: {
    verb: "Approve",
    title: "Approve the change",
    says: "You have read this revision; an edit would need your approval again.",
    weighty: true,
  },
  apply_change: { verb: "Apply", title: "Apply the change", says: "It is served at once.", weighty: true },
  reject_change: { verb: "Reject", title: "Reject the change", danger: true, fields: [reason()] },
  withdraw_change: { verb: "Withdraw", title: "Withdraw the change", fields: [reason("Why", true)] },
  set_environment: {
    verb: "Set an environment",
    title: "An environment",
    fields: [
      { is: "text", name: "environment", label: "Id", placeholder: "staging" },
      { is: "text", name: "name", label: "Name", optional: true },
      {
        is: "number",
        name: "approvals",
        label: "People who approve a change, besides its author",
        min: 0,
        max: 10,
        optional: true,
        hint: "0 lets flags be changed directly.",
      },
    ],
  },
  archive_environment: {
    verb: "Archive",
    title: "Archive the environment",
    danger: true,
    weighty: true,
    says: "Nothing is served there any more.",
  },
  archive_segment: { verb: "Archive", title: "Archive the segment", danger: true, weighty: true },
  archive_flag: {
    verb: "Archive",
    title: "Archive the flag",
    danger: true,
    weighty: true,
    says: "It is no longer served; code that asks for it gets its own default.",
  },
};

const KIND_VERBS: Readonly<Record<string, string>> = {
  "decide/proceed": "Proceed",
  "decide/park": "Park",
  "decide/rerun": "Re-run",
  "decide_outcome/keep": "Keep",
  "decide_outcome/keep_justified": "Keep, justified",
  "decide_outcome/iterate": "Iterate",
  "decide_outcome/remove": "Remove",
  "review_keep/affirm": "It stays",
  "review_keep/remove": "Remove",
};

/** The form of a command; one that this table does not know is made from its description (`described.ts`). */
export function formOf(command: string): Form {
  return FORMS[command] ?? { verb: command.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()) };
}

export function verbOf(command: string, kind?: string | null): string {
  return (kind ? KIND_VERBS[`${command}/${kind}`] : undefined) ?? formOf(command).verb;
}

/** The fields that are still to be asked for. */
export function fieldsOf(form: Form, given: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): Field[] {
  return (form.fields ?? []).filter(({ name, when }) => !known.has(name) && (when === undefined || when(given)));
}

/** Names of fields that are missing or empty although they are needed. */
export function missing(fields: readonly Field[], given: Readonly<Record<string, unknown>>): string[] {
  return fields
    .filter((field) => field.optional !== true && field.is !== "yes" && isEmpty(given[field.name]))
    .map(({ name }) => name);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value))
    return value.length === 0 || value.some((one) => one === "" || one === null || one === undefined);
  return false;
}

/** The arguments of a command: what was known, what was given; nothing that is empty. */
export function argumentsOf(
  form: Form,
  known: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const shown = new Set(fieldsOf(form, { ...given, ...known }, new Set(Object.keys(known))).map(({ name }) => name));
  const filled = Object.entries(given).filter(([name, value]) => shown.has(name) && !isEmpty(value));
  const together = { ...known, ...Object.fromEntries(filled) };
  return form.into === undefined ? together : form.into(together);
}
