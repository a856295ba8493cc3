import { describe, expect, test } from "vitest";
import { HeapField, OPERATIONS } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { seededNumbers, trample } from "../support/trample.ts";
import { visitsOf } from "../support/visits.ts";

const engine = testEngine();
const pristine = engine.snapshot();

function start(bytes = 1024, options: OptionValues = {}): HeapRecord {
  engine.restore(pristine);
  return testHeap(engine, "micropython-gc", [{ low: 0, bytes }], options);
}
const allocate = (heap: HeapRecord, bytes: number) => engine.exact.heapAllocate(heap.address, 0, bytes) >>> 0;
const release = (heap: HeapRecord, payload: number) => engine.exact.heapRelease(heap.address, payload);
const resize = (heap: HeapRecord, payload: number, bytes: number) =>
  engine.exact.heapReallocate(heap.address, payload, bytes) >>> 0;
/** Collects with those words as roots; the bytes freed. */
function collect(heap: HeapRecord, roots: readonly number[]): number {
  for (const [i, root] of roots.entries()) engine.setWord(OPERATIONS + i * 4, root);
  return engine.exact.heapCollect(heap.address, OPERATIONS, roots.length) >>> 0;
}
/** Chains in blocks, free runs in brackets. */
const picture = (heap: HeapRecord) =>
  [...heap.blocks()]
    .filter(({ state }) => state !== "bookkeeping")
    .map(({ bytes, state }) => (state === "free" ? `[${bytes / 16}]` : `${bytes / 16}`))
    .join(" ");
const many = (heap: HeapRecord, ...sizes: number[]) => sizes.map((bytes) => allocate(heap, bytes));

describe("the arena", () => {
  test("begins with two bits a block and ends with the pool", () => {
    const heap = start(); // (1024 - 1) / 65 = 15 bytes of table, 60 blocks
    expect(picture(heap)).toBe("[60]");
    expect(allocate(heap, 1)).toBe(ARENA + 1024 - 60 * 16);
  });

  test("has room for a finaliser bit a block where the option asks for it", () => {
    const heap = start(16384, { finalisers: true });
    expect(allocate(heap, 1)).toBe(ARENA + 384);
  });

  test("has blocks of another size where the option asks for it", () => {
    const heap = start(1024, { blockBytes: 32 }); // 1023 / 129 = 7 bytes, 28 blocks
    expect([allocate(heap, 33), allocate(heap, 1)]).toEqual([ARENA + 128, ARENA + 192]);
    expect(heap.check()).toBeUndefined();
  });

  test("that is too small for a byte of table is refused", () => {
    expect(() => start(64)).toThrow("refuses");
    expect(start(66 + 14).check()).toBeUndefined();
  });
});

describe("allocate", () => {
  test("takes the lowest run that is long enough, zeroed", () => {
    const heap = start();
    const [a = 0, , c = 0] = many(heap, 16, 16, 40, 16);
    engine.bytes.fill(0xff, c, c + 48);
    release(heap, a);
    release(heap, c);
    expect(allocate(heap, 17)).toBe(c);
    expect(engine.bytes.subarray(c, c + 32).every((byte) => byte === 0)).toBe(true);
    expect(picture(heap)).toBe("[1] 1 2 [1] 1 [54]");
  });

  test("refuses 0, a size whose rounding wraps, and more than the longest run", () => {
    const heap = start();
    expect([0, 0xffff_fff1, 60 * 16 + 1].map((bytes) => allocate(heap, bytes))).toEqual([0, 0, 0]);
    expect(allocate(heap, 60 * 16)).not.toBe(0);
  });
});

describe("reallocate", () => {
  test("to the same number of blocks stays, to fewer gives the tail back", () => {
    const heap = start();
    const [a = 0] = many(heap, 48, 16);
    expect([resize(heap, a, 33), resize(heap, a, 16)]).toEqual([a, a]);
    expect(picture(heap)).toBe("1 [2] 1 [56]");
  });

  test("grows into the free blocks behind it, zeroed", () => {
    const heap = start();
    const [a = 0, b = 0] = many(heap, 16, 32, 16);
    engine.bytes.fill(0xff, b, b + 32);
    release(heap, b);
    expect(resize(heap, a, 32)).toBe(a);
    expect(engine.bytes.subarray(b, b + 16).every((byte) => byte === 0)).toBe(true);
    expect(picture(heap)).toBe("2 [1] 1 [56]");
  });

  test("otherwise moves with all its blocks and its finaliser, the old one still held meanwhile", () => {
    const heap = start(1024, { finalisers: true });
    const [a = 0] = many(heap, 16, 16);
    engine.bytes.set([1, 2, 3], a);
    expect(engine.exact.heapAddFinaliser(heap.address, a)).toBe(1);
    const moved = resize(heap, a, 32);
    expect(moved).toBe(a + 32);
    expect([...engine.bytes.subarray(moved, moved + 3)]).toEqual([1, 2, 3]);
    expect(finalisers(heap, a)).toEqual([2]);
    expect(heap.check()).toBeUndefined();
  });

  test("stays where there is no room, and to 0 frees", () => {
    const heap = start();
    const [a = 0] = many(heap, 16, 16);
    expect(resize(heap, a, 59 * 16)).toBe(0);
    expect(picture(heap)).toBe("1 1 [58]");
    expect(resize(heap, a, 0)).toBe(0);
    expect(picture(heap)).toBe("[1] 1 [58]");
  });
});

