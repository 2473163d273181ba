// Names of what the API answers with, as the pages use them. Every one is generated from the API's own description.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Account = Schemas["AccountView"];
export type Token = Schemas["TokenView"];
export type Webhook = Schemas["WebhookView"];
export type Done = Schemas["Done"];
export type Invited = Schemas["Invited"];
export type WhoMay = Schemas["WhoMay"];
export type ChecklistItem = Schemas["Item"];
export type LedgerDiff = Schemas["LedgerDiff"];
export type DataFinding = Schemas["DataFinding"];
export type Guardrail = Schemas["Guardrail"];
export type GuardrailLook = Schemas["GuardrailLook"];
export type JudgedGuardrail = Schemas["JudgedGuardrail"];
export type GuardrailQuestion = Schemas["GuardrailQuestion"];
export type Refusal = Schemas["Refusal"];
export type Choice = Schemas["Choice"];
export type Stamp = Schemas["Stamp"];
export type Wait = Schemas["Wait"];
export type Stage = Schemas["Stage"];
export type Verdict = Schemas["Verdict"];
export type Summary = Schemas["Summary"];
export type CaseFile = Schemas["CaseView"];
export type Experiment = Schemas["ExperimentView"];
export type Judged = Schemas["Judged"];
export type Measured = Schemas["Measured"];
export type Looks = Schemas["Looks"];
export type Look = Schemas["Point"];
export type Run = Schemas["RunView"];
export type RunPlan = Schemas["RunPlan"];
export type RunStatus = Schemas["RunStatus"];
export type RunLook = Schemas["RunLookTaken"];
export type ComparedArm = Schemas["ComparedArm"];
export type ArmMeasured = Schemas["ArmMeasured"];
export type Novelty = Schemas["Novelty"];
export type Weighing = Schemas["Weighing"];
export type Metric = Schemas["MetricView"];
export type TakenIn = Schemas["TakenIn"];
export type Flag = Schemas["FlagView"];
export type FlagChange = Schemas["FlagChangeView"];
export type FlagStanding = Schemas["FlagStanding"];
export type Segment = Schemas["Segment"];
export type SegmentView = Schemas["SegmentView"];
export type ChangeRequest = Schemas["ChangeRequestView"];
export type RequestStatus = Schemas["RequestStatus"];
export type Explained = Schemas["Explained"];
export type EvaluationStep = Schemas["EvaluationStep"];

/** Lower and upper, as the client reads a pair. */
export type Interval = readonly number[];
/** An effect as it is told: with its interval, where one is known. */
export interface Effect {
  estimate: number;
  interval: Interval | null;
}
