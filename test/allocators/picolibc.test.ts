import { expect, test } from "vitest";
import { ARENA } from "../support/bench-heap.ts";
import { CHeap } from "../support/c-heap.ts";

const picolibc = (bytes = 1024, low = 0) => new CHeap("picolibc", bytes, { low });

/** (4 bytes of padding) [hole of 24 bytes] live */
function withHole(): CHeap {
  const heap = picolibc();
  const hole = heap.malloc(24);
  heap.malloc(24);
  heap.free(hole);
  return heap;
}

test("0 bytes take a chunk of 8, and 1 to 8 bytes one of 16", () => {
  const heap = picolibc();
  expect([heap.malloc(0), heap.malloc(1), heap.malloc(8)]).toEqual([8, 16, 32]);
  expect(heap.picture()).toBe("8 2×16 [980…]");
});

test("an allocation's payload is zeroed to its end", () => {
  const heap = withHole();
  heap.engine.bytes.fill(0xff, heap.base + 12, heap.base + 32);
  const block = heap.malloc(17);
  expect([...heap.engine.bytes.subarray(heap.base + block, heap.base + block + 24)]).toEqual(Array(24).fill(0));
});

test("a hole gives its lower part away, down to a rest of 8 bytes", () => {
  const heap = withHole();
  expect(heap.malloc(16)).toBe(8);
  expect(heap.picture()).toBe("24 [8] 32 [956…]");
});

test("an exact fit is not split", () => {
  const heap = withHole();
  expect(heap.malloc(24)).toBe(8);
  expect(heap.picture()).toBe("2×32 [956…]");
});

test("a last hole that ends where sbrk stands grows by what is missing", () => {
  const heap = picolibc(256);
  heap.free(heap.malloc(120));
  expect(heap.heap.summary().largestFreeBytes).toBe(240);
  expect(heap.malloc(240)).toBe(8);
  expect(heap.picture()).toBe("248 [4…]");
});

test("a first request whose second call to sbrk fails loses the bytes of the first", () => {
  const heap = picolibc(32);
  expect(heap.malloc(24)).toBe(-1);
  expect(heap.heap.statistics()).toEqual([0, 0, 0, 0]);
  expect([...heap.heap.blocks()].map(({ state, bytes }) => [state, bytes])).toEqual([["bookkeeping", 32]]);
  expect(heap.fault()).toBeUndefined();
});

test.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
  "neighbours released in the order %j are one hole in the end",
  (order) => {
    const heap = picolibc();
    const blocks = [heap.malloc(24), heap.malloc(24), heap.malloc(24)];
    heap.malloc(24);
    for (const index of order) heap.free(blocks[index] ?? 0);
    expect(heap.picture()).toBe("[96] 32 [892…]");
  },
);

test("a second release is ignored, but it has cut the list off behind the block", () => {
  const heap = picolibc();
  const blocks = [heap.malloc(24), heap.malloc(24), heap.malloc(24), heap.malloc(24)];
  heap.free(blocks[0] ?? 0);
  heap.free(blocks[2] ?? 0);
  expect(heap.picture()).toBe("[32] 32 [32] 32 [892…]");
  heap.free(blocks[0] ?? 0);
  expect(heap.picture()).toBe("[32] 3×32 [892…]");
  expect(heap.heap.counters().doubleFrees).toBe(1);
});

test("reallocate grows into sbrk at the top, and into the hole behind a block elsewhere", () => {
  const heap = picolibc();
  const block = heap.malloc(24);
  expect(heap.realloc(block, 100)).toBe(block);
  const behind = heap.malloc(40);
  heap.malloc(8);
  heap.free(behind);
  expect(heap.realloc(block, 120)).toBe(block);
  expect(heap.picture()).toBe("128 [32] 16 [844…]");
});

test("reallocate cuts off 8 bytes or more", () => {
  const heap = picolibc();
  const block = heap.malloc(40);
  heap.malloc(8);
  expect(heap.realloc(block, 32)).toBe(block);
  expect(heap.picture()).toBe("40 [8] 16 [956…]");
});

test("a refused reallocate keeps the hole it took on the way", () => {
  const heap = picolibc(160);
  const block = heap.malloc(24);
  const behind = heap.malloc(24);
  heap.malloc(24);
  heap.free(behind);
  expect(heap.realloc(block, 200)).toBe(-1);
  expect(heap.picture()).toBe("64 32 [60…]");
  expect(heap.fault()).toBeUndefined();
});

test("reallocate to 0 bytes releases", () => {
  const heap = picolibc();
  expect(heap.realloc(heap.malloc(24), 0)).toBe(-1);
  expect(heap.picture()).toBe("[32] [988…]");
});

test("an aligned request gives back what lies in front of it and behind it", () => {
  const heap = picolibc();
  expect(heap.memalign(64, 20)).toBe(64);
  expect(heap.picture()).toBe("[56] 32 [16] [916…]");
});

test("sizes near 2^31 and 2^32 are refused, aligned or not", () => {
  const heap = picolibc();
  for (const size of [0x7ffffff8, 0x80000000, 0xffffffe8, 0xffffffff]) {
    expect([heap.malloc(size), heap.memalign(64, size)]).toEqual([-1, -1]);
  }
  expect(heap.picture()).toBe("[1024…]");
});

test.each([
  ["a size that is no multiple of 8", 4, 28, /not aligned/],
  ["a size of 0", 36, 0, /smaller/],
  ["a size beyond the break", 36, 4096, /beyond/],
  ["a link out of the heap", 8, 0x5801_0000, /out of the arena/],
  ["a link to itself", 8, ARENA + 4, /never ends/],
  ["a link into a live block", 8, ARENA + 44, /not free/],
])("check finds %s", (_, at, value, expected) => {
  const heap = withHole();
  expect(heap.fault()).toBeUndefined();
  heap.setWord(at, value);
  expect(heap.fault()).toMatch(expected);
});

test("a list that leads to itself ends in a fault instead of a hang", () => {
  const heap = withHole();
  heap.setWord(8, heap.base + 4);
  expect(() => heap.malloc(100)).toThrow(/never ends/);
});

test("an autopsy needs the list's head, and then shows the heap the board had", () => {
  const heap = withHole();
  expect(() => heap.autopsy()).toThrow(/does not tell/);
  const found = heap.autopsy({ __malloc_free_list: heap.base + 4 });
  expect(found.finding).toBeUndefined();
  expect(found.picture).toBe(heap.picture());
});
