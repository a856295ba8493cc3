/** What a record says in the terms that all machine formats share: what it was judged by, and what came of it. */
import type { Verdict } from "../../soak/record.ts";
import type { RecordKind } from "../report-record.ts";
import type { TableRow } from "../table.ts";
import type { RuleId } from "./rules.ts";

/** `outdone`: failed, but its record goes by the best of several candidates, and another one did not fail. */
export type CheckStatus = Verdict | "outdone";

/** One thing that a record was judged by. */
export interface Check {
  /** Unique within the outcome, and the same whenever the scenario is run: `survives: 30 d`. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What decided it, in words. */
  readonly message: string;
  readonly rule: RuleId;
  /** More about it, line by line, as the terminal's report has it. */
  readonly details: readonly string[];
  /** In the outcome's file; null: not known. */
  readonly line: number | null;
  readonly task: string | null;
  readonly step: string | null;
}

/** A table of figures, as the terminal's report has it. */
export interface FigureTable {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly TableRow[];
}

export interface Outcome {
  /** Unique among the outcomes of a report. */
  readonly name: string;
  readonly kind: RecordKind;
  /** Which candidate of a comparison it is; empty otherwise. */
  readonly variant: string;
  /** What the record is about, such as the scenario's title. */
  readonly title: string;
  /** The file that it is about: scenario, trace, log or program. Null: none. */
  readonly path: string | null;
  readonly verdict: Verdict;
  /** The verdict's reason in a sentence. */
  readonly sentence: string;
  readonly checks: readonly Check[];
  readonly tables: readonly FigureTable[];
  /** Where it comes from: versions, seed, digest. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** A check about nothing in particular, with what differs from that. */
export function check(given: Pick<Check, "name" | "status" | "message" | "rule"> & Partial<Check>): Check {
  return { details: [], line: null, task: null, step: null, ...given };
}
