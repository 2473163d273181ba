// Every page by its address, each a chunk of its own, with the questions that it opens with: those are asked while its script is still on
// its way, so that a page is one request away and not three.
import type { FetchQueryOptions, QueryClient, QueryKey } from "@tanstack/react-query";
import { matchPath } from "react-router";
import {
  accounts,
  caseFile,
  cases,
  changeRequests,
  codebases,
  desk,
  environments,
  experiment,
  experiments,
  flag,
  flags,
  looks,
  metrics,
  platformChanges,
  policy,
  portfolio,
  run,
  runs,
  segments,
  session,
  teams,
} from "./api/queries.ts";
import { environmentIn } from "./lib/address.ts";
import { type Chunk, chunk } from "./lib/chunk.tsx";

/** Asks a question whose answer is kept until the page reads it. */
type Ask = <T, D, K extends QueryKey>(of: FetchQueryOptions<T, Error, D, K>) => void;
type Opens = (ask: Ask, named: Readonly<Record<string, string | undefined>>, query: URLSearchParams) => void;

interface PageAt {
  path: string;
  page: Chunk;
  opens?: Opens;
}

const at = (path: string, load: Parameters<typeof chunk>[0], opens?: Opens): PageAt => ({
  path,
  page: chunk(load),
  ...(opens === undefined ? {} : { opens }),
});

const SETTINGS: Readonly<Record<string, Opens>> = {
  people: (ask) => ask(accounts),
  teams: (ask) => ask(teams),
  codebases: (ask) => ask(codebases),
  policy: (ask) => ask(policy),
};

export const PAGES: readonly PageAt[] = [
  at("/", () => import("./pages/desk/Desk.tsx"), (ask) => ask(desk())),
  at("/portfolio", () => import("./pages/portfolio/Portfolio.tsx"), (ask) => {
    ask(cases);
    ask(portfolio);
  }),
  at("/cases/:id", () => import("./pages/case/CaseFile.tsx"), (ask, { id = "" }) => ask(caseFile(id))),
  at("/cases/:id/rollout", () => import("./pages/rollout/Rollout.tsx"), (ask, { id = "" }) => {
    ask(caseFile(id));
    ask(looks(id));
  }),
  at("/experiments", () => import("./pages/experiments/Experiments.tsx"), (ask) => {
    ask(experiments);
    ask(runs);
  }),
  at("/experiments/intake", () => import("./pages/experiments/Intake.tsx")),
  at("/experiments/:id", () => import("./pages/experiments/ExperimentPage.tsx"), (ask, { id = "" }) =>
    ask(experiment(id)),
  ),
  at("/experiments/:id/run", () => import("./pages/run/RunPage.tsx"), (ask, { id = "" }) => ask(run(id))),
  at("/flags", () => import("./pages/flags/Flags.tsx"), (ask) => ask(flags)),
  at("/flags/new", () => import("./pages/flags/FlagEditor.tsx")),
  at("/flags/:key", () => import("./pages/flags/FlagPage.tsx"), (ask, { key = "" }, query) =>
    ask(flag(environmentIn(query), key)),
  ),
  at("/flags/:key/edit", () => import("./pages/flags/FlagEditor.tsx")),
  at("/segments", () => import("./pages/flags/Segments.tsx"), (ask) => ask(segments)),
  at("/change-requests/:request?", () => import("./pages/flags/ChangeRequests.tsx"), (ask) =>
    ask(changeRequests("open")),
  ),
  at("/playground", () => import("./pages/flags/Playground.tsx")),
  at("/environments", () => import("./pages/flags/Environments.tsx"), (ask) => ask(environments)),
  at("/metrics", () => import("./pages/metrics/Metrics.tsx"), (ask) => ask(metrics)),
  at("/platform-changes", () => import("./pages/platform-changes/PlatformChanges.tsx"), (ask) => ask(platformChanges)),
  at("/warranties", () => import("./pages/warranties/Warranties.tsx"), (ask) => ask(cases)),
  at("/journal", () => import("./pages/journal/Journal.tsx")),
  at("/start", () => import("./pages/start/Start.tsx")),
  at("/settings/:part?", () => import("./pages/settings/Settings.tsx"), (ask, named, query) =>
    SETTINGS[named["part"] ?? "people"]?.(ask, named, query),
  ),
];

/** Begins all that the page at an address needs: who is signed in, the page's script, what it asks. */
export function begin({ pathname, search }: Pick<Location, "pathname" | "search">, queries: QueryClient): void {
  const ask: Ask = (of) => void queries.prefetchQuery(of);
  ask(session);
  for (const { path: pattern, page, opens } of PAGES) {
    const match = matchPath(pattern, pathname);
    if (match === null) continue;
    page.ahead();
    opens?.(ask, match.params, new URLSearchParams(search));
    return;
  }
}
