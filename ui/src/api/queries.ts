// What the pages read: one entry a question, with the key under which the answer is kept and by which the live feed refreshes it.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client, rememberCsrf, unwrap } from "./client.ts";
import { type List, type Page, PAGE_MAX, type Place, whole } from "./list.ts";
import type { CaseFile, Me, RequestStatus, Run } from "./model.ts";
import { Problem } from "./problem.ts";

/** A list as a question; its answer is the items. The first time, what is there already is shown while the rest comes; later it is replaced whole. */
const listOf = <T>(queryKey: string[], page: (place: Place) => Promise<Page<T>>) =>
  queryOptions({
    queryKey,
    queryFn: ({ client: kept }) => {
      const isFirst = kept.getQueryData(queryKey) === undefined;
      return whole(page, (part) => {
        if (isFirst) kept.setQueryData(queryKey, part);
      });
    },
    select: ({ items }: List<T>): T[] => items,
  });

/** The same list, unanswered until it is whole: for what may be said only of all of it. */
export const wholeOf = <T>(of: ReturnType<typeof listOf<T>>) => ({
  ...of,
  select: ({ items, isPart }: List<T>): T[] | undefined => (isPart ? undefined : items),
});

/** Whether the rest of a list is still on its way. */
export const isPart = <T>(of: ReturnType<typeof listOf<T>>) => ({ ...of, select: ({ isPart }: List<T>) => isPart });

/** Whether a list's answer is not the whole list. */
export const isCut = <T>(of: ReturnType<typeof listOf<T>>) => ({ ...of, select: ({ isCut }: List<T>) => isCut });

/** Where the page after this one begins, where there is one and places are numbers. */
const after = ({ next }: { next?: string | null }) => (typeof next === "string" ? Number(next) : undefined);

/** Who is signed in; null when nobody is. */
export const session = queryOptions({
  queryKey: ["session"],
  queryFn: async (): Promise<Me | null> => {
    try {
      const me: Me = await unwrap(client.GET("/api/v1/session"));
      rememberCsrf(me.csrf);
      return me;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 5 * 60_000,
});

/** What of the desk is read at first: more than anybody answers at a sitting. */
export const DESK_FIRST = 40;

/** What waits on the reader: so many, the oldest first; how many there are in all is said with them. */
export const desk = (limit = DESK_FIRST) =>
  queryOptions({
    queryKey: ["desk", limit],
    queryFn: () => unwrap(client.GET("/api/v1/desk", { params: { query: { limit } } })),
    placeholderData: keepPreviousData,
  });

export const portfolio = queryOptions({
  queryKey: ["portfolio"],
  queryFn: () => unwrap(client.GET("/api/v1/portfolio")),
});

export const cases = listOf(["cases"], (place) => unwrap(client.GET("/api/v1/cases", place)));

export const caseFile = (id: string) =>
  queryOptions({
    queryKey: ["case", id],
    queryFn: async () =>
      // The client's own type of an answer forgets pairs, here and below.
      (await unwrap(client.GET("/api/v1/cases/{case}", { params: { path: { case: id } } }))) as CaseFile,
  });

export const looks = (id: string) =>
  queryOptions({
    queryKey: ["case", id, "looks"],
    queryFn: () => unwrap(client.GET("/api/v1/cases/{case}/looks", { params: { path: { case: id } } })),
  });

export const experiments = listOf(["experiments"], (place) => unwrap(client.GET("/api/v1/experiments", place)));

export const experiment = (id: string) =>
  queryOptions({
    queryKey: ["experiments", id],
    queryFn: () => unwrap(client.GET("/api/v1/experiments/{experiment}", { params: { path: { experiment: id } } })),
  });

/** Experiments that are run here, those that ended too. */
export const runs = listOf(["runs"], async (place) => (await unwrap(client.GET("/api/v1/runs", place))) as Page<Run>);

export const run = (id: string) =>
  queryOptions({
    queryKey: ["runs", id],
    queryFn: async () =>
      (await unwrap(client.GET("/api/v1/runs/{experiment}", { params: { path: { experiment: id } } }))) as Run,
  });

/** Every look at an experiment that is run here, the oldest first, a page at a time. */
export const runLooks = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["runs", id, "looks"],
    initialPageParam: 0,
    queryFn: ({ pageParam: after }) =>
      unwrap(
        client.GET("/api/v1/runs/{experiment}/looks", { params: { path: { experiment: id }, query: { after } } }),
      ),
    getNextPageParam: ({ next }) => next,
  });

/** All flags, each with how it stands in every environment. */
export const flags = listOf(["flags"], (place) => unwrap(client.GET("/api/v1/flags", place)));

export const flag = (environment: string, key: string) =>
  queryOptions({
    queryKey: ["flags", key, environment],
    queryFn: () => unwrap(client.GET("/api/v1/flags/{key}", { params: { path: { key }, query: { environment } } })),
  });

