// Where a case stands on its rail, from what is recorded of it: when, by whom, and what shows it.
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { CaseFile, Stamp } from "../../api/model.ts";
import { journal } from "../../api/queries.ts";
import type { Stop } from "../../lib/StageRail.tsx";
import { PersonName } from "../../lib/names.tsx";
import { day, dayOf, of } from "../../lib/number.ts";
import { plain, stageName } from "../../lib/words.ts";
import { People } from "./People.tsx";

const NAMES = ["Experiment", "Preparation", "Building", "Deployment", "Warranty", "Baseline"] as const;

/** How far along a stage is; those that left the way stand where they left it. */
export function railAt(file: Pick<CaseFile, "stage" | "kept" | "first_exposed" | "flag">): number {
  switch (file.stage) {
    case "preparation":
    case "buy_in":
    case "rerunning":
      return 1;
    case "building":
      return 2;
    case "ready":
    case "rolling_out":
    case "outcome":
      return 3;
    case "productionised":
      return 4;
    case "closed":
      return 5;
    default:
      return file.kept ? 4 : file.first_exposed ? 3 : file.flag ? 2 : 1;
  }
}

/** What is known of a stop: when, by whom, and where what shows it stands. */
interface Known {
  note: ReactNode;
  to: string;
}

export function rail(file: CaseFile): Stop[] {
  const at = railAt(file);
  const known = [experiment(file), preparation(file), building(file), deployment(file), warranty(file), baseline(file)];
  return NAMES.map((name, place) => {
    const { note, to } = known[place] ?? {};
    return {
      name,
      state: place < at || file.stage === "closed" ? "done" : place === at ? "now" : "ahead",
      note:
        place === at && file.stage !== "closed" ? (
          <>
            {stageName(file.stage)}
            {note !== undefined && <>, {note}</>}
          </>
        ) : (
          note
        ),
      ...(to === undefined ? {} : { to }),
    };
  });
}

function experiment({ experiment, of_experiment: source }: CaseFile): Known | undefined {
  if (!source) return undefined;
  return {
    note: (
      <>
        ended {day(source.ended)}, registered by <PersonName account={source.registered.by} />
      </>
    ),
    to: `/experiments/${encodeURIComponent(experiment)}`,
  };
}

/** Decisions that end a preparation. */
const ENDS = ["proceed", "park", "rerun"];

function preparation({ opened, decisions }: CaseFile): Known {
  const last = decisions?.findLast(({ open }) => ENDS.includes(open.proposal.kind));
  return {
    note: (
      <>
        opened {dayOf(opened.at)} by <PersonName account={opened.by} />
        {last && (
          <>
            ; decided to {plain(last.open.proposal.kind)} {dayOf(last.taken.at)} by{" "}
            <People accounts={Object.values<string>(last.open.confirmed)} />
          </>
        )}
      </>
    ),
    to: "#preparation",
  };
}

function building({ backlog, flag }: CaseFile): Known | undefined {
  const begun = backlog?.stamp ?? flag?.stamp;
  if (begun === undefined) return undefined;
  return {
    note: (
      <>
        from {dayOf(begun.at)} by <PersonName account={begun.by} />
      </>
    ),
    to: "#building",
  };
}

function deployment({ id, first_exposed_on: since }: CaseFile): Known | undefined {
  if (!since) return undefined;
  return {
    note: (
      <>
        since {day(since)}
        <Starter id={id} />
      </>
    ),
    to: `/cases/${encodeURIComponent(id)}/rollout`,
  };
}

function warranty({ accountability, warranty }: CaseFile): Known | undefined {
  if (!warranty) return undefined;
  const agreed = Object.values(warranty.agreed);
  const until = accountability?.ends ? `until ${day(accountability.ends)}` : `of ${of(warranty.months, "month")}`;
  return {
    note:
      agreed.length > 0 ? (
        <>
          {until}, agreed {dayOf(latest(agreed))} by <People accounts={agreed.map(({ by }) => by)} />
        </>
      ) : (
        <>
          {until}, proposed {dayOf(warranty.proposed.at)} by <PersonName account={warranty.proposed.by} />
        </>
      ),
    to: "#warranty",
  };
}

function baseline({ kept }: CaseFile): Known | undefined {
  if (!kept) return undefined;
  return {
    note: (
      <>
        set {day(kept.on)} by <PersonName account={kept.stamp.by} />
      </>
    ),
    to: "#outcome",
  };
}

const latest = (stamps: readonly Stamp[]): string =>
  stamps.map(({ at }) => at).reduce((a, b) => (Date.parse(a) > Date.parse(b) ? a : b));

/** Who let the first customer meet it; the case does not keep that, its journal does. */
function Starter({ id }: { id: string }) {
  const asked = useInfiniteQuery(journal({ stream: `case/${id}`, kind: "wave_started" }));
  const first = asked.data?.pages.at(-1)?.items.at(-1);
  if (first === undefined || asked.hasNextPage) return null;
  return (
    <>
      {" "}
      by <PersonName account={first.actor} />
    </>
  );
}
