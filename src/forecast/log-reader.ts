import { BOOT_BANNER } from "../trace/boot-banner.ts";
import { type LogFormat, logFormats } from "./log-formats.ts";
import { LogTime } from "./log-time.ts";
import { LineKind, type LineReader, type Sample, sampleFault } from "./sample.ts";

/** A line without one of these says nothing about a heap, and is not looked at any further. */
const COUNTERS = /free|frag|alloc|heap|GC: /i;

/** Reads the lines of a log in one format. */
export class LogReader implements LineReader {
  readonly format: string;
  fault = "";
  readonly #format: LogFormat;
  readonly #time = new LogTime();
  /** The time of a stamped line above, for the lines of a report below it; used once. */
  #wallMs = Number.NaN;
  #uptimeMs = Number.NaN;

  constructor(format: LogFormat) {
    this.#format = format;
    this.format = format.name;
  }

  read(line: string, sample: Sample): LineKind {
    const isStamped = this.#time.read(line, sample);
    if (isStamped) this.#keepTime(sample);
    if (BOOT_BANNER.test(line)) return LineKind.Boot;
    if (!COUNTERS.test(line)) return LineKind.Other;
    if (this.#format.match(line, sample) !== "sample") return LineKind.Other;
    if (Number.isNaN(sample.wallMs) && Number.isNaN(sample.uptimeMs)) {
      sample.wallMs = this.#wallMs;
      sample.uptimeMs = this.#uptimeMs;
    }
    this.#wallMs = Number.NaN;
    this.#uptimeMs = Number.NaN;
    const hasTime = !(Number.isNaN(sample.wallMs) && Number.isNaN(sample.uptimeMs));
    this.fault = hasTime ? sampleFault(sample) : "no time";
    return this.fault === "" ? LineKind.Sample : LineKind.Broken;
  }

  #keepTime({ wallMs, uptimeMs }: Sample): void {
    this.#wallMs = wallMs;
    this.#uptimeMs = uptimeMs;
  }
}

/** One reader for each format of lines. */
export function logReaders(): LogReader[] {
  return logFormats().map((format) => new LogReader(format));
}
