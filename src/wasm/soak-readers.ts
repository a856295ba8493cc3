/** The soak engine's records as plain data. */
import { VISITS_HISTOGRAM_LENGTH } from "../../assembly/memory-map.ts";
import { ContextField } from "../../assembly/soak/context-map.ts";
import {
  JournalField,
  JournalOperation,
  LedgerField,
  LedgerOwner,
  SoakHeapField,
} from "../../assembly/soak/ledger-map.ts";
import { FailureKind, HaltKind, SoakField } from "../../assembly/soak-map.ts";
import type { RunFailureKind } from "../soak/record.ts";
import type { EngineRecord } from "./engine-record.ts";
import { visitsOfClass } from "./heap-record.ts";

/** What a task instance or an interrupt has done. */
export interface ContextFigures {
  readonly activations: number;
  /** Starts that were lost because it still ran. */
  readonly skipped: number;
  readonly allocations: number;
  readonly failedRequests: number;
  readonly leaks: number;
  /** Number of the step of its first leak; undefined without one. */
  readonly firstLeakStep: number | undefined;
  /** Undefined while it has allocated nothing. */
  readonly lastAllocationUs: number | undefined;
}

/** The account of a heap over the whole run. */
export interface HeapFigures {
  readonly requests: number;
  readonly zeroSizeRequests: number;
  readonly frees: number;
  readonly failedRequests: number;
  readonly fragmentationFailures: number;
  /** Requests that left a smaller hole behind. */
  readonly splits: number;
  readonly liveBlocks: number;
  /** Headers and padding included. */
  readonly liveBytes: number;
  readonly requestedBytes: number;
  readonly peakLiveBytes: number;
  /** Free bytes of the heap when it is empty. */
  readonly emptyFreeBytes: number;
  readonly freeBytes: number;
  readonly minimumFreeBytes: number;
  readonly minimumLargestFreeBytes: number;
  readonly leaks: number;
  readonly leakedBytes: number;
  readonly doubleFrees: number;
  readonly visits: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly collections: number;
  readonly longestCollectionVisits: number;
  readonly collectedBlocks: number;
}

/** How a run fails, with the numbers of what it happened to; undefined where it has none. */
export interface MachineFailure {
  readonly kind: RunFailureKind;
  readonly atUs: number;
  /** Whether the device does not go on. A reboot by policy is a failure that it survives. */
  readonly halted: boolean;
  readonly heap: number | undefined;
  readonly context: number | undefined;
  readonly step: number | undefined;
  readonly requestBytes: number;
  readonly freeBytes: number;
  readonly largestFreeBytes: number;
  /** Of overflows: engine address of the stack's record. */
  readonly detail: number;
}

/** Who will give a block back. */
export type BlockOwner = "name" | "queue" | "keep" | "cache" | "kernel" | "leaked" | "blocks";

/** A live block. Context and step are undefined for blocks of the kernel's own. */
export interface LedgerEntry {
  readonly payload: number;
  readonly requestBytes: number;
  readonly blockBytes: number;
  readonly heap: number;
  readonly context: number | undefined;
  readonly step: number | undefined;
  readonly allocatedAtUs: number;
  readonly owner: BlockOwner;
}

export interface JournalEntry {
  readonly atUs: number;
  readonly operation: "allocate" | "allocate-aligned" | "reallocate" | "release" | "reboot";
  readonly heap: number;
  readonly context: number | undefined;
  readonly step: number | undefined;
  readonly requestBytes: number;
  /** The block it is about, or 0. */
  readonly payload: number;
  /** What it returned, or 0. */
  readonly result: number;
  readonly visits: number;
}

const OWNERS: { readonly [K in Exclude<LedgerOwner, LedgerOwner.None | LedgerOwner.Reference>]: BlockOwner } = {
  [LedgerOwner.Name]: "name",
  [LedgerOwner.Queue]: "queue",
  [LedgerOwner.Keep]: "keep",
  [LedgerOwner.Cache]: "cache",
  [LedgerOwner.Kernel]: "kernel",
  [LedgerOwner.Leaked]: "leaked",
  [LedgerOwner.Blocks]: "blocks",
};

const OPERATIONS: { readonly [K in JournalOperation]: JournalEntry["operation"] } = {
  [JournalOperation.Allocate]: "allocate",
  [JournalOperation.AllocateAligned]: "allocate-aligned",
  [JournalOperation.Reallocate]: "reallocate",
  [JournalOperation.Release]: "release",
  [JournalOperation.Reboot]: "reboot",
};

const FAILURES: { readonly [K in Exclude<FailureKind, FailureKind.None>]: RunFailureKind } = {
  [FailureKind.Crash]: "crash",
  [FailureKind.RebootByPolicy]: "reboot-by-policy",
  [FailureKind.Fault]: "fault",
  [FailureKind.StackOverflow]: "stack-overflow",
  [FailureKind.StackCorruption]: "stack-corruption",
  [FailureKind.Deadlock]: "deadlock",
  [FailureKind.BootLoop]: "boot-loop",
  [FailureKind.Overload]: "overload",
  [FailureKind.NoProgress]: "no-progress",
  [FailureKind.QueueFull]: "queue-full",
  [FailureKind.AllocationInInterrupt]: "allocation-in-interrupt",
  [FailureKind.TooManyBlocks]: "too-many-blocks",
};

