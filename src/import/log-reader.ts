import { BOOT_BANNER } from "../trace/boot-banner.ts";
import type { TraceText } from "../trace/trace-text.ts";
import { LOG_FORMATS } from "./formats.ts";
import type { LineReader, LogFormat } from "./log-format.ts";
import { PrefixClock } from "./prefix-clock.ts";

/** The ROM's two lines are one boot. */
const BOOT_LINES = 8;

/** Reads a log's lines in one format, and counts what else is in it. */
export class LogReader {
  readonly format: LogFormat;
  readonly #text: TraceText;
  readonly #reader: LineReader;
  readonly #others: readonly LogFormat[];
  readonly #clock = new PrefixClock();
  #line = "";
  #bootLine = -BOOT_LINES;

  constructor(format: LogFormat, text: TraceText) {
    this.format = format;
    this.#text = text;
    text.lineTimeUs = () => this.#clock.timeUs(this.#line);
    this.#reader = format.open(text);
    // Only a file's beginning tells the others.
    this.#others = LOG_FORMATS.filter((other) => other !== format && !other.begins);
  }

  read(line: string, number: number): void {
    const text = this.#text;
    this.#line = line;
    text.lineNumber = number;
    const kind = this.#reader.read(line);
    if (kind === "record" || kind === "known") return;
    if (kind === "damaged") this.#damaged(number, "damaged");
    else if (line !== "") this.#other(line, number);
  }

  tooLong(number: number): void {
    this.#text.lineNumber = number;
    this.#damaged(number, "too-long");
  }

  /** What a reader of the trace must know, as sentences. */
  end(): string[] {
    return this.#reader.end?.() ?? [];
  }

  #damaged(number: number, kind: "damaged" | "too-long"): void {
    this.#text.findings.note(kind, number);
    this.#text.gap();
  }

  #other(line: string, number: number): void {
    const other = this.#others.find((format) => format.recognises(line));
    if (other) {
      this.#text.findings.note("other-format", number, other.name);
      return;
    }
    this.#text.findings.note("other", number);
    if (!BOOT_BANNER.test(line)) return;
    if (number - this.#bootLine >= BOOT_LINES) this.#text.boot();
    this.#bootLine = number;
  }
}
