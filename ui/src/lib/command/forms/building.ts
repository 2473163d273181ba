// What the commands of buy-in and building ask for: sign-offs, deviations, backlog, flag and owner process.
import { productTeam, SIZE, type Forms } from "../form.ts";

export const BUILDING: Forms = {
  request_buy_in: {
    verb: "Ask for buy-in",
    says: "The team's product owner is asked about the change as the ledger has it now.",
    fields: [productTeam("Which team")],
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
      productTeam("For which team"),
      { is: "long", name: "question", label: "What the team wants to know" },
    ],
  },
  answer_question: {
    verb: "Answer the question",
    fields: [
      productTeam("Of which team"),
      { is: "long", name: "reply", label: "Answer" },
    ],
  },
  satisfy_condition: {
    verb: "Condition is satisfied",
    fields: [{ is: "text", name: "condition", label: "Which condition" }],
  },
  revoke_invitation: { verb: "Take back", title: "Take the invitation back" },
  log_deviation: {
    verb: "Log a deviation",
    says: "What is built differently from the experiment. The further the build deviates, the less likely the same result.",
    fields: [
      { is: "long", name: "description", label: "What is changed" },
      SIZE,
    ],
  },
  rule_deviation: {
    verb: "Rule on its size",
    fields: [
      { is: "number", name: "number", label: "Which change", min: 1 },
      SIZE,
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
  },
};
