/**
 * The record of a run: plain versioned data, the only thing that reports, expectations and other tools read.
 * Same scenario, seed and version give the same record, byte for byte; wall-clock figures are not in it.
 */
import type { FaultKind } from "../wasm/guest-fault.ts";

export const RUN_FORMAT = "heapsoak.run";
export const RUN_VERSION = 1;

export type Verdict = "pass" | "fail" | "undecided";

/** How a run ended before its horizon. */
export type RunFailureKind =
  | "crash"
  | "reboot-by-policy"
  | "fault"
  | "stack-overflow"
  | "stack-corruption"
  | "deadlock"
  | "boot-loop"
  | "overload"
  | "no-progress"
  | "queue-full"
  | "allocation-in-interrupt"
  | "too-many-blocks";

export interface RunFailure {
  readonly atUs: number;
  readonly kind: RunFailureKind;
  readonly heap: string | null;
  readonly task: string | null;
  /** Path and label of the step: `tasks.uplink.do[2] allocate packet`. */
  readonly step: string | null;
  readonly requestBytes: number | null;
  readonly freeBytes: number | null;
  readonly largestFreeBytes: number | null;
  /** One sentence for people. */
  readonly message: string;
  /** Line of the step in the scenario's file; null: the kernel's own doing, or not known. Absent in older records. */
  readonly line?: number | null;
}

/** A live block, header included, and who holds it. */
export interface PinOfRun {
  readonly task: string | null;
  readonly step: string | null;
  readonly bytes: number;
  readonly ageUs: number;
  /** Nobody will free it. */
  readonly leaked: boolean;
}

/** The smallest set of live blocks whose release makes the refused request fit: released, and asked again. */
export interface PinsOfRun {
  readonly pins: readonly PinOfRun[];
  readonly releasedBytes: number;
  /** The largest request that succeeds once they are gone. */
  readonly largestFreeBytes: number;
}

/** A column of values, one per row of the series. */
export type Column = readonly number[];

/** A bank of the device's RAM. */
export interface BankOfRun {
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
}

/** What a range of RAM is for. `taken`: by the ROM, a radio stack or the like. */
export type MemoryUse = "static" | "heap" | "main-stack" | "task-stack" | "taken";

export interface MemoryRangeOfRun {
  readonly use: MemoryUse;
  /** Of the heap or stack; what takes it, otherwise. */
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
}

/** The device's RAM as the run laid it out, in address order. Ranges that lie in a heap (stacks of spawned tasks) are left out. */
export interface MemoryOfRun {
  readonly banks: readonly BankOfRun[];
  readonly ranges: readonly MemoryRangeOfRun[];
}

/** Who asks for memory. */
export interface SiteOfRun {
  /** Null: the kernel. */
  readonly task: string | null;
  /** Path and label of the step: `tasks.uplink.do[2] allocate packet`. */
  readonly step: string | null;
}

/** A live block and the moments at which it was seen; equally long columns, by first moment, then address. */
export interface BlocksOverTime {
  /** Of the block, header included; of the payload where broken metadata does not tell. */
  readonly address: Column;
  /** Of the block, header included. */
  readonly bytes: Column;
  readonly requestBytes: Column;
  /** Index in the history's `sites`. */
  readonly site: Column;
  /** How long before the first moment at which it was seen it had been allocated. */
  readonly ageUs: Column;
  /** Indices in the history's `atUs` of the first and the last moment at which it was seen. */
  readonly first: Column;
  readonly last: Column;
  /** Rows, in ascending order, of blocks that nobody will free. */
  readonly leaked: Column;
}

/**
 * All blocks of all heaps at some hundred moments: the picture of the whole soak. Fewer moments where many blocks come
 * and go. A block that was resized has one row for each size.
 */
