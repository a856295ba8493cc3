/** What a fit came to, as plain data: the report and `--json` are made from it alone. */
import type { OptionValues } from "../allocators/entry.ts";
import type { Evaluation } from "./evaluation/evaluate.ts";

/** Where a value of the heap comes from. */
export type PlaceSource = "trace" | "option" | "default";

/** The heap that trace and scenario were compared on, and that the scenario has. */
export interface FitPlace {
  readonly allocator: string;
  readonly allocatorFrom: PlaceSource;
  readonly options: OptionValues;
  readonly heapBytes: number;
  readonly heapBytesFrom: PlaceSource;
}

/** The trace that was fitted. */
export interface FittedTrace {
  readonly name: string;
  readonly operations: number;
  readonly blocks: number;
  readonly durationUs: number;
  /** False: it has no times, and a millisecond stands for an operation. */
  readonly timed: boolean;
  readonly sites: number;
  readonly tasks: number;
  readonly boots: number;
  readonly gaps: number;
  readonly unmatchedFrees: number;
  readonly refused: number;
}

export interface FitRecord {
  readonly format: "heapsoak.fit";
  readonly version: 1;
  readonly heapsoak: string;
  readonly trace: FittedTrace;
  readonly place: FitPlace;
  /** What the written scenario was fitted on. The evaluated one was always fitted on the first half. */
  readonly fittedOn: "whole" | "first-half";
  readonly evaluation: Evaluation;
  /** What a reader must know of trace and scenario, in sentences. */
  readonly remarks: readonly string[];
}
