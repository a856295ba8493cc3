import { HeapField } from "../../assembly/memory-map.ts";
import type { HeapRecord } from "../wasm/heap-record.ts";
import { type MomentKind, unlessFault } from "./replay-result.ts";

/** Operations between two looks at the heap's counters, and the least between two samples of its largest free block. */
export const CHUNK_OPERATIONS = 256;

/** A stretch of the run's operations [first, end) in which the worst moment lies; at `end` for `least-free`. */
export interface Stretch {
  readonly kind: MomentKind;
  readonly first: number;
  readonly end: number;
}

const RANKS: Readonly<Record<MomentKind, number>> = { "least-free": 0, failed: 1, fragmentation: 2 };

/** What must be put back when a run of operations is repeated. */
interface Progress {
  readonly rank: number;
  readonly found: Stretch | undefined;
  readonly failed: number;
  readonly fragmentation: number;
  readonly minimumLargestFreeBytes: number;
  readonly unsampledOperations: number;
  readonly sampleEvery: number;
}

/**
 * Watches a replay for its worst moment. A sample walks the whole heap, so samples lie as many operations apart
 * as the heap has blocks (at least CHUNK_OPERATIONS): their cost stays in proportion.
 */
export class WorstMomentWatch {
  readonly #record: HeapRecord;
  #progress: Progress;

  constructor(record: HeapRecord) {
    this.#record = record;
    this.#progress = {
      rank: -1,
      found: undefined,
      failed: record.get(HeapField.FailedRequests),
      fragmentation: record.get(HeapField.FragmentationFailures),
      minimumLargestFreeBytes: record.summary().largestFreeBytes,
      unsampledOperations: 0,
      sampleEvery: 0,
    };
  }

  get minimumLargestFreeBytes(): number {
    return this.#progress.minimumLargestFreeBytes;
  }

  /** The worst stretch of the current run of operations, when it is the worst so far. */
  get found(): Stretch | undefined {
    return this.#progress.found;
  }

  /** Begins a run of operations. Pass what it returns to `rewind` before the run is repeated. */
  begin(): Progress {
    this.#progress = { ...this.#progress, found: undefined };
    return this.#progress;
  }

  rewind(progress: Progress): void {
    this.#progress = progress;
  }

  /** Looks at the heap behind operations [first, end) of the current run. */
  look(first: number, end: number): void {
    const failed = this.#record.get(HeapField.FailedRequests);
    const fragmentation = this.#record.get(HeapField.FragmentationFailures);
    const before = this.#progress;
    this.#progress = {
      ...before,
      failed,
      fragmentation,
      unsampledOperations: before.unsampledOperations + end - first,
    };
    if (fragmentation > before.fragmentation) this.#note("fragmentation", first, end);
    else if (failed > before.failed) this.#note("failed", first, end);
    if (this.#progress.unsampledOperations >= this.#progress.sampleEvery) this.#sample(first, end);
  }

  #note(kind: MomentKind, first: number, end: number): void {
    if (RANKS[kind] <= this.#progress.rank) return;
    this.#progress = { ...this.#progress, rank: RANKS[kind], found: { kind, first, end } };
  }

  #sample(first: number, end: number): void {
    const summary = unlessFault(() => this.#record.summary());
    if (!summary) return;
    const { largestFreeBytes, liveBlocks, holes } = summary;
    const { rank, minimumLargestFreeBytes } = this.#progress;
    this.#progress = {
      ...this.#progress,
      unsampledOperations: 0,
      sampleEvery: Math.max(CHUNK_OPERATIONS, liveBlocks + holes),
      minimumLargestFreeBytes: Math.min(minimumLargestFreeBytes, largestFreeBytes),
    };
    if (rank > 0 || (rank === 0 && largestFreeBytes >= minimumLargestFreeBytes)) return;
    this.#progress = { ...this.#progress, rank: 0, found: { kind: "least-free", first, end } };
  }
}
