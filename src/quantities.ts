import { HeapsoakError } from "./errors.ts";

/** One past the highest address of a 32-bit device. */
export const ADDRESS_SPACE_BYTES = 2 ** 32;

const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 * 1024 };
const UNIT_HERTZ: Readonly<Record<string, number>> = { Hz: 1, kHz: 1e3, MHz: 1e6 };

/**
 * A number of bytes: a bare integer (decimal or 0x), or a number with `B`, `KiB` or `MiB`; underscores may
 * group digits. `what` names the quantity in the message. Throws `bad-argument`, also for fractions of a byte.
 */
export function parseSize(value: string | number, what = "size"): number {
  const text = String(value).trim();
  const match = /^(0x[0-9a-f_]+|\d[\d_]*(?:\.\d+)?)\s*([A-Za-z]*)$/i.exec(text);
  const unit = match?.[2] || "B";
  const scale = UNIT_BYTES[unit];
  if (!match?.[1] || scale === undefined)
    throw refusal(what, text, "a size such as 512, 40 KiB or 1 MiB", sizeHint(text));
  const bytes = Math.round(digits(match[1]) * scale * 1e6) / 1e6;
  if (!Number.isInteger(bytes)) throw refusal(what, text, "a whole number of bytes");
  if (bytes > ADDRESS_SPACE_BYTES) throw refusal(what, text, "at most 4096 MiB, the address space of a 32-bit device");
  return bytes;
}

/** An address of the device: 0x hexadecimal (underscores may group digits) or decimal. Throws `bad-argument`. */
export function parseAddress(value: string | number, what = "address"): number {
  const text = String(value).trim();
  if (!/^(0x[0-9a-f_]+|\d[\d_]*)$/i.test(text)) throw refusal(what, text, "an address such as 0x20000000");
  const address = digits(text);
  if (!(address < ADDRESS_SPACE_BYTES)) throw refusal(what, text, "an address below 0x1_0000_0000");
  return address;
}

/** `ADDRESS:SIZE`, as in `--heap 0x20004000:40 KiB`. Throws `bad-argument`. */
export function parseRange(text: string, what = "range"): { low: number; bytes: number } {
  const colon = text.indexOf(":");
  if (colon < 0) throw refusal(what, text, "ADDRESS:SIZE, such as 0x20004000:40KiB");
  const low = parseAddress(text.slice(0, colon), `${what}: address`);
  const bytes = parseSize(text.slice(colon + 1), `${what}: size`);
  if (bytes === 0 || low + bytes > ADDRESS_SPACE_BYTES) throw refusal(what, text, "a range inside the address space");
  return { low, bytes };
}

/** A clock in hertz: a bare integer, or a number with `Hz`, `kHz` or `MHz`. Throws `bad-argument`. */
export function parseFrequency(value: string | number, what = "clock"): number {
  const text = String(value).trim();
  const match = /^(\d[\d_]*(?:\.\d+)?)\s*(Hz|kHz|MHz)?$/.exec(text);
  const hertz = Math.round(digits(match?.[1] ?? "") * (UNIT_HERTZ[match?.[2] ?? "Hz"] ?? 1));
  if (!(hertz >= 1 && hertz <= 1e10)) throw refusal(what, text, "a frequency such as 168 MHz");
  return hertz;
}

/** Bytes for people: `512 B`, `40 KiB`, `1.5 KiB`, `16 MiB`; rounded to one decimal where they are not whole units. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [unit, scale] = bytes >= 1024 * 1024 && bytes % (64 * 1024) === 0 ? ["MiB", 1024 * 1024] : ["KiB", 1024];
  const amount = bytes / scale;
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${unit}`;
}

/** An address as debuggers write it: `0x20000000`. */
export function formatAddress(address: number): string {
  return `0x${address.toString(16).padStart(8, "0")}`;
}

/** A clock for people: `168 MHz`, `32.768 kHz`. */
export function formatFrequency(hertz: number): string {
  if (hertz >= 1e6) return `${hertz / 1e6} MHz`;
  return hertz >= 1e3 ? `${hertz / 1e3} kHz` : `${hertz} Hz`;
}

function digits(text: string): number {
  return text === "" ? Number.NaN : Number(text.replaceAll("_", ""));
}

/** `64k`, `64KB` and `64 kb` may mean 1000 or 1024: the reader is asked to say which. */
function sizeHint(text: string): string | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kKmM])(?:[bB]|i|ib|IB)?$/.exec(text);
  if (!match) return undefined;
  return `Write "${match[1]} ${match[2]?.toUpperCase() === "M" ? "MiB" : "KiB"}" for multiples of 1024.`;
}

function refusal(what: string, got: string, expected: string, hint?: string): HeapsoakError {
  const shown = got.length > 60 ? `${got.slice(0, 60)}…` : got;
  return new HeapsoakError("bad-argument", `${what}: got "${shown}", expected ${expected}.`, hint ? { hint } : {});
}
