// Names of what the API answers with, as the pages use them.
/* eslint-disable @typescript-eslint/no-explicit-any */
import type { components } from "./schema";

type Schemas = components["schemas"];
// Until the description of the API types these, they are read loosely here and nowhere else.
type Untyped = any;

export type Me = Schemas["Me"];
export type Account = Schemas["AccountView"];
export type Flag = Schemas["FlagView"];
export type Token = Schemas["TokenView"];
export type Webhook = Schemas["WebhookView"];
export type Delivery = Schemas["DeliveryView"];
export type Notifications = Schemas["NotificationsView"];
export type Done = Schemas["Done"];

export interface WhoMay {
  seat: string;
  accounts: string[];
  deputies?: { account: string; deputy: string }[];
}
export interface Refusal {
  code: string;
  sentence: string;
  who_may?: WhoMay[];
  missing?: string[];
  since?: string | null;
}
export interface Choice {
  command: string;
  kind?: string | null;
  allowed: boolean;
  refusal?: Refusal | null;
}
export interface Stamp {
  at: string;
  by: string;
}
export interface Wait {
  case: string;
  what: string;
  command: string;
  with: Record<string, unknown>;
  asked: string[];
  who: WhoMay[];
  since: string;
  due?: string | null;
  overdue: boolean;
  late_by_days: number;
}
export type Interval = [number, number];
export interface Effect {
  estimate: number;
  interval: Interval | null;
}
export type Stage =
  | "preparation" | "buy_in" | "building" | "ready" | "rolling_out" | "outcome" | "productionised"
  | "parked" | "rerunning" | "removing" | "closed" | "removed" | "retired";
export type Verdict = "positive" | "not_significant" | "negative" | "immature" | "invalid";

export type Summary = Untyped;
export type CaseFile = Untyped;
export type Experiment = Untyped;
export type Judged = Untyped;
export type Measurement = Untyped;
export type Looks = { track: Untyped[]; latest: Untyped | null; judged: Untyped[] };
export type Portfolio = Untyped;
export type Weighing = Untyped;
export type Person = { person: string; grants: string[] } & Record<string, unknown>;
export type Team = { team: string; name?: string | null } & Record<string, unknown>;
export type Codebase = { codebase: string; items: Untyped[]; team?: string | null };
export type Metric = Untyped;
export type PlatformChange = Untyped;
export type Policy = Untyped;
export type Surface = Untyped;
