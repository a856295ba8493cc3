import { describe, expect, test } from "vitest";
import { HeapField } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import { GuestFault } from "../../src/wasm/guest-fault.ts";
import type { HeapRecord } from "../../src/wasm/heap-record.ts";
import { ARENA, testEngine, testHeap } from "../support/bench-heap.ts";
import { seededNumbers, trample } from "../support/trample.ts";

const engine = testEngine();
const pristine = engine.snapshot();

function start(bytes = 512, options: OptionValues = {}, low = 0): HeapRecord {
  engine.restore(pristine);
  return testHeap(engine, "zephyr-sys-heap", [{ low, bytes }], options);
}
function allocate(heap: HeapRecord, bytes: number, alignment = 0): number | undefined {
  const payload = engine.exact.heapAllocate(heap.address, alignment, bytes) >>> 0;
  return payload ? payload - ARENA : undefined;
}
const release = (heap: HeapRecord, offset: number) => engine.exact.heapRelease(heap.address, ARENA + offset);
const resize = (heap: HeapRecord, offset: number, bytes: number) => {
  const moved = engine.exact.heapReallocate(heap.address, ARENA + offset, bytes) >>> 0;
  return moved ? moved - ARENA : undefined;
};
/** Chunk sizes in units of 8 bytes, holes in brackets. */
const picture = (heap: HeapRecord) =>
  [...heap.blocks()]
    .filter(({ state }) => state !== "bookkeeping")
    .map(({ bytes, state }) => (state === "free" ? `[${bytes / 8}]` : `${bytes / 8}`))
    .join(" ");

describe("the arena", () => {
  test("begins with the control structure and a bucket for each power of two", () => {
    const heap = start(512); // 63 units to the end marker: 6 buckets, 16 + 24 bytes
    expect(allocate(heap, 1)).toBe(44);
    expect(picture(heap)).toBe("1 [57]");
    expect(start(512, { runtimeStats: 1 }).check()).toBeUndefined();
  });

  test("is rounded to units at both ends", () => {
    const heap = start(511, {}, 3);
    expect(allocate(heap, 1)).toBe(8 + 44);
    const [first] = [...heap.blocks()];
    expect(first).toMatchObject({ address: ARENA + 3, bytes: 5, state: "bookkeeping" });
    expect(heap.check()).toBeUndefined();
  });

  test("that holds no chunk is refused", () => {
    expect(() => start(24)).toThrow("refuses");
  });

  test("has large headers above 32767 units, or where the option asks for them", () => {
    expect((allocate(start(0x4_0000 - 8), 1) ?? 0) % 8).toBe(4);
    expect((allocate(start(0x4_0010), 1) ?? 1) % 8).toBe(0);
    expect((allocate(start(512, { bigHeap: 1 }), 1) ?? 1) % 8).toBe(0);
  });
});

describe("allocate", () => {
  test("takes the front of the ring for the size and gives the rest back", () => {
    const heap = start();
    const [a, , c] = [12, 12, 12, 12].map((bytes) => allocate(heap, bytes) ?? 0);
    release(heap, a ?? 0);
    release(heap, c ?? 0);
    expect(allocate(heap, 12)).toBe(a);
    expect(allocate(heap, 4)).toBe(c);
    expect(picture(heap)).toBe("2 2 1 [1] 2 [50]");
  });

  test("looks at three chunks of the ring, which stay rotated, and then takes the next larger ring", () => {
    const heap = start(1024);
    const holes: number[] = [];
    for (const units of [4, 4, 4, 7]) {
      holes.push(allocate(heap, units * 8 - 4) ?? 0);
      allocate(heap, 4);
    }
    for (const hole of holes) release(heap, hole);
    const largeRing = (allocate(heap, 5 * 8 - 4) ?? 0) > (holes[3] ?? 0);
    expect(largeRing).toBe(true); // the hole of 7 units was fourth
    expect(allocate(heap, 5 * 8 - 4)).toBe(holes[3]); // now it is first
    expect(heap.check()).toBeUndefined();
  });

  test("with more loops finds the fourth chunk at once", () => {
    const heap = start(1024, { allocLoops: 4 });
    const holes = [4, 4, 4, 7].map((units) => {
      const hole = allocate(heap, units * 8 - 4) ?? 0;
      allocate(heap, 4);
      return hole;
    });
    for (const hole of holes) release(heap, hole);
    expect(allocate(heap, 5 * 8 - 4)).toBe(holes[3]);
  });

  test("leaves a single unit of a big heap free but unlisted until it merges", () => {
    const heap = start(512, { bigHeap: 1 });
    const a = allocate(heap, 16) ?? 0;
    const b = allocate(heap, 8) ?? 0;
    release(heap, a);
    expect(allocate(heap, 8)).toBe(a);
    expect(picture(heap)).toMatch(/^2 \[1\] 2 /);
    expect(heap.check()).toBeUndefined();
    release(heap, b);
    expect(heap.check()).toBeUndefined();
    release(heap, a);
    expect(picture(heap)).toMatch(/^\[\d+\]$/);
  });

  test("refuses 0 and what is larger than the heap", () => {
    const heap = start();
    expect([0, 512, 0x7fff_ffff, 0xffff_ffff].map((bytes) => allocate(heap, bytes))).toEqual(Array(4).fill(undefined));
    expect(heap.check()).toBeUndefined();
  });
});

