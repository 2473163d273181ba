// Who did something and when, after what was done.
import type { Stamp } from "../../api/model.ts";
import { PersonName } from "../../lib/names.tsx";
import { dayOf } from "../../lib/number.ts";

export function By({ stamp }: { stamp: Stamp }) {
  return (
    <span className="quiet nowrap">
      by <PersonName account={stamp.by} />, {dayOf(stamp.at)}
    </span>
  );
}
