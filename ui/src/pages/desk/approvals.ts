// Change requests that wait for the reader's approval: the desk's waits are of cases, these stand beside them.
import { useQuery } from "@tanstack/react-query";
import type { ChangeRequest, Me } from "../../api/model.ts";
import { changeRequests, session } from "../../api/queries.ts";

/** What the answer depends on. */
type Asking = Pick<ChangeRequest, "status" | "authors" | "approvals" | "approvals_needed">;

/** Whether a change request waits for somebody: it lacks approvals, and theirs is neither given nor their own. */
export function waitsFor(one: Asking, me: Pick<Me, "account" | "may">): boolean {
  const given = Object.keys(one.approvals ?? {});
  return (
    me.may.includes("flags") &&
    one.status === "open" &&
    given.length < one.approvals_needed &&
    !given.includes(me.account) &&
    !one.authors.includes(me.account)
  );
}

/** Those that wait for the reader; asked only for whoever sets flags. */
export function useApprovals() {
  const me = useQuery(session).data;
  const asked = useQuery({ ...changeRequests("open"), enabled: me?.may.includes("flags") === true });
  const waiting = me ? (asked.data ?? []).filter((one) => waitsFor(one, me)) : [];
  return { waiting, asked };
}