/** Numbers of the blocks whose finaliser bit is set; `first` is the payload of block 0. */
function finalisers(heap: HeapRecord, first: number): number[] {
  const table = engine.word(heap.get(HeapField.State) + 8);
  const bits = [...engine.bytes.subarray(table, table + 30)].flatMap((byte) =>
    [...Array(8).keys()].map((bit) => (byte >> bit) & 1),
  );
  expect(first).toBe(engine.word(heap.get(HeapField.State) + 12));
  return bits.flatMap((bit, block) => (bit ? [block] : []));
}

describe("misuse", () => {
  test.each([
    ["released twice", 0],
    ["of a tail", 16],
    ["that is not aligned", 4],
    ["outside the pool", -0x800],
  ])("a pointer %s trips the assertion", (_, delta) => {
    const heap = start();
    const a = allocate(heap, 64);
    if (delta === 0) release(heap, a);
    expect(() => release(heap, a + delta)).toThrow(/assertion/);
  });

  test("with assertions compiled out a pointer below the pool faults in the table", () => {
    const heap = start();
    heap.set(HeapField.AssertionsStop, 0);
    expect(() => engine.fast.heapRelease(heap.address, 0x100)).toThrow(GuestFault);
  });
});

describe("collect", () => {
  const link = (from: number, to: number, offset = 0) => engine.setWord(from + offset, to);

  test("frees what no root reaches and keeps a chain of pointers", () => {
    const heap = start();
    const [a = 0, b = 0, c = 0, , e = 0] = many(heap, 16, 40, 16, 100, 16);
    link(a, b, 12);
    link(b, c, 44); // the last word of its third block
    expect(collect(heap, [a, e])).toBe(112);
    expect(picture(heap)).toBe("1 3 1 [7] 1 [47]");
    expect(heap.check()).toBeUndefined();
    expect(heap.counters()).toMatchObject({ liveBlocks: 4, frees: 1, liveBytes: 6 * 16 });
  });

  test("frees a cycle that nothing else reaches, and keeps one that a root reaches", () => {
    const heap = start();
    const [a = 0, b = 0, c = 0, d = 0] = many(heap, 16, 16, 16, 16);
    link(a, b);
    link(b, a);
    link(c, d);
    link(d, c);
    expect(collect(heap, [d])).toBe(32);
    expect(picture(heap)).toBe("[2] 1 1 [56]");
  });

  test("follows pointers to the first byte of a chain only", () => {
    const heap = start();
    const [a = 0, b = 0, c = 0] = many(heap, 48, 48, 48);
    link(a, b + 16); // a tail
    link(a, c + 4, 4); // not aligned
    expect(collect(heap, [a, ARENA, 0, a + 60 * 16])).toBe(96);
    expect(picture(heap)).toBe("3 [57]");
  });

  test("keeps what a word that only looks like a pointer names", () => {
    const heap = start();
    const [a = 0, b = 0] = many(heap, 16, 16);
    engine.setWord(a + 8, b); // a number, for all the collector knows
    expect(collect(heap, [a])).toBe(0);
  });

  test("with no roots frees everything, and the next request starts from the front", () => {
    const heap = start();
    const [a] = many(heap, 16, 16, 16, 200);
    expect(collect(heap, [])).toBe((3 + 13) * 16);
    expect(picture(heap)).toBe("[60]");
    expect(allocate(heap, 16)).toBe(a);
  });

  test("reaches everything though its stack of 64 overflows", () => {
    const heap = start(0x8000);
    const hub = allocate(heap, 200 * 4);
    const leaves = Array.from({ length: 200 }, () => allocate(heap, 16));
    const behind = leaves.map((leaf) => {
      const second = allocate(heap, 16);
      link(leaf, second, 4);
      return second;
    });
    for (const [i, leaf] of leaves.entries()) link(hub, leaf, i * 4);
    const garbage = allocate(heap, 64);
    expect(collect(heap, [hub])).toBe(64);
    for (const payload of [...leaves, ...behind])
      expect(engine.exact.heapJudgeAccess(heap.address, payload, 16)).toBe(0);
    expect(allocate(heap, 64)).toBe(garbage);
    expect(heap.check()).toBeUndefined();
  });

  test("clears the finaliser bits of what it frees and of nothing else", () => {
    const heap = start(1024, { finalisers: true });
    const [a = 0, b = 0, c = 0] = many(heap, 16, 16, 32);
    for (const payload of [a, b, c]) expect(engine.exact.heapAddFinaliser(heap.address, payload)).toBe(1);
    expect(engine.exact.heapAddFinaliser(heap.address, c + 16)).toBe(0);
    expect(finalisers(heap, a)).toEqual([0, 1, 2]);
    collect(heap, [a, c]);
    expect(finalisers(heap, a)).toEqual([0, 2]);
    release(heap, a);
    expect(finalisers(heap, a)).toEqual([2]);
    expect(heap.check()).toBeUndefined();
  });

  test("counts the words it looks at and the blocks it sweeps", () => {
    const heap = start();
    const [a = 0] = many(heap, 32, 16);
    collect(heap, [a]);
    expect(visitsOf(heap)).toBe(1 + 8 + 3);
  });

  test("agrees with a model that follows links, whatever the graph", () => {
    const random = seededNumbers(3);
    for (let round = 0; round < 40; round++) {
      const heap = start(0x2000, { finalisers: round % 2 });
      const nodes = Array.from({ length: 100 }, () => ({
        payload: allocate(heap, 16 + random(60)),
        links: [] as number[],
      }));
      for (const node of nodes) {
        for (let i = 0; i < 4; i += 1 + random(3)) {
          const to = random(nodes.length);
          node.links.push(to);
          link(node.payload, nodes[to]?.payload ?? 0, i * 4);
        }
      }
      const reached = new Set<number>();
      const roots = [random(100), random(100)];
      for (const pending = [...roots]; pending.length; ) {
        const at = pending.pop() ?? 0;
        if (reached.has(at)) continue;
        reached.add(at);
        pending.push(...(nodes[at]?.links ?? []));
      }
      collect(
        heap,
        roots.map((root) => nodes[root]?.payload ?? 0),
      );
      const live = [...heap.blocks()].filter(({ state }) => state === "live").map(({ payload }) => payload);
      expect(live).toEqual(nodes.filter((_, at) => reached.has(at)).map(({ payload }) => payload));
      expect(heap.check()).toBeUndefined();
    }
  });

  test("is only for heaps that have a collector", () => {
    engine.restore(pristine);
    const heap = testHeap(engine, "umm-bestfit", [{ low: 0, bytes: 1024 }]);
    allocate(heap, 16);
    expect(collect(heap, [])).toBe(0);
    expect(heap.counters().liveBlocks).toBe(1);
    expect(engine.exact.heapAddFinaliser(heap.address, ARENA + 12)).toBe(0);
  });
});

