import { HeapsoakError } from "../errors.ts";
import { parseSize } from "../quantities.ts";

/** Simulated time ends here: 285 years of 365 days, the most whole microseconds that a double counts exactly. */
export const TIME_MOST_US = 285 * 365 * 86_400e6;
/** More events a second than any interrupt controller serves. */
export const RATE_MOST_PER_SECOND = 1e6;

const UNIT_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  min: 60e6,
  h: 3600e6,
  d: 86_400e6,
  y: 365 * 86_400e6,
};
const RATE_UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 };
const TIME_EXAMPLE = "a time with its unit (us, ms, s, min, h, d, y), such as 250 ms or 30 d";
const TIME_WORDS: Readonly<Record<string, string>> = {
  µs: "us",
  usec: "us",
  msec: "ms",
  sec: "s",
  second: "s",
  seconds: "s",
  m: "min",
  minute: "min",
  minutes: "min",
  hour: "h",
  hours: "h",
  day: "d",
  days: "d",
  year: "y",
  years: "y",
};

/** What the number of a quantity means. */
export type Unit = "bytes" | "time" | "count" | "number";

/** Microseconds of a time with its unit; a bare 0 is a time too. Throws `bad-scenario`, also past 285 years. */
export function parseTime(value: string | number): number {
  const text = String(value).trim();
  const [amount, unit] = split(text);
  const scale = Object.hasOwn(UNIT_US, unit) ? UNIT_US[unit] : undefined;
  if (amount === 0 && unit === "") return 0;
  if (amount === undefined || scale === undefined) throw refusal(text, TIME_EXAMPLE, timeHint(text, unit));
  // Times are decimal: unrounded, 0.3 ms would be 299.99999999999994 us.
  const exact = amount * scale;
  const us = exact > 1e9 ? Math.round(exact) : Math.round(exact * 1e6) / 1e6;
  if (!(us <= TIME_MOST_US)) throw refusal(text, "at most 285 y, where simulated time ends");
  return us;
}

/** Events a second of `4/s`, `10/min`, `2/h`, `1/d`. Throws `bad-scenario` for zero and for more than 10^6 a second. */
export function parseRate(value: string | number): number {
  const text = String(value).trim();
  const match = /^(.*?)\s*\/\s*([A-Za-z]+)$/.exec(text);
  const amount = decimal(match?.[1] ?? "");
  const unit = match?.[2] ?? "";
  const seconds = Object.hasOwn(RATE_UNIT_SECONDS, unit) ? RATE_UNIT_SECONDS[unit] : undefined;
  if (amount === undefined || seconds === undefined) {
    throw refusal(text, "a rate such as 4/s, 10/min, 2/h or 1/d");
  }
  const perSecond = amount / seconds;
  if (perSecond === 0) throw refusal(text, "a rate above zero", "Leave the source out if it never fires.");
  if (!(perSecond <= RATE_MOST_PER_SECOND)) throw refusal(text, "at most 1000000/s");
  if (1e6 / perSecond > TIME_MOST_US) throw refusal(text, "at least one event in 285 years");
  return perSecond;
}

/** A share from 0 to 1: `5 %` or `0.05`. Throws `bad-scenario`. */
export function parseShare(value: string | number): number {
  const text = String(value).trim();
  const percent = text.endsWith("%");
  const amount = decimal(percent ? text.slice(0, -1).trim() : text);
  const share = amount === undefined ? Number.NaN : percent ? Number((amount / 100).toPrecision(15)) : amount;
  if (!(share >= 0 && share <= 1)) throw refusal(text, "a share from 0 to 1, such as 5 % or 0.05");
  return share;
}

/** A plain number, or a size in bytes: what sampled names hold. Throws `bad-scenario`. */
export function parseNumber(value: string | number): number {
  const text = String(value).trim();
  const amount = decimal(text);
  return amount === undefined ? parseQuantity("bytes", text) : amount;
}

