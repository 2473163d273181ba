// Several people in a line, each once.
import { Fragment } from "react";
import { PersonName } from "../../lib/names.tsx";

export function People({ accounts }: { accounts: readonly string[] }) {
  return (
    <>
      {[...new Set(accounts)].map((account, at) => (
        <Fragment key={account}>
          {at > 0 && ", "}
          <PersonName account={account} />
        </Fragment>
      ))}
    </>
  );
}
