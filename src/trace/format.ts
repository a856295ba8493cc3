/**
 * The text format of recorded traces: header lines `# key=value`, then one record a line. Offsets count from
 * the arena's base; -1 is a refused request. A log without addresses leaves them out.
 *
 *   a ID SIZE [OFF]        allocate            f ID             free
 *   z ID ALIGN SIZE [OFF]  aligned allocation  s KEY=VALUE …    what the allocator itself reported here
 *   r ID SIZE [OFF]        reallocate          h CRC32          zlib's CRC-32 of the arena here, hexadecimal
 *
 * Further lines that begin with `#`, and empty lines, are skipped. Lines end in LF or CR LF.
 */
import { OPERATIONS_MOST } from "../../assembly/memory-map.ts";

/** The longest line that is read, in bytes. */
export const LINE_BYTES_MOST = 4096;
/** The most header lines that are kept. */
export const HEADER_KEYS_MOST = 1000;
/** Operations handed over at a time: as many as the engine takes. */
export const BATCH_OPERATIONS = OPERATIONS_MOST;
/** The most `s` and `h` records in a batch. */
export const BATCH_CHECKS = 1024;
/** The largest number in an id, a size or an offset. */
export const NUMBER_MOST = 0xffff_ffff;
/** What `expected` holds for a refused request (the format's -1). */
export const REFUSED = 0xffff_ffff;
/** What `expected` holds where no offset was recorded. No payload lies there: the least alignment ends before it. */
export const NOT_RECORDED = 0xffff_fffe;

/** How each record is written, for messages. */
export const RECORD_SHAPES: Readonly<Record<string, string>> = {
  a: "a ID SIZE [OFF]",
  f: "f ID",
  r: "r ID SIZE [OFF]",
  z: "z ID ALIGN SIZE [OFF]",
  s: "s KEY=VALUE …",
  h: "h CRC32",
};

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
}

/** An offset as the format writes it. */
export function formatOffset(offset: number): string {
  return offset === REFUSED ? "-1" : String(offset);
}

/** A checksum as the format writes it. */
export function formatChecksum(crc32: number): string {
  return crc32.toString(16).padStart(8, "0");
}