/** The last changes of a flag, the latest first, a page at a time. */
export const flagHistory = (key: string) =>
  infiniteQueryOptions({
    queryKey: ["flags", key, "history"],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam: before }) =>
      unwrap(client.GET("/api/v1/flags/{key}/history", { params: { path: { key }, query: { before } } })),
    getNextPageParam: after,
  });

/** Where a flag's key stands in code, by the last scan of each codebase. */
export const references = (flagKey: string) =>
  listOf(["flags", flagKey, "references"], ({ params: { query } }) =>
    unwrap(client.GET("/api/v1/references", { params: { query: { ...query, flag: flagKey } } })),
  );

export const environments = queryOptions({
  queryKey: ["environments"],
  queryFn: () => unwrap(client.GET("/api/v1/environments")),
});

export const segments = listOf(["segments"], (place) => unwrap(client.GET("/api/v1/segments", place)));

/** Who is in a list that a flag or a segment refers to, up to a page; its name changes with what it holds. */
export const keyList = (list: string) =>
  queryOptions({
    queryKey: ["key-lists", list],
    queryFn: async () =>
      (
        await unwrap(
          client.GET("/api/v1/key-lists/{list}", { params: { path: { list }, query: { limit: PAGE_MAX } } }),
        )
      ).items,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const changeRequests = (status: RequestStatus) =>
  listOf(["change-requests", status], ({ params: { query } }) =>
    unwrap(client.GET("/api/v1/change-requests", { params: { query: { ...query, status } } })),
  );

export const changeRequest = (request: string) =>
  queryOptions({
    queryKey: ["change-requests", "one", request],
    queryFn: () => unwrap(client.GET("/api/v1/change-requests/{request}", { params: { path: { request } } })),
  });

export const metrics = listOf(["metrics"], (place) => unwrap(client.GET("/api/v1/metrics", place)));

export const people = listOf(["people"], (place) => unwrap(client.GET("/api/v1/people", place)));

export const accounts = {
  ...listOf(["accounts"], (place) => unwrap(client.GET("/api/v1/accounts", place))),
  staleTime: 5 * 60_000,
};

export const teams = {
  ...listOf(["teams"], (place) => unwrap(client.GET("/api/v1/teams", place))),
  staleTime: 60_000,
};

export const codebases = listOf(["codebases"], (place) => unwrap(client.GET("/api/v1/codebases", place)));

export const platformChanges = listOf(["platform-changes"], (place) => unwrap(client.GET("/api/v1/platform-changes", place)));

export const policy = queryOptions({
  queryKey: ["policy"],
  queryFn: () => unwrap(client.GET("/api/v1/policy")),
});

export const surfaces = queryOptions({
  queryKey: ["surfaces"],
  queryFn: () => unwrap(client.GET("/api/v1/surfaces")),
});

export const surface = (name: string) =>
  queryOptions({
    queryKey: ["surfaces", name],
    queryFn: () => unwrap(client.GET("/api/v1/surfaces/{surface}", { params: { path: { surface: name } } })),
  });

export const commands = queryOptions({
  queryKey: ["commands"],
  queryFn: () => unwrap(client.GET("/api/v1/commands")),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Which entries of the journal. */
export interface JournalSearch {
  stream?: string;
  text?: string;
  actor?: string;
  kind?: string;
  from?: string;
  to?: string;
}

/** The journal, the newest entry first, a page at a time; those entries that fit. */
export const journal = (search: JournalSearch) =>
  infiniteQueryOptions({
    queryKey: ["journal", search],
    initialPageParam: null as number | null,
    queryFn: ({ pageParam }) =>
      unwrap(
        client.GET("/api/v1/journal", {
          params: { query: { after: pageParam, order: "newest", limit: PAGE_MAX, ...search } },
        }),
      ),
    getNextPageParam: after,
  });

/** The check of the journal's chain of hashes, made when it is asked for. */
export const verifiedJournal = queryOptions({
  queryKey: ["journal", "verified"],
  queryFn: () => unwrap(client.GET("/api/v1/journal/verify")),
  gcTime: 0,
});

export const tokens = listOf(["tokens"], (place) => unwrap(client.GET("/api/v1/tokens", place)));

export const webhooks = listOf(["webhooks"], (place) => unwrap(client.GET("/api/v1/webhooks", place)));

export const deliveries = (id: string) =>
  queryOptions({
    queryKey: ["webhooks", id, "deliveries"],
    queryFn: () =>
      unwrap(client.GET("/api/v1/webhooks/{id}/deliveries", { params: { path: { id }, query: { limit: 20 } } })),
  });

export const notifications = queryOptions({
  queryKey: ["notifications"],
  queryFn: () => unwrap(client.GET("/api/v1/me/notifications")),
});
