/** The cells of a change in a table, for the terminal and for Markdown. */
import { formatDuration } from "../../scenario/quantities.ts";
import { formatCount } from "../../soak/figures.ts";
import { oneLine } from "../one-line.ts";
import { formatProbability } from "../probability-text.ts";
import type { ChangeStatus, DiffRecord, FigureChange, Interval, StatementChange } from "./diff-record.ts";
import type { FigureUnit } from "./figures.ts";

type Change = StatementChange | FigureChange;

/** What a row says. */
export interface DiffRow {
  readonly what: string;
  readonly old: string;
  readonly new: string;
  readonly change: string;
  readonly threshold: string;
}

/** Heads of the columns behind the first. */
export const DIFF_HEADS = ["OLD", "NEW", "CHANGE", "THRESHOLD"] as const;

/** The sections of a report, in order, and what they are called. */
export const SECTIONS: readonly (readonly [status: ChangeStatus, title: string])[] = [
  ["worse", "worse"],
  ["better", "better"],
  ["within-chance", "within chance: the 95 % intervals overlap"],
  ["within-threshold", "within the threshold"],
  ["changed", "changed, neither better nor worse"],
  ["not-judged", "not judged: no threshold"],
];

/** Longest text in a cell: what names and reasons hold is the records' affair. */
const CELL_MOST = 120;
const REMARK_MOST = 500;

export function rowOf(change: Change): DiffRow {
  const what = cut(change.subject === "" ? change.name : `${change.subject}: ${change.name}`);
  if (!("unit" in change)) {
    return { what, old: cut(change.old ?? "–"), new: cut(change.new ?? "–"), change: "", threshold: "" };
  }
  const { unit, intervals, threshold } = change;
  return {
    what,
    old: valueText(change.old, unit, intervals?.old),
    new: valueText(change.new, unit, intervals?.new),
    change: changeText(change),
    threshold:
      threshold === null ? "off" : "share" in threshold ? percent(threshold.share) : amount(threshold.amount, unit),
  };
}

/** The whole in a sentence. */
export function diffHeadline({ worse, compared, old, new: fresh }: DiffRecord): string {
  const share = `${formatCount(worse)} of ${formatCount(compared)} figures and statements`;
  const verdict =
    worse === 0 ? `nothing of ${formatCount(compared)} figures and statements is worse` : `${share} are worse`;
  return `${cut(old)} → ${cut(fresh)}: ${verdict}`;
}

/** What is different about what was run, a line each. */
export function remarkTexts({ remarks }: DiffRecord): string[] {
  return remarks.map((remark) => cut(remark, REMARK_MOST));
}

/** How much has not changed. */
export function sameText({ same, compared }: DiffRecord): string {
  return `${formatCount(same)} of ${formatCount(compared)} are the same`;
}

/** How many changes have the status. */
export function countOf({ changes }: DiffRecord, wanted: ChangeStatus): number {
  return changes.filter(({ status }) => status === wanted).length;
}

/** One line of text from a record that nothing obeys. */
function cut(text: string, most = CELL_MOST): string {
  const line = oneLine(text);
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

function valueText(value: number, unit: FigureUnit, interval?: Interval): string {
  const text = amount(value, unit);
  return interval ? `${text} (${amount(interval[0], unit)} to ${amount(interval[1], unit)})` : text;
}

function changeText({ change, changeRatio, unit }: FigureChange): string {
  const sign = change < 0 ? "−" : "+";
  // A percentage of a percentage would be read as its share.
  const size =
    unit === "ratio" ? `${percent(Math.abs(change)).replace(" %", "")} points` : amount(Math.abs(change), unit);
  const absolute = `${sign}${size}`;
  return changeRatio === null ? `${absolute} (from 0)` : `${absolute} (${sign}${percent(Math.abs(changeRatio))})`;
}

function amount(value: number, unit: FigureUnit): string {
  if (value < 0) return `−${amount(-value, unit)}`;
  switch (unit) {
    case "bytes":
      return `${formatCount(value)} B`;
    case "time":
      return formatDuration(value);
    case "ratio":
      return formatProbability(value);
    case "bytes-a-day":
      return `${value < 10 ? Number(value.toPrecision(2)) : formatCount(value)} B/d`;
    case "cycles":
      return value < 100 ? String(Number(value.toPrecision(3))) : formatCount(value);
    default:
      return Number.isInteger(value) ? formatCount(value) : String(value);
  }
}

function percent(share: number): string {
  const value = share * 100;
  return `${value >= 1000 ? formatCount(value) : Number(value.toPrecision(3))} %`;
}
