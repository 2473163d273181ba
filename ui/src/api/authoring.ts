// What the API answers about flags beyond what its description has yet: named here, in one place, until the generated types name it.
import { client, unwrap } from "./client.ts";
import type { components } from "./schema";

type Schemas = components["schemas"];
type Stamp = Schemas["Stamp"];

export interface Standing {
  state: "enabled" | "disabled" | "faulty";
  default?: string | null;
  targeted: boolean;
  exposure_percent?: number | null;
  entry?: number | null;
  since: string;
  by: string;
  reason?: string | null;
  request?: string | null;
}
export interface Stale {
  reason: string;
  since: string;
  sentence: string;
}
export type FlagSource = { definition: unknown } | { authored: Schemas["Authored"] };
export interface Flag {
  key: string;
  description?: string | null;
  tags?: string[];
  owner?: string | null;
  lifetime?: Schemas["Lifetime"] | null;
  case?: string | null;
  environments: Record<string, Standing>;
  stale: Stale[];
  definition?: Schemas["FlagDefinition"] | null;
  source?: FlagSource | null;
  fault?: string | null;
}
export interface Difference {
  sentences: string[];
  patch: unknown[];
}
export interface FlagChange extends Difference {
  entry: number;
  environment: string;
  at: string;
  by: string;
  reason?: string | null;
  in_force: boolean;
}
export interface Scan {
  codebase: string;
  commit?: string | null;
  files: number;
  counts: Record<string, number>;
  at: string;
  by: string;
}
export interface Environment {
  environment: string;
  known?: { name?: string | null; approvals: number; archived?: Stamp | null } | null;
  flags: number;
  open_requests: number;
}
export interface SegmentView {
  segment: string;
  description?: string | null;
  holds: Schemas["Segment"];
  stamp: Stamp;
  used_by: { flag: string; environment: string }[];
}
export type RequestStatus = "open" | "applied" | "rejected" | "withdrawn";
export interface ChangeRequest {
  request: string;
  environment: string;
  reason: string;
  at?: string | null;
  revision: number;
  approvals?: Record<string, Stamp>;
  approvals_needed: number;
  status: RequestStatus;
  proposed: Stamp;
  because?: string | null;
  differences: (Difference & { noun: string; name: string; changed_since: boolean })[];
}
export interface Step {
  operator: string;
  variable?: string | null;
  value: unknown;
  steps?: Step[];
}
export interface Explained {
  key: string;
  value?: unknown;
  variant?: string | null;
  reason: string;
  error?: string | null;
  decided_by?: "default" | { target: number } | { rule: { place: number; name?: string | null } } | null;
  steps: Step[];
}

interface Untyped {
  GET(path: string, options?: { params?: { query?: object } }): ReturnType<typeof client.GET>;
  POST(path: string, options: { body: object }): ReturnType<typeof client.POST>;
}
const untyped = client as unknown as Untyped;

/** An answer of a route that the description does not have yet. */
export async function read<T>(path: string, query: object = {}): Promise<T> {
  return (await unwrap(untyped.GET(path, { params: { query } }))) as T;
}

export async function items<T>(path: string, query: object = {}): Promise<T[]> {
  return (await read<{ items: T[] }>(path, query)).items;
}

/** A flag of a server that does not say how it stands elsewhere, or whether it still has a purpose. */
export function whole(flag: Partial<Flag> & { key: string }): Flag {
  return { ...flag, environments: flag.environments ?? {}, stale: flag.stale ?? [] };
}

/** A context against the flags of an environment. */
export async function tryFlags(trial: { context: unknown; environment: string; flag?: string }): Promise<Explained[]> {
  return ((await unwrap(untyped.POST("/api/v1/playground", { body: trial }))) as { items: Explained[] }).items;
}
