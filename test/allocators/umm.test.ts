import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { trample } from "../support/trample.ts";

const UNIT = 8;
const engine = testEngine();
const pristine = engine.snapshot();

function start(name: "umm-bestfit" | "umm-firstfit", bytes = 256): HeapRecord {
  engine.restore(pristine);
  return testHeap(engine, name, [{ low: 0, bytes }]);
}

/** The unit number of a payload. */
function allocate(heap: HeapRecord, bytes: number): number {
  const payload = engine.exact.heapAllocate(heap.address, 0, bytes) >>> 0;
  return payload ? (payload - ARENA - 4) / UNIT : 0;
}
const payloadOf = (unit: number) => ARENA + unit * UNIT + 4;
const release = (heap: HeapRecord, unit: number) => engine.exact.heapRelease(heap.address, payloadOf(unit));
const half = (unit: number, field: 0 | 1 | 2 | 3) =>
  new DataView(engine.memory.buffer).getUint16(ARENA + unit * UNIT + field * 2, true);
const setHalf = (unit: number, field: 0 | 1 | 2 | 3, value: number) =>
  engine.bytes.set([value & 255, value >> 8], ARENA + unit * UNIT + field * 2);
/** Blocks as `unit:units`, holes in brackets. */
function picture(heap: HeapRecord): string {
  return [...heap.blocks()]
    .filter(({ state }) => state !== "bookkeeping")
    .map(({ address, bytes, state }) => {
      const text = `${(address - ARENA) / UNIT}:${bytes / UNIT}`;
      return state === "free" ? `[${text}]` : text;
    })
    .join(" ");
}

describe("sizes", () => {
  test("the first unit gives 4 bytes, each further one 8", () => {
    const heap = start("umm-bestfit");
    for (const bytes of [1, 4, 5, 12, 13]) allocate(heap, bytes);
    expect(picture(heap)).toBe("1:1 2:1 3:2 5:2 7:3 [10:21]");
    expect(heap.check()).toBeUndefined();
  });

  test("a size of 0 and one beyond 15 bits of units get nothing", () => {
    const heap = start("umm-bestfit");
    expect([0, 0x3fff8, 0xffff_ffff].map((bytes) => allocate(heap, bytes))).toEqual([0, 0, 0]);
  });

  test("an arena of fewer than 8 or more than 32767 units is refused", () => {
    expect(() => start("umm-bestfit", 63)).toThrow("refuses");
    expect(() => start("umm-bestfit", 0x4_0000)).toThrow("refuses");
    expect(start("umm-bestfit", 0x3_ffff).check()).toBeUndefined();
  });
});

describe("fit", () => {
  /** Holes, newest first: 3 units at 11, 2 at 8, 4 at 3; then the rest. */
  function withHoles(name: "umm-bestfit" | "umm-firstfit"): HeapRecord {
    const heap = start(name);
    for (const bytes of [12, 28, 4, 12, 4, 20, 4]) allocate(heap, bytes);
    for (const unit of [3, 8, 11]) release(heap, unit);
    expect(picture(heap)).toBe("1:2 [3:4] 7:1 [8:2] 10:1 [11:3] 14:1 [15:16]");
    return heap;
  }

  test("best fit takes the smallest hole that is large enough", () => {
    expect(allocate(withHoles("umm-bestfit"), 12)).toBe(8);
  });

  test("first fit takes the newest hole that is large enough, and the rest keeps its place in the list", () => {
    const heap = withHoles("umm-firstfit");
    expect(allocate(heap, 12)).toBe(11);
    expect(allocate(heap, 4)).toBe(13);
    expect(allocate(heap, 4)).toBe(8);
  });

  test("among equal holes best fit takes the newest", () => {
    const heap = start("umm-bestfit");
    for (let i = 0; i < 5; i++) allocate(heap, 4);
    release(heap, 1);
    release(heap, 3);
    expect(allocate(heap, 4)).toBe(3);
  });

  test("an exact fit is not split, and a rest of one unit is", () => {
    const heap = withHoles("umm-bestfit");
    allocate(heap, 20);
    allocate(heap, 20);
    expect(picture(heap)).toBe("1:2 3:3 [6:1] 7:1 [8:2] 10:1 11:3 14:1 [15:16]");
  });

  test("the option overrides the policy of the name", () => {
    engine.restore(pristine);
    const heap = testHeap(engine, "umm-bestfit", [{ low: 0, bytes: 256 }], { fit: "first" });
    for (const bytes of [4, 4, 28, 4]) allocate(heap, bytes);
    release(heap, 1);
    release(heap, 3);
    expect(allocate(heap, 4)).toBe(3);
  });
});

