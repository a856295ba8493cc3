import type { BoardFigures, BoardOperation, BoardResult, FieldValues } from "./messages.ts";
import { FIGURES, type FieldKind, OPERATION_BYTES, RESULT_BYTES, VERBS } from "./protocol.ts";

/** How the fields of one kind are read and written. */
export interface FieldFormat<V> {
  /** Bytes, or 0: the rest of the payload. */
  readonly bytes: number;
  /** The value in `bytes[from..to)`, or undefined where those bytes are none. Fields of fixed width ignore `to`. */
  read(bytes: Uint8Array, from: number, to: number): V | undefined;
  /** The bytes of the value. Throws RangeError where it has none. */
  write(value: V): readonly number[] | Uint8Array;
}

const FIGURE_BYTES = 5;
const WORD_BYTES = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const verbs = namesByCode(VERBS);
const figures = namesByCode(FIGURES);

/** Every kind of field. */
export const FIELD_FORMATS: { readonly [K in FieldKind]: FieldFormat<FieldValues[K]> } = {
  u8: { bytes: 1, read: (bytes, from) => bytes[from], write: (value) => littleEndian(value, 1) },
  u16: { bytes: 2, read: readU16, write: (value) => littleEndian(value, 2) },
  u32: { bytes: 4, read: readU32, write: (value) => littleEndian(value, 4) },
  text: { bytes: 0, read: readText, write: (value) => encoder.encode(value) },
  texts: { bytes: 0, read: readTexts, write: (value) => value.flatMap(zeroEnded) },
  bytes: { bytes: 0, read: (bytes, from, to) => bytes.slice(from, to), write: (value) => value },
  words: records(WORD_BYTES, readU32, (value) => littleEndian(value, WORD_BYTES)),
  results: records(RESULT_BYTES, readResult, ({ address, cycles }) => [
    ...littleEndian(address, 4),
    ...littleEndian(cycles, 4),
  ]),
  operations: records(OPERATION_BYTES, readOperation, writeOperation),
  figures: { bytes: 0, read: readFigures, write: writeFigures },
};

/** The u16 at `from`. */
export function readU16(bytes: Uint8Array, from: number): number {
  return (bytes[from] as number) | ((bytes[from + 1] as number) << 8);
}

/** The u32 at `from`. */
export function readU32(bytes: Uint8Array, from: number): number {
  const low = (bytes[from] as number) | ((bytes[from + 1] as number) << 8);
  return (low | ((bytes[from + 2] as number) << 16) | ((bytes[from + 3] as number) << 24)) >>> 0;
}

/** A number as bytes, low one first. Throws RangeError where it does not fit. */
export function littleEndian(value: number, bytes: 1 | 2 | 4): number[] {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * bytes)) {
    throw new RangeError(`${value} is no number of ${bytes} bytes`);
  }
  return Array.from({ length: bytes }, (_, index) => (value >>> (8 * index)) & 0xff);
}

function namesByCode<N extends string>(codes: Readonly<Record<N, number>>): ReadonlyMap<number, N> {
  return new Map((Object.entries(codes) as [N, number][]).map(([name, code]) => [code, name]));
}

/** Records of one size up to the payload's end. */
function records<V>(
  recordBytes: number,
  read: (bytes: Uint8Array, from: number) => V | undefined,
  write: (value: V) => readonly number[],
): FieldFormat<readonly V[]> {
  return {
    bytes: 0,
    read: (bytes, from, to) => {
      if ((to - from) % recordBytes !== 0) return undefined;
      const values: V[] = [];
      for (let at = from; at < to; at += recordBytes) {
        const value = read(bytes, at);
        if (value === undefined) return undefined;
        values.push(value);
      }
      return values;
    },
    write: (values) => values.flatMap(write),
  };
}

function readText(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to));
}

function readTexts(bytes: Uint8Array, from: number, to: number): string[] | undefined {
  if (from === to) return [];
  if (bytes[to - 1] !== 0) return undefined;
  return readText(bytes, from, to - 1).split("\0");
}

function zeroEnded(text: string): number[] {
  if (text.includes("\0")) throw new RangeError("a text of several cannot have a zero in it");
  return [...encoder.encode(text), 0];
}

function readResult(bytes: Uint8Array, from: number): BoardResult {
  return { address: readU32(bytes, from), cycles: readU32(bytes, from + 4) };
}

function readOperation(bytes: Uint8Array, from: number): BoardOperation | undefined {
  const verb = verbs.get(bytes[from] as number);
  const reference = bytes[from + 1] as number;
  const shift = bytes[from + 2] as number;
  if (verb === undefined || reference > 1 || shift > 31 || bytes[from + 3] !== 0) return undefined;
  return {
    verb,
    block: readU32(bytes, from + 4),
    blockIsReference: reference === 1,
    alignment: 2 ** shift,
    requestBytes: readU32(bytes, from + 8),
  };
}

/** An alignment of 0 is written as that of 1: none beyond the allocator's own. */
function writeOperation(operation: BoardOperation): number[] {
  const shift = Math.log2(Math.max(1, operation.alignment));
  if (!Number.isInteger(shift)) throw new RangeError(`an alignment of ${operation.alignment} is no power of two`);
  return [
    VERBS[operation.verb],
    operation.blockIsReference ? 1 : 0,
    shift,
    0,
    ...littleEndian(operation.block, 4),
    ...littleEndian(operation.requestBytes, 4),
  ];
}

/** Figures by name; those that this side has no name for are left out. */
function readFigures(bytes: Uint8Array, from: number, to: number): BoardFigures | undefined {
  if ((to - from) % FIGURE_BYTES !== 0) return undefined;
  const read: BoardFigures = {};
  for (let at = from; at < to; at += FIGURE_BYTES) {
    const name = figures.get(bytes[at] as number);
    if (name !== undefined) read[name] = readU32(bytes, at + 1);
  }
  return read;
}

function writeFigures(values: BoardFigures): number[] {
  const entries = Object.entries(values) as [keyof typeof FIGURES, number][];
  return entries.flatMap(([name, value]) => [FIGURES[name], ...littleEndian(value, 4)]);
}
