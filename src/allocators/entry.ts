import type { AllocatorKind } from "../../assembly/memory-map.ts";

/** One option of an allocator, stored as a word of the heap's record. */
export interface OptionSpec {
  /** Index of the word (the allocator's `…Option` enum in memory-map.ts). */
  readonly word: number;
  readonly describe: string;
  readonly default: number;
  /** Names for the numbers of a closed choice (`{ first: 0, best: 1 }`), or undefined for plain numbers. */
  readonly choices?: Readonly<Record<string, number>>;
  readonly least?: number;
  readonly most?: number;
  readonly powerOfTwo?: boolean;
}

/** Options as a user writes them: numbers, names of a choice, or booleans for 0 and 1. */
export type OptionValues = Readonly<Record<string, number | string | boolean>>;

/** The `# key=value` lines of a trace in the golden format. */
export type TraceHeader = ReadonlyMap<string, string>;

/** Which bound of src/allocators/bounds.ts holds for an allocator's placement policy. */
export type BoundKind = "first-fit" | "best-fit" | "half-fit" | "never-fragments" | "none";

/** Bytes of a counter, from the start of the static variables or of the arena. */
export interface Tally {
  readonly in: "statics" | "arena";
  readonly offset: number;
  readonly bytes: number;
}

/** Everything the host knows of an allocator; its behaviour is in assembly/allocators. */
export interface AllocatorEntry {
  /** The name users write: the folder's in the golden traces, or the textbook's. */
  readonly name: string;
  readonly kind: AllocatorKind;
  /** Other names accepted for it: `heap_4`, `pvPortMalloc` … */
  readonly aliases: readonly string[];
  /** What it is and how it differs from its neighbours, in a sentence or two. */
  readonly summary: string;
  /** Project, file, licence; or "by definition". */
  readonly source: string;
  /** The versions placement is exact for, and where others differ. */
  readonly versions: string;
  /** What the comparison with an original rests on; `provisional` when it was not a shipped build. */
  readonly evidence: "original" | "provisional" | "definition";
  readonly headerBytes: string;
  readonly alignment: string;
  readonly cost: { readonly allocate: string; readonly release: string };
  readonly options: Readonly<Record<string, OptionSpec>>;
  /**
   * Names of the static variables at HeapField.State, one a word (two bytes on AVR), where an autopsy may need
   * them from the user: what the arena alone does not tell. Empty or absent: nothing is needed.
   */
  readonly statics?: readonly string[];
  /** Where in the static variables lies what the metadata of the arena links to; absent: nothing does. */
  readonly linkedStateOffset?: number;
  /** Counters of its own that it never reads again: they go on where all else in its memory repeats itself. */
  readonly tallies?: readonly Tally[];
  /** Versions whose placement is this: `from`, and up to `before` where it ends. Absent: not held by the version. */
  readonly exactVersions?: { readonly from: string; readonly before?: string };
  /** Keys of `heapStatistics`, in order: those of the golden traces' `s` records. */
  readonly statisticKeys: readonly string[];
  /** Keys among them that are signed. */
  readonly signedStatisticKeys?: readonly string[];
  readonly bound: BoundKind;
  /** What every block is a multiple of, for `bound`; 8 when absent. */
  readonly granuleBytes?: number;
  /** Whether the original itself reallocates, or the firmware must allocate, copy and free. */
  readonly reallocates: boolean;
  /** Whether the original itself serves alignments above its own. */
  readonly aligns: boolean;
  /** Bytes of a pointer on the core the allocator is written for (2 on AVR). */
  readonly pointerBytes: 2 | 4;
  /** Alignment the arena's base must have; 1 when the allocator aligns by itself. */
  readonly arenaAlignment: number;
  readonly manyRegions: boolean;
  /** Whether its walk tells live blocks by the shadow: without one it misses blocks or payloads. Absent: it does not. */
  readonly walkNeedsShadow?: boolean;
  /**
   * How much of a hole of n bytes may be out of reach of a request besides headers: n >> this, from the option words.
   * 31 where every hole serves all that it can hold, 1 when absent: at least half. A larger hole never serves less,
   * and what is free side by side serves together; where that does not hold, 0: the bytes of a hole promise nothing.
   */
  readonly holeSlackShift?: (options: Uint32Array) => number;
  /** Names by which traces call this allocator, beside `name`: its golden configurations. */
  readonly traceNames?: readonly string[];
  /** The options a trace's header stands for. */
  readonly optionsFromTrace?: (header: TraceHeader) => OptionValues;
}
