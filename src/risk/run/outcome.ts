import type { RunFailure, RunFailureKind } from "../../soak/record.ts";

/** `request`: a request was refused, whatever the firmware made of it. */
export type OutcomeFailureKind = RunFailureKind | "request";

/** How a run failed first, in the terms of the scenario; null where it has none of it. */
export interface OutcomeFailure extends Omit<RunFailure, "kind" | "message"> {
  readonly kind: OutcomeFailureKind;
}

/** What came of one run of one cell. Plain data, the same for the same cell and seed on every machine. */
export interface RunOutcome {
  /** Decimal of a u64. */
  readonly seed: string;
  /** Simulated time of the failure, or the horizon. */
  readonly endUs: number;
  /** The first one that counts, or null: the run survived. */
  readonly failure: OutcomeFailure | null;
  /** Instructions executed and events handled: what the run cost, whoever ran it. */
  readonly steps: number;
  /** How close it came, up to its end. */
  readonly margins: RunMargins;
}

/** The least of each reserve during a run. */
export interface RunMargins {
  readonly heaps: Readonly<
    Record<
      string,
      {
        readonly leastFreeBytes: number;
        readonly leastLargestFreeBytes: number;
        readonly failedRequests: number;
      }
    >
  >;
  /** By stack; negative: that many bytes beyond its end. */
  readonly stacks: Readonly<Record<string, { readonly headroomBytes: number }>>;
}
