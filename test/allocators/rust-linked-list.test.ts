import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { Firmware } from "../support/firmware.ts";

function firmware(bytes = 256, low = 0): Firmware {
  return new Firmware(testHeap(testEngine(), "rust-linked-list-allocator", [{ low, bytes }]));
}

/** Words of the static variables. */
const USED = 0;
const FIRST_NEXT = 2;

describe("allocation", () => {
  test("has no header, takes 8 bytes at least and multiples of 4", () => {
    const bench = firmware();
    expect([bench.allocate(0), bench.allocate(9), bench.allocate(1), bench.allocate(4)]).toEqual([0, 8, 20, 28]);
    expect(bench.picture()).toBe("8 12 8 8 [220]");
    expect(bench.heap.statistics()).toEqual([220, 36]);
  });

  test("an arena of odd place and size keeps what no hole can use", () => {
    const bench = firmware(102, 2);
    expect(bench.picture()).toBe("(2) [100]");
    expect(firmware(101, 2).picture()).toBe("(2) [96] (3)");
    expect(() => firmware(9, 2)).toThrow("refuses");
  });

  test("a hole with a rest of 4 bytes does not suit, and the search goes on", () => {
    const bench = firmware();
    const a = bench.allocate(16);
    bench.allocate(8);
    bench.release(a);
    expect(bench.allocate(12)).toBe(24);
    expect(bench.allocate(8)).toBe(0);
    expect(bench.allocate(8)).toBe(8);
  });

  test("a hole of exactly the size is taken whole, though the only one", () => {
    const bench = firmware(64);
    expect(bench.heap.summary().largestFreeBytes).toBe(64);
    expect(bench.allocate(64)).toBe(0);
    expect(bench.heap.summary().largestFreeBytes).toBe(0);
    expect(bench.allocate(0)).toBe(-1);
    expect(bench.heap.check()).toBeUndefined();
  });

  test("a request that leaves 4 bytes of the only hole is refused, one 4 bytes larger is granted", () => {
    expect(firmware(64).allocate(60)).toBe(-1);
    expect(firmware(64).allocate(61)).toBe(0);
    expect(firmware(64).allocate(56)).toBe(0);
  });

  test("an aligned payload leaves a front hole of at least 8 bytes", () => {
    const bench = firmware();
    bench.allocate(12);
    expect(bench.allocate(8, 16)).toBe(32); // 16 would leave a gap of 4
    expect(bench.picture()).toBe("12 [20] 8 [216]");
    expect(bench.allocate(20)).toBe(12);
    expect(bench.picture()).toBe("12 20 8 [216]");
  });

  test("sizes that no Layout holds are refused", () => {
    const bench = firmware();
    for (const bytes of [0x7ffffffd, 0x80000000, 0xfffffffd, 0xffffffff]) expect(bench.allocate(bytes)).toBe(-1);
    expect(bench.allocate(8, 0x8000_0000)).toBe(-1);
  });
});

describe("release", () => {
  test("merges with the hole before, behind, and both", () => {
    const bench = firmware(128);
    const [a, b, c, d] = [32, 32, 32, 32].map((bytes) => bench.allocate(bytes)) as [number, number, number, number];
    expect(bench.picture()).toBe("32 32 32 32");
    bench.release(b);
    bench.release(a);
    expect(bench.picture()).toBe("[64] 32 32");
    bench.release(d);
    bench.release(c);
    expect(bench.picture()).toBe("[128]");
  });

  test("into a full heap makes the only hole", () => {
    const bench = firmware(64);
    const [a, b] = [bench.allocate(32), bench.allocate(32)];
    bench.release(b);
    expect(bench.picture()).toBe("32 [32]");
    bench.release(a);
    expect(bench.picture()).toBe("[64]");
  });

  test.each(["at the start of a hole", "inside a hole"])(
    "twice, %s, panics whether or not assertions stop",
    (where) => {
      const bench = firmware();
      bench.heap.set(HeapField.AssertionsStop, 0);
      const [a, b] = [bench.allocate(16), bench.allocate(16)];
      bench.allocate(16);
      bench.release(...(where === "inside a hole" ? [a, b] : [b]));
      expect(() => bench.release(b)).toThrow("assertion");
      expect(bench.heap.counters().doubleFrees).toBe(1);
    },
  );

  test("reallocation always moves, so it needs both blocks at once", () => {
    const bench = firmware(64);
    const a = bench.allocate(32);
    expect(bench.reallocate(a, 24)).toBe(32);
    expect(bench.reallocate(32, 40)).toBe(-1);
    expect(bench.picture()).toBe("[32] 24 [8]");
  });
});