/** The first failure in the control record (SoakField), or undefined. */
export function readFailure(control: EngineRecord): MachineFailure | undefined {
  const kind = control.get(SoakField.FailureKind) as FailureKind;
  if (kind === FailureKind.None) return undefined;
  return {
    kind: FAILURES[kind],
    atUs: control.long(SoakField.FailureAt),
    halted: control.get(SoakField.Halted) === HaltKind.ForGood,
    heap: numberOrNone(control, SoakField.FailureHeap),
    context: numberOrNone(control, SoakField.FailureContext),
    step: numberOrNone(control, SoakField.FailureStep),
    requestBytes: control.get(SoakField.FailureRequestBytes),
    freeBytes: control.get(SoakField.FailureFreeBytes),
    largestFreeBytes: control.get(SoakField.FailureLargestFreeBytes),
    detail: control.get(SoakField.FailureDetail),
  };
}

/** A record of ContextField. */
export function readContext(record: EngineRecord): ContextFigures {
  const allocations = record.long(ContextField.Allocations);
  const leaks = record.get(ContextField.Leaks);
  return {
    activations: record.long(ContextField.Activations),
    skipped: record.get(ContextField.Skipped),
    allocations,
    failedRequests: record.get(ContextField.FailedRequests),
    leaks,
    firstLeakStep: leaks > 0 ? numberOrNone(record, ContextField.FirstLeakStep) : undefined,
    lastAllocationUs: allocations > 0 ? record.long(ContextField.LastAllocationAt) : undefined,
  };
}

/** A record of SoakHeapField. */
export function readHeap(record: EngineRecord): HeapFigures {
  const emptyFreeBytes = record.get(SoakHeapField.EmptyFreeBytes);
  const liveBytes = record.get(SoakHeapField.LiveBytes);
  const peakLiveBytes = record.get(SoakHeapField.PeakLiveBytes);
  return {
    requests: record.long(SoakHeapField.Requests),
    zeroSizeRequests: record.long(SoakHeapField.ZeroSizeRequests),
    frees: record.long(SoakHeapField.Frees),
    failedRequests: record.long(SoakHeapField.FailedRequests),
    fragmentationFailures: record.long(SoakHeapField.FragmentationFailures),
    splits: record.long(SoakHeapField.Splits),
    liveBlocks: record.get(SoakHeapField.LiveBlocks),
    liveBytes,
    requestedBytes: record.get(SoakHeapField.RequestedBytes),
    peakLiveBytes,
    emptyFreeBytes,
    freeBytes: emptyFreeBytes - liveBytes,
    minimumFreeBytes: emptyFreeBytes - peakLiveBytes,
    minimumLargestFreeBytes: record.get(SoakHeapField.MinimumLargestFree),
    leaks: record.get(SoakHeapField.Leaks),
    leakedBytes: record.get(SoakHeapField.LeakedBytes),
    doubleFrees: record.get(SoakHeapField.DoubleFrees),
    visits: visitsOf(record),
    collections: record.get(SoakHeapField.Collections),
    longestCollectionVisits: record.get(SoakHeapField.LongestCollectionVisits),
    collectedBlocks: record.get(SoakHeapField.CollectedBlocks),
  };
}

/** A record of LedgerField that is a block's. */
export function readLedgerEntry(record: EngineRecord): LedgerEntry {
  return {
    payload: record.get(LedgerField.Payload),
    requestBytes: record.get(LedgerField.RequestBytes),
    blockBytes: record.get(LedgerField.BlockBytes),
    heap: record.get(LedgerField.Heap),
    context: numberOrNone(record, LedgerField.Context),
    step: numberOrNone(record, LedgerField.Step),
    allocatedAtUs: record.long(LedgerField.AllocatedAt),
    owner: OWNERS[record.get(LedgerField.Owner) as keyof typeof OWNERS],
  };
}

/** A record of JournalField. */
export function readJournalEntry(record: EngineRecord): JournalEntry {
  return {
    atUs: record.long(JournalField.At),
    operation: OPERATIONS[record.get(JournalField.Operation) as JournalOperation],
    heap: record.get(JournalField.Heap),
    context: numberOrNone(record, JournalField.Context),
    step: numberOrNone(record, JournalField.Step),
    requestBytes: record.get(JournalField.RequestBytes),
    payload: record.get(JournalField.Payload),
    result: record.get(JournalField.Result),
    visits: record.get(JournalField.Visits),
  };
}

/** A number, or undefined where the word is all ones. */
function numberOrNone(record: EngineRecord, field: number): number | undefined {
  const number = record.signed(field);
  return number < 0 ? undefined : number;
}

/** Percentiles from the 64-bit counters by class (see VISITS_EXACT in memory-map.ts). */
function visitsOf(record: EngineRecord): HeapFigures["visits"] {
  const max = record.get(SoakHeapField.VisitsMost);
  const low = record.get(SoakHeapField.Visits) >>> 2;
  const { words } = record.engine;
  const counts = Array.from({ length: VISITS_HISTOGRAM_LENGTH }, (_, index) => {
    return (words[low + index * 2 + 1] ?? 0) * 2 ** 32 + (words[low + index * 2] ?? 0);
  });
  const total = counts.reduce((sum, count) => sum + count, 0);
  const within = (share: number): number => {
    let seen = 0;
    const index = counts.findIndex((count) => {
      seen += count;
      return count > 0 && seen >= share * total;
    });
    return index < 0 ? 0 : Math.min(visitsOfClass(index), max);
  };
  return { p50: within(0.5), p99: within(0.99), max };
}
