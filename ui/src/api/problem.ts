// What a request that failed says: the server's problem, the refusal inside it, or that the server was not reached.
import type { components } from "./schema";
import type { Refusal } from "./model.ts";

export type ProblemBody = components["schemas"]["ProblemBody"];

/** An answer that is not a success. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | null;
  /** Present when the process said no, as opposed to the request being wrong. */
  readonly refusal: Refusal | null;

  constructor(body: Partial<ProblemBody>, status: number) {
    super(body.detail ?? `the server answered with status ${status}`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? "unknown";
    this.field = body.field ?? null;
    this.refusal = (body.refusal as Refusal | null | undefined) ?? null;
  }
}

/** The server was not reached at all. */
export class Unreachable extends Error {
  constructor() {
    super("the server cannot be reached; what you see is as it was");
    this.name = "Unreachable";
  }
}

/** A failure in one line, whatever it was. */
export function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
