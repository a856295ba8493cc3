import { formatCount } from "../../soak/figures.ts";
import { type Paint, plainPaint } from "../paint.ts";
import { type TableRow, tableLines } from "../table.ts";
import type { ChangeStatus, DiffRecord } from "./diff-record.ts";
import { countOf, DIFF_HEADS, diffHeadline, remarkTexts, rowOf, SECTIONS, sameText } from "./diff-rows.ts";

export interface DiffTextOptions {
  readonly paint?: Paint;
  /** Show all that has changed, also what is within its threshold or not judged. False by default. */
  readonly all?: boolean;
}

/** Sections that are shown without `all`. */
const ALWAYS_SHOWN: ReadonlySet<ChangeStatus> = new Set(["worse", "better", "within-chance"]);
/** Rows of a section without `all`. */
const ROWS_SHOWN = 40;

/** What got worse for the terminal, worst first. A pure function of the record. */
export function diffText(record: DiffRecord, { paint = plainPaint, all = false }: DiffTextOptions = {}): string {
  const word = record.worse > 0 ? paint.bad("WORSE") : paint.good("NOT WORSE");
  const sections = [
    [`${word}  ${paint.strong(diffHeadline(record))}`, ...remarkTexts(record).map((remark) => `  ${remark}`)],
    tableOf(record, paint, all),
    [restLine(record, all)],
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

/** One table, so that the columns of all sections are in line. */
function tableOf(record: DiffRecord, paint: Paint, all: boolean): string[] {
  const rows: TableRow[] = [];
  const marks: ((line: string) => string)[] = [paint.strong];
  const add = (row: TableRow, mark: (line: string) => string) => {
    rows.push(row);
    marks.push(mark);
  };
  for (const [status, title] of SECTIONS) {
    if (!all && !ALWAYS_SHOWN.has(status)) continue;
    const changes = record.changes.filter((change) => change.status === status);
    if (changes.length > 0) add({ title, cells: [] }, paint.strong);
    for (const change of all ? changes : changes.slice(0, ROWS_SHOWN)) {
      const { what, old, new: fresh, change: by, threshold } = rowOf(change);
      const cells = [old, fresh, by, threshold];
      add({ title: `  ${what}`, cells }, markOf(status, paint));
    }
    if (!all && changes.length > ROWS_SHOWN)
      add({ title: `  and ${changes.length - ROWS_SHOWN} more`, cells: [] }, markOf(status, paint));
  }
  if (rows.length === 0) return [];
  return tableLines(DIFF_HEADS, rows).map((line, index) => (marks[index] ?? paint.strong)(line));
}

function markOf(status: ChangeStatus, paint: Paint): (line: string) => string {
  if (status === "worse") return paint.bad;
  return status === "better" ? paint.good : (line) => line;
}

/** What is not in the table. */
function restLine(record: DiffRecord, all: boolean): string {
  const hidden = SECTIONS.filter(([status]) => !all && !ALWAYS_SHOWN.has(status)).flatMap(([status, title]) => {
    const count = countOf(record, status);
    return count === 0 ? [] : [`${formatCount(count)} ${title}`];
  });
  const same = sameText(record);
  return hidden.length === 0 ? same : `${same}; ${hidden.join("; ")} (--all lists them)`;
}