test("the largest request is exact after random operations", () => {
  const random = seededNumbers(5);
  for (let round = 0; round < 20; round++) {
    const heap = start(2048, { finalisers: round % 2 });
    const live: number[] = [];
    for (let i = 0; i < 100; i++) {
      const at = random(live.length || 1);
      const dice = random(10);
      if (dice < 5 || live.length === 0) live.push(allocate(heap, 1 + random(150)));
      else if (dice < 8) release(heap, live.splice(at, 1)[0] ?? 0);
      else live[at] = resize(heap, live[at] ?? 0, 1 + random(200)) || (live[at] ?? 0);
      if (live.at(-1) === 0) live.pop();
      expect(heap.check()).toBeUndefined();
      const largest = heap.summary().largestFreeBytes;
      const before = engine.snapshot();
      expect(allocate(heap, largest) !== 0).toBe(largest !== 0);
      engine.restore(before);
      expect([1, 16, 100].map((more) => allocate(heap, largest + more))).toEqual([0, 0, 0]);
      engine.restore(before);
    }
  }
}, 30_000);

describe("check finds", () => {
  const setByte = (address: number, value: number) => engine.bytes.set([value], address);

  test.each([0, 4, 8, 12, 16, 20, 24])("word %i of the area overwritten", (offset) => {
    const heap = start(1024, { finalisers: true });
    many(heap, 16, 16, 16, 16, 16);
    engine.setWord(heap.get(HeapField.State) + offset, offset === 24 ? 0 : 0x7000);
    expect(heap.check()).toBeDefined();
  });

  test.each([
    ["a tail without a head", 1, 0b10_00_00_00, "a block and its neighbour disagree about a size or a link"],
    ["a mark outside a collection", 0, 0b11, "a bitmap or table disagrees with the lists"],
    ["the gap byte", 15, 1, "an end marker or magic word is overwritten"],
  ])("%s", (_, byte, value, finding) => {
    const heap = start();
    allocate(heap, 16);
    setByte(ARENA + byte, value);
    expect(heap.check()?.inconsistency).toBe(finding);
  });

  test("a finaliser bit on a free block", () => {
    const heap = start(1024, { finalisers: true });
    setByte(engine.word(heap.get(HeapField.State) + 8) + 1, 4);
    expect(heap.check()?.inconsistency).toBe("a bitmap or table disagrees with the lists");
  });
});

test("with any word overwritten every verb ends in an answer or a fault", () => {
  const { faults, findings } = trample("micropython-gc", { finalisers: true }, 300);
  expect(faults).toBeGreaterThan(0);
  expect(findings).toBeGreaterThan(0);
}, 30_000);

test("an autopsy rebuilds the area from the arena", () => {
  const heap = start();
  many(heap, 16, 100, 16);
  const state = heap.get(HeapField.State);
  engine.bytes.fill(0, state, state + 32);
  expect(engine.exact.heapAdopt(heap.address)).toBe(1);
  expect(heap.check()).toBeUndefined();
  expect(picture(heap)).toBe("1 7 1 [51]");
});
