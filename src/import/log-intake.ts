import type { TraceText } from "../trace/trace-text.ts";
import { recognise } from "./formats.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { LogFormat } from "./log-format.ts";
import { LogReader } from "./log-reader.ts";

/** As many lines decide of which format a log is; where none is of any, the next ones do. */
const SAMPLE_LINES = 2000;
const SHOWN_LINES = 3;
const SHOWN_CHARACTERS = 100;

/** Takes a log in bytes, finds out of which format it is, and reads it. */
export class LogIntake {
  /** The first lines that say something, for messages. */
  readonly firstLines: string[] = [];
  readonly #text: TraceText;
  readonly #splitter = new LineSplitter(
    (line, number) => this.#take(line, number),
    (number) => this.#take(undefined, number),
  );
  #reader: LogReader | undefined;
  /** Lines that wait for their format; undefined: too long. */
  #sample: (string | undefined)[] = [];

  /** `format`: of the log, where it is known. */
  constructor(text: TraceText, format?: LogFormat) {
    this.#text = text;
    if (format) this.#reader = new LogReader(format, text);
  }

  /** Undefined until it is known. */
  get format(): LogFormat | undefined {
    return this.#reader?.format;
  }

  get lines(): number {
    return this.#splitter.lines;
  }

  push(bytes: Uint8Array): void {
    this.#splitter.push(bytes);
    if (this.#sample.length >= SAMPLE_LINES) this.#decide();
  }

  /** Ends the log. Returns what a reader of the trace must know, as sentences. */
  end(): string[] {
    this.#decide();
    const { tornBytes, lines } = this.#splitter;
    if (tornBytes > 0) this.#text.findings.note("torn", lines + 1, `${tornBytes} bytes`);
    return this.#reader?.end() ?? [];
  }

  #take(line: string | undefined, number: number): void {
    if (line && this.firstLines.length < SHOWN_LINES) this.firstLines.push(line.slice(0, SHOWN_CHARACTERS));
    if (this.#reader) this.#read(this.#reader, line, number);
    else this.#sample.push(line);
  }

  #read(reader: LogReader, line: string | undefined, number: number): void {
    if (line === undefined) reader.tooLong(number);
    else reader.read(line, number);
  }

  #decide(): void {
    if (this.#reader) return;
    const sample = this.#sample;
    this.#sample = [];
    const format = recognise(sample.map((line) => line ?? ""));
    if (format) this.#reader = new LogReader(format, this.#text);
    const before = this.lines - sample.length;
    for (const [index, line] of sample.entries()) {
      if (this.#reader) this.#read(this.#reader, line, before + index + 1);
      else if (line !== "") this.#text.findings.note("other", before + index + 1);
    }
  }
}

/** The lines of a file's beginning. */
export function linesOf(head: Uint8Array): string[] {
  const lines: string[] = [];
  new LineSplitter(
    (line) => lines.push(line),
    () => {},
  ).push(head);
  return lines.slice(0, SAMPLE_LINES);
}
