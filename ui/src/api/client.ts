// The one client of the documented API. Types come from openapi.json (`npm run api`); there is no private endpoint.
import createClient from "openapi-fetch";
import { Problem, type ProblemBody, Unreachable } from "./problem.ts";
import type { paths } from "./schema";

/** Proves that a write comes from this page. Kept in memory only: a reload asks the session for it again. */
let csrf: string | null = null;

export function rememberCsrf(value: string | null | undefined): void {
  csrf = value ?? null;
}

export const client = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });

client.use({
  onRequest({ request }) {
    if (csrf !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
  onError() {
    return new Unreachable();
  },
});

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or the problem as an exception. */
export async function unwrap<T>(answer: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) {
    const body = typeof error === "object" && error !== null ? (error as Partial<ProblemBody>) : {};
    throw new Problem(body, response.status);
  }
  return data as T;
}
