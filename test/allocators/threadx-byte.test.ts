import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { seededNumbers, trample } from "../support/trample.ts";

const FREE = 0xffffeeee;
const SEARCH = 20;
const engine = testEngine();
const pristine = engine.snapshot();

function start(bytes = 256, options: OptionValues = {}): HeapRecord {
  engine.restore(pristine);
  return testHeap(engine, "threadx-byte", [{ low: 0, bytes }], options);
}

/** The payload's offset, or undefined. */
function allocate(heap: HeapRecord, bytes: number): number | undefined {
  const payload = engine.exact.heapAllocate(heap.address, 0, bytes) >>> 0;
  return payload ? payload - ARENA : undefined;
}
const release = (heap: HeapRecord, offset: number) => engine.exact.heapRelease(heap.address, ARENA + offset);
const searchOf = (heap: HeapRecord) => engine.word(heap.get(HeapField.State) + SEARCH) - ARENA;
/** Block sizes, holes in brackets. */
const picture = (heap: HeapRecord) =>
  [...heap.blocks()]
    .filter(({ state }) => state !== "bookkeeping")
    .map(({ bytes, state }) => (state === "free" ? `[${bytes}]` : `${bytes}`))
    .join(" ");

describe("allocate", () => {
  test("rounds to 4 and has no least block", () => {
    const heap = start();
    expect([1, 4, 5].map((bytes) => allocate(heap, bytes))).toEqual([8, 20, 32]);
    expect(picture(heap)).toBe("12 12 16 [208]");
    expect(heap.statistics()).toEqual([208, 5]);
  });

  test("splits off a rest of 20 bytes and keeps one of 16 in the block", () => {
    const heap = start();
    allocate(heap, 40);
    allocate(heap, 4);
    release(heap, 8);
    expect(allocate(heap, 20)).toBe(8);
    expect(picture(heap)).toBe("28 [20] 12 [188]");
    release(heap, 8);
    const other = start();
    allocate(other, 40);
    allocate(other, 4);
    release(other, 8);
    expect(allocate(other, 24)).toBe(8);
    expect(picture(other)).toBe("48 12 [188]");
  });

  test("merges neighbours only where a search passes a hole that is too small", () => {
    const heap = start();
    for (let i = 0; i < 4; i++) allocate(heap, 24);
    for (const offset of [8, 40, 72]) release(heap, offset);
    expect(picture(heap)).toBe("[32] [32] [32] 32 [120]");
    expect(allocate(heap, 50)).toBe(8);
    expect(picture(heap)).toBe("64 [32] 32 [120]");
    expect(heap.check()).toBeUndefined();
  });

  test("leaves the search pointer behind the block it took, and a release below brings it back", () => {
    const heap = start();
    allocate(heap, 24);
    allocate(heap, 24);
    expect(searchOf(heap)).toBe(64);
    release(heap, 8);
    expect(searchOf(heap)).toBe(0);
  });

  test("that fails has merged and moved the search pointer, unless it asked for more than there is in all", () => {
    const heap = start();
    for (let i = 0; i < 5; i++) allocate(heap, 40);
    release(heap, 8);
    release(heap, 56);
    expect(allocate(heap, 200)).toBeUndefined();
    expect(picture(heap)).toBe("[48] [48] 48 48 56");
    expect(allocate(heap, 100)).toBeUndefined();
    expect(picture(heap)).toBe("[96] 48 48 56");
  });

  test("of 0 bytes and of sizes whose rounding wraps gives a block without payload", () => {
    const heap = start();
    expect([0, 0xffff_fffd, 4].map((bytes) => allocate(heap, bytes))).toEqual([8, 16, 24]);
    expect(picture(heap)).toBe("8 8 12 [220]");
  });

  test("through the error-checking entry refuses 0 and more than the pool's size", () => {
    const heap = start(256, { errorChecked: true });
    expect([0, 0xffff_fffd, 257].map((bytes) => allocate(heap, bytes))).toEqual([undefined, undefined, undefined]);
    expect(allocate(heap, 240)).toBe(8);
    expect(() => start(96, { errorChecked: true })).toThrow("refuses");
  });

  test("with a block counter that was overwritten hangs instead of keeping us busy", () => {
    const heap = start();
    allocate(heap, 200);
    engine.setWord(heap.get(HeapField.State) + 12, 0xffff_0000);
    expect(() => engine.fast.heapAllocate(heap.address, 0, 100)).toThrow(/never ends/);
  });
});

