import { expect, test } from "vitest";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import { ARENA, RAM, testEngine, testHeap } from "../support/bench-heap.ts";
import { CHeap } from "../support/c-heap.ts";

const nano = (bytes = 1024, low = 0) => new CHeap("newlib-nano", bytes, { low });

/** [hole of 24 bytes] live */
function withHole(): CHeap {
  const heap = nano();
  const hole = heap.malloc(24);
  heap.malloc(24);
  heap.free(hole);
  return heap;
}

test("a request takes its size, a header and the slack for alignment from sbrk, and nothing more", () => {
  const heap = nano();
  expect(heap.malloc(10)).toBe(8);
  expect(heap.malloc(0)).toBe(24);
  expect(heap.picture()).toBe("20 12 [992…]");
  expect(heap.heap.statistics()).toEqual([0, 32, 32]);
});

test("a payload whose chunk begins 4 below a multiple of 8 needs no padding word", () => {
  const heap = nano(1024, 4);
  expect(heap.malloc(8)).toBe(4);
  expect(heap.word(0)).toBe(16);
});

test("an exact fit is not split, and 8 bytes over stay inside", () => {
  for (const over of [0, 8]) {
    const heap = nano();
    const hole = heap.malloc(40 + over);
    heap.malloc(8);
    heap.free(hole);
    heap.malloc(40);
    expect(heap.picture()).toBe(`${48 + over} 16 [${1024 - 64 - over}…]`);
  }
});

test("12 bytes over are split off, and the request gets the upper part", () => {
  const heap = nano();
  const hole = heap.malloc(52);
  heap.malloc(8);
  heap.free(hole);
  expect(heap.malloc(40)).toBe(16);
  expect(heap.picture()).toBe("[12] 48 16 [948…]");
});

test.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
  "neighbours released in the order %j are one hole in the end",
  (order) => {
    const heap = nano();
    const blocks = [heap.malloc(24), heap.malloc(24), heap.malloc(24)];
    heap.malloc(24);
    for (const index of order) heap.free(blocks[index] ?? 0);
    expect(heap.picture()).toBe("[96] 32 [896…]");
  },
);

test("a hole at the top is not lengthened, so a request fails that it and the rest together could serve", () => {
  const heap = nano(256);
  heap.free(heap.malloc(120));
  expect(heap.malloc(200)).toBe(-1);
  expect(heap.heap.summary().largestFreeBytes).toBe(120);
  expect(heap.picture()).toBe("[128] [128…]");
});

test("a second release is ignored where a hole covers the block", () => {
  const heap = nano();
  const [first, second] = [heap.malloc(24), heap.malloc(24)];
  heap.malloc(24);
  heap.free(first);
  heap.free(second);
  heap.free(second);
  expect(heap.picture()).toBe("[64] 32 [928…]");
  expect(heap.fault()).toBeUndefined();
  expect(heap.heap.counters().doubleFrees).toBe(1);
});

test("reallocate keeps the block as long as it is large enough, and never cuts it", () => {
  const heap = nano();
  const block = heap.malloc(100);
  expect(heap.realloc(block, 1)).toBe(block);
  expect(heap.realloc(block, 100)).toBe(block);
  heap.malloc(4);
  expect(heap.realloc(block, 101)).not.toBe(block);
  expect(heap.picture()).toBe("[108] 12 112 [792…]");
});

test("reallocate to 0 bytes releases", () => {
  const heap = nano();
  expect(heap.realloc(heap.malloc(24), 0)).toBe(-1);
  expect(heap.picture()).toBe("[32] [992…]");
});

test("a move copies the new size, so what lies behind the old block is read, even behind the heap", () => {
  const heap = nano();
  const hole = heap.malloc(600);
  const old = heap.malloc(300);
  heap.free(hole);
  heap.engine.bytes.fill(0xab, heap.base + 1024, heap.base + 2048);
  const moved = heap.realloc(old, 500);
  expect(moved).toBeGreaterThan(0);
  expect(heap.engine.bytes[heap.base + moved + 499]).toBe(0xab);
});

