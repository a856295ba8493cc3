/** A heap's part of the record, and who holds its memory. */
import type { HeapFigures, LedgerEntry } from "../wasm/soak-readers.ts";
import type { HeapTelemetry } from "../wasm/soak-telemetry.ts";
import type { CompiledScenario } from "./compiled.ts";
import { driftOf } from "./drift.ts";
import type { Column, HeapRecordOfRun, OperationOfRun } from "./record.ts";

/** What is known of a heap at the end of a run. */
export interface HeapMaterial {
  readonly allocator: string;
  readonly arenaBytes: number;
  readonly figures: HeapFigures;
  readonly telemetry: HeapTelemetry;
  /** Its live blocks. */
  readonly blocks: readonly LedgerEntry[];
  readonly slowest: readonly OperationOfRun[];
}

type Holder = HeapRecordOfRun["holders"][number];

/** The heap's record; drift is that of the run after the warm-up. */
export function heapOfRun(
  heap: HeapMaterial,
  run: { readonly compiled: CompiledScenario; readonly seed: bigint; readonly judgedFromUs: number | undefined },
): HeapRecordOfRun {
  const { figures, telemetry } = heap;
  const { series, wholeRun } = telemetry;
  const largestFreeBytes = series.largestFreeBytes.last.at(-1) ?? 0;
  const first = series.atUs.findIndex((us) => us > (run.judgedFromUs ?? 0));
  const drift = (least: Column) => (first < 0 ? null : driftOf(series.atUs.slice(first), least.slice(first), run.seed));
  return {
    allocator: heap.allocator,
    arenaBytes: heap.arenaBytes,
    requests: figures.requests,
    zeroSizeRequests: figures.zeroSizeRequests,
    frees: figures.frees,
    failedRequests: figures.failedRequests,
    fragmentationFailures: figures.fragmentationFailures,
    liveBlocks: figures.liveBlocks,
    liveBytes: figures.liveBytes,
    requestedBytes: figures.requestedBytes,
    peakLiveBytes: wholeRun.peakLiveBytes,
    freeBytes: figures.freeBytes,
    minimumFreeBytes: wholeRun.minimumFreeBytes,
    largestFreeBytes,
    minimumLargestFreeBytes: wholeRun.minimumLargestFreeBytes,
    holes: series.holes.last.at(-1) ?? 0,
    externalFragmentationRatio: lostShare(largestFreeBytes, figures.freeBytes),
    internalFragmentationRatio: lostShare(figures.requestedBytes, figures.liveBytes),
    splitRatio: share(figures.splits, figures.requests - figures.failedRequests),
    visits: { ...figures.visits, max: wholeRun.visitsMost },
    slowest: heap.slowest,
    ...collectionsOf(figures),
    holders: holdersOf(heap.blocks, run.compiled),
    inconsistentUs: telemetry.inconsistentUs ?? null,
    drift: drift(series.freeBytes.min),
    largestFreeDrift: drift(series.largestFreeBytes.min),
    series,
  };
}

/** Who holds the blocks: by task, step and whether they are leaked, most bytes first. */
export function holdersOf(blocks: readonly LedgerEntry[], { contexts, steps }: CompiledScenario): Holder[] {
  const holders = new Map<string, { -readonly [K in keyof Holder]: Holder[K] }>();
  for (const { context, step, blockBytes, allocatedAtUs, owner } of blocks) {
    const leaked = owner === "leaked";
    const task = context === undefined ? "kernel" : (contexts[context]?.name ?? "kernel");
    const place = stepText(step === undefined ? undefined : steps[step]) ?? "control blocks and stacks";
    const key = JSON.stringify([task, place, leaked]);
    const holder = holders.get(key) ?? { task, step: place, blocks: 0, bytes: 0, oldestUs: allocatedAtUs, leaked };
    holder.blocks++;
    holder.bytes += blockBytes;
    holder.oldestUs = Math.min(holder.oldestUs, allocatedAtUs);
    holders.set(key, holder);
  }
  return [...holders.values()].sort((a, b) => b.bytes - a.bytes || (holderKey(a) < holderKey(b) ? -1 : 1));
}

/** `tasks.uplink.do[2] allocate packet`. */
export function stepText(step: CompiledScenario["steps"][number] | undefined): string | undefined {
  return step && `${step.path} ${step.label}`;
}

function holderKey({ task, step, leaked }: Holder): string {
  return JSON.stringify([task, step, leaked]);
}

function collectionsOf({ collections, longestCollectionVisits, collectedBlocks }: HeapFigures) {
  if (collections === 0) return {};
  return { collections: { count: collections, longestVisits: longestCollectionVisits, blocks: collectedBlocks } };
}

/** 1 − part / whole; 0 of nothing. */
function lostShare(part: number, whole: number): number {
  return whole > 0 ? 1 - Math.min(part, whole) / whole : 0;
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
