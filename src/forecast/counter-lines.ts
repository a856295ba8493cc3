import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { HeapsoakError } from "../errors.ts";

const READ_BYTES = 256 * 1024;
/** A longer line is no line of a log; it is left out. */
export const LINE_BYTES_MOST = 64 * 1024;

/** The bytes of a file, or of standard input for `-`. Throws `cannot-read`. */
export async function openCounters(path: string): Promise<Readable> {
  if (path === "-") return process.stdin;
  try {
    if ((await stat(path)).isDirectory()) throw new HeapsoakError("cannot-read", `${path}: is a folder.`);
    return createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** What the lines of a text were. */
export interface LineCounts {
  lines: number;
  /** Lines longer than `LINE_BYTES_MOST`. */
  tooLong: number;
  /** Bytes of a last line without its end: half a number is another number. */
  unfinishedBytes: number;
}

/**
 * Hands each line to `take`, without its end; bytes as characters of Latin-1, because names alone may be more than
 * ASCII (`decodedName`). Memory does not grow with the text nor with a line. Throws `cannot-read`, and
 * `bad-counters` for what is no text of lines.
 */
export async function eachLine(
  input: Readable,
  name: string,
  counts: LineCounts,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  let isFirst = true;
  try {
    for await (const chunk of input as AsyncIterable<Buffer | string>) {
      let text = typeof chunk === "string" ? Buffer.from(chunk).toString("latin1") : chunk.toString("latin1");
      if (isFirst) text = withoutMark(text, name);
      isFirst = false;
      rest = linesOf(rest === "" ? text : rest + text, counts, take);
    }
  } catch (cause) {
    throw unreadable(name, cause);
  } finally {
    input.destroy();
  }
  counts.unfinishedBytes = rest.length;
}

/** Takes the whole lines of the text and returns what is left, or of a line that is too long its first bytes. */
function linesOf(text: string, counts: LineCounts, take: (line: string) => void): string {
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
    counts.lines++;
    const last = end > start && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end;
    if (last - start > LINE_BYTES_MOST) counts.tooLong++;
    else take(text.slice(start, last));
    start = end + 1;
  }
  return text.slice(start, start + LINE_BYTES_MOST + 1);
}

function withoutMark(text: string, name: string): string {
  if (text.startsWith("\x1f\x8b")) {
    throw new HeapsoakError("bad-counters", `${name}: is compressed.`, {
      hint: "Unpack it on the way: zcat FILE | heapsoak forecast -",
    });
  }
  if (text.startsWith("\xff\xfe") || text.startsWith("\xfe\xff")) {
    throw new HeapsoakError("bad-counters", `${name}: is UTF-16 text, expected UTF-8 or ASCII.`, {
      hint: "Convert it: iconv -f UTF-16 -t UTF-8 FILE | heapsoak forecast -",
    });
  }
  return text.startsWith("\xef\xbb\xbf") ? text.slice(3) : text;
}

/** A name as it was meant: its bytes are UTF-8, or else Latin-1. */
export function decodedName(latin1: string): string {
  const text = Buffer.from(latin1, "latin1").toString("utf8");
  return text.includes("\ufffd") ? latin1 : text;
}

function unreadable(name: string, cause: unknown): Error {
  if (cause instanceof HeapsoakError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (code === "ENOENT") return new HeapsoakError("cannot-read", `${name}: there is no such file.`, { cause });
  if (code.startsWith("E")) return new HeapsoakError("cannot-read", `${name}: cannot be read (${code}).`, { cause });
  return cause instanceof Error ? cause : new Error(String(cause));
}
