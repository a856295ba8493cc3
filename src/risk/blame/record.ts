/** What a blame found, as plain data: reports and `--json` are made from it alone. */
import type { Interval } from "../statistics/clopper-pearson.ts";

export const BLAME_FORMAT = "heapsoak.blame";
export const BLAME_VERSION = 1;

/** Who allocated: a task and a step of a scenario, or what a trace says. Null where that is not known. */
export interface Site {
  readonly task: string | null;
  /** Path and label of the step, or the call site. */
  readonly step: string | null;
}

/** A live block that stands in the way. */
export interface PinRecord extends Site {
  /** Of the payload. */
  readonly address: number;
  /** Header and padding included. */
  readonly bytes: number;
  readonly requestBytes: number;
  /** Since it was allocated: simulated time, or of the trace's clock; null where there is none. */
  readonly ageUs: number | null;
  /** Of traces: operations since then. */
  readonly ageOperations: number | null;
  /** Who will give it back, in a scenario: name, queue, keep, cache, kernel, leaked, blocks. */
  readonly owner: string | null;
}

/** A moment at which a request was, or would have been, refused. */
export interface MomentRecord {
  /** Simulated time; null for traces. */
  readonly atUs: number | null;
  /** Of traces: operations before it since the last boot. */
  readonly operation: number | null;
  /** `failure`: the run's; `refused`: a refused request that the firmware coped with; `asked`: --at. */
  readonly kind: "failure" | "refused" | "asked";
  readonly requestBytes: number;
  /** Who asked; both null with --at. */
  readonly by: Site;
  readonly freeBytes: number;
  readonly largestFreeBytes: number;
  readonly liveBlocks: number;
  /** 64 characters: `#` live, `.` free, `+` both, `-` bookkeeping. */
  readonly map: string;
  /** Null: no set of neighbouring blocks makes it fit. */
  readonly set: PinSet | null;
  /** The smallest set without a block of the first, and without blocks as large as the request; null: there is none. */
  readonly otherSet: PinSet | null;
}

/** Blocks whose release makes the request fit: they were really released, and it was asked for again. */
export interface PinSet {
  /** In address order; empty: it fits as it is. */
  readonly pins: readonly PinRecord[];
  readonly releasedBytes: number;
  /** The largest request that succeeds once they are gone. */
  readonly largestFreeBytes: number;
  /** Sets that were tried. */
  readonly tried: number;
}

/** A site over the whole run. */
export interface PinningSite extends Site {
  /** Samples that refuse the request in which a block of it was in the smallest set. */
  readonly pinnedSamples: number;
  /** Those, and those in which a block of it kept the heap from serving one byte more than it would. */
  readonly limitingSamples: number;
  /** Share of all samples. */
  readonly limitingRatio: number;
  /** Bytes held times seconds, from the samples; of traces bytes times operations. */
  readonly byteSeconds: number;
}

export interface WholeRunRecord {
  /** The request that is asked for in each sample. */
  readonly requestBytes: number;
  /** Moments at which it was asked for in the run; where nobody asks, moments evenly over the run. */
  readonly samples: number;
  /** Of them those in which it does not fit. */
  readonly refused: number;
  /** Most pinning first. */
  readonly sites: readonly PinningSite[];
}

/** How often runs fail. */
export interface MeasuredRisk {
  readonly failures: number;
  readonly runs: number;
  readonly probability: number;
  /** Clopper–Pearson, 95 %. */
  readonly interval: Interval;
  /** One-sided, 95 %; only where no failure was seen. */
  readonly upperBound95: number | null;
}

export interface RemedyRecord {
  readonly kind: "pool" | "static" | "allocator" | "size";
  readonly title: string;
  /** The change, as `--set` takes it. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Null: it could not be run, and `problem` says why. */
  readonly risk: MeasuredRisk | null;
  readonly problem: string | null;
  /** Seeds that failed before and do not now, and the other way round. */
  readonly mended: number;
  readonly broken: number;
  /** Chance of as clear a difference where the remedy changes nothing (McNemar, exact). */
  readonly pValue: number | null;
}

export interface BlameRecord {
  readonly format: typeof BLAME_FORMAT;
  readonly version: typeof BLAME_VERSION;
  readonly source: {
    readonly kind: "scenario" | "trace";
    readonly path: string;
    readonly title: string;
    readonly device: string;
    /** Of scenarios. */
    readonly seed: string | null;
    readonly uptimeUs: number | null;
  };
  readonly heap: string;
  readonly allocator: string;
  readonly arenaBytes: number;
  /** Null: no request was refused. */
  readonly moment: MomentRecord | null;
  readonly wholeRun: WholeRunRecord | null;
  readonly remedies: null | {
    readonly baseSeed: string;
    readonly horizonUs: number;
    readonly before: MeasuredRisk;
    readonly tried: readonly RemedyRecord[];
  };
}