export interface HistoryOfRun {
  /** When the heaps were looked at, ascending; the last is the end of the run. */
  readonly atUs: Column;
  readonly sites: readonly SiteOfRun[];
  /** Without heaps of too many blocks: all heaps together may hold 3,000 at one moment, or the fullest is left out. */
  readonly heaps: Readonly<Record<string, BlocksOverTime>>;
}

/** A block of the heap as it was when the run failed, in address order. */
export interface BlockAtFailure {
  readonly address: number;
  readonly bytes: number;
  readonly state: "live" | "free" | "untouched" | "bookkeeping";
  /** Of live blocks. */
  readonly requestBytes?: number;
  readonly task?: string | null;
  readonly step?: string | null;
  readonly ageUs?: number;
  readonly leaked?: boolean;
  /** Whether it is one of the pins (see `pinned`). */
  readonly pins?: boolean;
}

/** A heap operation as the run carried it out. */
export interface OperationOfRun {
  readonly atUs: number;
  readonly operation: "allocate" | "allocate-aligned" | "reallocate" | "release" | "reboot";
  readonly heap: string;
  readonly task: string | null;
  readonly step: string | null;
  readonly requestBytes: number;
  /** The block it is about, of releases and reallocations. */
  readonly address: number | null;
  /** The payload it returned; null: none. */
  readonly result: number | null;
  readonly visits: number;
}

/** The moment of the first failure. */
export interface MomentOfFailure {
  /** The blocks of the failure's heap; null: it is about none, the heap cannot be walked, or it holds more than 4,096 blocks. */
  readonly blocks: readonly BlockAtFailure[] | null;
  /** The last operations on any heap, oldest first, 32 at most: the refused one included, one that the device faulted in left out. */
  readonly operations: readonly OperationOfRun[];
}

/** What is kept of a heap over time: equally long columns, thinned as the run grows. */
export interface HeapSeries {
  /** End of the window that the row stands for. */
  readonly atUs: Column;
  /** Least, greatest and last value within the window. */
  readonly freeBytes: { readonly min: Column; readonly max: Column; readonly last: Column };
  readonly largestFreeBytes: { readonly min: Column; readonly max: Column; readonly last: Column };
  readonly holes: { readonly min: Column; readonly max: Column; readonly last: Column };
  readonly liveBlocks: { readonly min: Column; readonly max: Column; readonly last: Column };
  readonly requestedBytes: { readonly min: Column; readonly max: Column; readonly last: Column };
  readonly failedRequests: Column;
  readonly visitsMax: Column;
  /** The address map at the end of the window: one digit 0 (free) to 9 (full) for each 64th of the arena. */
  readonly map: readonly string[];
}

export interface HeapRecordOfRun {
  readonly allocator: string;
  readonly arenaBytes: number;
  readonly requests: number;
  readonly zeroSizeRequests: number;
  readonly frees: number;
  readonly failedRequests: number;
  readonly fragmentationFailures: number;
  readonly liveBlocks: number;
  readonly liveBytes: number;
  readonly requestedBytes: number;
  readonly peakLiveBytes: number;
  readonly freeBytes: number;
  readonly minimumFreeBytes: number;
  readonly largestFreeBytes: number;
  readonly minimumLargestFreeBytes: number;
  readonly holes: number;
  readonly externalFragmentationRatio: number;
  readonly internalFragmentationRatio: number;
  /** Share of the requests that left a smaller hole behind. */
  readonly splitRatio: number;
  readonly visits: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The operations that took the most visits, most first, the earlier of equal ones; 8 at most, without collections. Absent in older records. */
  readonly slowest?: readonly OperationOfRun[];
  readonly collections?: { readonly count: number; readonly longestVisits: number; readonly blocks: number };
  /** Who holds the memory at the end: by task and step, most bytes first. */
  readonly holders: readonly {
    readonly task: string;
    readonly step: string;
    readonly blocks: number;
    readonly bytes: number;
    readonly oldestUs: number;
    readonly leaked: boolean;
  }[];
  /** When a sample first found the heap's metadata broken, or null. */
  readonly inconsistentUs: number | null;
  /** Of the least free bytes, and of the smallest largest free request; null when the run was too short to tell. */
  readonly drift: Drift | null;
  readonly largestFreeDrift: Drift | null;
  readonly series: HeapSeries;
}

