import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { HeapRecordOfRun, RunRecord } from "../soak/record.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { type ProtectedRun, stackTable } from "./stack-table.ts";
import { formatCount, formatRatio, type TableRow, tableLines } from "./table.ts";

/** One candidate of a comparison: its record, or why it could not run. */
export interface ComparedRun {
  /** Its name, without folder and ending. */
  readonly scenario: string;
  /** The heap whose figures are compared; null where the scenario has none. */
  readonly heap: string | null;
  readonly allocator: string | null;
  /** As it was asked for, or null where the scenario's size stands. */
  readonly size: string | null;
  /** The guards of the stack that is compared, or null. */
  readonly protection: string | null;
  readonly result: { readonly record: RunRecord } | { readonly refused: string };
}

const HEADS = [
  "SIZE",
  "VERDICT",
  "SURVIVED",
  "FAILED",
  "BY FRAGM.",
  "PEAK LIVE",
  "LEAST LARGEST FREE",
  "EXT. FRAGM.",
  "VISITS P99 / MAX",
];

/** Shown only where a heap is collected: the longest pause, in the visits of the others. */
const COLLECTION_HEAD = "LONGEST COLLECTION";

/**
 * The comparison as one table, a row a candidate; with `stack`, below it what noticed an overflow of that stack. A
 * pure function of the records.
 */
export function compareText(runs: readonly ComparedRun[], stack?: string, paint: Paint = plainPaint): string {
  const sections = [
    [paint.strong(headline(runs)), "", ...table(runs)],
    stack === undefined ? [] : [paint.strong(`stack ${stack}`), ...stackTable(protectedRuns(runs, stack))],
    runs.flatMap((run) => ("refused" in run.result ? [`${candidate(run)}: ${run.result.refused}`] : [])),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

function table(runs: readonly ComparedRun[]): string[] {
  const several = new Set(runs.map(({ scenario }) => scenario)).size > 1;
  const pauses = runs.map(longestPause);
  const collected = pauses.some((pause) => pause !== undefined);
  const rows = runs.map((run, index): TableRow => {
    const [allocator = "", ...cells] = cellsOf(run);
    if (collected) cells[HEADS.length] = pauses[index] ?? "";
    return several ? { title: run.scenario, cells: [allocator, ...cells] } : { title: allocator, cells };
  });
  const heads = collected ? [...HEADS, COLLECTION_HEAD] : HEADS;
  return tableLines(several ? ["ALLOCATOR", ...heads] : heads, rows);
}

/** Visits of the longest collection, where the heap is collected. */
function longestPause({ heap, result }: ComparedRun): string | undefined {
  const collections = "record" in result && heap !== null ? result.record.heaps[heap]?.collections : undefined;
  return collections && formatCount(collections.longestVisits);
}

function headline(runs: readonly ComparedRun[]): string {
  const scenarios = new Set(runs.map(({ scenario }) => scenario));
  const records = runs.flatMap(({ result }) => ("record" in result ? [result.record] : []));
  const seeds = [...new Set(records.map(({ scenario }) => scenario.seed))];
  const seed = seeds.length === 1 ? `, seed ${seeds[0]}` : "";
  const [first] = records;
  if (scenarios.size > 1 || !first) return `${scenarios.size} scenarios${seed}`;
  return `${first.scenario.title}: heap ${runs[0]?.heap ?? "none"} on ${first.scenario.device}${seed}`;
}

function protectedRuns(runs: readonly ComparedRun[], stack: string): ProtectedRun[] {
  return runs.flatMap(({ protection, result }) =>
    "record" in result ? [{ protection: protection ?? "none", stack, run: result.record }] : [],
  );
}

function candidate({ scenario, allocator, size }: ComparedRun): string {
  return [scenario, allocator, size].filter((part) => part !== null).join(" ");
}

function cellsOf({ heap: name, allocator, size, result }: ComparedRun): string[] {
  if ("refused" in result) return [allocator ?? "", size ?? "", "refused"];
  const { record } = result;
  const heap = name === null ? undefined : record.heaps[name];
  const outcome = [record.verdict.toUpperCase(), survived(record)];
  if (!heap) return ["", "", ...outcome];
  return [heap.allocator, formatBytes(heap.arenaBytes), ...outcome, ...heapCells(heap)];
}

function survived({ failure, simulatedUs }: RunRecord): string {
  return formatDuration(failure ? failure.atUs : simulatedUs);
}

function heapCells(heap: HeapRecordOfRun): string[] {
  return [
    formatCount(heap.failedRequests),
    formatCount(heap.fragmentationFailures),
    formatCount(heap.peakLiveBytes),
    formatCount(heap.minimumLargestFreeBytes),
    formatRatio(heap.externalFragmentationRatio),
    `${formatCount(heap.visits.p99)} / ${formatCount(heap.visits.max)}`,
  ];
}
