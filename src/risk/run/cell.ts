import type { Scenario } from "../../scenario/model.ts";

/** What counts as a failure: the run's own (see RunFailureKind), or already the first refused request of the cell's heap. */
export type FailOn = "failure" | "request";

/** One configuration of a campaign. Plain data. */
export interface Cell {
  /** With the allocator, the size and everything else applied. */
  readonly scenario: Scenario;
  /** The heap that the campaign varies, and that `failOn: "request"` is about. */
  readonly heap: string;
  readonly allocator: string;
  readonly heapBytes: number;
  /** Simulated time after which a run counts as survived. */
  readonly horizonUs: number;
  readonly failOn: FailOn;
}
