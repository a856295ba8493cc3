/** A scenario as the soak engine runs it, before it has addresses: what compiler.ts makes and src/wasm/ lays down. */
import type { ActivationKind, CacheEvict, OverrunPolicy, QueueWhenFull } from "../../assembly/soak/context-map.ts";
import type { HeapOwnership } from "../../assembly/soak/ledger-map.ts";
import type { ProgramImage } from "./compiler-image.ts";

/** A step of the scenario, by the number that instructions carry. */
export interface CompiledStep {
  /** `tasks.uplink.do[2]`; of a start of the task itself `tasks.uplink`. */
  readonly path: string;
  /** `allocate packet`. */
  readonly label: string;
  /** Line of the scenario; 0 where it has none. */
  readonly line: number;
  readonly task: string;
}

/** An amount outside instructions: a draw descriptor at `draw` (word of the image) with its site, or nothing. */
export interface DrawnAmount {
  readonly draw: number;
  readonly site: number;
}

/** A task instance or an interrupt source. */
export interface CompiledContext {
  readonly name: string;
  /** From 0 among the instances of its task. */
  readonly instance: number;
  readonly kind: "task" | "interrupt";
  /** Word of the image at which its program begins. */
  readonly program: number;
  /** Behind its last one. */
  readonly programEnd: number;
  /** Names that hold blocks, by slot. */
  readonly names: readonly string[];
  /** Names of sampled numbers, by index. */
  readonly samples: readonly string[];
  readonly localCount: number;
  readonly frameCapacity: number;
  /** Its random streams by number, as `uplink#0/do[2].size`, and their identities. */
  readonly sites: readonly CompiledSite[];
  /** Index into the levels: larger is more urgent. */
  readonly level: number;
  readonly activation: ActivationKind;
  readonly overrun: OverrunPolicy;
  /** Periodic: the period, which may have a fraction; drawn gaps: the usual one, where a random start may fall; else 0. */
  readonly periodUs: number;
  readonly firstDelayUs: number;
  readonly randomStart: boolean;
  /** Share of the period. */
  readonly jitter: number;
  /** Of starts whose gaps are drawn. */
  readonly gap: DrawnAmount | undefined;
  readonly jitterSite: number;
  readonly startSite: number;
  readonly hourly: readonly number[] | undefined;
  /** Index of the mode that starts it, or -1. */
  readonly onMode: number;
  readonly fpu: boolean;
  /** Interrupts: bytes of the handler's own frame. */
  readonly handlerFrame: number;
  /** Bytes of the stack that a spawned task takes from its heap; 0 for others. */
  readonly spawnedStackBytes: number;
}

export interface CompiledSite {
  readonly name: string;
  /** 64-bit FNV-1a of the name. */
  readonly identity: bigint;
}

export interface CompiledQueue {
  readonly name: string;
  readonly capacity: number;
  readonly whenFull: QueueWhenFull;
}

export interface CompiledCache {
  readonly name: string;
  readonly slots: number;
  readonly evict: CacheEvict;
  readonly site: CompiledSite;
}

export interface CompiledMode {
  readonly name: string;
  /** An immediate time, or a draw descriptor at `draw` (word of the image). */
  readonly dwell: { readonly us: number } | { readonly draw: number };
  readonly dwellSite: CompiledSite;
  /** Cumulative shares up to 1, and the index of the mode. */
  readonly next: readonly { readonly share: number; readonly mode: number }[];
  readonly nextSite: CompiledSite;
}

export interface CompiledHeap {
  readonly name: string;
  readonly isrSafe: boolean;
  readonly ownership: HeapOwnership;
}

export interface CompiledScenario {
  readonly image: ProgramImage;
  /** By number. */
  readonly steps: readonly CompiledStep[];
  /** Tasks first, instances in order, then interrupts. */
  readonly contexts: readonly CompiledContext[];
  readonly taskCount: number;
  readonly levelCount: number;
  /** Levels from here on are those of interrupts. */
  readonly firstInterruptLevel: number;
  readonly heaps: readonly CompiledHeap[];
  readonly queues: readonly CompiledQueue[];
  readonly caches: readonly CompiledCache[];
  readonly modes: readonly CompiledMode[];
}
