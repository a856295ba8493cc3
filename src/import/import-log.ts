/** Turns the log of any program's allocations into a trace. */
import { HeapsoakError } from "../errors.ts";
import { type Finding, Findings } from "../trace/findings.ts";
import { IMPORTED_KEY } from "../trace/format.ts";
import { inflated, openSource, unreadable } from "../trace/input.ts";
import { LineParser } from "../trace/line-parser.ts";
import { type LiveSummary, type TraceCounts, TraceText } from "../trace/trace-text.ts";
import type { Region } from "../wasm/heap-record.ts";
import { copyTrace } from "./copy-trace.ts";
import { patternFormat } from "./formats/pattern.ts";
import { checkedFormat, FORMAT_NAMES, isTrace, LOG_FORMATS, OTHER_FORMATS } from "./formats.ts";
import type { LogFormat } from "./log-format.ts";
import { LogIntake, linesOf } from "./log-intake.ts";
import { isSystemview, SystemviewReader } from "./systemview.ts";
import { withinTime } from "./time-limit.ts";

/** As much of a file decides of which kind it is. */
const SAMPLE_BYTES = 65_536;
const PATTERN_LIMIT_MS = 10_000;

export interface ImportRequest {
  /** A path, or `-` for standard input; plain or gzip. */
  readonly source: string;
  /** One of FORMAT_NAMES; recognised by default. */
  readonly format?: string;
  /** A regular expression with named groups, instead of a format. */
  readonly pattern?: string;
  /** Milliseconds that the pattern may take for a piece of the log (256 KiB at most); 10,000 by default. */
  readonly patternLimitMs?: number;
  /** The heap that offsets count from; what lies outside is left out. */
  readonly heap?: Region;
  /** heapsoak's version, for the header. */
  readonly version: string;
  /** Ends the import: it then throws `bad-argument`. */
  readonly signal?: AbortSignal;
  /** Takes the trace piece by piece. */
  readonly write: (text: string | Uint8Array) => Promise<void>;
}

/** What was imported. */
export interface ImportSummary extends TraceCounts {
  readonly source: string;
  readonly format: string;
  readonly title: string;
  /** Whether the content told the format; otherwise the request did. */
  readonly wasRecognised: boolean;
  /** Bytes of the log, not compressed. */
  readonly bytes: number;
  /** Packets, of a SystemView recording. */
  readonly lines: number;
  readonly operations: number;
  /** Undefined for what was a trace already. */
  readonly live: LiveSummary | undefined;
  /** From the log's first time to its last; undefined where it has none. */
  readonly durationUs: number | undefined;
  readonly hasOffsets: boolean;
  readonly findings: readonly Finding[];
  /** Sentences that a reader of the figures must know. */
  readonly remarks: readonly string[];
}

/**
 * Reads a log and writes it as a trace, in memory that does not grow with it. Throws `bad-log` where nothing of a
 * format is found (the message names those that were tried and shows the first lines), `cannot-read`, `bad-argument`.
 */
export async function importLog(request: ImportRequest): Promise<ImportSummary> {
  const name = request.source === "-" ? "standard input" : request.source;
  const chosen = chosenFormat(request);
  const chunks = inflated(await openSource(request.source, name), name);
  const head = await takeHead(chunks, name);
  const whole = rest(head, chunks, name);
  try {
    const format = chosen ?? kindOf(head.bytes, name);
    if (format === "systemview") return await importPackets(request, name, whole);
    if (format === "heapsoak") return await importTrace(request, name, whole);
    return await importLines(request, name, whole, typeof format === "string" ? undefined : format);
  } finally {
    await chunks.return(undefined);
  }
}

type Chosen = LogFormat | "systemview" | "heapsoak";

/** What the request says of the format. Throws `bad-argument`. */
function chosenFormat({ format, pattern }: ImportRequest): Chosen | undefined {
  if (pattern !== undefined && format !== undefined) {
    throw new HeapsoakError("bad-argument", "--pattern and --format exclude each other: the pattern is the format.");
  }
  if (pattern !== undefined) return patternFormat(pattern);
  if (format === undefined) return undefined;
  const name = checkedFormat(format);
  return LOG_FORMATS.find((one) => one.name === name) ?? (name as "systemview" | "heapsoak");
}

