import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { heapPicture } from "../../src/report/picture.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { ListModel, type ListRules } from "../support/list-model.ts";

const SEED = 20261122;

const rules: fc.Arbitrary<ListRules> = fc.record({
  policy: fc.constantFrom("first-fit", "next-fit", "best-fit", "worst-fit"),
  headerBytes: fc.constantFrom(0, 4, 8, 12, 16, 64),
  alignment: fc.constantFrom(1, 2, 4, 8, 32, 128),
  coalesce: fc.boolean(),
  splitThreshold: fc.constantFrom(0, 1, 24, 100),
});
/** Above 0: a request; otherwise the index of a live block to release. */
const moves = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 600 }), fc.integer({ min: -1000, max: 0 })),
  { maxLength: 150, size: "max" },
);

function freshHeap(name: string, bytes: number, options: OptionValues = {}, low = 0): HeapRecord {
  return testHeap(testEngine(), name, [{ low, bytes }], options);
}

function allocate(heap: HeapRecord, bytes: number): number {
  return heap.engine.exact.heapAllocate(heap.address, 0, bytes) >>> 0;
}

function release(heap: HeapRecord, payload: number): void {
  heap.engine.exact.heapRelease(heap.address, payload);
}

/** Allocates each of the sizes and releases those at the indices. */
function prepare(heap: HeapRecord, sizes: readonly number[], releases: readonly number[]): number[] {
  const payloads = sizes.map((bytes) => allocate(heap, bytes));
  for (const index of releases) release(heap, payloads[index] ?? 0);
  return payloads;
}

const picture = (heap: HeapRecord) => heapPicture(heap.blocks());

test("a heap of 10 bytes without housekeeping refuses 5 although 7 are free", () => {
  const heap = freshHeap("first-fit", 10, { headerBytes: 0, alignment: 1 });
  const [a] = prepare(heap, [5, 1], []);
  expect(picture(heap)).toBe("5 1 [4]");
  release(heap, a ?? 0);
  expect(picture(heap)).toBe("[5] 1 [4]");
  expect(allocate(heap, 2)).toBe(ARENA);
  expect(picture(heap)).toBe("2 [3] 1 [4]");
  expect(allocate(heap, 5)).toBe(0);
  expect(heap.summary()).toMatchObject({ freeBytes: 7, holes: 2, largestFreeBytes: 4 });
  expect(heap.counters()).toMatchObject({ failedRequests: 1, fragmentationFailures: 1 });
});

test("the arena of a heap without housekeeping is never written", () => {
  const heap = freshHeap("best-fit", 64, { headerBytes: 0, alignment: 1 });
  heap.engine.bytes.fill(0xaa, ARENA, ARENA + 64);
  prepare(heap, [7, 3, 20, 1], [1, 0]);
  expect(heap.engine.bytes.subarray(ARENA, ARENA + 64)).toEqual(new Uint8Array(64).fill(0xaa));
});

describe.each([0, 8])("with a header of %i bytes", (headerBytes) => {
  const options = { headerBytes, alignment: 8 };
  /** Holes of 48, 16 and 32 bytes of payload, then the rest, between single blocks; the last block handed out is the third. */
  const holes = (name: string) => {
    const heap = freshHeap(name, 512, options);
    prepare(heap, [48, 8, 16, 8, 32, 8, 8], [0, 2, 4]);
    return heap;
  };
  const block = (payloadBytes: number) => payloadBytes + headerBytes;
  const offset = (name: string, bytes: number) => allocate(holes(name), bytes) - ARENA - headerBytes;

  test("first fit takes the lowest hole that fits", () => {
    expect(offset("first-fit", 16)).toBe(0);
  });

  test("best fit takes the smallest hole that fits", () => {
    expect(offset("best-fit", 16)).toBe(block(48) + block(8));
    expect(offset("best-fit", 24)).toBe(block(48) + 2 * block(8) + block(16));
  });

  test("worst fit takes the largest hole", () => {
    expect(offset("worst-fit", 16)).toBe(block(48) + block(16) + block(32) + 4 * block(8));
  });

  test("next fit goes on behind the last block handed out and wraps", () => {
    const heap = holes("next-fit");
    const largest = heap.summary().largestFreeBytes;
    expect(allocate(heap, largest) - ARENA - headerBytes).toBe(block(48) + block(16) + block(32) + 4 * block(8));
    expect(allocate(heap, 8) - ARENA - headerBytes).toBe(0);
  });

  test("a hole released behind next fit's back is not taken before the wrap", () => {
    const heap = freshHeap("next-fit", 512, options);
    const [first = 0] = prepare(heap, [24, 24, 24], []);
    release(heap, first);
    expect(allocate(heap, 24)).toBe(first + 3 * block(24));
    expect(heap.check()).toBeUndefined();
  });

  test("an exact fit is not split", () => {
    const heap = freshHeap("first-fit", 512, options);
    const [first = 0] = prepare(heap, [40, 40], [0]);
    expect(allocate(heap, 40)).toBe(first);
    expect(picture(heap)).toBe(`2×${block(40)} [${512 - 2 * block(40)}]`);
  });

  test("a surplus below the split threshold stays in the block", () => {
    const heap = freshHeap("first-fit", 512, { ...options, splitThreshold: 32 });
    prepare(heap, [64, 8], [0]);
    const payload = allocate(heap, 40);
    expect(heap.engine.exact.heapUsableBytes(heap.address, payload)).toBe(64);
    release(heap, payload);
    allocate(heap, 32);
    expect(picture(heap)).toMatch(new RegExp(`^${block(32)} \\[32\\]`));
  });

  test("released neighbours merge on both sides", () => {
    const heap = freshHeap("first-fit", 512, options);
    const [, middle = 0] = prepare(heap, [24, 24, 24, 24], [0, 2]);
    release(heap, middle);
    expect(picture(heap)).toBe(`[${3 * block(24)}] ${block(24)} [${512 - 4 * block(24)}]`);
  });

  test("without merging, holes only get smaller", () => {
    const heap = freshHeap("first-fit", 512, { ...options, coalesce: false });
    const live = prepare(heap, [24, 24, 24], [0, 1]);
    expect(picture(heap)).toBe(`2×[${block(24)}] ${block(24)} [${512 - 3 * block(24)}]`);
    release(heap, live[2] ?? 0);
    expect(allocate(heap, 512 - headerBytes)).toBe(0);
    expect(heap.check()).toBeUndefined();
  });

  test("a double free is an assertion, and ignored where assertions are compiled out", () => {
    const heap = freshHeap("first-fit", 512, options);
    const [first = 0] = prepare(heap, [24, 24], [0]);
    expect(() => release(heap, first)).toThrow(GuestFault);
    heap.set(HeapField.AssertionsStop, 0);
    const before = picture(heap);
    release(heap, first);
    expect(picture(heap)).toBe(before);
    expect(heap.counters().doubleFrees).toBe(2);
  });

  test("0 and more than there is are refused", () => {
    const heap = freshHeap("best-fit", 512, options);
    for (const bytes of [0, 513 - headerBytes, 0x7fff_ffff, 0xffff_fff8, 0xffff_ffff])
      expect(allocate(heap, bytes)).toBe(0);
    expect(allocate(heap, 512 - headerBytes)).toBe(ARENA + headerBytes);
  });
});

