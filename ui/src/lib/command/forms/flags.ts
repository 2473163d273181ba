// What the commands about flags ask for: descriptions, change requests, environments and segments.
import { reason, type Forms } from "../form.ts";

export const FLAGS: Forms = {
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
  },
  apply_change: { verb: "Apply", title: "Apply the change", says: "It is served at once." },
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
    says: "Nothing is served there any more.",
  },
  archive_segment: { verb: "Archive", title: "Archive the segment", danger: true },
  archive_flag: {
    verb: "Archive",
    title: "Archive the flag",
    danger: true,
    says: "It is no longer served; code that asks for it gets its own default.",
  },
};
