/**
 * A scenario after reading: every quantity in its base unit (bytes, microseconds, events a second, shares of 1),
 * every default filled in, every name resolved. What the schema accepts is in schema.ts; this is what the rest sees.
 */
import type { DeviceDescription } from "../device/description.ts";
import type { DocumentPath } from "../yaml-document.ts";

/** A number, or the rule by which one is drawn each time it is needed. */
export type Draw = DrawRule & {
  /** Draws outside [minimum, maximum] are repeated. */
  readonly minimum?: number;
  readonly maximum?: number;
};
export type DrawRule =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number }
  | { readonly kind: "lognormal"; readonly median: number; readonly sigma: number }
  | { readonly kind: "exponential"; readonly mean: number }
  | { readonly kind: "pareto"; readonly least: number; readonly alpha: number }
  | { readonly kind: "geometric"; readonly mean: number }
  | { readonly kind: "choice"; readonly values: readonly number[]; readonly weights: readonly number[] }
  | { readonly kind: "empirical"; readonly values: readonly number[] };

/** Arithmetic over sampled names. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | {
      readonly kind: "operation";
      readonly operator: "+" | "-" | "*" | "/";
      readonly left: Expression;
      readonly right: Expression;
    };

/** A size in bytes or a count: drawn, or computed from sampled names. */
export type Amount = Draw | { readonly kind: "expression"; readonly expression: Expression };

/** What happens when a request is refused. */
export type FailurePolicy =
  | { readonly kind: "crash" }
  | { readonly kind: "drop" }
  | { readonly kind: "reboot" }
  | {
      readonly kind: "retry";
      readonly retryAfterUs: Draw;
      readonly times: number;
      readonly then: "crash" | "drop" | "reboot";
    };

/** How a stack notices that it was overrun (design: section 5). A stack may carry several. */
export type Guard =
  | { readonly kind: "freertos-1" }
  | { readonly kind: "freertos-2" }
  | { readonly kind: "zephyr-sentinel" }
  | { readonly kind: "stack-protector" }
  | { readonly kind: "watchpoint"; readonly bytes: number }
  | { readonly kind: "mpu"; readonly bytes: number }
  | { readonly kind: "limit-register" }
  | { readonly kind: "probe"; readonly interval: number; readonly bytes: number }
  | { readonly kind: "segmented"; readonly heap: string; readonly stackletBytes: number }
  | { readonly kind: "stack-below-data" };

export interface StackModel {
  readonly sizeBytes: number;
  readonly guards: readonly Guard[];
  readonly region?: string;
  readonly at?: number;
}

export interface HeapModel {
  readonly name: string;
  readonly allocator: string;
  readonly options: Readonly<Record<string, number | string | boolean>>;
  /** One, or several for allocators that take several regions. */
  readonly parts: readonly { readonly bytes: number; readonly region?: string; readonly at?: number }[];
  readonly isrSafe: boolean;
  readonly ownership: "manual" | "counted" | "traced";
  readonly onAllocationFailure?: FailurePolicy;
  /** Whether a failed assertion of the allocator stops the device. */
  readonly assertionsStop: boolean;
}

export interface QueueModel {
  readonly name: string;
  readonly capacity: number;
  readonly whenFull: "drop-newest" | "drop-oldest" | "block" | "fail";
}

export interface CacheModel {
  readonly name: string;
  readonly slots: number;
  readonly evict: "oldest" | "newest" | "random";
}

export interface ModeModel {
  readonly name: string;
  readonly forUs: Draw;
  /** The mode that follows: one, or several with weights. */
  readonly then: readonly { readonly mode: string; readonly weight: number }[];
}

/** When a task or an interrupt source starts. */
export type Activation =
  | { readonly kind: "every"; readonly gapUs: Draw /** Share of the period. */; readonly jitter: number }
  | { readonly kind: "poisson"; readonly perSecond: number }
  | { readonly kind: "at"; readonly atUs: number }
  | { readonly kind: "on"; readonly mode: string }
  | { readonly kind: "loop" }
  | { readonly kind: "spawned" };

interface Runnable {
  readonly name: string;
  /** Where it stands in the scenario, as in `tasks.sensor`. */
  readonly path: DocumentPath;
  readonly priority: number;
  readonly activation: Activation;
  /** The first start: after this time, or anywhere in the first period. */
  readonly start: { readonly kind: "after"; readonly us: number } | { readonly kind: "random" };
  /** 24 factors on the rate, by the hour of the simulated day (which begins at 00:00), or none. */
  readonly hourly?: readonly number[];
  /** Whether its code uses the floating-point unit: the larger exception frame. */
  readonly fpu: boolean;
  readonly steps: readonly Step[];
}

export interface TaskModel extends Runnable {
  readonly stack: StackModel;
  readonly instances: number;
  readonly overrun: "catch-up" | "skip" | "queue";
  readonly onAllocationFailure?: FailurePolicy;
}

export interface InterruptModel extends Runnable {
  /** Bytes of the handler's own frame, besides the exception frame of the core. */
  readonly frame: number;
}

/** What every step knows. */
interface StepPlace {
  /** Its place, as in `["tasks", "uplink", "do", 2]`. */
  readonly path: DocumentPath;
  /** The step as an engineer names it: `allocate packet`, `call publish`. */
  readonly label: string;
  readonly line: number;
}

