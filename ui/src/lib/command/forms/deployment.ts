// What the commands of deployment ask for: warranty, rollout, measurement, outcome, bugs and hand-over.
import { only, productTeam, reason, type Forms } from "../form.ts";

export const DEPLOYMENT: Forms = {
  propose_warranty: {
    verb: "Propose a warranty",
    says: "Your team is accountable for its bugs that long; the product owners after it.",
    fields: [{ is: "number", name: "months", label: "Months", min: 1, optional: true }],
  },
  agree_warranty: {
    verb: "Agree",
    title: "Agree the warranty",
    says: "After its last day your team answers for the feature's bugs.",
    fields: [productTeam("For which team")],
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
  start_wave: { verb: "Start the next wave", says: "Customers meet the feature at once." },
  stop_exposure: {
    verb: "Stop exposure now",
    danger: true,
    says: "Every customer gets the old behaviour at once. The case is held until somebody releases it.",
    fields: [reason("Why", true)],
  },
  release_hold: {
    verb: "Release the hold",
    says: "Exposure returns to the wave before.",
    fields: [reason("Why", true)],
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
  },
  confirm_removed: {
    verb: "It is gone from the code",
    title: "Confirm that flag and losing code are gone",
    fields: [{ is: "codebase", name: "codebase", label: "From which codebase" }],
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
    fields: [productTeam("For which team")],
  },
  close_case: {
    verb: "Close the case",
    says: "The warranty is over and the flag is gone from the code.",
  },
};