describe("aligned", () => {
  test("frees the lead and the tail, and the walk knows the payload", () => {
    const heap = start(1024);
    const payload = allocate(heap, 40, 64) ?? 1;
    expect(payload % 64).toBe(0);
    expect(heap.check()).toBeUndefined();
    const live = [...heap.blocks()].filter(({ state }) => state === "live");
    expect(live.map((block) => block.payload)).toEqual([ARENA + payload]);
    release(heap, payload);
    expect(picture(heap)).toMatch(/^\[\d+\]$/);
  });

  test("to the header's size is an ordinary allocation", () => {
    expect(allocate(start(), 12, 4)).toBe(44);
  });
});

describe("reallocate", () => {
  function three(): { heap: HeapRecord; at: [number, number, number] } {
    const heap = start(512, { runtimeStats: 1 });
    return { heap, at: [28, 28, 28].map((bytes) => allocate(heap, bytes) ?? 0) as [number, number, number] };
  }

  test("shrinks in place and merges what is left to the right", () => {
    const { heap, at } = three();
    expect(resize(heap, at[2], 4)).toBe(at[2]);
    expect(picture(heap)).toMatch(/^4 4 1 \[\d+\]$/);
    expect(heap.check()).toBeUndefined();
  });

  test("grows into a free right neighbour", () => {
    const { heap, at } = three();
    release(heap, at[1]);
    expect(resize(heap, at[0], 44)).toBe(at[0]);
    expect(picture(heap)).toMatch(/^6 \[2\] 4 /);
    expect(heap.check()).toBeUndefined();
  });

  test("otherwise moves with its bytes, and stays where there is no room", () => {
    const { heap, at } = three();
    engine.bytes.set([1, 2, 3, 4], ARENA + at[0]);
    const moved = resize(heap, at[0], 60) ?? 0;
    expect(moved).toBeGreaterThan(at[2]);
    expect([...engine.bytes.subarray(ARENA + moved, ARENA + moved + 4)]).toEqual([1, 2, 3, 4]);
    expect(resize(heap, moved, 4000)).toBeUndefined();
    expect(heap.counters().liveBlocks).toBe(3);
    expect(resize(heap, moved, 0)).toBeUndefined();
    expect(heap.counters().liveBlocks).toBe(2);
    expect(heap.check()).toBeUndefined();
  });
});

describe("misuse", () => {
  test("a block released twice trips the assertion", () => {
    const heap = start();
    const a = allocate(heap, 12) ?? 0;
    allocate(heap, 12);
    release(heap, a);
    expect(() => release(heap, a)).toThrow(/assertion/);
    expect(heap.counters().doubleFrees).toBe(1);
  });

  test("an overrun into the next header trips the assertion when the block is released", () => {
    const heap = start();
    const a = allocate(heap, 12) ?? 0;
    allocate(heap, 12);
    engine.setWord(ARENA + a + 12, 0xffff_ffff);
    expect(heap.check()?.inconsistency).toBe("a block and its neighbour disagree about a size or a link");
    expect(() => release(heap, a)).toThrow(/assertion/);
  });

  test("a pointer below the heap faults", () => {
    const heap = start();
    expect(() => engine.fast.heapRelease(heap.address, 0x1000)).toThrow(GuestFault);
  });
});