/** The trend of a figure of a heap: its least value in each window of the series, after the warm-up. */
export interface Drift {
  /** Theil–Sen slope in bytes a day, with its interval from a block bootstrap (2.5 % and 97.5 %). */
  readonly bytesPerDay: number;
  readonly low: number;
  readonly high: number;
  /** Whether the interval lies below zero: free memory shrinks. */
  readonly shrinking: boolean;
  /** Where the trend meets zero, simulated time from the start; null when it does not shrink. */
  readonly exhaustionUs: number | null;
  /** Since when the level has been steady, or null: no steady state was reached. */
  readonly steadyFromUs: number | null;
}

export interface TaskRecordOfRun {
  readonly activations: number;
  readonly skipped: number;
  readonly allocations: number;
  readonly failedRequests: number;
  readonly leaks: number;
  /** Where the first leak happened. */
  readonly leakStep?: string;
}

export interface StackOverflowRecord {
  /** When the first byte beyond the end was written, or claimed. */
  readonly atUs: number;
  /** The protection or symptom that noticed it; null while nobody has. */
  readonly detectedBy: string | null;
  readonly detectedAfterUs: number | null;
  readonly bytesBeyond: number;
  /** What was overwritten: `stack of sensor`, `heap main: block of 64 B at 0x20001b40`, `.bss`. */
  readonly overwrote: readonly string[];
}

export interface StackRecordOfRun {
  readonly sizeBytes: number;
  /** Deepest stack pointer that occurred. */
  readonly observedBytes: number;
  /** Deepest path of the program, one exception frame and the saved context. */
  readonly worstCaseBytes: number;
  /** What the firmware would read from the paint. */
  readonly paintedBytes: number;
  readonly overflow: StackOverflowRecord | null;
}

export interface FaultRecordOfRun {
  readonly atUs: number;
  readonly kind: FaultKind;
  readonly address: string;
  readonly access: "load" | "store";
  readonly exception: string;
  readonly registers: readonly { readonly name: string; readonly value: string; readonly meaning: string }[];
  readonly task: string | null;
  readonly step: string | null;
}

export interface RunRecord {
  readonly format: typeof RUN_FORMAT;
  readonly version: typeof RUN_VERSION;
  readonly provenance: { readonly heapsoak: string; readonly core: string; readonly scenario: string };
  readonly scenario: {
    readonly title: string;
    readonly path: string;
    readonly device: string;
    readonly seed: number | string;
    readonly uptimeUs: number;
  };
  readonly verdict: Verdict;
  readonly digest: string;
  readonly expectations: readonly {
    readonly text: string;
    /** null: the run was too short to decide. */
    readonly met: boolean | null;
    /** The figure that decided, with its unit. */
    readonly observed: string;
    /** Its line in the scenario's file. Absent in older records. */
    readonly line?: number;
  }[];
  readonly simulatedUs: number;
  readonly reboots: number;
  readonly periodic: null | { readonly periodUs: number; readonly fromUs: number };
  readonly failure: RunFailure | null;
  /** Where the first failure is a refused request that such a set was found for. */
  readonly pinned?: PinsOfRun;
  readonly heaps: Readonly<Record<string, HeapRecordOfRun>>;
  readonly tasks: Readonly<Record<string, TaskRecordOfRun>>;
  readonly stacks: Readonly<Record<string, StackRecordOfRun>>;
  readonly faults: readonly FaultRecordOfRun[];
  /** Absent in older records, as are `history` and, of a run that failed, `moment`. */
  readonly memory?: MemoryOfRun;
  readonly history?: HistoryOfRun;
  readonly moment?: MomentOfFailure;
}
