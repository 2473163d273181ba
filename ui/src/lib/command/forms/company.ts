// What the commands about the company ask for: teams, codebases, roles, deputies and calendars.
import { reason, type Forms } from "../form.ts";

export const COMPANY: Forms = {
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
    fields: [{ is: "team", name: "successor", label: "Who takes its place" }, reason()],
  },
  accept_succession: { verb: "Accept the succession" },
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
  },
  revoke_role: { verb: "Take the role away" },
  name_deputy: {
    verb: "Name a deputy",
    says: "They act for you in those days, and entries say so.",
    fields: [
      { is: "person", name: "deputy", label: "Who acts for you" },
      { is: "date", name: "from", label: "From", optional: true },
      { is: "date", name: "until", label: "Until" },
      reason("Why", true),
    ],
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
};
