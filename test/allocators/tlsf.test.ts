import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { heapPicture } from "../../src/report/picture.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { visitsOf } from "../support/visits.ts";

const SMALL_INDEX = { secondLevelLog2: 3, firstLevelMax: 14 };
const SUBJECTS: readonly { readonly title: string; readonly name: string; readonly options: OptionValues }[] = [
  { title: "tlsf", name: "tlsf", options: {} },
  { title: "tlsf with a small index", name: "tlsf", options: SMALL_INDEX },
  { title: "tlsf-esp", name: "tlsf-esp", options: {} },
  { title: "tlsf-esp laid out for 1 MiB", name: "tlsf-esp", options: { maxBytes: 1 << 20 } },
];

function start(name: string, bytes = 8192, options: OptionValues = {}): HeapRecord {
  return testHeap(testEngine(), name, [{ low: 0, bytes }], options);
}

const allocate = (heap: HeapRecord, bytes: number, alignment = 0) =>
  heap.engine.exact.heapAllocate(heap.address, alignment, bytes) >>> 0;
const reallocate = (heap: HeapRecord, payload: number, bytes: number) =>
  heap.engine.exact.heapReallocate(heap.address, payload, bytes) >>> 0;
const release = (heap: HeapRecord, payload: number) => heap.engine.exact.heapRelease(heap.address, payload);
const usable = (heap: HeapRecord, payload: number) => heap.engine.exact.heapUsableBytes(heap.address, payload);
/** Blocks with their 4-byte headers, holes in brackets; the last hole, the rest of the pool, left out. */
const picture = (heap: HeapRecord) => heapPicture(heap.blocks()).replace(/ ?\[\d+\]$/, "");

/** A hole of `bytes` between two live blocks. */
function withHole(heap: HeapRecord, bytes: number): number {
  allocate(heap, 12);
  const hole = allocate(heap, bytes);
  allocate(heap, 12);
  release(heap, hole);
  return hole;
}

/** Two holes of one size, the one that was released first in front. */
function withTwoHoles(heap: HeapRecord, bytes: number): [first: number, second: number] {
  const [first, , second] = [allocate(heap, bytes), allocate(heap, 12), allocate(heap, bytes), allocate(heap, 12)];
  release(heap, first);
  release(heap, second);
  return [first, second];
}