/** What the first bytes say of the file. */
function kindOf(head: Uint8Array, name: string): "systemview" | "heapsoak" | "lines" {
  if (isSystemview(head)) return "systemview";
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new HeapsoakError("bad-log", `${name}: is text in UTF-16, expected UTF-8 or ASCII.`, {
      hint: "PowerShell's > writes it: convert it, for instance with iconv -f UTF-16 -t UTF-8.",
    });
  }
  return isTrace(linesOf(head)) ? "heapsoak" : "lines";
}

interface Piece {
  readonly bytes: Uint8Array;
  /** Why nothing follows. */
  readonly cut?: HeapsoakError;
}

/** A piece, or why there is none: a log that is cut off is read up to there. */
async function nextPiece(chunks: AsyncIterator<Uint8Array>, name: string): Promise<Piece | undefined> {
  try {
    const { value, done } = await chunks.next();
    return done ? undefined : { bytes: value };
  } catch (error) {
    const cause = unreadable(name, error);
    if (cause instanceof HeapsoakError && cause.code === "bad-trace") return { bytes: new Uint8Array(0), cut: cause };
    throw cause;
  }
}

async function takeHead(chunks: AsyncIterator<Uint8Array>, name: string): Promise<Piece> {
  let bytes: Uint8Array = new Uint8Array(0);
  while (bytes.length < SAMPLE_BYTES) {
    const piece = await nextPiece(chunks, name);
    if (!piece) break;
    if (piece.cut) return { bytes, cut: piece.cut };
    bytes = Buffer.concat([bytes, piece.bytes]);
  }
  return { bytes };
}

async function* rest(head: Piece, chunks: AsyncIterator<Uint8Array>, name: string): AsyncGenerator<Piece> {
  yield head;
  if (head.cut) return;
  for (let piece = await nextPiece(chunks, name); piece; piece = await nextPiece(chunks, name)) yield piece;
}

/** The pieces' bytes; `taken` is what has been read of them. */
async function* bytesOf(
  { signal }: ImportRequest,
  pieces: AsyncIterable<Piece>,
  taken: { bytes: number; remarks: string[] },
): AsyncGenerator<Uint8Array> {
  for await (const { bytes, cut } of pieces) {
    if (signal?.aborted) throw new HeapsoakError("bad-argument", "The import was interrupted: nothing is written.");
    taken.bytes += bytes.length;
    if (cut) taken.remarks.push(`The log ends too early: ${cut.message}`);
    if (bytes.length > 0) yield bytes;
  }
}

async function importLines(
  request: ImportRequest,
  name: string,
  pieces: AsyncIterable<Piece>,
  chosen: LogFormat | undefined,
): Promise<ImportSummary> {
  const text = new TraceText(request.heap);
  const intake = new LogIntake(text, chosen);
  const taken = { bytes: 0, remarks: [] as string[] };
  let format: LogFormat | undefined;
  const pass = async () => {
    if (!format && intake.format) {
      format = intake.format;
      refuseOffsets(request, format, text);
      await begin(request, format.name);
    }
    if (format && text.length > 0) await request.write(text.take());
  };
  const limitMs = request.pattern === undefined ? undefined : (request.patternLimitMs ?? PATTERN_LIMIT_MS);
  for await (const bytes of bytesOf(request, pieces, taken)) {
    if (limitMs === undefined) intake.push(bytes);
    else
      withinTime(
        limitMs,
        () => intake.push(bytes),
        () => tooSlow(name, text.lineNumber),
      );
    await pass();
  }
  const remarks = [...taken.remarks, ...intake.end()];
  await pass();
  if (!format || (text.operations === 0 && text.findings.count("unmatched-free") === 0)) {
    throw nothingFound(name, format, intake.firstLines);
  }
  const wasRecognised = chosen === undefined;
  return { ...summary(request, text, name, format), wasRecognised, bytes: taken.bytes, lines: intake.lines, remarks };
}

function tooSlow(name: string, line: number): HeapsoakError {
  return new HeapsoakError("bad-argument", `--pattern: takes too long at line ${line} of ${name}.`, {
    hint: "Its repetitions lie in one another, such as (a+)+: let each character be matched in one way only.",
  });
}

function refuseOffsets({ heap }: ImportRequest, format: LogFormat, text: TraceText): void {
  if (!heap || !text.areNames) return;
  throw new HeapsoakError("bad-argument", `--heap: logs of the format ${format.name} have no addresses.`);
}

