import type { Sample } from "./sample.ts";
import { epochMs, type FoundTime, findClock, findIso, type TimeUnit, UNIT_MS } from "./timestamps.ts";

const DAY_MS = 86_400e3;
const HALF_A_DAY_MS = 43_200e3;

/**
 * Times of day, counted on over midnight: a time that goes back by more than twelve hours belongs to the next day.
 */
export class DayClock {
  #midnightMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Milliseconds since the first midnight. */
  unwrap(clockMs: number): number {
    if (this.#midnightMs + clockMs < this.#lastMs - HALF_A_DAY_MS) this.#midnightMs += DAY_MS;
    this.#lastMs = this.#midnightMs + clockMs;
    return this.#lastMs;
  }
}

/** Reads the cells of a column of times, or the values of a key. */
export class TimeCells {
  readonly #clock = new DayClock();
  readonly #found: FoundTime = { ms: 0, length: 0 };

  /**
   * The time of a cell into the sample: as time since 1970 or, where `isUptime` or too small for that, as uptime.
   * Returns what is wrong, empty: nothing.
   */
  read(cell: string, unit: TimeUnit | undefined, isUptime: boolean, sample: Sample): string {
    const text = cell.trim();
    const value = text === "" ? Number.NaN : Number(text);
    if (Number.isNaN(value)) return this.#readText(text, isUptime, sample);
    const wallMs = isUptime ? Number.NaN : sinceEpoch(value, unit);
    if (!Number.isNaN(wallMs)) sample.wallMs = wallMs;
    else if (unit === undefined && !isUptime) return `the time ${text} has no unit`;
    else if (!(value >= 0 && value < 1e18)) return `${text} is no time`;
    else sample.uptimeMs = value * UNIT_MS[unit === undefined || unit === "iso" ? "s" : unit];
    return "";
  }

  #readText(text: string, isUptime: boolean, sample: Sample): string {
    const found = this.#found;
    if (!isUptime && findIso(text, found) && found.length === text.length) sample.wallMs = found.ms;
    else if (findClock(text, found) && found.length === text.length) {
      if (isUptime) sample.uptimeMs = found.ms;
      else sample.wallMs = this.#clock.unwrap(found.ms);
    } else return text === "" ? "no time" : `"${text.slice(0, 40)}" is no time`;
    return "";
  }
}

function sinceEpoch(value: number, unit: TimeUnit | undefined): number {
  if (unit === undefined || unit === "iso") return epochMs(value);
  // Times since 1970 in the unit that was said; small ones are uptimes.
  const ms = value * UNIT_MS[unit];
  return epochMs(ms / 1000) === ms ? ms : Number.NaN;
}
