import { HeapsoakError } from "../errors.ts";
import { ADDRESS_SPACE_BYTES, formatAddress } from "../quantities.ts";

/** Bytes that lie at an address. */
export interface ImageSegment {
  readonly low: number;
  readonly bytes: Uint8Array;
}

/**
 * One record is one line:  `:LLAAAATT` data `CC`
 *
 *   LL length of the data · AAAA offset · TT type · CC makes the sum of all bytes 0 modulo 256
 */
enum RecordType {
  Data,
  End,
  SegmentAddress,
  SegmentStart,
  LinearAddress,
  LinearStart,
}

interface DataRecord extends ImageSegment {
  readonly line: number;
}

/** Whether the bytes begin as an Intel HEX file does: a colon and eight hexadecimal digits. */
export function isIntelHex(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString("latin1");
  return /^\s*:[\da-fA-F]{10}/.test(start);
}

/**
 * The contents of an Intel HEX file, in address order, adjacent records joined. Memory is bounded by the text's
 * length, whatever addresses it names. Throws `bad-image` with the line: bad characters, lengths and checksums,
 * unknown types, bytes given twice, a missing end record.
 */
export function parseIntelHex(text: string, file = "Intel HEX file"): ImageSegment[] {
  const records = readRecords(text, file).sort((a, b) => a.low - b.low || a.line - b.line);
  refuseOverlaps(records, file);
  return join(records);
}

function readRecords(text: string, file: string): DataRecord[] {
  const records: DataRecord[] = [];
  let base = 0;
  let segmented = false;
  let ended = false;
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const next = text.indexOf("\n", start);
    const content = text.slice(start, next < 0 ? text.length : next).trim();
    start = next < 0 ? text.length : next + 1;
    line++;
    if (content === "") continue;
    if (ended) throw refuse(file, line, "a record after the end record");
    const { type, offset, data } = readRecord(content, file, line);
    if (type === RecordType.Data) records.push(...placed(base, offset, data, segmented, line));
    else if (type === RecordType.End) ended = true;
    else if (type === RecordType.SegmentAddress || type === RecordType.LinearAddress) {
      if (data.length !== 2) throw refuse(file, line, `an address record with ${data.length} bytes, expected 2`);
      segmented = type === RecordType.SegmentAddress;
      base = ((data[0] ?? 0) * 256 + (data[1] ?? 0)) * (segmented ? 16 : 65_536);
    } else if (type !== RecordType.SegmentStart && type !== RecordType.LinearStart) {
      throw refuse(file, line, `record type ${type}, expected 0 to 5`);
    }
  }
  if (!ended) throw refuse(file, line, "the file ends without an end record (:00000001FF)", "It is truncated.");
  return records;
}

function readRecord(content: string, file: string, line: number): { type: number; offset: number; data: Uint8Array } {
  if (!content.startsWith(":"))
    throw refuse(file, line, `a line that does not begin with a colon: "${content.slice(0, 20)}"`);
  if (!/^:(?:[\da-fA-F]{2})+$/.test(content))
    throw refuse(file, line, "characters that are not pairs of hexadecimal digits");
  const bytes = Buffer.from(content.slice(1), "hex");
  const length = bytes[0] ?? 0;
  if (bytes.length !== length + 5)
    throw refuse(file, line, `${bytes.length} bytes, expected ${length + 5} from the record's length`);
  const sum = bytes.reduce((total, byte) => total + byte, 0) % 256;
  if (sum !== 0) {
    const stated = bytes[bytes.length - 1] ?? 0;
    const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, "0");
    throw refuse(file, line, `checksum ${hex(stated)}, expected ${hex((stated - sum + 256) % 256)}`);
  }
  return { type: bytes[3] ?? 0, offset: bytes.readUInt16BE(1), data: bytes.subarray(4, -1) };
}

/** Offsets wrap within 64 KiB after a segment address, and within the address space after a linear one. */
function placed(base: number, offset: number, data: Uint8Array, segmented: boolean, line: number): DataRecord[] {
  if (data.length === 0) return [];
  const limit = segmented ? base + 65_536 : ADDRESS_SPACE_BYTES;
  const fitting = Math.min(data.length, limit - (base + offset));
  const head = { low: (base + offset) % ADDRESS_SPACE_BYTES, bytes: data.subarray(0, fitting), line };
  if (fitting === data.length) return [head];
  return [head, { low: segmented ? base : 0, bytes: data.subarray(fitting), line }];
}

function refuseOverlaps(records: readonly DataRecord[], file: string): void {
  for (let index = 1; index < records.length; index++) {
    const before = records[index - 1] as DataRecord;
    const record = records[index] as DataRecord;
    if (record.low < before.low + before.bytes.length) {
      const [first, second] = before.line < record.line ? [before, record] : [record, before];
      throw refuse(
        file,
        second.line,
        `the bytes at ${formatAddress(record.low)} were already given in line ${first.line}`,
      );
    }
  }
}

function join(records: readonly DataRecord[]): ImageSegment[] {
  const segments: ImageSegment[] = [];
  for (let from = 0; from < records.length; ) {
    let to = from + 1;
    let bytes = records[from]?.bytes.length ?? 0;
    const low = records[from]?.low ?? 0;
    while (to < records.length && records[to]?.low === low + bytes) bytes += records[to++]?.bytes.length ?? 0;
    segments.push({ low, bytes: Buffer.concat(records.slice(from, to).map((record) => record.bytes)) });
    from = to;
  }
  return segments;
}

function refuse(file: string, line: number, message: string, hint?: string): HeapsoakError {
  return new HeapsoakError("bad-image", `${file}:${line}: ${message}.`, hint ? { hint } : {});
}