describe("corruption", () => {
  /** [16] 16 [224] */
  function holed(): Firmware {
    const bench = firmware();
    const a = bench.allocate(16);
    bench.allocate(16);
    bench.release(a);
    return bench;
  }

  test.each([
    ["a link out of the arena", (bench: Firmware) => bench.overwrite(4, 0x5801_0000), "a list leads out of the arena"],
    ["a link to itself", (bench: Firmware) => bench.overwrite(4, ARENA), "a list never ends"],
    [
      "a link into a live block",
      (bench: Firmware) => bench.overwrite(4, ARENA + 16),
      "two free neighbours are not merged",
    ],
    [
      "a size over a live block",
      (bench: Firmware) => bench.overwrite(0, 20),
      "a list of free blocks holds one that is not free",
    ],
    ["a size of 4", (bench: Firmware) => bench.overwrite(0, 4), "a block is smaller than any block can be"],
    ["a size beyond the arena", (bench: Firmware) => bench.overwrite(32, 1024), "a block reaches beyond its arena"],
    ["an odd size", (bench: Firmware) => bench.overwrite(0, 15), "a block's size or address is not aligned"],
    [
      "the counter",
      (bench: Firmware) => bench.overwriteStatic(USED, 8),
      "the counter of free bytes disagrees with the free blocks",
    ],
    [
      "the list cut off",
      (bench: Firmware) => bench.overwriteStatic(FIRST_NEXT, 0),
      "the counter of free bytes disagrees with the free blocks",
    ],
    [
      "the top",
      (bench: Firmware) => bench.overwriteStatic(4, ARENA),
      "a static variable of the allocator is overwritten",
    ],
  ] as const)("check finds %s", (_what, damage, inconsistency) => {
    const bench = holed();
    expect(bench.heap.check()).toBeUndefined();
    damage(bench);
    expect(bench.heap.check()?.inconsistency).toBe(inconsistency);
  });

  test("a list that leads back into itself hangs the device", () => {
    const bench = holed();
    const c = bench.allocate(16 + 8);
    bench.overwrite(4, ARENA);
    expect(() => bench.allocate(100)).toThrow("never ends");
    expect(() => bench.release(c)).toThrow("never ends");
    expect(() => bench.heap.summary()).toThrow(GuestFault);
  });
});

test.each([
  [0, 2048],
  [2, 1999],
])(
  "at +%i with %i bytes holds its invariants through 3000 random calls, and its largest free figure is exact",
  (low, bytes) => {
    const bench = new Firmware(testHeap(testEngine(), "rust-linked-list-allocator", [{ low, bytes }]), 9);
    for (let call = 0; call < 3000; call++) {
      bench.step({ reallocates: true });
      expect(bench.heap.check()).toBeUndefined();
      if (call % 50 === 0) bench.expectLargestFreeExact();
    }
    const blocks = [...bench.heap.blocks()];
    expect(
      blocks.filter(({ state }) => state === "live").map(({ payload }) => payload - bench.heap.get(HeapField.Arena)),
    ).toEqual(bench.live.toSorted((a, b) => a - b));
    expect(blocks.reduce((sum, block) => sum + block.bytes, 0)).toBe(bytes);
  },
);

test("an autopsy needs the first hole, and finds the rest from it", () => {
  const bench = new Firmware(testHeap(testEngine(), "rust-linked-list-allocator", [{ low: 0, bytes: 2048 }]), 3);
  for (let call = 0; call < 200; call++) bench.step();
  const { engine, address } = bench.heap;
  const [state, words] = [bench.heap.get(HeapField.State), bench.heap.get(HeapField.StateBytes) / 4];
  const before = Array.from({ length: words }, (_, i) => engine.word(state + i * 4));
  for (let i = 0; i < words; i++) bench.overwriteStatic(i, 0);
  expect(engine.exact.heapAdopt(address)).toBe(0);
  bench.overwriteStatic(FIRST_NEXT, before[FIRST_NEXT] ?? 0);
  expect(engine.exact.heapAdopt(address)).toBe(1);
  expect(Array.from({ length: words }, (_, i) => engine.word(state + i * 4))).toEqual(before);
});
