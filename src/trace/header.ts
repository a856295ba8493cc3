/** What a trace's header says of the heap it was recorded on. */
import { findAllocator } from "../allocators/catalogue.ts";
import type { AllocatorEntry, OptionValues, TraceHeader } from "../allocators/entry.ts";
import type { DeviceDescription } from "../device/description.ts";
import type { HeapPart } from "../device/memory-plan.ts";
import { HeapsoakError } from "../errors.ts";
import type { Region } from "../wasm/heap-record.ts";

/** Arenas of traces lie at multiples of this, plus the header's `base_misalignment`. */
const BASE_STEP = 0x1_0000;
const RAM_LOW = 0x2000_0000;
/** RAM below the arena on the plain device: the allocator's static variables lie there. */
const AVR_RAM_LOW = 0x100;
const AVR_ARENA = 0x1000;
const AVR_RAM_BYTES = 0x7f00;
const ARENA_BYTES_MOST = 2 ** 27;

/** The header of a trace, and the file it is from, for messages. */
export interface NamedHeader {
  readonly name: string;
  readonly header: TraceHeader;
}

/** The allocator the trace was recorded with. Throws `bad-trace` when the header does not say, `unknown-allocator`. */
export function recordedAllocator(trace: NamedHeader): AllocatorEntry {
  const name = required(trace, "allocator");
  try {
    return findAllocator(name);
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new HeapsoakError(error.code, `${trace.name}: header: ${error.message}`, hint);
  }
}

/** The options that the header stands for: by the allocator's own keys, or named one by one (`optionKey`). */
export function recordedOptions(trace: NamedHeader, entry: AllocatorEntry): OptionValues {
  const named = Object.keys(entry.options).flatMap((name) => {
    const value = trace.header.get(optionKey(name));
    return value === undefined ? [] : [[name, /^\d{1,10}$/.test(value) ? Number(value) : value] as const];
  });
  return { ...entry.optionsFromTrace?.(trace.header), ...Object.fromEntries(named) };
}

/** The header key under which a trace gives an option of its allocator. */
export function optionKey(name: string): string {
  return `option_${name}`;
}

/** Bytes of the arena the trace was recorded on. Throws `bad-trace`. */
export function recordedHeapBytes(trace: NamedHeader): number {
  return wholeNumber(trace, "heap_size", required(trace, "heap_size"), 1, ARENA_BYTES_MOST);
}

/** The regions of the recorded heap by offset from the arena's base: `regionN=OFFSET:SIZE`, or the whole. Throws `bad-trace`. */
export function recordedRegions(trace: NamedHeader): Region[] {
  const regions: Region[] = [];
  for (let index = 0; trace.header.has(`region${index}`); index++) {
    const key = `region${index}`;
    const [offset = "", bytes = ""] = (trace.header.get(key) ?? "").split(":");
    const low = wholeNumber(trace, key, offset, 0, ARENA_BYTES_MOST);
    regions.push({ low, bytes: wholeNumber(trace, key, bytes, 1, ARENA_BYTES_MOST) });
  }
  return regions.length > 0 ? regions : [{ low: 0, bytes: recordedHeapBytes(trace) }];
}

/** A plain device for `regions` (by offset), and a heap's parts on it, their base aligned as the recorded one was. */
export function recordedPlace(
  trace: NamedHeader,
  pointerBytes: 2 | 4,
  regions: readonly Region[],
): { device: DeviceDescription; parts: HeapPart[] } {
  const base = (pointerBytes === 2 ? AVR_ARENA : RAM_LOW + BASE_STEP) + recordedMisalignment(trace);
  const parts = regions.map(({ low, bytes }) => ({ at: base + low, bytes }));
  for (const { bytes } of parts) refuseHuge(bytes);
  return { device: plainDevice(pointerBytes, Math.max(...parts.map(({ at, bytes }) => at + bytes))), parts };
}

/**
 * A device with nothing but RAM, at 0x20000000 or an AVR's at 0x100. It goes on behind `high` for as long again:
 * newlib-nano's realloc reads the new size from the old block, past the arena's end where that is the last one.
 */
export function plainDevice(pointerBytes: 2 | 4, high: number): DeviceDescription {
  const common = { id: "plain", name: "plain device", mainBank: "RAM", source: "by definition" } as const;
  if (pointerBytes === 2) {
    const bank = { name: "RAM", low: AVR_RAM_LOW, bytes: AVR_RAM_BYTES, kind: "ram" } as const;
    return { ...common, core: "avr", coreName: "AVR", banks: [bank] };
  }
  const bytes = Math.ceil((2 * (high - RAM_LOW)) / BASE_STEP) * BASE_STEP;
  return {
    ...common,
    core: "armv7-m",
    coreName: "Cortex-M3",
    banks: [{ name: "RAM", low: RAM_LOW, bytes, kind: "ram" }],
  };
}

/** The plain device whose RAM holds the regions, wherever they lie. */
export function plainDeviceAround(regions: readonly Region[], pointerBytes: 2 | 4): DeviceDescription {
  return plainDevice(pointerBytes, Math.max(RAM_LOW + BASE_STEP, ...regions.map(({ low, bytes }) => low + bytes)));
}

/** The plain device for a heap of `bytes` that lies anywhere behind its allocator's state. */
export function plainDeviceFor(pointerBytes: 2 | 4, bytes: number): DeviceDescription {
  refuseHuge(bytes);
  return plainDevice(pointerBytes, RAM_LOW + BASE_STEP + bytes);
}

/** Whether the header says how the recorded arena was aligned. */
export function saysPlace({ header }: NamedHeader): boolean {
  return header.has("base_misalignment") || header.has("arena_base") || header.has("region0");
}

/** The recorded arena's base modulo 64 KiB; 0 where the header does not say. Throws `bad-trace`. */
export function recordedMisalignment(trace: NamedHeader): number {
  const base = trace.header.get("arena_base") ?? "";
  if (!trace.header.has("base_misalignment") && /^0x[0-9a-f]{1,8}$/i.test(base)) return Number(base) % BASE_STEP;
  const text = trace.header.get("base_misalignment") ?? "0";
  return wholeNumber(trace, "base_misalignment", text, 0, BASE_STEP - 1);
}

function refuseHuge(bytes: number): void {
  if (bytes <= ARENA_BYTES_MOST) return;
  throw new HeapsoakError("does-not-fit", `A heap of ${bytes} bytes; at most ${ARENA_BYTES_MOST} can be observed.`);
}

function required(trace: NamedHeader, key: string): string {
  const value = trace.header.get(key);
  if (value !== undefined) return value;
  throw new HeapsoakError("bad-trace", `${trace.name}: the header has no line "# ${key}=…".`, {
    hint: key === "allocator" ? "Say it: --allocator NAME." : "Say it: --heap-size SIZE.",
  });
}

function wholeNumber(trace: NamedHeader, key: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  throw new HeapsoakError(
    "bad-trace",
    `${trace.name}: header: ${key}: got "${shown}", expected a number from ${least} to ${most}.`,
  );
}
