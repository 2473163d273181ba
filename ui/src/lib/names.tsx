// Ids as the names people know: accounts by their display name, teams by theirs. The id stays in the title for whoever needs it.
import { useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import type { WhoMay } from "../api/model.ts";
import { accounts, teams } from "../api/queries.ts";

function useNames(): (account: string) => string {
  const known = useQuery(accounts).data;
  return (account) => {
    const found = known?.find(({ id }) => id === account);
    return found?.display_name ?? account;
  };
}

/** An account by the name others see. `system` is Tenure itself. */
export function PersonName({ account }: { account: string }) {
  const name = useNames();
  if (account === "system") return <>Tenure</>;
  return <span title={account}>{account.startsWith("guest:") ? "an invited product owner" : name(account)}</span>;
}

/** A team by its name. */
export function TeamName({ team }: { team: string }) {
  const known = useQuery(teams).data;
  return <span title={team}>{known?.find((one) => one.team === team)?.name ?? team}</span>;
}

/** The seat that no person holds. */
export const TENURE = "Tenure itself";

/** Who may, in one line: `product owner of checkout (Ada Byron)`. */
export function Who({ who }: { who: readonly WhoMay[] }) {
  const name = useNames();
  if (who.length === 0) return <>nobody yet</>;
  return (
    <>
      {who.map(({ seat, accounts: sitting, deputies }, at) => (
        <Fragment key={seat}>
          {at > 0 && " or "}
          {seat}
          {sitting.length > 0
            ? ` (${sitting.map(name).join(", ")})`
            : seat === TENURE
              ? ""
              : " (nobody holds this yet)"}
          {(deputies ?? []).length > 0 && `, with a deputy acting`}
        </Fragment>
      ))}
    </>
  );
}