test("a wild free with a header faults when the address is outside the heap", () => {
  const heap = freshHeap("first-fit", 512);
  expect(() => heap.engine.fast.heapRelease(heap.address, 0x4000_0000)).toThrow(GuestFault);
});

test("a header of 4 bytes and an odd arena still align every payload", () => {
  const heap = freshHeap("first-fit", 301, { headerBytes: 4, alignment: 16 }, 3);
  const payloads = prepare(heap, [1, 20, 100], []);
  expect(payloads.map((payload) => payload % 16)).toEqual([0, 0, 0]);
  expect(heap.check()).toBeUndefined();
  expect([...heap.blocks()].reduce((sum, { bytes }) => sum + bytes, 0)).toBe(301);
});

test("a list bent into a circle is an endless search, which check names", () => {
  const heap = freshHeap("first-fit", 512);
  const [first = 0, , third = 0] = prepare(heap, [24, 24, 24, 24], [0, 2]);
  heap.engine.setWord(third - 4, first - 8); // the second hole's link leads back to the first
  expect(heap.check()).toMatchObject({ inconsistency: "a free block is missing from its list" });
  expect(() => heap.engine.fast.heapAllocate(heap.address, 0, 300)).toThrow(/never ends/);
});

test.each([
  ["a size of 0", -8, 0, "a block is smaller than any block can be"],
  ["a size beyond the arena", -8, 4096, "a block reaches beyond its arena"],
  ["a size that is not a multiple of the granule", -8, 34, "a block's size or address is not aligned"],
])("check names %s in a header", (_, at, value, inconsistency) => {
  const heap = freshHeap("first-fit", 512);
  const [first = 0] = prepare(heap, [24, 24], []);
  heap.engine.setWord(first + at, value);
  expect(heap.check()).toMatchObject({ inconsistency, address: first - 8 });
});

test("check names a trampled bitmap and a trampled rover", () => {
  const mapped = freshHeap("first-fit", 512, { headerBytes: 0 });
  prepare(mapped, [24, 24], [0]);
  mapped.engine.setWord(mapped.get(HeapField.State) + 4, 0xffff_fffe);
  expect(mapped.check()).toMatchObject({ inconsistency: "a bitmap or table disagrees with the lists" });
  const listed = freshHeap("next-fit", 512);
  prepare(listed, [24, 24, 24], [0]);
  listed.engine.setWord(listed.get(HeapField.State) + 8, ARENA + 200);
  expect(listed.check()).toMatchObject({ inconsistency: "a static variable of the allocator is overwritten" });
});

describe.each(["release", "debug"] as const)("in the %s build", (build) => {
  const engine = testEngine(build);
  const pristine = engine.snapshot();

  test("every policy, header, alignment, merging and splitting places as the definition does", () => {
    fc.assert(
      fc.property(rules, moves, fc.integer({ min: 0, max: 9 }), ({ policy, ...options }, sequence, low) => {
        engine.restore(pristine);
        const heap = testHeap(engine, policy, [{ low, bytes: 2000 + low }], options);
        const model = new ListModel({ policy, ...options }, ARENA + low, 2000 + low);
        const live: number[] = [];
        for (const move of sequence) {
          if (move > 0) {
            const payload = engine.fast.heapAllocate(heap.address, 0, move) >>> 0;
            expect(payload).toBe(model.allocate(move));
            if (payload) live.push(payload);
          } else if (live.length) {
            const [payload = 0] = live.splice(-move % live.length, 1);
            engine.fast.heapRelease(heap.address, payload);
            model.release(payload);
          }
          expect(heap.check()).toBeUndefined();
        }
        const walked = [...heap.blocks()].filter(({ state }) => state !== "bookkeeping");
        expect(walked.map(({ address, bytes, state }) => [address, bytes, state === "live"])).toEqual(model.blocks());
        const largest = heap.summary().largestFreeBytes;
        expect(largest === 0 || model.allocate(largest) !== 0).toBe(true);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
