import { expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { heapPicture } from "../../src/report/picture.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";

function freshBump(bytes: number, options: OptionValues = {}, low = 0): HeapRecord {
  return testHeap(testEngine(), "bump", [{ low, bytes }], options);
}

function allocate(bump: HeapRecord, bytes: number, alignment = 0): number {
  return bump.engine.exact.heapAllocate(bump.address, alignment, bytes) >>> 0;
}

const picture = (bump: HeapRecord) => heapPicture(bump.blocks(), { bookkeeping: true });

test("payloads follow one another, aligned, to the last byte of the arena", () => {
  const bump = freshBump(32);
  expect([allocate(bump, 5), allocate(bump, 8), allocate(bump, 16)]).toEqual([ARENA, ARENA + 8, ARENA + 16]);
  expect(picture(bump)).toBe("5 (3) 8 16");
  expect(allocate(bump, 1)).toBe(0);
  expect(bump.summary().largestFreeBytes).toBe(0);
});

test("what is released is never handed out again", () => {
  const bump = freshBump(32, { alignment: 1 });
  const payload = allocate(bump, 20);
  bump.engine.exact.heapRelease(bump.address, payload);
  expect(allocate(bump, 13)).toBe(0);
  expect(picture(bump)).toBe("(20) [12…]");
  expect(bump.counters()).toMatchObject({ frees: 1, liveBlocks: 0, failedRequests: 1, fragmentationFailures: 0 });
});

test("a request may ask for more alignment than the heap's", () => {
  const bump = freshBump(256);
  allocate(bump, 1);
  expect(allocate(bump, 16, 64)).toBe(ARENA + 64);
  expect(picture(bump)).toBe("1 (63) 16 [176…]");
});

test("requests of 0, beyond the arena and near 2^32 are refused and move nothing", () => {
  const bump = freshBump(64);
  for (const bytes of [0, 65, 0x8000_0000, 0xffff_fff8, 0xffff_ffff]) expect(allocate(bump, bytes)).toBe(0);
  expect(bump.summary().largestFreeBytes).toBe(64);
  expect(allocate(bump, 64)).toBe(ARENA);
});

test("growing moves the block, shrinking leaves it", () => {
  const bump = freshBump(64);
  const payload = allocate(bump, 8);
  const { exact } = bump.engine;
  bump.engine.setWord(payload, 0x1234_5678);
  expect(exact.heapReallocate(bump.address, payload, 4) >>> 0).toBe(payload);
  const moved = exact.heapReallocate(bump.address, payload, 24) >>> 0;
  expect(moved).toBe(ARENA + 8);
  expect(bump.engine.word(moved)).toBe(0x1234_5678);
});

test("in an arena that is not aligned the walk still finds the payloads", () => {
  const bump = freshBump(62, {}, 2);
  expect(allocate(bump, 3)).toBe(ARENA + 8);
  expect(allocate(bump, 3)).toBe(ARENA + 16);
  expect(picture(bump)).toBe("(6) 3 (5) 3 [45…]");
});

test("a trampled pointer is named by check", () => {
  const bump = freshBump(64);
  bump.engine.setWord(bump.get(HeapField.State), 0x5800_0000);
  expect(bump.check()).toMatchObject({
    inconsistency: "a static variable of the allocator is overwritten",
    found: 0x5800_0000,
  });
});
