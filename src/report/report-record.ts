/** The records that reports are made of, whatever command wrote them. */
import type { ValidationRecord } from "../board/validation/validation-record.ts";
import type { StackBoundRecord } from "../firmware-stack/stack-record.ts";
import type { FitRecord } from "../fit/record.ts";
import type { ForecastRecord } from "../forecast/record.ts";
import type { BlameRecord } from "../risk/blame/record.ts";
import type { HuntRecord } from "../risk/hunt/record.ts";
import type { RiskRecord } from "../risk/record.ts";
import type { SizeRecord } from "../risk/size/record.ts";
import type { WorstRecord } from "../risk/worst/record.ts";
import type { ShrinkRecord } from "../shrink/record.ts";
import type { RunRecord } from "../soak/record.ts";
import type { ReplayResult } from "../trace/replay-result.ts";

export const COMPARE_FORMAT = "heapsoak.compare";
export const REPLAY_FORMAT = "heapsoak.replay";

/** A candidate of a comparison: its record, or why it could not run. */
export type ComparedCandidate = {
  readonly scenario: string;
  /** The heap whose figures are compared; null where the scenario has none. */
  readonly heap: string | null;
  readonly allocator: string | null;
  /** As it was asked for, or null where the scenario's size stands. */
  readonly size: string | null;
} & ({ readonly record: RunRecord } | { readonly refused: string });

/** A stack that is compared as well. */
export interface ComparedStack {
  readonly task: string;
  /** Its guards in words, for each candidate. */
  readonly protections: readonly string[];
}

export interface CompareRecord {
  readonly format: typeof COMPARE_FORMAT;
  readonly version: 1;
  readonly runs: readonly ComparedCandidate[];
  /** Absent where no stack was asked for. */
  readonly stack?: ComparedStack;
}

export interface ReplayRecord {
  readonly format: typeof REPLAY_FORMAT;
  readonly version: 1;
  readonly replays: readonly { readonly trace: string; readonly results: readonly ReplayResult[] }[];
}

export type ReportRecord =
  | RunRecord
  | CompareRecord
  | RiskRecord
  | SizeRecord
  | ValidationRecord
  | ReplayRecord
  | StackBoundRecord
  | FitRecord
  | ForecastRecord
  | BlameRecord
  | HuntRecord
  | WorstRecord
  | ShrinkRecord;

/** The `format` of a record: `heapsoak.run`, `heapsoak.risk` … */
export type RecordKind = ReportRecord["format"];

/** A record of one of the kinds `K`. */
export type RecordOf<K extends RecordKind> = Extract<ReportRecord, { readonly format: K }>;

/** A record and what it is called where several stand side by side: its file without folder and ending. */
export interface NamedRecord {
  readonly name: string;
  readonly record: ReportRecord;
}
