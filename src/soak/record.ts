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
  }[];
  readonly simulatedUs: number;
  readonly reboots: number;
  readonly periodic: null | { readonly periodUs: number; readonly fromUs: number };
  readonly failure: RunFailure | null;
  /** Where a refused request ended the run, and such a set was found. */
  readonly pinned?: PinsOfRun;
  readonly heaps: Readonly<Record<string, HeapRecordOfRun>>;
  readonly tasks: Readonly<Record<string, TaskRecordOfRun>>;
  readonly stacks: Readonly<Record<string, StackRecordOfRun>>;
  readonly faults: readonly FaultRecordOfRun[];
}
