/** A self-contained HTML page of any records: a pure function of them. */
import { RUN_FORMAT, type RunRecord } from "../../soak/record.ts";
import { COMPARE_FORMAT, type NamedRecord } from "../report-record.ts";
import { comparePage, comparisonOf } from "./compare-page.ts";
import { PageContext } from "./page-context.ts";
import { recordPage } from "./record-pages.ts";
import { documentOf, type NamedPage, type PageAssets } from "./shell.ts";

/** With more runs than that on a page, only their comparison draws them, from thinned series. */
const RUNS_DRAWN = 12;
const ROWS = 512;
const ROWS_OF_MANY = 64;

/**
 * One document for any mix of records, without anything from outside: it reads and prints without its script, which
 * draws the heaps over time and their charts. Several runs are compared first, and follow one by one, closed. Without
 * a `title` the records give one.
 */
export function htmlPage(records: readonly NamedRecord[], assets: PageAssets, title?: string): string {
  const runs = records.flatMap(({ name, record }) => (record.format === RUN_FORMAT ? [{ name, record }] : []));
  const many = runCount(records) > RUNS_DRAWN;
  const detail = many ? { rowsMost: ROWS_OF_MANY, hasBlocks: false } : { rowsMost: ROWS, hasBlocks: true };
  const context = new PageContext(records, detail, !many);
  for (const { name, record } of runs) context.indexOf(record, name);
  const pages = records.map((named): NamedPage => {
    const collapsed = named.record.format === RUN_FORMAT && runs.length > 1;
    return { name: named.name, page: recordPage(named, context), collapsed };
  });
  return documentOf([...comparisonPages(runs, context), ...pages], context.data, assets, title);
}

function comparisonPages(runs: readonly { name: string; record: RunRecord }[], context: PageContext): NamedPage[] {
  if (runs.length < 2) return [];
  const name = "comparison";
  return [{ name, page: comparePage(comparisonOf(runs), name, context), collapsed: false }];
}

function runCount(records: readonly NamedRecord[]): number {
  return records.reduce((count, { record }) => {
    if (record.format === COMPARE_FORMAT) return count + record.runs.length;
    return record.format === RUN_FORMAT ? count + 1 : count;
  }, 0);
}