test("a move that would read behind the RAM faults, as on the board", () => {
  const engine = testEngine();
  const low = RAM.low + RAM.bytes - 1024 - ARENA;
  const heap = testHeap(engine, "newlib-nano", [{ low, bytes: 1024 }]);
  const hole = engine.fast.heapAllocate(heap.address, 0, 600);
  const old = engine.fast.heapAllocate(heap.address, 0, 300) >>> 0;
  engine.fast.heapRelease(heap.address, hole);
  expect(() => engine.fast.heapReallocate(heap.address, old, 500)).toThrow(GuestFault);
});

test("an aligned request gives back a lead of 12 bytes or more and keeps a shorter one as padding", () => {
  const given = nano();
  expect(given.memalign(64, 20)).toBe(64);
  expect(given.picture()).toBe("[60] 24 [940…]");
  const kept = nano(1024, 4);
  expect(kept.memalign(16, 20)).toBe(12);
  expect(kept.word(8)).toBe(0xfffffff8);
  expect(kept.picture()).toBe("36 [988…]");
  expect(kept.fault()).toBeUndefined();
});

test("an aligned size that wraps around corrupts the heap, as 3.3.0 does, and check says so", () => {
  const heap = nano();
  expect(heap.memalign(64, 0xfffffff0)).toBe(64);
  expect(heap.malloc(53)).toBe(56);
  expect(heap.fault()).toMatch(/beyond/);
});

test("sizes from 2^31 on, and those that wrap, are refused", () => {
  const heap = nano();
  for (const size of [0x7ffffff5, 0x80000000, 0xfffffff4, 0xffffffff]) expect(heap.malloc(size)).toBe(-1);
  expect(heap.picture()).toBe("[1024…]");
});

test("a release of what is no block faults where its header would lie", () => {
  const { heap, engine } = nano();
  expect(() => engine.fast.heapRelease(heap.address, 0x4000_0000)).toThrow(/0x3ffffffc/);
});

test.each([
  ["a size that is no multiple of 4", 0, 31, /not aligned/],
  ["a size below any chunk's", 32, 4, /smaller/],
  ["a size beyond the break", 32, 4096, /beyond/],
  ["a link out of the heap", 4, 0x5801_0000, /out of the arena/],
  ["a link to itself", 4, ARENA, /never ends/],
  ["a link into a live block", 4, ARENA + 40, /not free/],
  ["a lost padding word", 36, 0, /magic word/],
])("check finds %s", (_, at, value, expected) => {
  const heap = withHole();
  expect(heap.fault()).toBeUndefined();
  heap.setWord(at, value);
  expect(heap.fault()).toMatch(expected);
});

test("a list that leads to itself ends in a fault instead of a hang", () => {
  const heap = withHole();
  heap.setWord(4, heap.base);
  expect(() => heap.malloc(100)).toThrow(/never ends/);
});

test("an autopsy needs the list's head, and then shows the heap the board had", () => {
  const heap = withHole();
  expect(() => heap.autopsy()).toThrow(/does not tell/);
  const found = heap.autopsy({ __malloc_free_list: heap.base });
  expect(found.finding).toBeUndefined();
  expect(found.picture).toBe(heap.picture());
});

test("a reallocation into the hole just above copies upwards over what it still has to read", () => {
  const heap = nano(1024, 4);
  const old = heap.malloc(8); // 12 bytes
  const hole = heap.malloc(40);
  heap.malloc(8);
  heap.free(hole);
  heap.setWord(old, 0x11111111);
  expect(heap.realloc(old, 40)).toBe(hole);
  expect(heap.word(hole)).toBe(0x11111111);
  expect(heap.word(hole + (hole - old))).toBe(0x11111111);
});
