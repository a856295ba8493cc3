/** Times that loggers put in front of their lines. */

const DAY_US = 86_400e6;

interface Scheme {
  readonly pattern: RegExp;
  /** Microseconds, of a clock that begins anywhere. */
  readonly us: (groups: readonly (string | undefined)[]) => number;
  /** Tells the time of day, not since the boot: `daily` without the date. Then the first time is 0. */
  readonly wall?: "dated" | "daily";
}

const SCHEMES: readonly Scheme[] = [
  // [    1.234567] of kernels, ESP-IDF's host scripts
  { pattern: /^\[\s{0,8}(\d{1,10}\.\d{1,9})\]/, us: ([, seconds]) => Math.round(Number(seconds) * 1e6) },
  // [00:00:01.234,567] of Zephyr
  {
    pattern: /^\[(\d{2,4}):(\d\d):(\d\d)\.(\d{3}),(\d{3})\]/,
    us: ([, h, m, s, ms, us]) => clockUs(h, m, s) + Number(ms) * 1000 + Number(us),
  },
  // I (1234) tag: of ESP-IDF, milliseconds
  { pattern: /^[EWIDV] \((\d{1,12})\) /, us: ([, ms]) => Number(ms) * 1000 },
  // 2026-11-21 10:00:00.123 of terminals
  {
    pattern: /^\[?(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?/,
    us: ([, year, month, day, h, m, s, fraction]) =>
      Date.UTC(Number(year), Number(month) - 1, Number(day)) * 1000 + clockUs(h, m, s) + fractionUs(fraction),
    wall: "dated",
  },
  // 10:00:00.123 of terminals
  {
    pattern: /^\[?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?/,
    us: ([, h, m, s, fraction]) => clockUs(h, m, s) + fractionUs(fraction),
    wall: "daily",
  },
];

/** Reads the times of one log. The first prefix that is met decides how the others are read. */
export class PrefixClock {
  #scheme: Scheme | undefined;
  #lastUs = 0;
  #dayUs = 0;
  #startUs: number | undefined;

  /** Microseconds of the prefix, or undefined where the line has none. */
  timeUs(line: string): number | undefined {
    const first = line.charCodeAt(0);
    // [ or a digit or one of EWIDV
    if (first !== 0x5b && !(first >= 0x30 && first <= 0x39) && !(first >= 0x44 && first <= 0x57)) return undefined;
    this.#scheme ??= SCHEMES.find(({ pattern }) => pattern.test(line));
    const match = this.#scheme?.pattern.exec(line);
    return match && this.#scheme ? this.#unfolded(this.#scheme, this.#scheme.us(match)) : undefined;
  }

  #unfolded({ wall }: Scheme, us: number): number {
    if (!wall) return us;
    if (wall === "daily" && us < this.#lastUs - DAY_US / 2) this.#dayUs += DAY_US;
    this.#lastUs = us;
    this.#startUs ??= us;
    return us + this.#dayUs - this.#startUs;
  }
}

function clockUs(hours = "", minutes = "", seconds = ""): number {
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1e6;
}

/** Digits behind a decimal point of seconds. */
export function fractionUs(digits = ""): number {
  return Number(digits.slice(0, 6).padEnd(6, "0"));
}
