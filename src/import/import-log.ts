/** Turns the log of any program's allocations into a trace. */
import { HeapsoakError } from "../errors.ts";
import { type Finding, Findings } from "../trace/findings.ts";
import { IMPORTED_KEY } from "../trace/format.ts";
import { inflatedUpToCut, openSource } from "../trace/input.ts";
import { LineParser } from "../trace/line-parser.ts";
import { type LiveSummary, type TraceCounts, TraceText } from "../trace/trace-text.ts";
import type { Region } from "../wasm/heap-record.ts";
import { copyTrace } from "./copy-trace.ts";
import { patternFormat } from "./formats/pattern.ts";
import { checkedFormat, FORMAT_NAMES, isTrace, LOG_FORMATS, OTHER_FORMATS } from "./formats.ts";
import type { LogFormat } from "./log-format.ts";
import { LogIntake, linesOf } from "./log-intake.ts";
import { SystemviewReader } from "./systemview.ts";
import { isSystemview, refuseChanged } from "./systemview-head.ts";
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
  const remarks: string[] = [];
  const chunks = inflatedUpToCut(await openSource(request.source, name), name, (why) => {
    remarks.push(`The log ends too early: ${why}`);
  });
  try {
    const head = await takeHead(chunks);
    const log: Log = { name, head, chunks, remarks, bytes: 0 };
    refuseUtf16(head, name);
    const format = chosen ?? kindOf(head, name);
    if (format === "systemview") return await importPackets(request, log);
    if (format === "heapsoak") return await importTrace(request, log);
    return await importLines(request, log, typeof format === "string" ? undefined : format);
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
  refuseChanged(head, name);
  return isTrace(linesOf(head)) ? "heapsoak" : "lines";
}

/** As much of the beginning as decides. */
async function takeHead(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let bytes: Uint8Array = new Uint8Array(0);
  while (bytes.length < SAMPLE_BYTES) {
    const { value, done } = await chunks.next();
    if (done) break;
    bytes = Buffer.concat([bytes, value]);
  }
  return bytes;
}

/** Throws `bad-log` for text that is not in bytes. */
function refuseUtf16(head: Uint8Array, name: string): void {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new HeapsoakError("bad-log", `${name}: is text in UTF-16, expected UTF-8 or ASCII.`, {
      hint: "PowerShell's > writes it: convert it, for instance with iconv -f UTF-16 -t UTF-8.",
    });
  }
}

/** A log that is being read. */
interface Log {
  readonly name: string;
  /** Its first bytes. */
  readonly head: Uint8Array;
  /** Those behind them. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Sentences that a reader of the figures must know. */
  readonly remarks: string[];
  /** As many have been read. */
  bytes: number;
}

/** All of the log's bytes. */
async function* bytesOf(log: Log, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  log.bytes = log.head.length;
  yield log.head;
  for await (const bytes of log.chunks) {
    if (signal?.aborted) throw new HeapsoakError("bad-argument", "The import was interrupted: nothing is written.");
    log.bytes += bytes.length;
    yield bytes;
  }
}

async function importLines(request: ImportRequest, log: Log, chosen: LogFormat | undefined): Promise<ImportSummary> {
  const text = new TraceText(request.heap);
  const intake = new LogIntake(text, chosen);
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
  for await (const bytes of bytesOf(log, request.signal)) {
    if (limitMs === undefined) intake.push(bytes);
    else
      withinTime(
        limitMs,
        () => intake.push(bytes),
        () => tooSlow(log.name, text.lineNumber),
      );
    await pass();
  }
  const told = intake.end();
  await pass();
  if (!format || (text.operations === 0 && text.findings.count("unmatched-free") === 0)) {
    throw nothingFound(log, format, intake.firstLines);
  }
  log.remarks.push(...told);
  const wasRecognised = chosen === undefined;
  return { ...summary(request, text, log, format), wasRecognised, lines: intake.lines };
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
  { name, bytes, remarks }: Log,
  format: { readonly name: string; readonly title: string },
): Omit<ImportSummary, "wasRecognised" | "lines"> {
  return {
    source: name,
    bytes,
    remarks,
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

async function importPackets(request: ImportRequest, log: Log): Promise<ImportSummary> {
  const text = new TraceText(request.heap);
  const reader = new SystemviewReader(text);
  await begin(request, "systemview");
  for await (const bytes of bytesOf(log, request.signal)) {
    reader.push(bytes);
    if (text.length > 0) await request.write(text.take());
  }
  const told = reader.end();
  if (text.operations === 0) {
    const { what, hint } = reader.emptiness;
    throw new HeapsoakError("bad-log", [`${log.name}: ${what}.`, ...log.remarks].join(" "), { hint });
  }
  log.remarks.push(...told);
  await request.write(text.take());
  const format = { name: "systemview", title: OTHER_FORMATS.systemview.title };
  const wasRecognised = request.format === undefined;
  return { ...summary(request, text, log, format), wasRecognised, lines: reader.packets };
}

async function importTrace(request: ImportRequest, log: Log): Promise<ImportSummary> {
  if (request.heap) {
    throw new HeapsoakError("bad-argument", "--heap: a trace of heapsoak's own has its offsets already.");
  }
  const { name, remarks } = log;
  const parser = new LineParser(name);
  const counts = await copyTrace(bytesOf(log, request.signal), parser, request.write);
  const operations = counts.allocations + counts.frees + counts.reallocations;
  if (operations === 0) throw new HeapsoakError("bad-trace", `${name}: holds no operations.`);
  const { gaps, tornBytes } = parser.totals;
  remarks.push("It is a trace already: replay takes it as it is. Every line was checked, and copied.");
  if (gaps > 0) remarks.push(`${gaps} ${gaps === 1 ? "gap" : "gaps"}, where operations are missing.`);
  const findings = new Findings();
  if (tornBytes > 0) findings.note("torn", parser.line + 1, `${tornBytes} bytes`);
  return {
    ...counts,
    source: name,
    format: "heapsoak",
    title: OTHER_FORMATS.heapsoak.title,
    wasRecognised: request.format === undefined,
    bytes: log.bytes,
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

function nothingFound(
  { name, remarks, bytes }: Log,
  format: LogFormat | undefined,
  first: readonly string[],
): HeapsoakError {
  const tried = format ? `the format ${format.name}` : `any format (${FORMAT_NAMES.join(", ")})`;
  const shown =
    first.length === 0
      ? bytes > 0
        ? "None of its lines ends in a line feed."
        : "It has no lines."
      : `It begins with:\n${first.map((line) => `    ${line}`).join("\n")}`;
  return new HeapsoakError("bad-log", `${name}: holds no operation of ${tried}. ${[...remarks, shown].join(" ")}`, {
    hint: format
      ? "Without --format or --pattern the format is recognised."
      : 'Describe its lines with --pattern, such as "(?<op>malloc|free) (?<addr>0x[0-9a-f]+)(?: (?<size>[0-9]+))?".',
  });
}
