import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { heapPicture } from "../../src/report/picture.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";

function freshPool(bytes: number, options: OptionValues = {}, low = 0): HeapRecord {
  return testHeap(testEngine(), "fixed-pool", [{ low, bytes }], options);
}

function allocate(pool: HeapRecord, bytes: number): number {
  return pool.engine.exact.heapAllocate(pool.address, 0, bytes) >>> 0;
}

function release(pool: HeapRecord, payload: number): void {
  pool.engine.exact.heapRelease(pool.address, payload);
}

const picture = (pool: HeapRecord) => heapPicture(pool.blocks(), { bookkeeping: true });

test("blocks are handed out in address order, then the one released last comes first", () => {
  const pool = freshPool(128);
  const payloads = [1, 32, 7].map((bytes) => allocate(pool, bytes));
  expect(payloads).toEqual([ARENA, ARENA + 32, ARENA + 64]);
  release(pool, ARENA);
  release(pool, ARENA + 64);
  expect(allocate(pool, 5)).toBe(ARENA + 64);
  expect(allocate(pool, 5)).toBe(ARENA);
  expect(picture(pool)).toBe("3×32 [32]");
});

test("a request above the block's size is refused although the pool is empty", () => {
  const pool = freshPool(128, { blockBytes: 30 });
  for (const bytes of [0, 31, 0xffff_ffff]) expect(allocate(pool, bytes)).toBe(0);
  expect(pool.summary().largestFreeBytes).toBe(30);
  expect(allocate(pool, 30)).toBe(ARENA);
});

test("when every block is live the largest free size is 0", () => {
  const pool = freshPool(64);
  allocate(pool, 1);
  allocate(pool, 1);
  expect(pool.summary()).toMatchObject({ freeBytes: 0, largestFreeBytes: 0, liveBlocks: 2 });
  expect(allocate(pool, 1)).toBe(0);
  expect(pool.counters().fragmentationFailures).toBe(0);
});

test("blocks are rounded up to the alignment, and what is left at either end is bookkeeping", () => {
  const pool = freshPool(203, { blockBytes: 33, alignment: 16 }, 5);
  expect(picture(pool)).toBe("(11) 4×[48]");
  expect(allocate(pool, 33) % 16).toBe(0);
  expect(pool.check()).toBeUndefined();
});

test("an arena without room for one block is refused", () => {
  expect(() => freshPool(31)).toThrow(/refuses/);
  expect(() => freshPool(10, { alignment: 64, blockBytes: 4 }, 1)).toThrow(/refuses/);
});

test("reallocation keeps the block or is refused", () => {
  const pool = freshPool(128);
  const payload = allocate(pool, 10);
  const { exact } = pool.engine;
  expect(exact.heapReallocate(pool.address, payload, 32) >>> 0).toBe(payload);
  expect(exact.heapReallocate(pool.address, payload, 33)).toBe(0);
  expect(pool.counters()).toMatchObject({ liveBlocks: 1, requestedBytes: 32, failedRequests: 1 });
});

test("a double free goes unnoticed by the pool: two owners get the block, and the counters and check say so", () => {
  const pool = freshPool(128);
  const payload = allocate(pool, 8);
  release(pool, payload);
  release(pool, payload);
  expect(pool.check()).toMatchObject({ inconsistency: "a static variable of the allocator is overwritten" });
  expect([allocate(pool, 8), allocate(pool, 8)]).toEqual([payload, payload]);
  expect(pool.counters()).toMatchObject({ doubleFrees: 1, overlappingBlocks: 1 });
});

test("a wild free outside the pool faults", () => {
  const pool = freshPool(128);
  expect(() => pool.engine.fast.heapRelease(pool.address, 0x4000_0000)).toThrow(GuestFault);
});

describe("a use after free that tramples a link", () => {
  test.each([
    ["outside the pool", 0x5800_0000, "a list leads out of the arena"],
    ["between two blocks", ARENA + 36, "a block's size or address is not aligned"],
    ["back to itself", ARENA, "a list never ends"],
    ["to nowhere", 0, "a free block is missing from its list"],
  ])("%s is named by check", (_, link, inconsistency) => {
    const pool = freshPool(128);
    release(pool, allocate(pool, 8));
    pool.engine.setWord(ARENA, link);
    expect(pool.check()).toMatchObject({ inconsistency });
  });

  test("faults when the second allocation follows it out of the heap", () => {
    const pool = freshPool(128);
    release(pool, allocate(pool, 8));
    pool.engine.setWord(ARENA, 0x5800_0000);
    expect(pool.engine.fast.heapAllocate(pool.address, 0, 8) >>> 0).toBe(ARENA);
    expect(() => pool.engine.fast.heapAllocate(pool.address, 0, 8)).toThrow(GuestFault);
  });
});

test("a pool nobody watched, as in a RAM image, is walked by its list", () => {
  const pool = freshPool(128);
  const watched = [allocate(pool, 8), allocate(pool, 8), allocate(pool, 8)];
  release(pool, watched[1] ?? 0);
  const arena = pool.engine.bytes.slice(ARENA - 12, ARENA + 128);
  const state = pool.get(HeapField.State);
  const variables = pool.engine.bytes.slice(state, state + 12);
  const unwatched = freshPool(128);
  unwatched.engine.bytes.set(arena, ARENA - 12);
  unwatched.engine.bytes.set(variables, unwatched.get(HeapField.State));
  expect(picture(unwatched)).toBe("32 [32] 32 [32]");
});