describe.each(SUBJECTS)("$title", ({ name, options }) => {
  test("takes a hole that leaves less than a block whole, and splits one that leaves a block", () => {
    const heap = start(name, 8192, options);
    const hole = withHole(heap, 28);
    expect(allocate(heap, 16)).toBe(hole); // 12 left: 4 short of header and least payload
    expect(picture(heap)).toBe("16 32 16");
    release(heap, hole);
    expect(allocate(heap, 12)).toBe(hole);
    expect(picture(heap)).toBe("2×16 [16] 16");
  });

  test("serves the newest hole of a size", () => {
    const heap = start(name, 8192, options);
    const [first, second] = withTwoHoles(heap, 24);
    expect(allocate(heap, 24)).toBe(second);
    expect(allocate(heap, 24)).toBe(first);
  });

  test("merges a released block with both neighbours", () => {
    const heap = start(name, 8192, options);
    const blocks = [allocate(heap, 20), allocate(heap, 20), allocate(heap, 20), allocate(heap, 12)];
    release(heap, blocks[0] ?? 0);
    release(heap, blocks[2] ?? 0);
    expect(picture(heap)).toBe("[24] 24 [24] 16");
    release(heap, blocks[1] ?? 0);
    expect(picture(heap)).toBe("[72] 16");
    expect(heap.check()).toBeUndefined();
  });

  test("reallocates in place: shrinks, and grows into a free upper neighbour", () => {
    const heap = start(name, 8192, options);
    const block = allocate(heap, 60);
    allocate(heap, 12);
    expect(reallocate(heap, block, 20)).toBe(block);
    expect(picture(heap)).toBe("24 [40] 16");
    expect(reallocate(heap, block, 40)).toBe(block);
    expect(picture(heap)).toBe("44 [20] 16");
    expect(reallocate(heap, block, 60)).toBe(block);
    expect(picture(heap)).toBe("64 16");
    expect(heap.check()).toBeUndefined();
  });

  test("moves what cannot grow, keeps what it holds, and frees the old block only then", () => {
    const heap = start(name, 8192, options);
    const block = allocate(heap, 24);
    allocate(heap, 12);
    for (let at = 0; at < 24; at++) heap.engine.bytes[block + at] = at + 1;
    const moved = reallocate(heap, block, 48);
    expect(moved).toBe(block + 28 + 16);
    expect([...heap.engine.bytes.subarray(moved, moved + 24)]).toEqual(Array.from({ length: 24 }, (_, at) => at + 1));
    expect(picture(heap)).toBe("[28] 16 52");
    expect(reallocate(heap, moved, 9000)).toBe(0);
    expect(picture(heap)).toBe("[28] 16 52");
    expect(reallocate(heap, moved, 0)).toBe(0);
    expect(heap.counters().liveBlocks).toBe(1);
    expect(heap.check()).toBeUndefined();
  });

  test("makes the gap in front of an aligned payload a block of its own", () => {
    const heap = start(name, 8192, options);
    const first = allocate(heap, 12);
    const aligned = allocate(heap, 40, 256);
    expect(aligned % 256).toBe(0);
    expect(aligned - first - 16).toBeGreaterThanOrEqual(16);
    expect(picture(heap)).toBe(`16 [${aligned - first - 16}] 44`);
    expect(heap.check()).toBeUndefined();
    expect(allocate(heap, 0, 256)).toBe(0);
  });

  test("refuses nothing and too much, but grants what wraps to 0 the least block", () => {
    const heap = start(name, 8192, options);
    for (const bytes of [0, 8192, 0x4000_0000, 0xffff_fffc]) expect(allocate(heap, bytes)).toBe(0);
    const wrapped = allocate(heap, 0xffff_fffd);
    expect(usable(heap, wrapped)).toBe(12);
    expect(allocate(heap, 12)).toBe(wrapped + 16);
    expect(heap.check()).toBeUndefined();
  });

  test("grants the largest free size and no byte more, whatever the index", () => {
    const heap = start(name, 8192, options);
    for (const bytes of [40, 300, 700, 1100, 90, 500]) {
      const largest = heap.summary().largestFreeBytes;
      const before = heap.engine.snapshot();
      expect(allocate(heap, largest)).not.toBe(0);
      heap.engine.restore(before);
      for (let more = 1; more <= 300; more++) expect(allocate(heap, largest + more), `${largest} + ${more}`).toBe(0);
      withHole(heap, bytes);
      expect(heap.check()).toBeUndefined();
    }
  });

  test("stops at its assertion on a double free, and goes on without assertions until the check finds it", () => {
    const heap = start(name, 8192, options);
    const block = withHole(heap, 40);
    expect(() => release(heap, block)).toThrow("assertion");
    heap.set(HeapField.AssertionsStop, 0);
    release(heap, block);
    expect(heap.counters().doubleFrees).toBe(2);
    expect(heap.check()?.inconsistency).toMatch(/list|link/);
  });

  test("faults on a wild free as the device would, and in the fast build at the heap's edge", () => {
    const heap = start(name, 8192, options);
    allocate(heap, 12);
    expect(() => heap.engine.fast.heapRelease(heap.address, 0x5801_0008)).toThrow("led out of the heap");
    expect(() => release(heap, 0x5801_0008)).toThrow("no memory there");
    expect(() => heap.engine.fast.heapRelease(heap.address, ARENA + 8190)).toThrow("led out of the heap");
    expect(heap.check()).toBeUndefined();
  });

  test("counts the blocks an operation looked at", () => {
    const heap = start(name, 8192, options);
    const blocks = [allocate(heap, 20), allocate(heap, 20), allocate(heap, 20)];
    expect(visitsOf(heap)).toBe(1);
    release(heap, blocks[0] ?? 0);
    expect(visitsOf(heap)).toBe(2);
    release(heap, blocks[1] ?? 0);
    expect(visitsOf(heap)).toBe(3);
    allocate(heap, 100_000);
    expect(visitsOf(heap)).toBe(0);
  });

  test("is adopted from its arena alone", () => {
    const heap = start(name, 8192, options);
    withHole(heap, 40);
    const before = [...heap.blocks()];
    const image = heap.engine.bytes.slice(ARENA, ARENA + 8192);
    const other = start(name, 8192, options);
    other.engine.bytes.set(image, ARENA);
    expect(other.engine.exact.heapAdopt(other.address)).toBe(1);
    expect(other.check()).toBeUndefined();
    const bare = (blocks: typeof before) => blocks.map(({ requestBytes, ...block }) => block);
    expect(bare([...other.blocks()])).toEqual(bare(before));
    expect(Buffer.compare(other.engine.bytes.subarray(ARENA, ARENA + 8192), image)).toBe(0);
  });

  test("keeps its invariants when the arena does not end on a word", () => {
    const heap = start(name, 8190, options);
    expect(heap.check()).toBeUndefined();
    const blocks = [...heap.blocks()];
    expect(blocks.at(-1)).toMatchObject({ state: "bookkeeping", bytes: 6 });
    expect(blocks.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(8190);
  });

  describe("with its metadata trampled", () => {
    const trampled = (poke: (heap: HeapRecord, hole: number) => [address: number, value: number]) => {
      const heap = start(name, 8192, options);
      const hole = withHole(heap, 40);
      const [address, value] = poke(heap, hole);
      heap.engine.setWord(address, value);
      return heap;
    };

    test.each<[what: string, words: string, poke: (heap: HeapRecord, hole: number) => [number, number]]>([
      ["a size beyond the arena", "beyond its arena", (_, hole) => [hole - 4, 0x10001]],
      ["a size of 0", "smaller than any", (_, hole) => [hole - 4, 1]],
      ["a live block marked free", "disagree about a size or a link", (_, hole) => [hole - 20, 13]],
      ["a hole marked live", "disagree about a size or a link", (_, hole) => [hole - 4, 40]],
      ["a link to the upper neighbour", "disagree about a size or a link", (_, hole) => [hole + 36, hole]],
      ["a wild next link", "leads out of the arena", (_, hole) => [hole, 0x5801_0000]],
      ["a next link to itself", "disagree about a size or a link", (_, hole) => [hole, hole - 8]],
      ["a next link to a live block", "is not free", (_, hole) => [hole, hole - 24]],
      ["a wrong previous link", "disagree about a size or a link", (_, hole) => [hole + 4, hole]],
      ["the end marker", "end marker", () => [ARENA + 8188, 0x42]],
      ["the bitmap of first levels", "bitmap", (heap) => [levelsAt(heap), 0]],
    ])("%s: the check says %s", (_, words, poke) => {
      expect(trampled(poke).check()?.inconsistency).toContain(words);
    });

    test("a hole that its list no longer leads to is missed there", () => {
      const heap = start(name, 8192, options);
      const [first, second] = withTwoHoles(heap, 24);
      heap.engine.setWord(second, ARENA); // the link to the first
      expect(heap.check()).toMatchObject({
        inconsistency: expect.stringContaining("missing from its list"),
        address: first - 4,
      });
    });

    test("a hole that has become too small for its list stops at the assertion in both builds", () => {
      const heap = trampled((_, hole) => [hole - 4, 12 | 1]);
      expect(() => heap.engine.fast.heapAllocate(heap.address, 0, 40)).toThrow("assertion");
      const other = trampled((_, hole) => [hole - 4, 12 | 1]);
      expect(() => allocate(other, 40)).toThrow("assertion");
    });

    test("the next allocation of a hole with a wild link faults", () => {
      const heap = trampled((_, hole) => [hole, 0x5801_0000]);
      expect(() => heap.engine.fast.heapAllocate(heap.address, 0, 40)).toThrow("led out of the heap");
      expect(() => allocate(heap, 40)).toThrow("no memory there");
    });
  });
});

/** Address of the bitmap of first levels. */
function levelsAt(heap: HeapRecord): number {
  return ARENA + (heap.engine.word(ARENA + 16) > 0xffff ? 24 : 16);
}

describe("tlsf", () => {
  test("rounds a request up for the search only: a hole of the wanted size is passed over", () => {
    const heap = start("tlsf", 16384);
    const hole = withHole(heap, 604);
    const elsewhere = allocate(heap, 604);
    expect(elsewhere).toBeGreaterThan(hole);
    expect(usable(heap, elsewhere)).toBe(604);
    expect(allocate(heap, 592)).toBe(hole);
  });

  test("has its index at the arena's start, 3188 bytes as released and fewer for a smaller one", () => {
    expect(allocate(start("tlsf"), 12)).toBe(ARENA + 3192);
    const levels = 14 - (3 + 2) + 1;
    expect(allocate(start("tlsf", 8192, SMALL_INDEX), 12)).toBe(ARENA + 20 + levels * 4 + levels * 8 * 4 + 4);
  });

  test("cuts a block that is reallocated to 1 GiB to nothing, as the original does", () => {
    const heap = start("tlsf");
    const block = allocate(heap, 40);
    expect(reallocate(heap, block, 0x4000_0000)).toBe(block);
    expect(heap.check()?.inconsistency).toContain("smaller than any");
  });

  test.each<[what: string, low: number, bytes: number, options: OptionValues]>([
    ["too small for index and block", 0, 3188 + 19, {}],
    ["misaligned", 2, 8192, {}],
    ["larger than the index", 0, 65536, SMALL_INDEX],
  ])("refuses an arena that is %s", (_, low, bytes, options) => {
    expect(() => testHeap(testEngine(), "tlsf", [{ low, bytes }], options)).toThrow("refuses");
  });

  test("accepts the smallest arena", () => {
    const heap = start("tlsf", 3188 + 20);
    expect(heap.summary()).toMatchObject({ holes: 1, largestFreeBytes: 12 });
    expect(allocate(heap, 12)).toBe(ARENA + 3192);
    expect(heap.check()).toBeUndefined();
  });
});

describe("tlsf-esp", () => {
  test("keeps what a request was rounded up to, so that equal requests reuse each other's blocks", () => {
    const heap = start("tlsf-esp");
    const hole = withHole(heap, 600);
    expect(allocate(heap, 600)).toBe(hole);
    expect(usable(heap, hole)).toBe(640);
  });

  test("sizes its index for the heap, or for the largest size asked for", () => {
    expect(allocate(start("tlsf-esp", 16384), 12)).toBe(ARENA + 432 + 4);
    expect(allocate(start("tlsf-esp", 65536), 12)).toBe(ARENA + 852 + 4);
    expect(allocate(start("tlsf-esp", 16384, { maxBytes: 1 << 20 }), 12)).toBe(ARENA + 2016 + 4);
  });

  test("refuses to reallocate to 1 GiB and keeps the block", () => {
    const heap = start("tlsf-esp");
    const block = allocate(heap, 40);
    expect(reallocate(heap, block, 0x4000_0000)).toBe(0);
    expect(usable(heap, block)).toBe(40);
    expect(heap.check()).toBeUndefined();
  });

  test("its check names a changed word of the index's description", () => {
    for (const offset of [16, 20, 28, 32]) {
      const heap = start("tlsf-esp");
      heap.engine.setWord(ARENA + offset, heap.engine.word(ARENA + offset) ^ 0x100);
      expect(heap.check()).toMatchObject({
        inconsistency: expect.stringContaining("static variable"),
        address: ARENA + offset,
      });
    }
  });

  test.each<[what: string, bytes: number, options: OptionValues]>([
    ["too small for index and block", 196, {}],
    ["larger than the index", 65536, { maxBytes: 16384 }],
  ])("refuses an arena that is %s", (_, bytes, options) => {
    expect(() => start("tlsf-esp", bytes, options)).toThrow("refuses");
  });
});
