import { encodeCobs } from "./cobs.ts";
import { crc16, crc32Of } from "./crc.ts";
import { FIELD_FORMATS, type FieldFormat, littleEndian, readU16, readU32 } from "./frame-fields.ts";
import type { Frame } from "./messages.ts";
import {
  FRAME_BYTES_MOST,
  FRAME_HEADER_BYTES,
  FRAME_TYPES,
  type FrameName,
  LAYOUTS,
  PROTOCOL_VERSION,
} from "./protocol.ts";

/** Bits of the first byte below the version. */
export const VERSION_SHIFT = 5;
const TYPE_MASK = 0x1f;
const SHORT_CHECK_BYTES = 2;
const LONG_CHECK_BYTES = 4;

/** The shortest frame: no payload. */
export const FRAME_BYTES_LEAST = FRAME_HEADER_BYTES + SHORT_CHECK_BYTES;

interface Field {
  readonly name: string;
  readonly format: FieldFormat<unknown>;
}

/** How a type of frame is read: what its layout says, ready for use. */
interface Plan {
  readonly kind: FrameName;
  readonly fields: readonly Field[];
  /** Bytes of the fields of fixed width. */
  readonly fixedBytes: number;
  /** Whether the last field takes what is left. */
  readonly isOpen: boolean;
}

const PLANS: readonly (Plan | undefined)[] = plansByType();

/**
 * The frame as it goes onto the line, with the zero that ends it. Throws RangeError where a value does not fit
 * its field, or all of them a frame.
 */
export function encodeFrame(frame: Frame, sequence: number): Uint8Array {
  return sealFrame(frameBody(frame, sequence));
}

/** Header and payload. Throws RangeError where a value does not fit its field. */
export function frameBody(frame: Frame, sequence: number): Uint8Array {
  const type = FRAME_TYPES[frame.kind];
  const values = frame as unknown as Readonly<Record<string, unknown>>;
  const payload = (PLANS[type] as Plan).fields.flatMap(({ name, format }) => [...format.write(values[name])]);
  return Uint8Array.from([(PROTOCOL_VERSION << VERSION_SHIFT) | type, ...littleEndian(sequence, 2), ...payload]);
}

/** Header and payload with their check, stuffed, and the zero that ends them. Throws RangeError: too long for a frame. */
export function sealFrame(body: Uint8Array): Uint8Array {
  const checkBytes = checkBytesOf(body);
  const bytes = body.length + checkBytes;
  if (bytes > FRAME_BYTES_MOST) throw new RangeError(`a frame of ${bytes} bytes; ${FRAME_BYTES_MOST} are the most`);
  const check = checkBytes === LONG_CHECK_BYTES ? crc32Of(body) : crc16(body);
  return encodeCobs(Uint8Array.from([...body, ...littleEndian(check, checkBytes)]));
}

/** The version that a frame says it is of. */
export function versionOf(bytes: Uint8Array): number {
  return (bytes[0] as number) >>> VERSION_SHIFT;
}

/** The number of a frame's type. */
export function typeOf(bytes: Uint8Array): number {
  return (bytes[0] as number) & TYPE_MASK;
}

/** The number that the sender gave a frame. */
export function sequenceOf(bytes: Uint8Array): number {
  return readU16(bytes, 1);
}

/** The check at the end of a frame of `length` bytes when it is right for what is in front of it, or -1. */
export function checkOf(bytes: Uint8Array, length: number): number {
  const checkBytes = checkBytesOf(bytes);
  const end = length - checkBytes;
  if (end < FRAME_HEADER_BYTES) return -1;
  if (checkBytes === SHORT_CHECK_BYTES) {
    const check = readU16(bytes, end);
    return check === crc16(bytes, end) ? check : -1;
  }
  const check = readU32(bytes, end);
  return check === crc32Of(bytes, end) ? check : -1;
}

/** Whether frames of the type go to a board, not from it. */
export function isCommandType(type: number): boolean {
  return type >= FRAME_TYPES.hello;
}

/** Whether this side knows the type. */
export function isKnownType(type: number): boolean {
  return PLANS[type] !== undefined;
}

/** The frame in the first `length` bytes, whose check holds, or undefined where they do not fit its layout. */
export function decodeFrame(bytes: Uint8Array, length: number): Frame | undefined {
  const plan = PLANS[typeOf(bytes)];
  const end = length - checkBytesOf(bytes);
  if (plan === undefined) return undefined;
  const spareBytes = end - FRAME_HEADER_BYTES - plan.fixedBytes;
  if (spareBytes < 0 || (spareBytes > 0 && !plan.isOpen)) return undefined;
  const frame: Record<string, unknown> = { kind: plan.kind };
  let at = FRAME_HEADER_BYTES;
  for (const { name, format } of plan.fields) {
    const value = format.read(bytes, at, end);
    if (value === undefined) return undefined;
    frame[name] = value;
    at += format.bytes;
  }
  return frame as unknown as Frame;
}

function checkBytesOf(bytes: Uint8Array): 2 | 4 {
  return typeOf(bytes) === FRAME_TYPES.memory ? LONG_CHECK_BYTES : SHORT_CHECK_BYTES;
}

function plansByType(): (Plan | undefined)[] {
  const plans: (Plan | undefined)[] = Array.from({ length: TYPE_MASK + 1 }, () => undefined);
  for (const [kind, type] of Object.entries(FRAME_TYPES) as [FrameName, number][]) plans[type] = planOf(kind);
  return plans;
}

function planOf(kind: FrameName): Plan {
  const fields = LAYOUTS[kind].map(([name, format]) => ({
    name,
    format: FIELD_FORMATS[format] as FieldFormat<unknown>,
  }));
  const fixedBytes = fields.reduce((sum, { format }) => sum + format.bytes, 0);
  return { kind, fields, fixedBytes, isOpen: fields.at(-1)?.format.bytes === 0 };
}
