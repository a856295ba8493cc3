import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { HeapRecordOfRun, RunRecord } from "../soak/record.ts";
import { type Paint, plainPaint } from "./paint.ts";
import type { ComparedCandidate, ComparedStack, CompareRecord } from "./report-record.ts";
import { type ProtectedRun, stackTable } from "./stack-table.ts";
import { formatCount, formatRatio, type TableRow, tableLines } from "./table.ts";

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
 * pure function of the record.
 */
export function compareText({ runs, stack }: Pick<CompareRecord, "runs" | "stack">, paint: Paint = plainPaint): string {
  const sections = [
    [paint.strong(headline(runs)), "", ...tableLines(...comparedTable(runs))],
    stack === undefined ? [] : [paint.strong(`stack ${stack.task}`), ...stackTable(protectedRuns(runs, stack))],
    runs.flatMap((run) => ("refused" in run ? [`${candidate(run)}: ${run.refused}`] : [])),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

/** The candidates side by side: heads and rows. */
export function comparedTable(
  runs: readonly ComparedCandidate[],
): [heads: readonly string[], rows: readonly TableRow[]] {
  const several = new Set(runs.map(({ scenario }) => scenario)).size > 1;
  const pauses = runs.map(longestPause);
  const collected = pauses.some((pause) => pause !== undefined);
  const rows = runs.map((run, index): TableRow => {
    const [allocator = "", ...cells] = cellsOf(run);
    if (collected) cells[HEADS.length] = pauses[index] ?? "";
    return several ? { title: run.scenario, cells: [allocator, ...cells] } : { title: allocator, cells };
  });
  const heads = collected ? [...HEADS, COLLECTION_HEAD] : HEADS;
  return [several ? ["ALLOCATOR", ...heads] : heads, rows];
}

/** Visits of the longest collection, where the heap is collected. */
function longestPause(run: ComparedCandidate): string | undefined {
  const collections = "record" in run && run.heap !== null ? run.record.heaps[run.heap]?.collections : undefined;
  return collections && formatCount(collections.longestVisits);
}

function headline(runs: readonly ComparedCandidate[]): string {
  const scenarios = new Set(runs.map(({ scenario }) => scenario));
  const records = runs.flatMap((run) => ("record" in run ? [run.record] : []));
  const seeds = [...new Set(records.map(({ scenario }) => scenario.seed))];
  const seed = seeds.length === 1 ? `, seed ${seeds[0]}` : "";
  const [first] = records;
  if (scenarios.size > 1 || !first) return `${scenarios.size} scenarios${seed}`;
  return `${first.scenario.title}: heap ${runs[0]?.heap ?? "none"} on ${first.scenario.device}${seed}`;
}

/** What `stackTable` tells of each candidate that ran. */
export function protectedRuns(
  runs: readonly ComparedCandidate[],
  { task, protections }: ComparedStack,
): ProtectedRun[] {
  return runs.flatMap((run, index) =>
    "record" in run ? [{ protection: protections[index] ?? "none", stack: task, run: run.record }] : [],
  );
}

function candidate({ scenario, allocator, size }: ComparedCandidate): string {
  return [scenario, allocator, size].filter((part) => part !== null).join(" ");
}

function cellsOf(run: ComparedCandidate): string[] {
  if ("refused" in run) return [run.allocator ?? "", run.size ?? "", "refused"];
  const { record } = run;
  const heap = run.heap === null ? undefined : record.heaps[run.heap];
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
