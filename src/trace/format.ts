/**
 * The text format of recorded traces: header lines `# key=value`, then one record a line. Offsets count from
 * the arena's base; -1 is a refused request. A log without addresses leaves them out.
 *
 *   a ID SIZE [OFF]        allocate            f ID             free
 *   z ID ALIGN SIZE [OFF]  aligned allocation  s KEY=VALUE …    what the allocator itself reported here
 *   r ID SIZE [OFF]        reallocate          h CRC32          zlib's CRC-32 of the arena here, hexadecimal
 *   ! WORD …               what else a board reported: board-events.ts has the words
 *
 * Behind the fields of `a`, `z`, `r` and `f` may stand annotations KEY=VALUE (ANNOTATIONS), which replays do not
 * need. Further lines that begin with `#`, and empty lines, are skipped. Lines end in LF or CR LF.
 *
 * A recording is a trace whose header says `recording=1`. It may end anywhere: a last line without its end is
 * left out, where in other traces it counts as whole.
 */
import { OPERATIONS_MOST } from "../../assembly/memory-map.ts";

/** The longest line that is read, in bytes. */
export const LINE_BYTES_MOST = 4096;
/** The most header lines that are kept. */
export const HEADER_KEYS_MOST = 1000;
/** Operations handed over at a time: as many as the engine takes. */
export const BATCH_OPERATIONS = OPERATIONS_MOST;
/** The most `s`, `h` and `!` records in a batch. */
export const BATCH_CHECKS = 1024;
/** The largest number in an id, a size or an offset. */
export const NUMBER_MOST = 0xffff_ffff;
/** What `expected` holds for a refused request (the format's -1). */
export const REFUSED = 0xffff_ffff;
/** What `expected` holds where no offset was recorded. No payload lies there: the least alignment ends before it. */
export const NOT_RECORDED = 0xffff_fffe;

const ALIGNMENT_MOST = 2 ** 31;

/** How each record is written, for messages. */
export const RECORD_SHAPES: Readonly<Record<string, string>> = {
  a: "a ID SIZE [OFF]",
  f: "f ID",
  r: "r ID SIZE [OFF]",
  z: "z ID ALIGN SIZE [OFF]",
  s: "s KEY=VALUE …",
  h: "h CRC32",
};

/**
 * Annotations that recordings of boards and imported logs carry. Readers accept any lower-case key with a value
 * without blanks.
 * `align` is the alignment as asked for, where it was no power of two.
 */
export const ANNOTATIONS = {
  /** Microseconds of the board's clock, `t=0` at the boot; `ticks` where the clock's rate is not known. */
  time: "t",
  ticks: "ticks",
  /** Address of the caller, hexadecimal; of imported logs that name it instead, FILE:LINE. */
  site: "at",
  /** Number of the task; `! task` gives its name. */
  task: "task",
  alignment: "align",
  /** Address outside the heap's bounds, in place of an offset. */
  address: "address",
  /** `f` only: this free was lost in a gap; the address is handed out again in the next record. */
  lost: "lost",
  /** `r` only: the old block is not known, for it was born before the log or in a gap. */
  unmatched: "unmatched",
  /**
   * `unknown`: the size was not reported (see `size_meaning` in the header), and 0 stands for it. `beyond`: it has
   * more than 32 bits, and the largest number stands for it.
   */
  sizeUnknown: "size",
} as const;

/** Header key and value of a recording. */
export const RECORDING_KEY = "recording";
export const RECORDING_VALUE = "1";

/** Header key of a trace that was made from a log; its value is the log's format. */
export const IMPORTED_KEY = "imported";

/** One figure of an `s` record. */
export interface StatisticClaim {
  readonly key: string;
  readonly value: number;
}

/** An `s` or `h` record: what the original was like behind `after` operations of the batch. */
export type TraceCheck = { readonly after: number; readonly line: number } & (
  | { readonly kind: "statistics"; readonly claims: readonly StatisticClaim[] }
  | { readonly kind: "checksum"; readonly crc32: number }
);

/**
 * Where the operations do not follow from those before, behind `after` operations of the batch. `boot`: the heap
 * starts anew, and what was live is gone. `gap`: what the board did here is not in the trace.
 */
export interface TraceBreak {
  readonly after: number;
  readonly line: number;
  readonly kind: "boot" | "gap";
}

/** What a recording or an imported log says of itself, as far as it has been read. */
export interface RecordingTotals {
  readonly boots: number;
  /** Places behind which something is missing. */
  readonly gaps: number;
  /** Frames that are missing, as far as they could be counted. */
  readonly missingFrames: number;
  /** Bytes of a last line without its end, which are left out. */
  readonly tornBytes: number;
}

/** Parsed operations in columns, valid until the next batch is asked for. */
export interface TraceBatch {
  readonly count: number;
  /** One `Opcode` each. */
  readonly opcodes: Uint8Array;
  readonly ids: Uint32Array;
  readonly requestBytes: Uint32Array;
  /** Of aligned allocations; 0 otherwise. */
  readonly alignments: Uint32Array;
  /** The recorded offset, REFUSED or NOT_RECORDED; 0 for a free. */
  readonly expected: Uint32Array;
  /** The line each operation stands in, from 1. */
  readonly lines: Uint32Array;
  readonly checks: readonly TraceCheck[];
  readonly breaks: readonly TraceBreak[];
}

/** An offset as the format writes it. */
export function formatOffset(offset: number): string {
  return offset === REFUSED ? "-1" : String(offset);
}

/** A checksum as the format writes it. */
export function formatChecksum(crc32: number): string {
  return crc32.toString(16).padStart(8, "0");
}

/** The least power of two at or above the alignment, as the originals round it up; at most 2 GiB. */
export function powerOfTwo(alignment: number): number {
  if (alignment >= ALIGNMENT_MOST) return ALIGNMENT_MOST;
  return 2 ** Math.ceil(Math.log2(Math.max(1, alignment)));
}
