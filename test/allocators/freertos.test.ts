import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { Region } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { Firmware } from "../support/firmware.ts";

const TWO_REGIONS = [
  { low: 0, bytes: 256 },
  { low: 1024, bytes: 512 },
];

function firmware(allocator: string, regions: readonly Region[] | number = 256, options: OptionValues = {}): Firmware {
  const placed = typeof regions === "number" ? [{ low: 0, bytes: regions }] : regions;
  return new Firmware(testHeap(testEngine(), allocator, placed, options));
}

function faultOf(act: () => void): string {
  try {
    act();
  } catch (fault) {
    if (fault instanceof GuestFault) return fault.record.kind;
    throw fault;
  }
  return "none";
}

describe("freertos-heap1", () => {
  test("hands out ascending multiples of 8 and keeps the last slot back", () => {
    const bench = firmware("freertos-heap1", 64);
    expect([bench.allocate(1), bench.allocate(9), bench.allocate(24)]).toEqual([0, 8, 24]);
    expect(bench.allocate(8)).toBe(-1); // 48 + 8 would be all 56 bytes
    expect(bench.heap.statistics()).toEqual([8]);
    expect(bench.picture()).toBe("8 16 24 <8> (8)");
  });

  test("aligns a misaligned arena inside the 8 bytes it takes off", () => {
    const bench = firmware("freertos-heap1", [{ low: 4, bytes: 64 }]);
    expect(bench.allocate(40)).toBe(4);
    expect(bench.picture()).toBe("(4) 40 <16> (4)");
    bench.expectLargestFreeExact();
  });

  test("ignores a release, or asserts where the option says so", () => {
    const bench = firmware("freertos-heap1");
    bench.allocate(8);
    bench.release(0);
    expect(bench.allocate(8)).toBe(8);
    const asserting = firmware("freertos-heap1", 256, { releaseAsserts: true });
    asserting.allocate(8);
    expect(faultOf(() => asserting.release(0))).toBe("assertion");
  });

  test("a size that wraps when rounded is refused", () => {
    expect([0, 0xfffffff9, 0xffffffff, 0xfffffff0].map((bytes) => firmware("freertos-heap1").allocate(bytes))).toEqual([
      -1, -1, -1, -1,
    ]);
  });

  test("an overwritten index is found", () => {
    const bench = firmware("freertos-heap1");
    bench.allocate(8);
    bench.overwriteStatic(0, 12);
    expect(bench.heap.check()?.inconsistency).toBe("a static variable of the allocator is overwritten");
  });
});

