import { expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import { CHeap } from "../support/c-heap.ts";

const newlib = (bytes = 8192, low = 0, pageBytes = 4096) => new CHeap("newlib", bytes, { low, values: { pageBytes } });
/** Offset of malloc_av_ from the static variables. */
const TABLE = 64;

/** Blocks of the given sizes with a live one of 16 bytes behind each; the former are released in order. */
function withHoles(...sizes: number[]): CHeap {
  const heap = newlib();
  const holes = sizes.map((size) => {
    const hole = heap.malloc(size);
    heap.malloc(12);
    return hole;
  });
  for (const hole of holes) heap.free(hole);
  return heap;
}

test("the first request moves the break to the end of a page, later ones by whole pages", () => {
  const heap = newlib();
  expect(heap.malloc(10)).toBe(8);
  expect(heap.heap.statistics()).toEqual([4080, 16, 4096, 1, 4080]);
  expect(heap.malloc(4070)).toBe(24);
  expect(heap.heap.statistics()).toEqual([4096, 4096, 8192, 1, 4096]);
});

test("where the page does not end inside the arena, only the first request is served", () => {
  const heap = newlib(2048);
  expect(heap.malloc(100)).toBe(8);
  expect(heap.malloc(8)).toBe(-1);
  expect(heap.heap.summary().largestFreeBytes).toBe(0);
  expect(heap.picture()).toBe("104 [16] [1928…]");
});

test("the page is that of the absolute address, and its size is an option", () => {
  const heap = newlib(4096, 2048);
  heap.malloc(8);
  expect(heap.picture()).toBe("16 [2032] [2048…]");
  const small = newlib(4096, 0, 128);
  small.malloc(8);
  expect(small.picture()).toBe("16 [112] [3968…]");
});

test("an arena at 4 modulo 8 loses 4 bytes, and its first request must end on a page", () => {
  const heap = newlib(2048, 4);
  expect(heap.heap.summary().largestFreeBytes).toBe(0);
  expect(heap.malloc(100)).toBe(-1);
  const paged = newlib(4092, 4);
  expect(paged.heap.summary().largestFreeBytes).toBe(4068);
  expect(paged.malloc(4068)).toBe(12);
});

test("chunks of one size are taken oldest first", () => {
  const heap = withHoles(24, 24, 24);
  expect([heap.malloc(24), heap.malloc(24), heap.malloc(24)]).toEqual([8, 56, 104]);
});

test("8 bytes over stay inside, 16 become the last remainder, which the next request splits on", () => {
  const inside = withHoles(28);
  inside.malloc(20);
  expect(inside.picture()).toBe("32 16 [4048] [4096…]");
  const split = withHoles(100);
  expect([split.malloc(20), split.malloc(20)]).toEqual([8, 32]);
  expect(split.picture()).toBe("2×24 [56] 16 [3976] [4096…]");
});

test("of larger chunks the smallest that fits is taken", () => {
  const heap = withHoles(800, 600, 700);
  expect(heap.malloc(590)).toBe(832);
});

test.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
  "neighbours released in the order %j are one hole in the end",
  (order) => {
    const heap = newlib();
    const blocks = [heap.malloc(28), heap.malloc(28), heap.malloc(28)];
    heap.malloc(28);
    for (const index of order) heap.free(blocks[index] ?? 0);
    expect(heap.picture()).toBe("[96] 32 [3968] [4096…]");
    expect(heap.fault()).toBeUndefined();
  },
);

test("what is released below the top becomes part of it", () => {
  const heap = newlib();
  const [first, second] = [heap.malloc(28), heap.malloc(28)];
  heap.free(first);
  heap.free(second);
  expect(heap.picture()).toBe("[4096] [4096…]");
});

test("a top of 128 KiB is trimmed to its last page", () => {
  const heap = newlib(262144);
  const block = heap.malloc(200000);
  const live = heap.malloc(8);
  heap.free(block);
  expect(heap.heap.statistics()[2]).toBe(200704);
  heap.free(live);
  expect(heap.heap.statistics()).toEqual([4096, 0, 4096, 1, 4096]);
  expect(heap.fault()).toBeUndefined();
});

test("after a top that no page ends was trimmed, a fence stands between it and the next", () => {
  const heap = newlib(200100, 2048);
  heap.free(heap.malloc(200000)); // the page behind it lies outside the arena
  const live = heap.malloc(5000);
  expect(live).toBeGreaterThan(0);
  expect(heap.malloc(20000)).toBeGreaterThan(live);
  const states = [...heap.heap.blocks()].map(({ state }) => state);
  expect(states.slice(1)).toContain("bookkeeping");
  expect(heap.fault()).toBeUndefined();
});

