/** What is to be written into a scenario, with the source of every fact. */
import type { OptionValues } from "../allocators/entry.ts";

export interface Fact<Value> {
  readonly value: Value;
  /** Where it was found: `symbol ucHeap of app.elf`. */
  readonly source: string;
}

export interface DraftHeap {
  readonly name: string;
  readonly allocator: Fact<string>;
  readonly bytes: Fact<number>;
  readonly at: number | undefined;
  readonly options: OptionValues;
  readonly remarks: readonly string[];
}

/** A heap that is there, but whose size nothing says. */
export interface HeapWithoutPlace {
  readonly allocator: Fact<string>;
  readonly remark: string | undefined;
}

export interface DraftStack {
  readonly bytes: number;
  /** Lowest address; undefined where it is not known, or comes from a heap. */
  readonly at: number | undefined;
  readonly source: string;
}

/** Where a task's stack comes from. */
export type StackOrigin = "static" | "heap" | "unknown";

export interface DraftTask {
  readonly name: string;
  readonly source: string;
  readonly priority: Fact<number> | undefined;
  readonly stack: DraftStack | undefined;
  readonly origin: StackOrigin;
  /** The frames of its deepest known path. */
  readonly frame: { readonly function: string; readonly bytes: number; readonly bounded: boolean } | undefined;
}

export interface DraftGuard {
  readonly kind:
    | "freertos-1"
    | "freertos-2"
    | "zephyr-sentinel"
    | "mpu"
    | "limit-register"
    | "stack-protector"
    | "watchpoint";
  readonly source: string;
}

export interface StaticTotal {
  readonly bank: string;
  readonly bytes: number;
  readonly source: string;
}

export interface Draft {
  readonly title: string;
  /** What `device:` says: a line, or several of an inline device. */
  readonly device: { readonly lines: readonly string[]; readonly source: string };
  readonly statics: readonly StaticTotal[];
  readonly heaps: readonly DraftHeap[];
  readonly placeless: readonly HeapWithoutPlace[];
  readonly mainStack: DraftStack | undefined;
  readonly handlers: readonly { readonly name: string; readonly bytes: number; readonly bounded: boolean }[];
  readonly guards: readonly DraftGuard[];
  readonly tasks: readonly DraftTask[];
  /** What main() needs, where there are no tasks. */
  readonly frame: DraftTask["frame"];
  /** Whether tasks have a scheduler, or main() is all there is. */
  readonly hasScheduler: boolean;
  /** What the reader must know, contradictions among it. */
  readonly notes: readonly string[];
  readonly missing: readonly string[];
}
