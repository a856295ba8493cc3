import type { Sample } from "./sample.ts";
import { DayClock } from "./time-value.ts";
import { epochMs, type FoundTime, findClock, findIso } from "./timestamps.ts";

/** `[   12.345678]` of kernels and Zephyr, seconds since boot. */
const SECONDS = /^\[\s*(\d{1,9}\.\d{1,9})\]/;
/** `[00:00:12.345,678]` of Zephyr's log, since boot. */
const ZEPHYR = /^\[(\d\d):(\d\d):(\d\d)\.(\d{3}),(\d{3})\]/;
/** `I (12345) tag:` of ESP-IDF, milliseconds since boot; colours may stand before it. */
const ESP_IDF = /^(?:.\[[0-9;]*m)?[EWIDV] \((\d{1,12})\) /;
/** `1700000000 `, `[1700000000.123] `: digits that may be a time since 1970. */
const DIGITS = /^\[?(\d{10,19}(?:\.\d{1,9})?)\]?(?=[\s,;:|]|$)/;
/** What stands between a terminal program's stamp and the device's own. */
const BETWEEN = /^[\]\s|>:,;-]+/;

/** Finds the times at the start of the lines of a log: the host's, the device's, or both behind each other. */
export class LogTime {
  readonly #found: FoundTime = { ms: 0, length: 0 };
  readonly #clock = new DayClock();

  /** The times at the start of `line` into the sample; false: there are none. */
  read(line: string, sample: Sample): boolean {
    const start = this.#host(line, sample);
    const rest = start === 0 ? line : line.slice(start).replace(BETWEEN, "");
    const hasUptime = this.#device(rest, sample);
    return start > 0 || hasUptime;
  }

  /** How many characters the host's stamp takes. */
  #host(line: string, sample: Sample): number {
    const found = this.#found;
    const skipped = line.startsWith("[") && !ZEPHYR.test(line) ? 1 : 0;
    const text = skipped ? line.slice(1) : line;
    if (findIso(text, found)) sample.wallMs = found.ms;
    else if (findClock(text, found)) sample.wallMs = this.#clock.unwrap(found.ms);
    else return this.#digits(line, sample);
    return found.length + skipped;
  }

  #digits(line: string, sample: Sample): number {
    const match = DIGITS.exec(line);
    const ms = match ? epochMs(Number(match[1])) : Number.NaN;
    if (!match || Number.isNaN(ms)) return 0;
    sample.wallMs = ms;
    return match[0].length;
  }

  #device(text: string, sample: Sample): boolean {
    const milliseconds = ESP_IDF.exec(text);
    if (milliseconds) sample.uptimeMs = Number(milliseconds[1]);
    const seconds = SECONDS.exec(text);
    if (seconds) sample.uptimeMs = Number(seconds[1]) * 1000;
    const parts = ZEPHYR.exec(text);
    if (parts) sample.uptimeMs = zephyrMs(parts);
    return milliseconds !== null || seconds !== null || parts !== null;
  }
}

function zephyrMs([, hours, minutes, seconds, milli, micro]: readonly string[]): number {
  return (
    Number(hours) * 3600e3 + Number(minutes) * 60e3 + Number(seconds) * 1000 + Number(milli) + Number(micro) / 1000
  );
}