/** A whole number from 0. Throws `bad-scenario`. */
export function parseCount(value: string | number): number {
  const text = String(value).trim();
  const amount = decimal(text);
  if (amount === undefined || !Number.isInteger(amount) || amount > 2 ** 32 - 1) {
    throw refusal(text, "a whole number from 0 to 4294967295");
  }
  return amount;
}

/** The value in the unit's base: bytes, microseconds, or the number itself. Throws `bad-scenario`. */
export function parseQuantity(unit: Unit, value: string | number): number {
  if (unit === "time") return parseTime(value);
  if (unit === "number") return parseNumber(value);
  if (unit === "count") return parseCount(value);
  try {
    return parseSize(value);
  } catch (cause) {
    if (!(cause instanceof HeapsoakError)) throw cause;
    throw new HeapsoakError("bad-scenario", cause.message.replace(/^size: /, ""), {
      ...(cause.hint && { hint: cause.hint }),
      cause,
    });
  }
}

/** A time for people: `12 d 3 h 05 min`, `4 min 10 s`, `1.5 s`, `450 ms`, `30 us`. At most three units, years as `1 y 20 d`. */
export function formatDuration(us: number): string {
  if (us < 0) return `-${formatDuration(-us)}`;
  if (us < 1e3) return `${trimmed(us, 3)} us`;
  if (us < 1e6) return `${trimmed(us / 1e3, 3)} ms`;
  if (us < 60e6) return `${trimmed(us / 1e6, 3)} s`;
  const seconds = Math.floor(us / 1e6);
  if (seconds < 3600) return joined([Math.floor(seconds / 60), "min"], [seconds % 60, "s"]);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return joined([Math.floor(minutes / 60), "h"], [minutes % 60, "min"]);
  const days = Math.floor(minutes / (24 * 60));
  const hours = Math.floor(minutes / 60) % 24;
  if (days < 365) return joined([days, "d"], [hours, "h"], [minutes % 60, "min"]);
  return joined([Math.floor(days / 365), "y"], [days % 365, "d"], [hours, "h"]);
}

/** `12 d 3 h 05 min`: zeros at the end are left out, minutes and seconds behind something have two digits. */
function joined(...parts: [amount: number, unit: string][]): string {
  while (parts.length > 1 && parts.at(-1)?.[0] === 0) parts.pop();
  const words = parts.map(([amount, unit], index) => {
    const padded = index > 0 && (unit === "min" || unit === "s");
    return `${padded ? String(amount).padStart(2, "0") : amount} ${unit}`;
  });
  return words.join(" ");
}

function trimmed(value: number, digits: number): string {
  // Rounding up must not show 1000 ms for 999.9999 ms.
  const most = 10 ** digits;
  const scaled = Math.floor(value * most + 1e-6) / most;
  return String(scaled);
}

/** `30 d` as a number and its unit. */
function split(text: string): [number | undefined, string] {
  const match = /^([0-9._eE+-]+?)\s*([A-Za-zµ]*)$/.exec(text);
  return [decimal(match?.[1] ?? ""), match?.[2] ?? ""];
}

/** A decimal number without sign, underscores between digits allowed. */
function decimal(text: string): number | undefined {
  if (text.length > 40 || !/^\d[\d_]*(\.\d+)?(e[+-]?\d{1,3})?$/i.test(text)) return undefined;
  const value = Number(text.replaceAll("_", ""));
  return Number.isFinite(value) ? value : undefined;
}

function timeHint(text: string, unit: string): string | undefined {
  const meant = Object.hasOwn(TIME_WORDS, unit) ? TIME_WORDS[unit] : undefined;
  if (meant) return `Write "${text.slice(0, text.length - unit.length).trim()} ${meant}".`;
  return unit === "" && decimal(text) !== undefined ? `Say which unit: "${text} ms"?` : undefined;
}

function refusal(got: string, expected: string, hint?: string): HeapsoakError {
  const shown = got.length > 60 ? `${got.slice(0, 60)}…` : got;
  return new HeapsoakError("bad-scenario", `got "${shown}", expected ${expected}.`, hint ? { hint } : {});
}
