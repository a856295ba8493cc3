/** What a replay found, as plain data: reports and `--json` are made from it alone. */
import type { OptionValues } from "../allocators/entry.ts";
import type { FaultRegister } from "../device/fault-registers.ts";
import { heapMap, heapPicture } from "../report/picture.ts";
import { type FaultKind, GuestFault } from "../wasm/guest-fault.ts";
import type { HeapCounters, HeapFinding, HeapRecord, HeapSummary, Region } from "../wasm/heap-record.ts";
import type { RecordingTotals } from "./format.ts";
import type { PassHistory } from "./replay-passes.ts";

/** Where in a trace: operations count from 1 over all passes; the line is that of the file, 0 for a release at a pass's end. */
export interface TracePosition {
  readonly operation: number;
  readonly line: number;
}

/** A heap at a moment. */
export interface HeapState {
  /** Undefined where broken metadata lets no one walk the heap. */
  readonly summary: HeapSummary | undefined;
  /** Bytes that were asked for in the live blocks. */
  readonly requestedBytes: number;
  /** 1 − largest request that would succeed / free bytes; 0 when nothing is free. */
  readonly externalFragmentationRatio: number;
  /** 1 − requested bytes / live bytes; 0 when nothing is live. */
  readonly internalFragmentationRatio: number;
  /** In one line, holes in brackets; empty where the heap cannot be walked. */
  readonly picture: string;
  /** To scale: `#` live, `.` free, `+` both, `-` bookkeeping. */
  readonly map: string;
}

/**
 * `fragmentation`: the first request that failed although enough was free; `failed`: the first that failed at
 * all; `least-free`: none failed, and here the largest request that would have succeeded was smallest.
 */
export type MomentKind = "fragmentation" | "failed" | "least-free";

/** The heap at its worst, right behind the operation named. */
export interface WorstMoment extends TracePosition {
  readonly kind: MomentKind;
  /** What was asked and refused; 0 for `least-free`. */
  readonly requestBytes: number;
  readonly state: HeapState;
}

/** An operation during which the guest left its heap or stopped. */
export interface ReplayFault extends TracePosition {
  readonly kind: FaultKind;
  readonly address: number;
  readonly access: "load" | "store";
  readonly bytes: number;
  /** The whole in a sentence. */
  readonly message: string;
  /** What the core does about it, and the registers it leaves. */
  readonly exception: string;
  readonly registers: readonly FaultRegister[];
}

/** A block that nothing freed. */
export interface LeakedBlock {
  readonly id: number;
  readonly address: number;
  readonly requestBytes: number;
}

export interface ReplayResult {
  readonly allocator: string;
  readonly options: OptionValues;
  readonly device: string;
  readonly regions: readonly Region[];
  readonly stateAddress: number;
  /** Times the trace was run through, the last perhaps not to its end. */
  readonly passes: number;
  readonly history: PassHistory;
  /** What one pass lasts, from the trace's first time to its last over all boots; undefined where it tells none or was not read to its end. */
  readonly passUs: number | undefined;
  /** Records run or skipped, over all passes. */
  readonly operations: number;
  /** Of a board's recording, what it says of one pass: at each boot the heap started anew, and the counters went on. */
  readonly recording?: RecordingTotals;
  readonly counters: HeapCounters;
  /** Frees and reallocations of ids that the trace never allocated, or freed long ago: skipped, or taken as allocations. */
  readonly unknownIds: number;
  /** Allocations for ids that still held a block: the old block stays live. */
  readonly reusedIds: number;
  /** The least that the largest request that would succeed came down to, sampled every 256 operations or more. */
  readonly minimumLargestFreeBytes: number;
  readonly worst: WorstMoment | undefined;
  readonly end: HeapState;
  readonly leaks: { readonly blocks: number; readonly requestBytes: number; readonly first: readonly LeakedBlock[] };
  /** The first time metadata led out of the heap. The replay went on as the board would. */
  readonly leftHeap: ReplayFault | undefined;
  /** What stopped the device, and with it the replay. */
  readonly fault: ReplayFault | undefined;
  /** The first invariant that does not hold at the end. */
  readonly inconsistency: HeapFinding | undefined;
}

/** Characters of HeapState.map. */
export const MAP_CHARACTERS = 64;

/** The heap as it is now. */
export function heapState(record: HeapRecord): HeapState {
  const summary = unlessFault(() => record.summary());
  const { requestedBytes, liveBytes } = record.counters();
  return {
    summary,
    requestedBytes,
    externalFragmentationRatio: summary ? externalFragmentation(summary) : 0,
    internalFragmentationRatio: liveBytes > 0 ? Math.max(0, 1 - requestedBytes / liveBytes) : 0,
    picture: unlessFault(() => heapPicture(record.blocks())) ?? "",
    map: unlessFault(() => heapMap(record.blocks(), MAP_CHARACTERS)) ?? "",
  };
}

/** 1 − largest request that would succeed / free bytes; 0 when nothing is free. */
export function externalFragmentation({ freeBytes, largestFreeBytes }: HeapSummary): number {
  return freeBytes > 0 ? Math.max(0, 1 - largestFreeBytes / freeBytes) : 0;
}

/** What `look` returns, or undefined when broken metadata faults it. */
export function unlessFault<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof GuestFault) return undefined;
    throw error;
  }
}
