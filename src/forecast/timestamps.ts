/** What the numbers of a column of times are; `iso` also means: not numbers. */
export type TimeUnit = "s" | "ms" | "us" | "iso";

/** Milliseconds of one unit. */
export const UNIT_MS: Readonly<Record<Exclude<TimeUnit, "iso">, number>> = { s: 1000, ms: 1, us: 1e-3 };

const ISO =
  /^(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|UTC|[+-]\d\d(?::?\d\d)?)?/;
/** `31.01.2026 07:30`: days come first wherever dates have dots. */
const DOTTED = /^(\d{1,2})\.(\d{1,2})\.(\d{4}),? (?=\d\d:\d\d)/;
const CLOCK = /^(\d\d):(\d\d):(\d\d)(?:[.,:](\d{1,6}))?/;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const UPPER_Z = 0x5a;
/** The years 2000 to 2103 in seconds: an uptime of 30 years is no uptime. */
const EPOCH_LEAST_S = 946_684_800;
const EPOCH_MOST_S = 4_197_000_000;

/** Of the text at the start of which a time stands: the time in ms, and how many characters it takes. */
export interface FoundTime {
  ms: number;
  length: number;
}

/** An ISO 8601 or dotted date and time at the start of `text`, into `found`; without a zone it is read as UTC. */
export function findIso(text: string, found: FoundTime): boolean {
  if (findPlainIso(text, found)) return true;
  const dotted = DOTTED.exec(text);
  if (dotted) return findDotted(text, dotted, found);
  const match = ISO.exec(text);
  if (!match) return false;
  const [whole, year, month, day, hour, minute, second, fraction, zone] = match;
  const date = dayMs(year ?? "", month ?? "", day ?? "");
  if (Number.isNaN(date) || Number(hour) > 24 || Number(minute) > 59) return false;
  found.ms = date + Number(hour) * 3600e3 + Number(minute) * 60e3 + secondsMs(second, fraction) - zoneMs(zone);
  found.length = whole.length;
  return true;
}

function findDotted(text: string, [date, day = "", month = "", year = ""]: RegExpExecArray, found: FoundTime): boolean {
  const iso = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")} `;
  if (!findIso(iso + text.slice(date.length), found)) return false;
  found.length += date.length - iso.length;
  return true;
}

/** The usual form without a pattern, because it stands in every line: `2026-01-05T07:30:00`, `.000`, `Z`. */
function findPlainIso(text: string, found: FoundTime): boolean {
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH || text.charCodeAt(13) !== COLON) return false;
  if (text.charCodeAt(16) !== COLON) return false;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (!(hour <= 24 && minute <= 59 && second <= 60)) return false;
  const hasFraction = text.charCodeAt(19) === DOT;
  const end = hasFraction ? 23 : 19;
  if (text.charCodeAt(end) !== UPPER_Z) return false;
  const millis = hasFraction ? twoDigits(text, 20) * 10 + (twoDigits(text, 21) % 10) : 0;
  const date = text.startsWith(lastDay) && lastDay !== "" ? lastDayMs : Number.NaN;
  if (Number.isNaN(date) || Number.isNaN(millis)) return false;
  found.ms = date + hour * 3600e3 + minute * 60e3 + second * 1000 + millis;
  found.length = end + 1;
  return true;
}

/** NaN where there are other characters. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** A time of day at the start of `text`: `12:34:56.789`, ms since midnight. */
export function findClock(text: string, found: FoundTime): boolean {
  const match = CLOCK.exec(text);
  if (!match) return false;
  const [whole, hour, minute, second, fraction] = match;
  found.ms = Number(hour) * 3600e3 + Number(minute) * 60e3 + secondsMs(second, fraction);
  found.length = whole.length;
  return true;
}

/** Milliseconds since 1970 of a number that can only be a time since 1970 (s, ms, µs or ns); NaN of any other. */
export function epochMs(value: number): number {
  for (const unitMs of [1000, 1, 1e-3, 1e-6]) {
    const seconds = (value * unitMs) / 1000;
    if (seconds >= EPOCH_LEAST_S && seconds <= EPOCH_MOST_S) return value * unitMs;
  }
  return Number.NaN;
}

let lastDay = "";
let lastDayMs = 0;

/** Lines of the same day follow each other. */
function dayMs(year: string, month: string, day: string): number {
  const key = `${year}-${month}-${day}`;
  if (key === lastDay) return lastDayMs;
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(ms);
  // The 31st of February would be some day of March.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return Number.NaN;
  lastDay = key;
  lastDayMs = ms;
  return ms;
}

function secondsMs(second = "0", fraction = ""): number {
  return Number(second) * 1000 + (fraction === "" ? 0 : Number(`0.${fraction}`) * 1000);
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || zone === "Z" || zone === "UTC") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.length > 3 ? zone.slice(-2) : 0);
  return (zone.startsWith("-") ? -minutes : minutes) * 60e3;
}
