// What the pages read: one entry a question, with the key under which the answer is kept and by which the live feed refreshes it.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { client, rememberCsrf, unwrap } from "./client.ts";
import type { CaseFile, Me, RequestStatus } from "./model.ts";
import { Problem } from "./problem.ts";

/** The most items of one page of the API: lists come whole in one request up to this, and say so beyond it. */
export const PAGE_MAX = 1_000;

const all = { params: { query: { limit: PAGE_MAX } } };

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

export const desk = queryOptions({
  queryKey: ["desk"],
  queryFn: () => unwrap(client.GET("/api/v1/desk")),
});

export const portfolio = queryOptions({
  queryKey: ["portfolio"],
  queryFn: () => unwrap(client.GET("/api/v1/portfolio")),
});

export const cases = queryOptions({
  queryKey: ["cases"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/cases", all))).items,
});

export const caseFile = (id: string) =>
  queryOptions({
    queryKey: ["case", id],
    queryFn: async () =>
      // The client's own type of an answer forgets pairs.
      (await unwrap(client.GET("/api/v1/cases/{case}", { params: { path: { case: id } } }))) as CaseFile,
  });

export const looks = (id: string) =>
  queryOptions({
    queryKey: ["case", id, "looks"],
    queryFn: () => unwrap(client.GET("/api/v1/cases/{case}/looks", { params: { path: { case: id } } })),
  });

export const experiments = queryOptions({
  queryKey: ["experiments"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/experiments", all))).items,
});

export const experiment = (id: string) =>
  queryOptions({
    queryKey: ["experiments", id],
    queryFn: () => unwrap(client.GET("/api/v1/experiments/{experiment}", { params: { path: { experiment: id } } })),
  });

/** All flags, each with how it stands in every environment. */
export const flags = queryOptions({
  queryKey: ["flags"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/flags", all))).items,
});

export const flag = (environment: string, key: string) =>
  queryOptions({
    queryKey: ["flags", key, environment],
    queryFn: () => unwrap(client.GET("/api/v1/flags/{key}", { params: { path: { key }, query: { environment } } })),
  });

/** The last changes of a flag, the latest first. */
export const flagHistory = (key: string) =>
  queryOptions({
    queryKey: ["flags", key, "history"],
    queryFn: async () => (await unwrap(client.GET("/api/v1/flags/{key}/history", { params: { path: { key } } }))).items,
  });

/** Where a flag's key stands in code, by the last scan of each codebase. */
export const references = (flagKey: string) =>
  queryOptions({
    queryKey: ["flags", flagKey, "references"],
    queryFn: async () =>
      (await unwrap(client.GET("/api/v1/references", { params: { query: { flag: flagKey } } }))).items,
  });

export const environments = queryOptions({
  queryKey: ["environments"],
  queryFn: () => unwrap(client.GET("/api/v1/environments")),
});

export const segments = queryOptions({
  queryKey: ["segments"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/segments", all))).items,
});

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
  queryOptions({
    queryKey: ["change-requests", status],
    queryFn: async () =>
      (await unwrap(client.GET("/api/v1/change-requests", { params: { query: { status, limit: PAGE_MAX } } }))).items,
  });

export const changeRequest = (request: string) =>
  queryOptions({
    queryKey: ["change-requests", "one", request],
    queryFn: () => unwrap(client.GET("/api/v1/change-requests/{request}", { params: { path: { request } } })),
  });

export const metrics = queryOptions({
  queryKey: ["metrics"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/metrics", all))).items,
});

export const people = queryOptions({
  queryKey: ["people"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/people", all))).items,
});

export const accounts = queryOptions({
  queryKey: ["accounts"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/accounts", all))).items,
  staleTime: 5 * 60_000,
});

export const teams = queryOptions({
  queryKey: ["teams"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/teams", all))).items,
  staleTime: 60_000,
});

export const codebases = queryOptions({
  queryKey: ["codebases"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/codebases", all))).items,
});

export const platformChanges = queryOptions({
  queryKey: ["platform-changes"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/platform-changes", all))).items,
});

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
    getNextPageParam: (page) => (page.next === null || page.next === undefined ? undefined : Number(page.next)),
  });

/** The check of the journal's chain of hashes, made when it is asked for. */
export const verifiedJournal = queryOptions({
  queryKey: ["journal", "verified"],
  queryFn: () => unwrap(client.GET("/api/v1/journal/verify")),
  gcTime: 0,
});

export const tokens = queryOptions({
  queryKey: ["tokens"],
  queryFn: async () => (await unwrap(client.GET("/api/v1/tokens", all))).items,
});

export const webhooks = queryOptions({
  queryKey: ["webhooks"],
  queryFn: () => unwrap(client.GET("/api/v1/webhooks")),
});

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
