import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { Region } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { Firmware } from "../support/firmware.ts";

const LIVE_LINK = 0xdeadbeef;

function firmware(regions: readonly Region[] | number = 256): Firmware {
  return new Firmware(
    testHeap(testEngine(), "lwmem", typeof regions === "number" ? [{ low: 0, bytes: regions }] : regions),
  );
}

/** Blocks of the given payloads, in order, and what is left as a hole. */
function filled(bytes: number, ...payloads: number[]): { bench: Firmware; at: number[] } {
  const bench = firmware(bytes);
  return { bench, at: payloads.map((payload) => bench.allocate(payload)) };
}

describe("allocation and release", () => {
  test("marks a live block and splits off a rest of 8 bytes, which is a hole without payload", () => {
    const bench = firmware(8 + 40);
    expect(bench.allocate(24)).toBe(8);
    expect([bench.word(0), bench.word(4)]).toEqual([LIVE_LINK, 0x8000_0020]);
    expect(bench.picture()).toBe("32 [8] (8)");
    expect(bench.heap.summary().largestFreeBytes).toBe(0);
    expect(bench.allocate(1)).toBe(-1);
  });

  test("hands out a rest of 4 bytes with the block", () => {
    const bench = firmware(8 + 40);
    expect(bench.allocate(28)).toBe(8);
    expect(bench.picture()).toBe("40 (8)");
  });

  test("merges with the hole before, behind, and both, but not with the end block", () => {
    const { bench, at } = filled(8 + 128, 24, 24, 24, 24);
    bench.release(at[0] ?? 0, at[2] ?? 0);
    expect(bench.picture()).toBe("[32] 32 [32] 32 (8)");
    bench.release(at[1] ?? 0);
    expect(bench.picture()).toBe("[96] 32 (8)");
    bench.release(at[3] ?? 0);
    expect(bench.picture()).toBe("[128] (8)");
  });

  test("refuses size 0 and sizes that would set the live bit", () => {
    const bench = firmware();
    for (const bytes of [0, 0x7ffffff8, 0x80000000, 0xfffffff0, 0xfffffffd, 0xffffffff])
      expect(bench.allocate(bytes)).toBe(-1);
  });

  test("ignores the release of what is not marked live", () => {
    const { bench, at } = filled(256, 24, 24);
    bench.release(at[0] ?? 0, at[0] ?? 0, (at[1] ?? 0) + 8);
    expect(bench.picture()).toBe("[32] 32 [184] (8)");
    expect(bench.heap.statistics()).toEqual([216, 184, 2, 1, 248]);
    expect(bench.heap.counters()).toMatchObject({ doubleFrees: 1, wildFrees: 1 });
  });
});

describe("reallocation", () => {
  test("stays where the rounded size is the same", () => {
    const { bench, at } = filled(256, 24, 24);
    expect(bench.reallocate(at[0] ?? 0, 21)).toBe(8);
    expect(bench.picture()).toBe("32 32 [184] (8)");
  });

  test("gives a tail of 8 bytes or more back, which merges with a hole behind", () => {
    const { bench, at } = filled(256, 24, 24);
    bench.reallocate(at[0] ?? 0, 16);
    expect(bench.picture()).toBe("24 [8] 32 [184] (8)");
    bench.reallocate(at[1] ?? 0, 16);
    expect(bench.picture()).toBe("24 [8] 24 [192] (8)");
  });

  test("a tail of 4 bytes goes to a hole behind, and stays in front of a live block or the end", () => {
    const { bench, at } = filled(256, 24, 24);
    bench.reallocate(at[0] ?? 0, 20);
    expect(bench.picture()).toBe("32 32 [184] (8)");
    bench.reallocate(at[1] ?? 0, 20);
    expect(bench.picture()).toBe("32 28 [188] (8)");
    expect(bench.heap.check()).toBeUndefined();
    const full = filled(8 + 32, 24);
    full.bench.reallocate(8, 20);
    expect(full.bench.picture()).toBe("32 (8)");
  });

  test("grows into the hole behind before it looks elsewhere", () => {
    const { bench, at } = filled(256, 24, 24, 24, 24);
    bench.release(at[0] ?? 0, at[2] ?? 0);
    expect(bench.reallocate(at[1] ?? 0, 40)).toBe(at[1]);
    expect(bench.picture()).toBe("[32] 48 [16] 32 [120] (8)");
  });

  test("moves down into the hole before it, with its contents", () => {
    const { bench, at } = filled(256, 24, 24, 24);
    bench.overwrite(at[1] ?? 0, 0x1234_5678);
    bench.release(at[0] ?? 0);
    expect(bench.reallocate(at[1] ?? 0, 40)).toBe(8);
    expect(bench.word(8)).toBe(0x1234_5678);
    expect(bench.picture()).toBe("48 [16] 32 [152] (8)");
  });

  test("takes the holes on both sides where one is not enough", () => {
    const { bench, at } = filled(256, 24, 24, 24, 24);
    bench.release(at[0] ?? 0, at[2] ?? 0);
    expect(bench.reallocate(at[1] ?? 0, 80)).toBe(8);
    expect(bench.picture()).toBe("88 [8] 32 [120] (8)");
    expect(bench.heap.check()).toBeUndefined();
  });

  test("moves elsewhere as the last resort, and stays where that fails too", () => {
    const { bench, at } = filled(256, 24, 24);
    expect(bench.reallocate(at[0] ?? 0, 60)).toBe(72);
    expect(bench.picture()).toBe("[32] 32 68 [116] (8)");
    expect(bench.reallocate(72, 500)).toBe(-1);
    expect(bench.picture()).toBe("[32] 32 68 [116] (8)");
  });

  test("to size 0 releases; of what is not live is refused", () => {
    const { bench, at } = filled(256, 24, 24);
    expect(bench.reallocate(at[0] ?? 0, 0)).toBe(-1);
    expect(bench.picture()).toBe("[32] 32 [184] (8)");
    expect(bench.reallocate(at[0] ?? 0, 10)).toBe(-1);
  });
});

