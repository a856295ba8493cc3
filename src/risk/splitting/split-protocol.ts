/** What main thread and splitting thread say to each other. */
import type { ErrorCode } from "../../errors.ts";
import type { Cell } from "../run/cell.ts";
import type { SplittingEstimate } from "./splitting.ts";

export interface SplitTask {
  readonly cell: Cell;
  readonly seed: bigint;
  readonly effort: number;
}

export type SplitReply =
  | { readonly kind: "replication"; readonly done: number; readonly of: number }
  | { readonly kind: "estimate"; readonly estimate: SplittingEstimate }
  | {
      readonly kind: "refusal";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };
