import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { heapPicture } from "../../src/report/picture.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";

function freshBuddy(bytes: number, options: OptionValues = {}, low = 0): HeapRecord {
  return testHeap(testEngine(), "buddy", [{ low, bytes }], options);
}

function allocate(buddy: HeapRecord, bytes: number): number {
  return buddy.engine.exact.heapAllocate(buddy.address, 0, bytes) >>> 0;
}

function release(buddy: HeapRecord, payload: number): void {
  buddy.engine.exact.heapRelease(buddy.address, payload);
}

const picture = (buddy: HeapRecord) => heapPicture(buddy.blocks(), { bookkeeping: true });

test("a block is halved until it fits, and released buddies become whole again", () => {
  const buddy = freshBuddy(256);
  const first = allocate(buddy, 20);
  expect(picture(buddy)).toBe("32 [32] [64] [128]");
  const second = allocate(buddy, 16);
  expect([first, second]).toEqual([ARENA, ARENA + 32]);
  expect(picture(buddy)).toBe("32 16 [16] [64] [128]");
  release(buddy, first);
  expect(picture(buddy)).toBe("[32] 16 [16] [64] [128]");
  release(buddy, second);
  expect(picture(buddy)).toBe("[256]");
});

test("neighbours that are not buddies do not merge", () => {
  const buddy = freshBuddy(64);
  const blocks = [16, 16, 16, 16].map((bytes) => allocate(buddy, bytes));
  release(buddy, blocks[1] ?? 0);
  release(buddy, blocks[2] ?? 0);
  expect(picture(buddy)).toBe("16 2×[16] 16");
  expect(allocate(buddy, 32)).toBe(0);
  expect(buddy.counters().fragmentationFailures).toBe(1);
});

test("the block released last is handed out first", () => {
  const buddy = freshBuddy(128);
  const blocks = [16, 16, 16, 16].map((bytes) => allocate(buddy, bytes));
  release(buddy, blocks[2] ?? 0);
  release(buddy, blocks[0] ?? 0);
  expect([allocate(buddy, 1), allocate(buddy, 1)]).toEqual([blocks[0], blocks[2]]);
});

test("an arena that is no power of two is covered by ever smaller ones, and its ends are bookkeeping", () => {
  const buddy = freshBuddy(16 * 11 + 9 + 13, {}, 7);
  expect(picture(buddy)).toBe("(9) [128] [32] [16] (13)");
  expect(allocate(buddy, 16) % 16).toBe(0);
  expect(buddy.check()).toBeUndefined();
});

test("0 and more than the largest block are refused", () => {
  const buddy = freshBuddy(256 + 128);
  for (const bytes of [0, 257, 384, 0x8000_0001, 0xffff_ffff]) expect(allocate(buddy, bytes)).toBe(0);
  expect(buddy.summary().largestFreeBytes).toBe(256);
  expect(allocate(buddy, 256)).toBe(ARENA);
});

test("a power of two plus one takes twice as much", () => {
  const buddy = freshBuddy(1024);
  const { exact } = buddy.engine;
  expect(exact.heapUsableBytes(buddy.address, allocate(buddy, 64))).toBe(64);
  expect(exact.heapUsableBytes(buddy.address, allocate(buddy, 65))).toBe(128);
});

test("an arena below one least block is refused", () => {
  expect(() => freshBuddy(15)).toThrow(/refuses/);
});

test("a release that names no live block is an assertion, and ignored where assertions are compiled out", () => {
  const buddy = freshBuddy(256);
  const payload = allocate(buddy, 64);
  release(buddy, payload);
  for (const wild of [payload, payload + 16, 0x4000_0000]) {
    expect(() => release(buddy, wild)).toThrow(/assertion/);
  }
  buddy.set(HeapField.AssertionsStop, 0);
  release(buddy, payload);
  expect(picture(buddy)).toBe("[256]");
  expect(buddy.counters()).toMatchObject({ doubleFrees: 2, wildFrees: 2 });
});

describe("broken metadata", () => {
  const marks = (buddy: HeapRecord) => buddy.get(HeapField.State) + 128;
  const shattered = () => {
    const buddy = freshBuddy(256);
    const blocks = [16, 16, 16].map((bytes) => allocate(buddy, bytes));
    release(buddy, blocks[0] ?? 0);
    return buddy;
  };

  test.each([
    ["a mark that starts nothing", 0, 0x00, "a bitmap or table disagrees with the lists"],
    ["a mark of a block beyond the arena", 0, 0xdf, "a block reaches beyond its arena"],
    ["a mark inside a block", 5, 0x80, "a bitmap or table disagrees with the lists"],
    ["a live mark on a listed block", 0, 0xc0, "a list of free blocks holds one that is not free"],
    ["a free mark on a live block", 2, 0x80, "two free neighbours are not merged"],
  ])("%s is named by check", (_, index, mark, inconsistency) => {
    const buddy = shattered();
    buddy.engine.bytes[marks(buddy) + index] = mark;
    expect(buddy.check()).toMatchObject({ inconsistency });
  });

  test.each([
    ["out of the arena", 0x5800_0000, "a list leads out of the arena"],
    ["to a block of another order", ARENA + 64, "a list of free blocks holds one that is not free"],
    ["to itself", ARENA, "a block and its neighbour disagree about a size or a link"],
  ])("a link %s is named by check", (_, link, inconsistency) => {
    const buddy = shattered();
    buddy.engine.setWord(ARENA, link);
    expect(buddy.check()).toMatchObject({ inconsistency });
  });

  test("a link out of the heap faults when the list is used", () => {
    const buddy = shattered();
    buddy.engine.setWord(ARENA, 0x5800_0000);
    expect(() => buddy.engine.fast.heapAllocate(buddy.address, 0, 8)).toThrow(GuestFault);
  });
});

describe.each(["release", "debug"] as const)("in the %s build", (build) => {
  const engine = testEngine(build);
  const pristine = engine.snapshot();
  const moves = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: -1000, max: 0 })), {
    maxLength: 150,
    size: "max",
  });

  test("blocks are powers of two at multiples of their size, never two free buddies, and all merge in the end", () => {
    fc.assert(
      fc.property(
        moves,
        fc.constantFrom(8, 16, 64),
        fc.integer({ min: 300, max: 3000 }),
        (sequence, leastBlock, bytes) => {
          engine.restore(pristine);
          const buddy = testHeap(engine, "buddy", [{ low: 0, bytes }], { leastBlock });
          const start = picture(buddy);
          const live: number[] = [];
          for (const move of sequence) {
            const payload = move > 0 ? engine.fast.heapAllocate(buddy.address, 0, move) >>> 0 : 0;
            if (payload) live.push(payload);
            if (move <= 0 && live.length)
              engine.fast.heapRelease(buddy.address, live.splice(-move % live.length, 1)[0] ?? 0);
            expect(buddy.check()).toBeUndefined();
          }
          for (const { address, bytes: size, state } of buddy.blocks()) {
            if (state === "bookkeeping") continue;
            expect(size & (size - 1)).toBe(0);
            expect((address - ARENA) % size).toBe(0);
          }
          for (const payload of live) engine.fast.heapRelease(buddy.address, payload);
          expect(picture(buddy)).toBe(start);
        },
      ),
      { seed: 20261123, numRuns: 100 },
    );
  });
});