describe("freertos-heap2", () => {
  test("takes the smallest block that fits, the newest among equals", () => {
    const bench = firmware("freertos-heap2", 1024);
    const [a, , b, , c] = [64, 8, 32, 8, 32, 8].map((bytes) => bench.allocate(bytes)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    bench.release(a, b, c);
    expect([bench.allocate(30), bench.allocate(30), bench.allocate(30)]).toEqual([c, b, a]);
  });

  test("never merges: two free neighbours stay two blocks", () => {
    const bench = firmware("freertos-heap2", 120);
    const [a, b] = [bench.allocate(24), bench.allocate(24)];
    bench.release(a, b);
    expect(bench.picture()).toBe("[32] [32] [48] (8)");
    expect(bench.allocate(41)).toBe(-1);
    expect(bench.heap.statistics()).toEqual([112]);
  });

  test("splits off a rest only where it is more than 16 bytes", () => {
    const bench = firmware("freertos-heap2", 8 + 64);
    expect(bench.allocate(40)).toBe(8);
    expect(bench.picture()).toBe("64 (8)"); // the rest would be 16
    expect(firmware("freertos-heap2", 8 + 64).allocate(32)).toBe(8);
    const split = firmware("freertos-heap2", 8 + 64);
    split.allocate(32);
    expect(split.picture()).toBe("40 [24] (8)");
  });

  test("an arena of odd size leaves an odd last block, whose largest request is still exact", () => {
    const bench = firmware("freertos-heap2", 101);
    bench.expectLargestFreeExact();
    bench.allocate(16);
    expect(bench.picture()).toBe("24 [69] (8)");
    bench.expectLargestFreeExact();
    bench.allocate(56);
    expect(bench.picture()).toBe("24 69 (8)");
    expect(bench.heap.check()).toBeUndefined();
  });

  test("counts the arena as free before the first call", () => {
    const bench = firmware("freertos-heap2", 256);
    expect(bench.heap.statistics()).toEqual([248]);
    expect(bench.picture()).toBe("[248] (8)");
    expect(bench.heap.check()).toBeUndefined();
  });

  test("a block that the list does not hold is found, and one out of order", () => {
    const bench = firmware("freertos-heap2", 512);
    const [a, , b] = [32, 8, 64, 8].map((bytes) => bench.allocate(bytes)) as [number, number, number];
    bench.release(a, b);
    const rest = bench.word(b - 8);
    bench.overwrite(a - 8, rest); // skips b
    expect(bench.heap.check()?.inconsistency).toBe("a free block is missing from its list");
    bench.overwrite(a - 8, ARENA + a - 8); // leads to itself
    expect(bench.heap.check()?.inconsistency).toBe("a list never ends");
    bench.overwrite(a - 8, ARENA + 3);
    expect(bench.heap.check()?.inconsistency).toBe("a list of free blocks holds one that is not free");
  });
});

describe("freertos-heap4", () => {
  test("is one hole before the first call and counts nothing", () => {
    const bench = firmware("freertos-heap4");
    expect(bench.heap.statistics()).toEqual([0, 0, 0, 0xffffffff, 0, 0, 0]);
    expect(bench.picture()).toBe("[248] (8)");
    bench.expectLargestFreeExact();
  });

  test("loses up to 15 bytes at the ends of a misaligned arena", () => {
    const bench = firmware("freertos-heap4", [{ low: 4, bytes: 4096 }]);
    expect(bench.heap.summary().largestFreeBytes).toBe(4072);
    expect(bench.allocate(4072)).toBe(12);
    expect(bench.picture()).toBe("(4) 4080 (12)");
  });

  test("hands out the rest of a block where it is 16 bytes or less", () => {
    const bench = firmware("freertos-heap4", 8 + 64);
    expect(bench.allocate(40)).toBe(8);
    expect(bench.picture()).toBe("64 (8)");
    bench.release(8);
    bench.allocate(32);
    expect(bench.picture()).toBe("40 [24] (8)");
  });

  test("merges with the hole before, behind, and both", () => {
    const bench = firmware("freertos-heap4", 8 + 160);
    const [a, b, c, d] = [24, 24, 24, 24].map((bytes) => bench.allocate(bytes)) as [number, number, number, number];
    bench.release(a, b);
    expect(bench.picture()).toBe("[64] 32 32 [32] (8)");
    bench.release(d);
    expect(bench.picture()).toBe("[64] 32 [64] (8)");
    bench.release(c);
    expect(bench.picture()).toBe("[160] (8)");
  });

  test("refuses sizes that would set the live bit or wrap", () => {
    const bench = firmware("freertos-heap4");
    for (const bytes of [0, 0x7ffffff0, 0x7ffffff1, 0x80000000, 0xfffffff0, 0xfffffff1, 0xffffffff])
      expect(bench.allocate(bytes)).toBe(-1);
    expect(bench.heap.check()).toBeUndefined();
  });

  test("a double free asserts; without assertions it does nothing", () => {
    const bench = firmware("freertos-heap4");
    const a = bench.allocate(24);
    bench.release(a);
    expect(faultOf(() => bench.release(a))).toBe("assertion");
    bench.heap.set(HeapField.AssertionsStop, 0);
    bench.release(a);
    expect(bench.picture()).toBe("[248] (8)");
    expect(bench.heap.counters().doubleFrees).toBe(2);
  });

  test("a wild free faults where the address leaves RAM", () => {
    const bench = firmware("freertos-heap4");
    bench.allocate(24);
    expect(faultOf(() => bench.heap.engine.exact.heapRelease(bench.heap.address, 0x9000_0000))).toBe("unmapped");
    expect(faultOf(() => bench.heap.engine.fast.heapRelease(bench.heap.address, 0x9000_0000))).toBe("left-heap");
  });

  test("a list that leads back into itself hangs the device, in allocation and in release", () => {
    const bench = firmware("freertos-heap4", 1024);
    const [a, b, , c] = [24, 24, 24, 24, 24].map((bytes) => bench.allocate(bytes)) as [number, number, number, number];
    bench.release(a);
    bench.overwrite(a - 8, ARENA + a - 8);
    expect(faultOf(() => bench.allocate(100))).toBe("endless");
    expect(faultOf(() => bench.heap.engine.fast.heapRelease(bench.heap.address, ARENA + c))).toBe("endless");
    expect(faultOf(() => bench.heap.summary())).toBe("endless");
    expect(faultOf(() => bench.heap.statistics())).toBe("endless");
    expect(bench.heap.check()?.inconsistency).toBe("a list never ends");
    expect(b).toBeGreaterThan(a);
  });

  test("a block whose size leads beyond the arena is not cut outside of it", () => {
    const bench = firmware("freertos-heap4", 256);
    bench.allocate(24);
    bench.overwrite(32 + 4, 0x7fff_fff0); // the hole's size
    bench.overwriteStatic(3, 0x7fff_fff8); // and the counter of free bytes
    expect(faultOf(() => bench.heap.engine.fast.heapAllocate(bench.heap.address, 0, 0x1000))).toBe("left-heap");
    expect(bench.heap.check()?.inconsistency).toBe("a block reaches beyond its arena");
  });

  test("a list that breaks off asserts; without assertions the block too small is handed out", () => {
    const bench = firmware("freertos-heap4", 1024);
    const a = bench.allocate(24);
    bench.allocate(24);
    bench.release(a);
    bench.overwrite(a - 8, 0);
    expect(faultOf(() => bench.allocate(100))).toBe("assertion");
    bench.heap.set(HeapField.AssertionsStop, 0);
    expect(bench.allocate(100)).toBe(a);
  });

  test.each([
    [
      "a live block's null link",
      (bench: Firmware) => bench.overwrite(0, 1),
      "an end marker or magic word is overwritten",
    ],
    [
      "a live block's size",
      (bench: Firmware) => bench.overwrite(4, 0x8000_0024),
      "a block's size or address is not aligned",
    ],
    ["a size of 0", (bench: Firmware) => bench.overwrite(4, 0), "a block is smaller than any block can be"],
    [
      "the end marker's size",
      (bench: Firmware) => bench.overwrite(252, 8),
      "an end marker or magic word is overwritten",
    ],
    ["a hole's link", (bench: Firmware) => bench.overwrite(32, 0x5801_0000), "a list leads out of the arena"],
    ["the head", (bench: Firmware) => bench.overwriteStatic(0, ARENA), "a list is not in order"],
    [
      "the pointer to the end",
      (bench: Firmware) => bench.overwriteStatic(2, ARENA + 8),
      "a static variable of the allocator is overwritten",
    ],
    [
      "the pointer to the end, zeroed",
      (bench: Firmware) => bench.overwriteStatic(2, 0),
      "a static variable of the allocator is overwritten",
    ],
    [
      "the counter",
      (bench: Firmware) => bench.overwriteStatic(3, 8),
      "the counter of free bytes disagrees with the free blocks",
    ],
    [
      "the least counter",
      (bench: Firmware) => bench.overwriteStatic(4, 5000),
      "a static variable of the allocator is overwritten",
    ],
  ] as const)("check finds %s", (_what, damage, inconsistency) => {
    const bench = firmware("freertos-heap4");
    bench.allocate(24);
    expect(bench.heap.check()).toBeUndefined();
    damage(bench);
    expect(bench.heap.check()?.inconsistency).toBe(inconsistency);
  });
});

describe("freertos-heap5", () => {
  test("fills the regions in ascending order and never crosses from one to the next", () => {
    const bench = firmware("freertos-heap5", TWO_REGIONS);
    expect(bench.picture()).toBe("[248] (8) [504] (8)");
    expect([bench.allocate(300), bench.allocate(200), bench.allocate(40), bench.allocate(8)]).toEqual([
      1032, 8, 1344, 216,
    ]);
    expect(bench.picture()).toBe("208 16 [24] (8) 312 48 [144] (8)");
    bench.expectLargestFreeExact();
  });

  test("regions that touch are not merged into one", () => {
    const bench = firmware("freertos-heap5", [
      { low: 0, bytes: 128 },
      { low: 128, bytes: 128 },
    ]);
    expect(bench.heap.summary().largestFreeBytes).toBe(112);
    const [a, b] = [bench.allocate(112), bench.allocate(112)];
    expect(b).toBe(136);
    bench.release(a, b);
    expect(bench.picture()).toBe("[120] (8) [120] (8)");
    expect(bench.heap.check()).toBeUndefined();
  });

  test("a block released in front of a marker takes it out of the list for good", () => {
    const bench = firmware("freertos-heap5", TWO_REGIONS);
    const blocks = () => bench.heap.statistics()[4];
    expect(blocks()).toBe(3); // two holes and the first marker
    const a = bench.allocate(240);
    expect(blocks()).toBe(2);
    bench.release(a);
    expect(blocks()).toBe(2); // the marker was absorbed
    bench.release(bench.allocate(240));
    expect(blocks()).toBe(2);
    expect(bench.heap.check()).toBeUndefined();
  });

  test("a hole between a released block and the marker protects the marker", () => {
    const bench = firmware("freertos-heap5", TWO_REGIONS);
    const a = bench.allocate(200);
    bench.release(a); // merges with the hole behind it, which ends at the marker
    expect(bench.heap.statistics()[4]).toBe(3);
    expect(bench.heap.check()).toBeUndefined();
  });

  test("refuses regions that descend, overlap or hold no block", () => {
    const start = (regions: Region[]) => () => firmware("freertos-heap5", regions);
    expect(start([...TWO_REGIONS].reverse())).toThrow("refuses");
    expect(
      start([
        { low: 0, bytes: 512 },
        { low: 256, bytes: 512 },
      ]),
    ).toThrow("refuses");
    expect(
      start([
        { low: 0, bytes: 16 },
        { low: 256, bytes: 512 },
      ]),
    ).toThrow("refuses");
  });

  test("check finds a last marker that links on and a first one that leads back", () => {
    const bench = firmware("freertos-heap5", TWO_REGIONS);
    bench.overwrite(1024 + 504, ARENA);
    expect(bench.heap.check()?.inconsistency).toBe("an end marker or magic word is overwritten");
    bench.overwrite(1024 + 504, 0);
    bench.overwrite(248, ARENA);
    expect(bench.heap.check()?.inconsistency).toBe("a list is not in order");
  });
});

const LIVES = [
  ["freertos-heap2", [{ low: 0, bytes: 2048 }]],
  ["freertos-heap2", [{ low: 4, bytes: 1999 }]],
  ["freertos-heap4", [{ low: 4, bytes: 2048 }]],
  ["freertos-heap5", TWO_REGIONS],
  [
    "freertos-heap5",
    [
      { low: 3, bytes: 301 },
      { low: 304, bytes: 500 },
      { low: 1001, bytes: 999 },
    ],
  ],
] as const;

describe.each(LIVES)("%s over %j", (allocator, regions) => {
  test("holds its invariants through 3000 random calls, and its largest free figure is exact", () => {
    const bench = new Firmware(testHeap(testEngine(), allocator, regions), 7);
    for (let call = 0; call < 3000; call++) {
      bench.step();
      expect(bench.heap.check()).toBeUndefined();
      if (call % 50 === 0) bench.expectLargestFreeExact();
    }
    const walked = [...bench.heap.blocks()]
      .filter(({ state }) => state === "live")
      .map(({ payload }) => payload - bench.heap.get(HeapField.Arena));
    expect(walked).toEqual(bench.live.toSorted((a, b) => a - b));
    expect([...bench.heap.blocks()].reduce((sum, { bytes }) => sum + bytes, 0)).toBe(
      regions.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  });

  test("is understood from its arena alone, as an autopsy reads it", () => {
    const bench = new Firmware(testHeap(testEngine(), allocator, regions), 11);
    for (let call = 0; call < 500; call++) {
      bench.step();
      if (call % 10 === 0) bench.expectAdoptable();
    }
  });
});
