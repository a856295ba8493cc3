import type { Readable } from "node:stream";
import { HeapsoakError } from "../errors.ts";
import { inflatedUpToCut } from "../trace/input.ts";

/** A longer line is no line of a log; it is left out. */
export const LINE_BYTES_MOST = 64 * 1024;

/** What the lines of a text were. */
export interface LineCounts {
  lines: number;
  /** Lines longer than `LINE_BYTES_MOST`. */
  tooLong: number;
  /** Bytes of a last line without its end: half a number is another number. */
  unfinishedBytes: number;
  /** Why the text ends too early, or null: its compression is cut off or damaged. */
  cut: string | null;
}

/**
 * Hands each line of a text, plain or gzip, to `take`, without its end; bytes as characters of Latin-1, because names alone may be more than
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
  const chunks = inflatedUpToCut(input, name, (why) => {
    counts.cut = why;
  });
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    const text = isFirst ? withoutMark(bytes, name) : bytes;
    isFirst = false;
    rest = linesOf(rest === "" ? text : rest + text, counts, take);
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
