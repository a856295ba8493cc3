import { formatBytes } from "../quantities.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { HeapRecordOfRun, RunRecord } from "../soak/record.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount, formatRatio, type TableRow, tableLines } from "./table.ts";

/** One candidate of a comparison: its record, or why it could not run. */
export interface ComparedRun {
  readonly allocator: string;
  /** As it was asked for, or null where the scenario's size stands. */
  readonly size: string | null;
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

/** The comparison as one table, a row a candidate. `heap` is the one that differs between them. */
export function compareText(heap: string, runs: readonly ComparedRun[], paint: Paint = plainPaint): string {
  const first = runs.map(({ result }) => ("record" in result ? result.record : undefined)).find((record) => record);
  const title = first
    ? `${first.scenario.title}: heap ${heap} on ${first.scenario.device}, seed ${first.scenario.seed}`
    : "";
  const refused = runs.flatMap((run) =>
    "refused" in run.result
      ? [`${run.allocator}${run.size === null ? "" : ` ${run.size}`}: ${run.result.refused}`]
      : [],
  );
  const lines = [
    paint.strong(title),
    "",
    ...tableLines(
      HEADS,
      runs.map((run) => row(heap, run)),
    ),
  ];
  return `${[...lines, ...(refused.length > 0 ? ["", ...refused] : [])].join("\n")}\n`;
}

function row(name: string, { allocator, size, result }: ComparedRun): TableRow {
  if ("refused" in result) return { title: allocator, cells: [size ?? "", "refused"] };
  const { record } = result;
  const heap = record.heaps[name];
  const cells = [heap ? formatBytes(heap.arenaBytes) : (size ?? ""), record.verdict.toUpperCase(), survived(record)];
  return { title: allocator, cells: heap ? [...cells, ...heapCells(heap)] : cells };
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