describe("release", () => {
  test("merges with the block behind, with the block before, and with both", () => {
    const heap = start("umm-bestfit");
    for (let i = 0; i < 6; i++) allocate(heap, 4);
    release(heap, 2);
    release(heap, 1);
    expect(picture(heap)).toBe("[1:2] 3:1 4:1 5:1 6:1 [7:24]");
    release(heap, 4);
    release(heap, 5);
    expect(picture(heap)).toBe("[1:2] 3:1 [4:2] 6:1 [7:24]");
    release(heap, 3);
    expect(picture(heap)).toBe("[1:5] 6:1 [7:24]");
    expect(heap.check()).toBeUndefined();
  });

  test("a block that joins its predecessor leaves the order of the list alone", () => {
    const heap = start("umm-firstfit");
    for (let i = 0; i < 8; i++) allocate(heap, 4);
    release(heap, 1);
    release(heap, 5);
    release(heap, 2); // joins 1, which stays behind 5
    expect(allocate(heap, 4)).toBe(5);
    expect(allocate(heap, 4)).toBe(1);
  });

  test("of a pointer outside the heap is ignored", () => {
    const heap = start("umm-bestfit");
    allocate(heap, 40);
    const before = engine.bytes.slice(ARENA, ARENA + 256);
    engine.exact.heapRelease(heap.address, ARENA - 4);
    engine.exact.heapRelease(heap.address, ARENA + 256);
    expect(engine.bytes.slice(ARENA, ARENA + 256)).toEqual(before);
    expect(heap.counters().wildFrees).toBe(2);
  });

  test("twice leads the index with its free bit 256 KiB beyond the heap: a fault in the fast build", () => {
    const heap = start("umm-bestfit");
    allocate(heap, 4);
    allocate(heap, 4);
    release(heap, 1);
    expect(() => engine.fast.heapRelease(heap.address, payloadOf(1))).toThrow(GuestFault);
    expect(heap.counters().doubleFrees).toBe(1);
  });
});

describe("reallocate", () => {
  const resize = (heap: HeapRecord, unit: number, bytes: number) => {
    const moved = engine.exact.heapReallocate(heap.address, payloadOf(unit), bytes) >>> 0;
    return moved ? (moved - ARENA - 4) / UNIT : 0;
  };
  const fill = (unit: number, bytes: number) =>
    engine.bytes.set(
      Array.from({ length: bytes }, (_, i) => i + 1),
      payloadOf(unit),
    );
  const expectFilled = (unit: number, bytes: number) =>
    expect([...engine.bytes.subarray(payloadOf(unit), payloadOf(unit) + bytes)]).toEqual(
      Array.from({ length: bytes }, (_, i) => i + 1),
    );
  /** Blocks of 2 units at 1, 3, 5, 7 … */
  function four(): HeapRecord {
    const heap = start("umm-bestfit");
    for (let i = 0; i < 4; i++) allocate(heap, 12);
    return heap;
  }

  test("to fewer units stays and frees the tail", () => {
    const heap = four();
    expect(resize(heap, 3, 4)).toBe(3);
    expect(picture(heap)).toBe("1:2 3:1 [4:1] 5:2 7:2 [9:22]");
  });

  test("takes the next hole whole where that is exactly enough, though the one before is free too", () => {
    const heap = four();
    release(heap, 1);
    release(heap, 5);
    expect(resize(heap, 3, 28)).toBe(3);
    expect(picture(heap)).toBe("[1:2] 3:4 7:2 [9:22]");
  });

  test("grows up where the block before is in use", () => {
    const heap = four();
    release(heap, 5);
    expect(resize(heap, 3, 20)).toBe(3);
    expect(picture(heap)).toBe("1:2 3:3 [6:1] 7:2 [9:22]");
  });

  test("otherwise moves down into the hole before it, with its bytes", () => {
    const heap = four();
    release(heap, 1);
    release(heap, 5);
    fill(3, 12);
    expect(resize(heap, 3, 20)).toBe(1);
    expect(picture(heap)).toBe("1:3 [4:3] 7:2 [9:22]");
    expectFilled(1, 12);
  });

  test("takes both neighbours where one alone is not enough", () => {
    const heap = four();
    release(heap, 1);
    release(heap, 5);
    fill(3, 12);
    expect(resize(heap, 3, 36)).toBe(1);
    expect(picture(heap)).toBe("1:5 [6:1] 7:2 [9:22]");
    expectFilled(1, 12);
  });

  test("moves away at last, and stays where there is no room", () => {
    const heap = four();
    fill(3, 12);
    expect(resize(heap, 3, 44)).toBe(9);
    expectFilled(9, 12);
    expect(picture(heap)).toBe("1:2 [3:2] 5:2 7:2 9:6 [15:16]");
    expect(resize(heap, 9, 1000)).toBe(0);
    expect(picture(heap)).toBe("1:2 [3:2] 5:2 7:2 9:6 [15:16]");
    expect(heap.check()).toBeUndefined();
  });

  test("to 0 frees", () => {
    const heap = four();
    expect(resize(heap, 7, 0)).toBe(0);
    expect(picture(heap)).toBe("1:2 3:2 5:2 [7:24]");
    expect(heap.counters().liveBlocks).toBe(3);
  });
});