export type Step = StepPlace &
  (
    | {
        readonly step: "allocate";
        readonly name: string;
        readonly size: Amount;
        /** Heaps to try, in order. */
        readonly heaps: readonly string[];
        readonly alignment?: number;
        readonly orElse?: readonly Step[];
        /** Resolved: step over task over heap over crash. Absent where `orElse` stands. */
        readonly policy: FailurePolicy;
      }
    | { readonly step: "free"; readonly name: string }
    | {
        readonly step: "reallocate";
        readonly name: string;
        readonly size: Amount;
        readonly heaps: readonly string[];
        readonly policy: FailurePolicy;
      }
    | {
        readonly step: "grow";
        readonly name: string;
        readonly by: Amount;
        readonly growth: "double" | "half-again" | "exact";
        readonly reserve?: Amount;
        /** The logical length at which the container is given back and starts over. */
        readonly until?: Amount;
        readonly heaps: readonly string[];
        readonly policy: FailurePolicy;
      }
    | {
        readonly step: "call";
        readonly name: string;
        readonly frame: number;
        readonly touchBytes: number;
        readonly raii: boolean;
        readonly steps: readonly Step[];
      }
    | {
        readonly step: "recurse";
        readonly name: string;
        readonly frame: number;
        readonly touchBytes: number;
        readonly depth: Amount;
        readonly steps: readonly Step[];
      }
    | { readonly step: "repeat"; readonly count: Amount; readonly steps: readonly Step[] }
    | {
        readonly step: "chance";
        readonly probability: number;
        readonly steps: readonly Step[];
        readonly otherwise: readonly Step[];
      }
    | {
        readonly step: "choose";
        readonly options: readonly { readonly weight: number; readonly steps: readonly Step[] }[];
      }
    | { readonly step: "sample"; readonly name: string; readonly from: Draw }
    | { readonly step: "work"; readonly us: Draw }
    | { readonly step: "wait"; readonly us: Draw }
    | { readonly step: "until"; readonly mode: string }
    | { readonly step: "send"; readonly name: string; readonly to: string }
    | {
        readonly step: "receive";
        readonly queue: string;
        readonly as: string;
        readonly timeoutUs?: Draw;
        readonly onTimeout: "end" | "continue";
      }
    | { readonly step: "keep"; readonly name: string; readonly us: Draw }
    | { readonly step: "cache"; readonly name: string; readonly in: string }
    | { readonly step: "spawn"; readonly task: string; readonly from: string; readonly policy: FailurePolicy }
    | { readonly step: "exit" }
    | { readonly step: "share"; readonly name: string; readonly as: string }
    | { readonly step: "drop"; readonly name: string }
    | { readonly step: "refer"; readonly name: string; readonly to: string }
    | { readonly step: "leak"; readonly name: string; readonly probability: number }
    | {
        readonly step: "misuse";
        readonly misuse: "double-free" | "use-after-free" | "overrun";
        readonly name: string;
        readonly bytes: number;
      }
    | { readonly step: "reboot"; readonly temperature: "warm" | "cold"; readonly fill?: number }
  );

/** The figures of a heap that an expectation may bound. */
export type HeapFigure =
  | "externalFragmentation"
  | "internalFragmentation"
  | "largestFree"
  | "minimumFree"
  | "failedRequests"
  | "leaks"
  | "visits";

/** `below` excludes the bound, `atLeast` includes it. */
export type Bound =
  | { readonly kind: "below"; readonly value: number }
  | { readonly kind: "atLeast"; readonly value: number };

export type Expectation = {
  readonly path: DocumentPath;
  /** As written in the scenario, on one line. */
  readonly text: string;
  readonly line: number;
} & (
  | { readonly expect: "survives"; readonly us: number }
  | {
      readonly expect: "fails";
      readonly byUs: number;
      readonly with?: "fragmentation" | "exhaustion" | "overflow" | "corruption" | "overload";
    }
  | { readonly expect: "heap"; readonly heap: string; readonly figure: HeapFigure; readonly bound: Bound }
  | {
      readonly expect: "stack";
      readonly stack: string;
      /** Of the worst case: bytes, or a share of the stack's size. */
      readonly headroom:
        | { readonly kind: "bytes"; readonly bytes: number }
        | { readonly kind: "share"; readonly share: number };
    }
  | { readonly expect: "noAllocationIn"; readonly names: readonly string[] }
  | { readonly expect: "noAllocationAfter"; readonly us: number }
  | { readonly expect: "periodic" }
);

export interface Scenario {
  /** The file it came from, as given. */
  readonly file: string;
  /** The text the digest of the provenance covers: the file's bytes and the settings applied to it. */
  readonly source: string;
  readonly title: string;
  readonly why: string;
  readonly device: DeviceDescription;
  readonly uptimeUs: number;
  readonly warmupUs: number;
  readonly seed: bigint;
  readonly bootTimeUs: number;
  /** What .data and .bss take, per bank. */
  readonly staticUse: readonly { readonly bank: string; readonly bytes: number }[];
  readonly heaps: readonly HeapModel[];
  readonly stackRegion?: string;
  /** The main stack, on which interrupts run. Absent on scenarios without stacks and interrupts. */
  readonly interruptStack?: StackModel;
  readonly queues: readonly QueueModel[];
  readonly caches: readonly CacheModel[];
  readonly modes: readonly ModeModel[];
  readonly tasks: readonly TaskModel[];
  readonly interrupts: readonly InterruptModel[];
  readonly expect: readonly Expectation[];
  /** Changes under which the expectations must not be met: path to value. */
  readonly mutant?: Readonly<Record<string, unknown>>;
  /** What `check` has to say that is not wrong enough to refuse. */
  readonly warnings: readonly {
    readonly path: DocumentPath;
    readonly line: number;
    readonly message: string;
    readonly hint?: string;
  }[];
}
