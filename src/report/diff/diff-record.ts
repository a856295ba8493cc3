/** The record of `heapsoak diff`: plain versioned data, from which its table and its Markdown are made. */
import type { FigureUnit } from "./figures.ts";

export const DIFF_FORMAT = "heapsoak.diff";

/** How much worse a figure may become: a share of its old value, or an amount in its own unit. */
export type Threshold = { readonly share: number } | { readonly amount: number };

/**
 * `worse` and `better`: by more than the threshold. `within-threshold`: by less. `within-chance`: the 95 % intervals of
 * the two estimates overlap. `changed`: neither better nor worse. `not-judged`: the figure has no threshold.
 */
export type ChangeStatus = "worse" | "better" | "within-chance" | "within-threshold" | "changed" | "not-judged";

interface ChangeOfDiff {
  /** Of several things in a record, which one: a candidate, a cell of a campaign, an allocator. Empty: the record is about one. */
  readonly subject: string;
  readonly name: string;
  readonly status: ChangeStatus;
}

/** Of something that is told in words: a verdict, an expectation, a kind of failure. Null: the record does not have it. */
export interface StatementChange extends ChangeOfDiff {
  readonly old: string | null;
  readonly new: string | null;
}

export interface FigureChange extends ChangeOfDiff {
  readonly unit: FigureUnit;
  readonly better: "more" | "less";
  readonly old: number;
  readonly new: number;
  /** 95 %, where the figures are estimates. */
  readonly intervals: { readonly old: Interval; readonly new: Interval } | null;
  /** New − old. */
  readonly change: number;
  /** The change as a share of the old value; null where that is 0. */
  readonly changeRatio: number | null;
  readonly threshold: Threshold | null;
}

export type Interval = readonly [low: number, high: number];

export interface DiffRecord {
  readonly format: typeof DIFF_FORMAT;
  readonly version: 1;
  /** The format of both records. */
  readonly kind: string;
  /** What the records are called. */
  readonly old: string;
  readonly new: string;
  /** What is different about what was run, and what only one of the records is about. */
  readonly remarks: readonly string[];
  /** Figures and statements that were compared, and how many of them are the same. */
  readonly compared: number;
  readonly same: number;
  /** How many of the changes are worse. */
  readonly worse: number;
  /** Worst first. */
  readonly changes: readonly (StatementChange | FigureChange)[];
}