describe("corruption", () => {
  /** Holes at 1 and 3 before the rest. */
  function holed(): HeapRecord {
    const heap = start("umm-firstfit");
    for (let i = 0; i < 5; i++) allocate(heap, 4);
    release(heap, 1);
    release(heap, 3);
    return heap;
  }

  test.each([
    ["a block's link before the block itself", 2, 0, 1, "a block is smaller than any block can be"],
    ["a link beyond the end marker", 2, 0, 0x7000, "a block reaches beyond its arena"],
    ["a backward link", 4, 1, 2, "a block and its neighbour disagree about a size or a link"],
    ["a free link out of the heap", 1, 2, 0x100, "a list leads out of the arena"],
    ["a free link to a live block", 1, 2, 2, "a list of free blocks holds one that is not free"],
    ["a hole out of the list", 0, 2, 6, "a free block is missing from its list"],
    ["the head of the list", 0, 0, 2, "an end marker or magic word is overwritten"],
    ["the end marker", 31, 0, 5, "an end marker or magic word is overwritten"],
    ["the flag of a live block between holes", 2, 0, 0x8003, "two free neighbours are not merged"],
  ] as const)("check finds %s", (_, unit, field, value, finding) => {
    const heap = holed();
    expect(heap.check()).toBeUndefined();
    setHalf(unit, field, value);
    expect(heap.check()?.inconsistency).toBe(finding);
  });

  test("check finds a trampled descriptor, and an allocation through it faults", () => {
    const heap = holed();
    const state = heap.get(HeapField.State);
    engine.setWord(state, 0x5801_0000);
    expect(heap.check()).toMatchObject({
      inconsistency: "a static variable of the allocator is overwritten",
      address: state,
    });
    expect(() => engine.fast.heapAllocate(heap.address, 0, 4)).toThrow(GuestFault);
    expect(() => engine.exact.heapAllocate(heap.address, 0, 4)).toThrow(GuestFault);
  });

  test("a free list that runs in a circle hangs the device", () => {
    const heap = holed();
    setHalf(1, 2, 3); // 3 → 1 → 3 …
    expect(half(3, 2)).toBe(1);
    expect(() => engine.fast.heapAllocate(heap.address, 0, 100)).toThrow(/never|endless|hang/i);
  });

  test("a free index outside the heap faults", () => {
    const heap = holed();
    setHalf(1, 2, 0x4000);
    expect(() => engine.fast.heapAllocate(heap.address, 0, 100)).toThrow(GuestFault);
  });
});

test("an autopsy rebuilds the descriptor from the arena", () => {
  const heap = start("umm-bestfit");
  allocate(heap, 40);
  engine.bytes.fill(0, heap.get(HeapField.State), heap.get(HeapField.State) + 12);
  expect(engine.exact.heapAdopt(heap.address)).toBe(1);
  expect(heap.check()).toBeUndefined();
});

test.each(["umm-bestfit", "umm-firstfit"] as const)(
  "%s: with any word overwritten every verb ends in an answer or a fault",
  (name) => {
    const { faults, findings } = trample(name, {}, 300);
    expect(faults).toBeGreaterThan(0);
    expect(findings).toBeGreaterThan(0);
  },
  30_000,
);