test("reallocate grows into the top, into the hole behind, and down into the hole in front", () => {
  const top = newlib();
  const block = top.malloc(28);
  expect(top.realloc(block, 100)).toBe(block);
  const behind = withHoles(28, 28);
  expect(behind.realloc(40, 40)).toBe(40);
  expect(behind.picture()).toBe("[32] 48 16 [4000] [4096…]");
  expect(behind.fault()).toBeUndefined();
  const front = withHoles(60);
  front.malloc(3000);
  front.engine.bytes.fill(0x5a, front.base + 72, front.base + 84);
  expect(front.realloc(72, 70)).toBe(8);
  expect(front.engine.bytes[front.base + 8]).toBe(0x5a);
  expect(front.fault()).toBeUndefined();
});

test("reallocate cuts off 16 bytes or more, and does not free for 0 bytes", () => {
  const heap = newlib();
  const block = heap.malloc(60);
  heap.malloc(12);
  expect(heap.realloc(block, 50)).toBe(block);
  expect(heap.picture()).toBe("64 16 [4016] [4096…]");
  expect(heap.realloc(block, 0)).toBe(block);
  expect(heap.picture()).toBe("16 [48] 16 [4016] [4096…]");
});

test("an aligned request gives back what lies in front of it and behind it", () => {
  const heap = newlib();
  expect(heap.memalign(64, 20)).toBe(64);
  expect(heap.picture()).toBe("[56] 24 [4016] [4096…]");
});

test("sizes over INT_MAX are refused", () => {
  const heap = newlib();
  for (const size of [0x7ffffff5, 0x80000000, 0xfffffff5, 0xffffffff]) {
    expect([heap.malloc(size), heap.memalign(64, size)]).toEqual([-1, -1]);
  }
  expect(heap.picture()).toBe("[8192…]");
});

test("a size just below 2^31 passes for one that fits into the top, as in the original, and corrupts the heap", () => {
  const heap = newlib();
  const block = heap.malloc(28);
  expect(heap.realloc(block, 0x7fffffdc)).toBe(-1);
  expect(() => heap.realloc(block, 0x7ffffff0)).toThrow(/store/);
  expect(heap.fault()).toBeDefined();
});

test("a second release merges the block with itself, which check finds", () => {
  const heap = withHoles(28, 28);
  heap.free(8);
  expect(heap.fault()).toBeDefined();
  expect(heap.heap.counters().doubleFrees).toBe(1);
});

test.each([
  ["a size that is no multiple of 8", 4, 0x25, /not aligned/],
  ["a size beyond the top", 4, 0x8001, /beyond/],
  ["a size of 0", 36, 0, /smaller/],
  ["a free chunk's size at its end", 32, 40, /neighbour disagree/],
  ["a link out of the heap", 8, 0x5900_0000, /out of the arena/],
  ["a link to another chunk", 8, 0x2001_0020, /neighbour disagree/],
])("check finds %s", (_, at, value, expected) => {
  const heap = withHoles(28);
  expect(heap.fault()).toBeUndefined();
  heap.setWord(at, value);
  expect(heap.fault()).toMatch(expected);
});

test("check finds a bin that is not marked, and one that leads elsewhere", () => {
  const unmarked = withHoles(28);
  const table = unmarked.heap.get(HeapField.State) + TABLE;
  unmarked.engine.setWord(table + 4, 0);
  expect(unmarked.fault()).toMatch(/bitmap/);
  const emptied = withHoles(28);
  const head = table + 8 * 4;
  emptied.engine.setWord(head + 8, head);
  expect(emptied.fault()).toBeDefined();
});

test("a sorted bin that leads to itself ends in a fault instead of a hang", () => {
  const heap = withHoles(600, 590);
  heap.malloc(3000); // files both
  heap.setWord(12, heap.base);
  expect(() => heap.malloc(620)).toThrow(/never ends/);
});

test("an autopsy finds top and bins in the arena alone, wherever the board kept its table", () => {
  const heap = withHoles(28, 600, 28, 100, 610, 590);
  heap.malloc(50);
  const found = heap.autopsy();
  expect(found.finding).toBeUndefined();
  expect(found.picture).toBe(heap.picture());
  expect(Object.values(found.statistics ?? {})).toEqual(heap.heap.statistics());
  heap.setWord(8, 0x2001_0020);
  expect(heap.autopsy().finding).toBeDefined();
});
