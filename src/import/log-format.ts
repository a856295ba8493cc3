import type { TraceText } from "../trace/trace-text.ts";

/** The longest line that is read, in bytes. */
export const LOG_LINE_BYTES_MOST = 4096;

/**
 * What a line was: operations that went into the trace; a line of the format that tells no operation; nothing of this
 * format; or one of its lines that cannot be read whole.
 */
export type LineKind = "record" | "known" | "other" | "damaged";

/** Reads the lines of one log, in their order. */
export interface LineReader {
  /** `line`: without its end, blanks behind it and terminal colours. */
  read(line: string): LineKind;
  /** Hands over what still waits. Returns what a reader of the trace must know, as sentences. */
  end?(): string[];
}

/** A format of logs, one line or a few an operation. */
export interface LogFormat {
  readonly name: string;
  /** What writes it, for people. */
  readonly title: string;
  /** A line of it, for the help. */
  readonly example: string;
  /** Whether the line tells an operation in this format. */
  recognises(line: string): boolean;
  /** Whether a log that begins with these lines can only be of this format. */
  begins?(lines: readonly string[]): boolean;
  open(sink: TraceText): LineReader;
}

/**
 * An address of hexadecimal digits without `0x`. Of more than 52 bits the low ones are taken: what stands above them
 * on 64-bit machines is a tag, or the same for all.
 */
export function hexAddress(digits: string): number {
  return Number.parseInt(digits.length > 13 ? digits.slice(-13) : digits, 16);
}

/** As `hexAddress`, for what `%p` prints: with or without `0x`, or `(nil)`. */
export function pointer(text: string): number {
  if (text.startsWith("(")) return 0;
  return hexAddress(text.startsWith("0x") || text.startsWith("0X") ? text.slice(2) : text);
}

/** A caller as an annotation takes it: printable ASCII without blanks. */
export function siteWord(text: string): string {
  return text.slice(0, 128).replaceAll(/[^\x21-\x7e]/g, "_");
}

/** A caller's address, as `%p` prints it, as an annotation; undefined for none. */
export function hexSite(text: string): string | undefined {
  if (text.startsWith("(")) return undefined;
  return text.startsWith("0x") ? text : `0x${text.replace(/^0X/, "")}`;
}
