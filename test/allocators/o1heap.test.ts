import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import { heapPicture } from "../../src/report/picture.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { visitsOf } from "../support/visits.ts";

const INSTANCE_BYTES = 160;
const CAPACITY = 4096 - INSTANCE_BYTES; // 3936, 123 × 32
const FIRST = ARENA + INSTANCE_BYTES;

function start(bytes = 4096): HeapRecord {
  return testHeap(testEngine(), "o1heap", [{ low: 0, bytes }]);
}

const allocate = (heap: HeapRecord, bytes: number, alignment = 0) =>
  heap.engine.exact.heapAllocate(heap.address, alignment, bytes) >>> 0;
const release = (heap: HeapRecord, payload: number) => heap.engine.exact.heapRelease(heap.address, payload);
const picture = (heap: HeapRecord) => heapPicture(heap.blocks());

describe("o1heap", () => {
  test("rounds header and request up to a power of two, and hands out the low part of the newest fragment", () => {
    const heap = start();
    expect(allocate(heap, 1)).toBe(FIRST + 16);
    expect(allocate(heap, 16)).toBe(FIRST + 32 + 16);
    expect(allocate(heap, 17)).toBe(FIRST + 64 + 16);
    expect(allocate(heap, 112)).toBe(FIRST + 128 + 16);
    expect(picture(heap)).toBe(`2×32 64 128 [${CAPACITY - 256}]`);
    expect(heap.statistics()).toEqual([CAPACITY, 256, 256, 112, 0]);
  });

  test("an exact fit is not split, and 32 bytes left over are a fragment", () => {
    const heap = start();
    const [first, , third] = [allocate(heap, 48), allocate(heap, 16), allocate(heap, 16), allocate(heap, 16)];
    release(heap, first);
    expect(allocate(heap, 40)).toBe(first);
    expect(picture(heap)).toBe(`64 3×32 [${CAPACITY - 160}]`);
    release(heap, first);
    expect(allocate(heap, 16)).toBe(first);
    expect(picture(heap)).toBe(`32 [32] 3×32 [${CAPACITY - 160}]`);
    release(heap, third);
    expect(allocate(heap, 16)).toBe(third);
  });

  test.each([
    ["with both neighbours", [0, 2, 1], "[96] 32"],
    ["with the lower one", [0, 1], "[64] 2×32"],
    ["with the upper one", [1, 0], "[64] 2×32"],
    ["with none", [1], "32 [32] 2×32"],
  ])("merges a released fragment %s", (_, order, expected) => {
    const heap = start();
    const blocks = Array.from({ length: 4 }, () => allocate(heap, 16));
    for (const index of order) release(heap, blocks[index] ?? 0);
    expect(picture(heap)).toBe(`${expected} [${CAPACITY - 128}]`);
    expect(heap.check()).toBeUndefined();
  });

  test("a fragment of 96 bytes serves a request for 64 but not one for 128", () => {
    const heap = start(INSTANCE_BYTES + 96);
    expect(heap.summary().largestFreeBytes).toBe(48);
    expect(allocate(heap, 49)).toBe(0);
    expect(allocate(heap, 48)).toBe(FIRST + 16);
    expect(picture(heap)).toBe("64 [32]");
  });

  test("counts every refused request but those of 0 bytes, and the largest ever asked", () => {
    const heap = start();
    for (const bytes of [0, 4096, CAPACITY - 15, 2 ** 32 - 1]) expect(allocate(heap, bytes)).toBe(0);
    expect(heap.statistics()).toEqual([CAPACITY, 0, 0, 2 ** 32 - 1, 3]);
    expect(heap.check()).toBeUndefined();
  });

  test("aligns to 16 and no further, and moves every reallocation", () => {
    const heap = start();
    expect(allocate(heap, 10, 16) % 16).toBe(0);
    expect(allocate(heap, 10, 32)).toBe(0);
    const block = allocate(heap, 16);
    heap.engine.setWord(block, 0x1234_5678);
    const moved = heap.engine.exact.heapReallocate(heap.address, block, 10) >>> 0;
    expect(moved).toBe(block + 32);
    expect(heap.engine.word(moved)).toBe(0x1234_5678);
    expect(heap.check()).toBeUndefined();
  });

  test("leaves what is below a multiple of 32 unused, and refuses arenas that are too small or misaligned", () => {
    expect([...start(4096 + 20).blocks()].at(-1)).toMatchObject({ state: "bookkeeping", bytes: 20 });
    expect(start(192).summary()).toMatchObject({ holes: 1, largestFreeBytes: 16 });
    expect(() => start(191)).toThrow("refuses");
    expect(() => testHeap(testEngine(), "o1heap", [{ low: 8, bytes: 4096 }])).toThrow("refuses");
  });

  test("stops at its assertion on a double free, also of a fragment that was merged away", () => {
    const heap = start();
    const [first, second] = [allocate(heap, 16), allocate(heap, 16), allocate(heap, 16)];
    release(heap, first ?? 0);
    expect(() => release(heap, first ?? 0)).toThrow("assertion");
    release(heap, second ?? 0);
    expect(() => release(heap, second ?? 0)).toThrow("assertion");
    expect(heap.counters().doubleFrees).toBe(2);
    expect(heap.check()).toBeUndefined();
  });

  test("without assertions a double free is listed twice, as in the original, and the check finds it", () => {
    const heap = start();
    const [first] = [allocate(heap, 16), allocate(heap, 16)];
    heap.set(HeapField.AssertionsStop, 0);
    release(heap, first ?? 0);
    release(heap, first ?? 0);
    expect(heap.check()?.inconsistency).toContain("counter of free bytes");
  });

  test("without assertions a fragment of 0 bytes goes to the bin in front of the arena", () => {
    const heap = start();
    const [first] = [allocate(heap, 16), allocate(heap, 16)];
    heap.set(HeapField.AssertionsStop, 0);
    heap.engine.setWord((first ?? 0) - 8, 0);
    expect(() => heap.engine.fast.heapRelease(heap.address, first ?? 0)).toThrow("led out of the heap");
    heap.engine.setWord(ARENA - 4, 0);
    heap.engine.setWord((first ?? 0) - 4, 1);
    release(heap, first ?? 0);
    expect(heap.engine.word(ARENA - 4)).toBe((first ?? 0) - 16);
  });

  test("faults on a wild free", () => {
    const heap = start();
    expect(() => heap.engine.fast.heapRelease(heap.address, 0x5801_0000)).toThrow("led out of the heap");
    expect(() => release(heap, 0x5801_0000)).toThrow("no memory there");
    expect(heap.check()).toBeUndefined();
  });

  test("counts the fragments an operation looked at", () => {
    const heap = start();
    const [first, second] = [allocate(heap, 16), allocate(heap, 16)];
    expect(visitsOf(heap)).toBe(1);
    release(heap, first ?? 0);
    expect(visitsOf(heap)).toBe(2);
    release(heap, second ?? 0);
    expect(visitsOf(heap)).toBe(3);
    allocate(heap, 9999);
    expect(visitsOf(heap)).toBe(0);
  });

  test("is adopted from its arena alone", () => {
    const heap = start();
    const [first] = [allocate(heap, 16), allocate(heap, 16)];
    release(heap, first ?? 0);
    const other = start();
    other.engine.bytes.set(heap.engine.bytes.subarray(ARENA, ARENA + 4096), ARENA);
    expect(other.engine.exact.heapAdopt(other.address)).toBe(1);
    expect(other.check()).toBeUndefined();
    expect(picture(other)).toBe(picture(heap));
  });

  /** `first` is a hole of 64 bytes at the arena's start, a live fragment of 32 behind it. */
  test.each<[what: string, words: string, offset: number, value: number]>([
    ["a size of 0", "smaller than any", 8, 0],
    ["an odd size", "not aligned", 8, 65],
    ["a size beyond the arena", "beyond its arena", 8, 0x10000],
    ["another size", "disagree about a size or a link", 8, 96],
    ["the mark of a live fragment", "counter of free bytes", 12, 1],
    ["a mark that is neither live nor free", "magic word", 12, 7],
    ["a wild upper neighbour", "disagree about a size or a link", 0, 0x5801_0000],
    ["a wild lower neighbour", "disagree about a size or a link", 4, 0x5801_0000],
    ["a wild next link", "leads out of the arena", 16, 0x5801_0000],
    ["a next link to a live fragment", "is not free", 16, FIRST + 64],
    ["a wrong previous link", "disagree about a size or a link", 20, FIRST],
    ["a bin that leads elsewhere", "missing from its list", -INSTANCE_BYTES + 4, 0],
    ["the bitmap of bins", "bitmap", -INSTANCE_BYTES + 128, 0],
    ["the capacity", "static variable", -INSTANCE_BYTES + 136, 64],
    ["the bytes allocated", "counter of free bytes", -INSTANCE_BYTES + 140, 64],
    ["the peak", "static variable", -INSTANCE_BYTES + 144, 0],
  ])("with %s overwritten the check says %s", (what, words, offset, value) => {
    const heap = start();
    const [first] = [allocate(heap, 40), allocate(heap, 16)];
    release(heap, first ?? 0);
    heap.engine.setWord(FIRST + offset, value);
    if (what === "a bin that leads elsewhere") {
      const bitmap = ARENA + 128;
      heap.engine.setWord(bitmap, heap.engine.word(bitmap) & ~2);
    }
    expect(heap.check()?.inconsistency).toContain(words);
  });
});
