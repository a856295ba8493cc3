import { HeapsoakError } from "../errors.ts";
import { ADDRESS_SPACE_BYTES, formatAddress, formatBytes } from "../quantities.ts";
import { isElf, readElf } from "./elf.ts";
import { type ImageSegment, isIntelHex, parseIntelHex } from "./intel-hex.ts";

export type { ImageSegment } from "./intel-hex.ts";

export type ImageFormat = "raw" | "hex" | "elf";

export interface RamImageOptions {
  /** Address of the first byte of a raw image. The other formats carry their addresses. */
  readonly at?: number;
  /** What the bytes are; recognised by their beginning unless given. */
  readonly format?: ImageFormat;
  /** The file's name, for messages. */
  readonly file?: string;
}

/** More RAM than any microcontroller has; a larger file is something else. */
export const IMAGE_BYTES_MOST = 256 * 1024 * 1024;
/** Some 25 MiB of contents: the text is larger than what it says, and is decoded as a whole. */
const HEX_BYTES_MOST = 64 * 1024 * 1024;

/** What the bytes are, by their beginning. */
export function imageFormat(bytes: Uint8Array): ImageFormat {
  if (isElf(bytes)) return "elf";
  return isIntelHex(bytes) ? "hex" : "raw";
}

/**
 * The memory contents in a RAM image, in address order and not overlapping: a raw dump (which needs `at`), Intel
 * HEX, or the loaded segments of an ELF file, such as a core dump. Contents may be views of `bytes`.
 * Throws `bad-image` or `bad-elf`.
 */
export function loadRamImage(bytes: Uint8Array, options: RamImageOptions = {}): ImageSegment[] {
  const file = options.file ?? "RAM image";
  if (bytes.length === 0) throw new HeapsoakError("bad-image", `${file}: the file is empty.`);
  const format = options.format ?? imageFormat(bytes);
  const bytesMost = format === "hex" ? HEX_BYTES_MOST : IMAGE_BYTES_MOST;
  if (bytes.length > bytesMost) {
    const got = `${formatBytes(bytes.length)}, expected at most ${formatBytes(bytesMost)}`;
    throw new HeapsoakError("bad-image", `${file}: ${got}.`);
  }
  switch (format) {
    case "elf":
      return elfImage(bytes, file);
    case "hex":
      return hexImage(bytes, file);
    case "raw":
      return [rawImage(bytes, options.at, file)];
  }
}

function rawImage(bytes: Uint8Array, at: number | undefined, file: string): ImageSegment {
  if (at === undefined) {
    const hint = "Say where its first byte lies on the device, such as --at 0x20000000.";
    throw new HeapsoakError("bad-image", `${file}: a raw image does not say at which address it was taken.`, { hint });
  }
  if (!Number.isInteger(at) || at < 0 || at + bytes.length > ADDRESS_SPACE_BYTES) {
    const message = `${formatBytes(bytes.length)} at ${formatAddress(at)} reach past the end of the address space`;
    throw new HeapsoakError("bad-image", `${file}: ${message}.`);
  }
  return { low: at, bytes };
}

function hexImage(bytes: Uint8Array, file: string): ImageSegment[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const segments = parseIntelHex(text, file);
  if (segments.length === 0) throw new HeapsoakError("bad-image", `${file}: no data records.`);
  return segments;
}

function elfImage(bytes: Uint8Array, file: string): ImageSegment[] {
  const loaded = readElf(bytes, file).segments.filter((segment) => segment.loads && segment.contents.length > 0);
  const segments = loaded.map(({ low, contents }) => ({ low, bytes: contents })).sort((a, b) => a.low - b.low);
  if (segments.length === 0) {
    const hint = "An ELF core or a program has them; an object file does not.";
    throw new HeapsoakError("bad-elf", `${file}: no loaded segments (PT_LOAD) with contents.`, { hint });
  }
  for (let index = 1; index < segments.length; index++) {
    const [before, segment] = [segments[index - 1] as ImageSegment, segments[index] as ImageSegment];
    if (segment.low < before.low + before.bytes.length) {
      throw new HeapsoakError("bad-elf", `${file}: two loaded segments overlap at ${formatAddress(segment.low)}.`);
    }
  }
  return segments;
}
