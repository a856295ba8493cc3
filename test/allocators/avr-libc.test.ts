import { expect, test } from "vitest";
import { testEngine, testHeap } from "../support/bench-heap.ts";
import { CHeap } from "../support/c-heap.ts";

const avr = (bytes = 256) => new CHeap("avr-libc", bytes);

/** [hole of `sizes[0]` bytes] live [hole of `sizes[1]` bytes] live … */
function withHoles(...sizes: number[]): CHeap {
  const heap = avr();
  const holes = sizes.map((size) => {
    const hole = heap.malloc(size);
    heap.malloc(2);
    return hole;
  });
  for (const hole of holes) heap.free(hole);
  return heap;
}

test("a header of 2 bytes, no alignment, and a payload of at least 2", () => {
  const heap = avr();
  expect([heap.malloc(5), heap.malloc(0), heap.malloc(1)]).toEqual([2, 9, 13]);
  expect(heap.picture()).toBe("7 2×4 [241…]");
});

test("the smallest hole that fits is taken, an exact one before all", () => {
  expect(withHoles(20, 12, 16).malloc(11)).toBe(28);
  expect(withHoles(20, 12, 16).malloc(16)).toBe(46);
});

test("3 bytes over stay inside; of 4 a hole of 2 bytes stays in front", () => {
  const inside = withHoles(20);
  expect(inside.malloc(17)).toBe(2);
  expect(inside.picture()).toBe("22 4 [230…]");
  const split = withHoles(20);
  expect(split.malloc(16)).toBe(6);
  expect(split.picture()).toBe("[4] 18 4 [230…]");
});

test("a hole at the top returns to the untouched rest, with the one below it", () => {
  const heap = avr();
  const [first, second] = [heap.malloc(10), heap.malloc(10)];
  heap.free(first);
  expect(heap.picture()).toBe("[12] 12 [232…]");
  heap.free(second);
  expect(heap.picture()).toBe("[256…]");
});

test("the last byte of the arena can be allocated, but not reached by growing", () => {
  const heap = avr();
  const block = heap.malloc(100);
  expect(heap.realloc(block, 254)).toBe(-1);
  expect(heap.realloc(block, 253)).toBe(block);
  expect(avr().malloc(254)).toBe(2);
  expect(avr().malloc(255)).toBe(-1);
});

test("reallocate cuts off 4 bytes or more, and grows into a hole behind the block", () => {
  const heap = avr();
  const block = heap.malloc(20);
  heap.malloc(2);
  expect(heap.realloc(block, 17)).toBe(block);
  expect(heap.picture()).toBe("22 4 [230…]");
  expect(heap.realloc(block, 16)).toBe(block);
  expect(heap.picture()).toBe("18 [4] 4 [230…]");
  expect(heap.realloc(block, 18)).toBe(block);
  expect(heap.picture()).toBe("22 4 [230…]");
});

test("reallocate splits a hole behind the block when more than 4 bytes would stay", () => {
  const heap = avr();
  const block = heap.malloc(10);
  const behind = heap.malloc(20);
  heap.malloc(2);
  heap.free(behind);
  expect(heap.realloc(block, 26)).toBe(block);
  expect(heap.picture()).toBe("28 [6] 4 [218…]");
});

test("the topmost block grows into the rest only where no hole would take it", () => {
  const moved = withHoles(40);
  const top = moved.malloc(41);
  expect(moved.realloc(top, 42)).toBe(top);
  const small = withHoles(40);
  const last = small.malloc(60);
  expect(small.realloc(last, 200)).toBe(last);
});

test("reallocate to 0 bytes does not free", () => {
  const heap = avr();
  const block = heap.malloc(8);
  heap.malloc(8);
  expect(heap.realloc(block, 0)).toBe(block);
  expect(heap.picture()).toBe("2 [8] 10 [236…]");
});

test("a block cut to 1 byte overwrites its neighbour's size when it is released, and its space is lost", () => {
  const heap = avr();
  const [first, second] = [heap.malloc(8), heap.malloc(8), heap.malloc(8)];
  heap.realloc(first, 1);
  expect(heap.fault()).toBeUndefined();
  heap.setWord(2, 0x0005_0077); // the byte of payload, and the size of the hole behind it
  expect(heap.word(2)).toBe(0x0005_0077);
  heap.free(first);
  heap.free(second);
  expect(heap.fault()).toBeDefined();
});

test("freeing a block of 0 bytes clears the size of the live block behind it", () => {
  const heap = avr();
  const [first, second] = [heap.malloc(8), heap.malloc(8)];
  heap.malloc(8);
  heap.realloc(first, 0);
  heap.malloc(6); // takes the hole that the cut left
  expect(heap.word(2) & 0xffff).toBe(6);
  heap.free(first);
  expect(heap.word(2) & 0xffff).toBe(0);
  expect(heap.fault()).toMatch(/smaller/);
  expect(second).toBe(12);
});

test("sizes count modulo 65536, as a 16-bit size_t does", () => {
  const heap = avr();
  expect(heap.malloc(0x1_0005)).toBe(2);
  expect(heap.malloc(0xfffe)).toBe(-1);
  expect(heap.realloc(2, 0xfff0)).toBe(-1);
  expect(heap.picture()).toBe("7 [249…]");
});

test("65535 bytes for the topmost block pass the test for wrapping, as in the original, and the break moves down", () => {
  const heap = avr();
  const block = heap.malloc(20);
  expect(heap.realloc(block, 0xffff)).toBe(block);
  expect(heap.fault()).toBeDefined();
});

test("a second release of the first hole makes the list endless, and the next search a fault", () => {
  const heap = withHoles(20, 20);
  heap.free(2);
  expect(heap.fault()).toMatch(/never ends/);
  expect(() => heap.malloc(30)).toThrow(/never ends/);
});

test("an arena that 16-bit pointers do not reach is refused", () => {
  const engine = testEngine();
  expect(() => testHeap(engine, "avr-libc", [{ low: 0xe000, bytes: 0x2000 }])).toThrow(/refuses/);
});

test.each([
  ["a size beyond the break", 0, 0x0fff, /beyond/],
  ["a link out of the heap", 2, 0x0100, /out of the arena/],
  ["a link into a live block", 2, 0x1018, /not free/],
])("check finds %s", (_, at, value, expected) => {
  const heap = withHoles(20, 20);
  expect(heap.fault()).toBeUndefined();
  heap.setWord(at, ((heap.word(at) & 0xffff_0000) | value) >>> 0);
  expect(heap.fault()).toMatch(expected);
});

test("an autopsy needs the list's head, and then shows the heap the board had", () => {
  const heap = withHoles(20, 20);
  expect(() => heap.autopsy()).toThrow(/does not tell/);
  const found = heap.autopsy({ __flp: heap.base, __brkval: heap.base + 52 });
  expect(found.finding).toBeUndefined();
  expect(found.picture).toBe(heap.picture());
});