describe("several regions", () => {
  const REGIONS = [
    { low: 2, bytes: 130 },
    { low: 200, bytes: 12 },
    { low: 400, bytes: 300 },
  ];

  test("are one list; a region too small for two headers is passed over", () => {
    const bench = firmware(REGIONS);
    expect(bench.picture()).toBe("(2) [120] (8) (12) [292] (8)");
    expect(bench.heap.statistics()[4]).toBe(412);
    expect([bench.allocate(200), bench.allocate(100), bench.allocate(60)]).toEqual([406, 10, 614]);
    expect(bench.heap.check()).toBeUndefined();
  });

  test("keep their end blocks in the list", () => {
    const bench = firmware(REGIONS);
    bench.release(bench.allocate(112), bench.allocate(284));
    expect(bench.picture()).toBe("(2) [120] (8) (12) [292] (8)");
    expect(bench.heap.check()).toBeUndefined();
  });

  test("must ascend", () => {
    expect(() => firmware([...REGIONS].reverse())).toThrow("refuses");
  });
});

describe("corruption", () => {
  test.each([
    ["a live mark", (bench: Firmware) => bench.overwrite(0, 0), "an end marker or magic word is overwritten"],
    ["a hole's link", (bench: Firmware) => bench.overwrite(32, ARENA + 4096), "a list leads out of the arena"],
    ["the end block", (bench: Firmware) => bench.overwrite(252, 4), "an end marker or magic word is overwritten"],
    [
      "the counter",
      (bench: Firmware) => bench.overwriteStatic(0, 8),
      "the counter of free bytes disagrees with the free blocks",
    ],
    [
      "the head's size",
      (bench: Firmware) => bench.overwriteStatic(2, 8),
      "a static variable of the allocator is overwritten",
    ],
  ] as const)("check finds %s overwritten", (_what, damage, inconsistency) => {
    const { bench } = filled(256, 24);
    damage(bench);
    expect(bench.heap.check()?.inconsistency).toBe(inconsistency);
  });

  test("a list that leads back into itself hangs the device", () => {
    const { bench, at } = filled(256, 24, 24, 24);
    bench.release(at[0] ?? 0);
    bench.overwrite(0, ARENA);
    expect(() => bench.allocate(200)).toThrow("never ends");
    expect(() => bench.reallocate(at[2] ?? 0, 60)).toThrow("never ends");
    expect(() => bench.release(at[2] ?? 0)).toThrow("never ends");
  });

  test("a request whose size wraps takes a block of 0 bytes, which breaks the heap as in the original", () => {
    const bench = firmware();
    expect(bench.allocate(0xfffffff5)).toBe(8);
    expect(bench.heap.check()?.inconsistency).toBe("a block is smaller than any block can be");
    expect(bench.allocate(8)).toBe(8); // the same payload once more
    expect(bench.heap.counters().overlappingBlocks).toBe(1);
  });
});

describe.each([
  [[{ low: 0, bytes: 2048 }]],
  [[{ low: 2, bytes: 1999 }]],
  [
    [
      { low: 0, bytes: 500 },
      { low: 500, bytes: 600 },
      { low: 1601, bytes: 702 },
    ],
  ],
])("over %j", (regions) => {
  test("holds its invariants through 3000 random calls, and its largest free figure is exact", () => {
    const bench = new Firmware(testHeap(testEngine(), "lwmem", regions), 5);
    for (let call = 0; call < 3000; call++) {
      bench.step({ reallocates: true });
      expect(bench.heap.check()).toBeUndefined();
      if (call % 50 === 0) bench.expectLargestFreeExact();
    }
    const walked = [...bench.heap.blocks()]
      .filter(({ state }) => state === "live")
      .map(({ payload }) => payload - bench.heap.get(HeapField.Arena));
    expect(walked).toEqual(bench.live.toSorted((a, b) => a - b));
  });

  test("is understood from its arena alone", () => {
    const bench = new Firmware(testHeap(testEngine(), "lwmem", regions), 6);
    for (let call = 0; call < 300; call++) {
      bench.step({ reallocates: true });
      if (call % 10 === 0) bench.expectAdoptable();
    }
  });
});