describe("release", () => {
  test("twice is refused without a trace, and counted", () => {
    const heap = start();
    allocate(heap, 24);
    allocate(heap, 24);
    release(heap, 8);
    release(heap, 8);
    expect(heap.check()).toBeUndefined();
    expect(heap.counters()).toMatchObject({ doubleFrees: 1, frees: 1, liveBlocks: 1 });
  });

  test("of a pointer whose owner word is no pool is refused, one that leads out of the heap faults", () => {
    const heap = start();
    const offset = allocate(heap, 64) ?? 0;
    engine.setWord(ARENA + offset + 12, ARENA);
    release(heap, offset + 16);
    expect(heap.check()).toBeUndefined();
    engine.setWord(ARENA + offset + 12, 0x5801_0000);
    expect(() => engine.fast.heapRelease(heap.address, ARENA + offset + 16)).toThrow(GuestFault);
    expect(() => release(heap, offset + 16)).toThrow(GuestFault);
  });
});

test("the largest request is exact after random operations, wherever the search stands", () => {
  const random = seededNumbers(7);
  for (let round = 0; round < 60; round++) {
    const heap = start(1024);
    const live: number[] = [];
    for (let i = 0; i < 80; i++) {
      if (random(5) < 3) live.push(allocate(heap, random(60)) ?? 0);
      else release(heap, live.splice(random(live.length || 1), 1)[0] || 8);
      expect(heap.check()).toBeUndefined();
      const largest = heap.summary().largestFreeBytes;
      const before = engine.snapshot();
      if (largest) expect(allocate(heap, largest)).toBeDefined();
      for (const more of [1, 4, 8, 20, 60, 200]) {
        engine.restore(before);
        expect(allocate(heap, largest + more)).toBeUndefined();
      }
      engine.restore(before);
    }
  }
}, 30_000);

describe("corruption", () => {
  test.each([
    ["a link backwards", 32, 0, "a block is smaller than any block can be"],
    ["a link beyond the end", 32, ARENA + 0x1000, "a block reaches beyond its arena"],
    ["a link that is not aligned", 32, ARENA + 66, "a block's size or address is not aligned"],
    ["an owner word", 36, 0x1234, "an end marker or magic word is overwritten"],
    ["a live block marked free", 36, FREE, "the counter of free bytes disagrees with the free blocks"],
    ["the end block's link", 248, 0, "an end marker or magic word is overwritten"],
  ])("check finds %s", (_, offset, value, finding) => {
    const heap = start();
    allocate(heap, 24);
    allocate(heap, 24);
    expect(heap.check()).toBeUndefined();
    engine.setWord(ARENA + offset, value);
    expect(heap.check()?.inconsistency).toBe(finding);
  });

  test.each([0, 8, 12, 16, 20, 24, 28])("check finds word %i of the control block overwritten", (offset) => {
    const heap = start();
    allocate(heap, 24);
    engine.setWord(heap.get(HeapField.State) + offset, 0x2001_0004);
    expect(heap.check()).toBeDefined();
  });

  test("with any word overwritten every verb ends in an answer or a fault", () => {
    const { faults, findings } = trample("threadx-byte", {}, 400);
    expect(faults).toBeGreaterThan(0);
    expect(findings).toBeGreaterThan(faults);
  }, 30_000);
});

test("an autopsy rebuilds the control block, and learns from the end block where the board's pool lay", () => {
  const heap = start();
  for (const bytes of [24, 40, 24]) allocate(heap, bytes);
  release(heap, 40);
  const state = heap.get(HeapField.State);
  for (const offset of [0, 80, 248]) {
    expect(engine.word(ARENA + offset + 4)).toBe(state);
    engine.setWord(ARENA + offset + 4, 0x2000_0400);
  }
  engine.bytes.fill(0, state, state + 52);
  expect(engine.exact.heapAdopt(heap.address)).toBe(1);
  expect(heap.check()).toBeUndefined();
  expect(heap.statistics()).toEqual([48 + 136, 5]);
});
