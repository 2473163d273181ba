// What the commands of preparation ask for: from opening a case to its decision, and parked ideas that come back.
import { only, productTeam, reason, REVIEW_ON, UNBLOCK, type Forms } from "../form.ts";

/** A withdrawn case rests among the parked ones unless another place is chosen. */
const isParked = (given: Readonly<Record<string, unknown>>) => given.to !== "retired";

export const PREPARATION: Forms = {
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
  accept_onus: { verb: "Accept the onus", says: "Your team answers for this case from now on." },
  delegate_prep: {
    verb: "Delegate preparation",
    says: "A lead developer may consult and estimate in your place once they accept. You stay accountable.",
    fields: [{ is: "person", role: "lead_developer", name: "to", label: "To whom" }],
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
      productTeam("Which team"),
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
      { ...UNBLOCK, when: only("park") },
      { ...REVIEW_ON, when: only("park"), hint: "A parked case needs tags or a date." },
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
  },
  withdraw_case: {
    verb: "Withdraw the case",
    danger: true,
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
      { ...UNBLOCK, when: isParked },
      { ...REVIEW_ON, when: isParked },
    ],
  },
  retire_case: { verb: "Retire for good", danger: true, fields: [reason()] },
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
      REVIEW_ON,
      UNBLOCK,
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
};