function summary(
  { heap }: ImportRequest,
  text: TraceText,
  name: string,
  format: { readonly name: string; readonly title: string },
): Omit<ImportSummary, "wasRecognised" | "bytes" | "lines" | "remarks"> {
  return {
    source: name,
    format: format.name,
    title: format.title,
    ...text.counts,
    operations: text.operations,
    live: text.live,
    durationUs: text.durationUs,
    hasOffsets: heap !== undefined,
    findings: text.findings.list(),
  };
}

async function importPackets(
  request: ImportRequest,
  name: string,
  pieces: AsyncIterable<Piece>,
): Promise<ImportSummary> {
  const text = new TraceText(request.heap);
  const reader = new SystemviewReader(text);
  await begin(request, "systemview");
  const taken = { bytes: 0, remarks: [] as string[] };
  for await (const bytes of bytesOf(request, pieces, taken)) {
    reader.push(bytes);
    if (text.length > 0) await request.write(text.take());
  }
  const remarks = [...taken.remarks, ...reader.end()];
  if (text.operations === 0) {
    throw new HeapsoakError(
      "bad-log",
      `${name}: ${reader.packets} SystemView packets, but no heap events among them.`,
      {
        hint: "The firmware must call SEGGER_SYSVIEW_HeapAlloc and SEGGER_SYSVIEW_HeapFree.",
      },
    );
  }
  await request.write(text.take());
  const format = { name: "systemview", title: OTHER_FORMATS.systemview.title };
  const wasRecognised = request.format === undefined;
  return { ...summary(request, text, name, format), wasRecognised, bytes: taken.bytes, lines: reader.packets, remarks };
}

async function importTrace(request: ImportRequest, name: string, pieces: AsyncIterable<Piece>): Promise<ImportSummary> {
  if (request.heap) {
    throw new HeapsoakError("bad-argument", "--heap: a trace of heapsoak's own has its offsets already.");
  }
  const parser = new LineParser(name);
  const taken = { bytes: 0, remarks: [] as string[] };
  const counts = await copyTrace(bytesOf(request, pieces, taken), parser, request.write);
  const operations = counts.allocations + counts.frees + counts.reallocations;
  if (operations === 0) throw new HeapsoakError("bad-trace", `${name}: holds no operations.`);
  const { gaps, tornBytes } = parser.totals;
  const remarks = [
    ...taken.remarks,
    "It is a trace already: replay takes it as it is. Every line was checked, and copied.",
  ];
  if (gaps > 0) remarks.push(`${gaps} ${gaps === 1 ? "gap" : "gaps"}, where operations are missing.`);
  const findings = new Findings();
  if (tornBytes > 0) findings.note("torn", parser.line + 1, `${tornBytes} bytes`);
  return {
    ...counts,
    source: name,
    format: "heapsoak",
    title: OTHER_FORMATS.heapsoak.title,
    wasRecognised: request.format === undefined,
    bytes: taken.bytes,
    lines: parser.line,
    operations,
    live: undefined,
    durationUs: undefined,
    hasOffsets: parser.header.has("heap_size"),
    findings: findings.list(),
    remarks,
  };
}

/** The header. */
async function begin({ heap, version, write }: ImportRequest, format: string): Promise<void> {
  const place = heap ? `# heap_size=${heap.bytes}\n# arena_base=0x${heap.low.toString(16).padStart(8, "0")}\n` : "";
  await write(`# ${IMPORTED_KEY}=${format}\n# heapsoak=${version}\n${place}`);
}

function nothingFound(name: string, format: LogFormat | undefined, first: readonly string[]): HeapsoakError {
  const tried = format ? `the format ${format.name}` : `any format (${FORMAT_NAMES.join(", ")})`;
  const shown =
    first.length === 0 ? "It has no lines." : `It begins with:\n${first.map((line) => `    ${line}`).join("\n")}`;
  return new HeapsoakError("bad-log", `${name}: holds no operation of ${tried}. ${shown}`, {
    hint: format
      ? "Without --format or --pattern the format is recognised."
      : 'Describe its lines with --pattern, such as "(?<op>malloc|free) (?<addr>0x[0-9a-f]+)(?: (?<size>[0-9]+))?".',
  });
}
