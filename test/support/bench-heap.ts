import { BankKind, HeapField } from "../../assembly/memory-map.ts";
import { encodeOptions, findAllocator } from "../../src/allocators/catalogue.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { Engine } from "../../src/wasm/engine.ts";
import { HeapRecord, type Region } from "../../src/wasm/heap-record.ts";

/** RAM of the device that allocator tests run on. */
export const RAM = { low: 0x2000_0000, bytes: 0x40_0000 };
/** The lowest arena of a test heap: a multiple of 64 KiB, as the golden traces ask for. */
export const ARENA = 0x2001_0000;

/** An engine with one RAM bank; the AVR's pointers reach only the bank at 0x100. */
export function testEngine(build: "release" | "debug" = "release"): Engine {
  const ram = { ...RAM, home: RAM.low, kind: BankKind.Ram };
  const avrRam = { low: 0x100, bytes: 0x7f00, home: 0x100, kind: BankKind.Ram };
  return new Engine([avrRam, ram], { unalignedFaults: false, build });
}

/** A started heap whose regions are given by offset from ARENA (0x1000 for cores with 2-byte pointers). */
export function testHeap(
  engine: Engine,
  name: string,
  regions: readonly Region[],
  options: OptionValues = {},
): HeapRecord {
  const entry = findAllocator(name);
  const heap = new HeapRecord(engine, entry.kind, encodeOptions(entry, options), regions[0]?.bytes);
  const base = entry.pointerBytes === 2 ? 0x1000 : ARENA;
  const placed = regions.map(({ low, bytes }) => ({ low: base + low, bytes }));
  heap.set(HeapField.AssertionsStop, 1);
  heap.place(placed, (base - heap.get(HeapField.StateBytes)) & ~7);
  for (const { low, bytes } of placed) engine.bytes.fill(0, low, low + bytes);
  if (!heap.start()) throw new Error(`${name} refuses ${JSON.stringify(regions)}`);
  return heap;
}
