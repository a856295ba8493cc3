import type { Readable } from "node:stream";
import type { TraceHeader } from "../allocators/entry.ts";
import { HeapsoakError } from "../errors.ts";
import { IMPORTED_KEY, LINE_BYTES_MOST, type RecordingTotals, type TraceBatch } from "./format.ts";
import { inflated, openSource, unreadable } from "./input.ts";
import { LineParser } from "./line-parser.ts";

const LF = 0x0a;

/** A trace that is being read: the header is complete, the records are still to come. */
export interface OpenTrace {
  /** The file's path, or `standard input`. */
  readonly name: string;
  readonly header: TraceHeader;
  /** What a board's recording or an imported log says of itself, as far as it has been read; undefined for other traces. */
  readonly recording: RecordingTotals | undefined;
  /** From the first time to the last over all boots, as far as it has been read; undefined where there are none. */
  readonly durationUs: number | undefined;
  /**
   * The operations in batches, once. The columns of a batch are overwritten by the next one. Throws `bad-trace`
   * with file and line, or `cannot-read`; ending the loop early closes the file.
   */
  batches(): AsyncIterable<TraceBatch>;
  /** Closes the file without reading on. */
  close(): Promise<void>;
}

/**
 * Opens a trace in the text format of format.ts, plain or gzip (told by its first bytes, several members one
 * after the other allowed); `-` is standard input. Memory does not grow with its length.
 * Throws `cannot-read` or, for what the header already shows, `bad-trace`.
 */
export async function openTrace(path: string): Promise<OpenTrace> {
  const name = path === "-" ? "standard input" : path;
  return readTrace(await openSource(path, name, "Only --verify takes folders."), name);
}

/** As `openTrace`, from a stream of bytes. */
export async function readTrace(input: Readable, name: string): Promise<OpenTrace> {
  const parser = new LineParser(name);
  const batches = parsed(wholeLines(inflated(input, name), parser), parser, name);
  const first = await batches.next();
  const close = async () => void (await batches.return(undefined));
  return {
    name,
    header: parser.header,
    get recording() {
      return parser.isRecording || parser.header.has(IMPORTED_KEY) ? parser.totals : undefined;
    },
    get durationUs() {
      return parser.durationUs;
    },
    batches: () => withFirst(first, batches),
    close,
  };
}

/**
 * Pieces of whole lines, each ended by LF (also the last, where the file lacks it). Of a recording the last line is
 * dropped where it lacks its end, however long it is: half a number is another number, and a file system that lost
 * power may leave zeros.
 */
export async function* wholeLines(chunks: AsyncIterable<Uint8Array>, parser: LineParser): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  let first = true;
  let tornBytes = 0;
  for await (const chunk of chunks) {
    if (tornBytes > 0) {
      if (chunk.includes(LF)) throw parser.tooLong();
      tornBytes += chunk.length;
      continue;
    }
    const joined = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const text: Uint8Array = first ? joined.subarray(byteOrderMark(joined)) : joined;
    first = false;
    const end = text.lastIndexOf(LF) + 1;
    if (end > 0) yield text.subarray(0, end);
    rest = text.slice(end);
    if (rest.length > LINE_BYTES_MOST) {
      parser.line++;
      if (!parser.isRecording) throw parser.tooLong();
      tornBytes = rest.length;
    }
  }
  if (parser.isRecording) parser.tornBytes = Math.max(tornBytes, rest.length);
  else if (rest.length > 0) yield Buffer.concat([rest, Buffer.of(LF)]);
}

function byteOrderMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

async function* parsed(
  pieces: AsyncIterable<Uint8Array>,
  parser: LineParser,
  name: string,
): AsyncGenerator<TraceBatch> {
  try {
    for await (const piece of pieces) {
      for (let at = parser.parse(piece, 0, piece.length); parser.full || at < piece.length; ) {
        yield parser.take();
        at = parser.parse(piece, at, piece.length);
      }
    }
  } catch (cause) {
    throw unreadable(name, cause, parser.line);
  }
  if (parser.records === 0 && !parser.isRecording)
    throw new HeapsoakError("bad-trace", `${name}: holds no operations.`);
  yield parser.take();
}

async function* withFirst(
  first: IteratorResult<TraceBatch>,
  rest: AsyncGenerator<TraceBatch>,
): AsyncGenerator<TraceBatch> {
  try {
    if (!first.done) yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