describe.each([{}, { bigHeap: 1 }, { runtimeStats: 1 }, { bigHeap: 1, runtimeStats: 1, allocLoops: 1 }])(
  "with %o",
  (options) => {
    test("every random operation keeps the invariants, and the largest request is exact", () => {
      const random = seededNumbers(11);
      for (let round = 0; round < 25; round++) {
        const heap = start(1024, options);
        const live: number[] = [];
        for (let i = 0; i < 80; i++) {
          const at = random(live.length || 1);
          const dice = random(10);
          if (dice < 5 || live.length === 0)
            live.push(allocate(heap, 1 + random(100), dice ? 0 : 16 << random(3)) ?? 0);
          else if (dice < 8) release(heap, live.splice(at, 1)[0] || (allocate(heap, 1) ?? 0));
          else if (live[at]) live[at] = resize(heap, live[at], 1 + random(150)) ?? live[at];
          if (live.at(-1) === 0) live.pop();
          if (heap.counters().wildFrees) break;
          expect(heap.check()).toBeUndefined();
          const largest = heap.summary().largestFreeBytes;
          const before = engine.snapshot();
          if (largest) expect(allocate(heap, largest)).toBeDefined();
          for (const more of [1, 8, 100]) {
            engine.restore(before); // a search that fails has rotated its ring
            expect(allocate(heap, largest + more)).toBeUndefined();
          }
          engine.restore(before);
        }
      }
    }, 30_000);

    test("with any word overwritten every verb ends in an answer or a fault", () => {
      const { faults, findings } = trample("zephyr-sys-heap", options, 250);
      expect(faults).toBeGreaterThan(0);
      expect(findings).toBeGreaterThan(0);
    }, 30_000);
  },
);

describe("check finds", () => {
  /** Holes of 2 units at units 5 and 9. */
  function holed(): HeapRecord {
    const heap = start(512, { runtimeStats: 1 });
    const at = [12, 12, 12, 12].map((bytes) => allocate(heap, bytes) ?? 0);
    for (const index of [0, 2]) release(heap, at[index] ?? 0);
    expect(heap.check()).toBeUndefined();
    return heap;
  }
  const first = 7 * 8; // 28 bytes of control, 6 buckets

  test.each([
    ["the pointer to the control structure", "state", 0, "a static variable of the allocator is overwritten"],
    ["the end unit", 8, 1, "a static variable of the allocator is overwritten"],
    ["a bucket's bit", 12, 0, "a bitmap or table disagrees with the lists"],
    ["the free bytes", 16, 0, "the counter of free bytes disagrees with the free blocks"],
    ["the live bytes", 20, 0, "the counter of free bytes disagrees with the free blocks"],
    ["chunk 0", 0, 0, "an end marker or magic word is overwritten"],
    ["a chunk without size", first + 16, 0x0001_0002, "a block is smaller than any block can be"],
    ["a chunk beyond the end", first + 16, 0xffff_0002, "a block reaches beyond its arena"],
    ["a live chunk marked free", first + 16, 0x0004_0002, "two free neighbours are not merged"],
    ["a link out of the arena", first + 4, 0x7000_7000, "a list leads out of the arena"],
    ["a link to a live chunk", first + 4, 0x0009_0009, "a free block is missing from its list"],
    ["the end marker", 504, 0x0000_0000, "a block and its neighbour disagree about a size or a link"],
  ])("%s overwritten", (_, offset, value, finding) => {
    const heap = holed();
    engine.setWord(typeof offset === "number" ? ARENA + offset : heap.get(HeapField.State), value);
    expect(heap.check()?.inconsistency).toBe(finding);
  });
});

test("an autopsy needs nothing but the arena", () => {
  const heap = start();
  allocate(heap, 100);
  const state = heap.get(HeapField.State);
  engine.bytes.fill(0, state, state + 12);
  expect(engine.exact.heapAdopt(heap.address)).toBe(1);
  expect(heap.check()).toBeUndefined();
});
