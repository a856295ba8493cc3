import { describe, expect, test } from "vitest";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { Device } from "../../src/device/device.ts";
import type { Heap } from "../../src/device/heap.ts";
import { smallestSet } from "../../src/device/smallest-set.ts";
import type { HeapBlock } from "../../src/wasm/heap-record.ts";

/** About a kibibyte to hand out. */
const HEAP_BYTES = 1024;
const TLSF_CONTROL_BYTES = 3200;

interface Worn {
  readonly device: Device;
  readonly heap: Heap;
}

/** A heap with some nine live blocks and holes between them. */
function wornHeap(allocator: string, seed: number): Worn {
  const device = new Device(findDevice("stm32f407vg"));
  const bytes = HEAP_BYTES + (allocator === "tlsf" ? TLSF_CONTROL_BYTES : 0);
  const heap = device.addHeap({ allocator, bytes });
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const live: number[] = [];
  for (let payload = 1; payload !== 0; ) {
    payload = heap.allocate(8 + random(80));
    if (payload !== 0) live.push(payload);
  }
  while (live.length > 9) heap.release(live.splice(random(live.length), 1)[0] ?? 0);
  return { device, heap };
}

/** Whether the request fits once the blocks are gone. The device stays as it is. */
function fitsWithout({ device, heap }: Worn, blocks: readonly HeapBlock[], requestBytes: number): boolean {
  const before = device.snapshot();
  for (const { payload } of blocks) heap.release(payload);
  const fits = heap.allocate(requestBytes) !== 0;
  device.restore(before);
  return fits;
}

/** Fewest blocks, and fewest bytes of as many, by trying all subsets. */
function bruteForce(worn: Worn, requestBytes: number): { blocks: number; bytes: number } | undefined {
  const live = [...worn.heap.blocks()].filter(({ state }) => state === "live");
  let best: { blocks: number; bytes: number } | undefined;
  for (let mask = 0; mask < 2 ** live.length; mask++) {
    const chosen = live.filter((_, index) => mask & (1 << index));
    const bytes = chosen.reduce((sum, block) => sum + block.bytes, 0);
    const isBetter = !best || chosen.length < best.blocks || (chosen.length === best.blocks && bytes < best.bytes);
    if (isBetter && fitsWithout(worn, chosen, requestBytes)) best = { blocks: chosen.length, bytes };
  }
  return best;
}

function question(worn: Worn, requestBytes: number) {
  return { ...worn, requestBytes, alignment: 0, bornAt: (payload: number) => payload };
}

const MERGING = [
  "freertos-heap4",
  "tlsf",
  "first-fit",
  "best-fit",
  "umm-bestfit",
  "zephyr-sys-heap",
  "newlib-nano",
  "lwmem",
];

describe("the smallest set of blocks in the way of a request", () => {
  test.each(MERGING)("is that of all subsets on %s, which merges free neighbours", (allocator) => {
    for (const seed of [1, 2]) {
      const worn = wornHeap(allocator, seed);
      const { largestFreeBytes } = worn.heap.summary();
      for (const requestBytes of [largestFreeBytes + 1, largestFreeBytes + 60, 2 * largestFreeBytes, 600]) {
        const set = smallestSet(question(worn, requestBytes));
        const found = set && { blocks: set.blocks.length, bytes: set.releasedBytes };
        expect(found, `${allocator}, seed ${seed}, ${requestBytes} bytes`).toEqual(bruteForce(worn, requestBytes));
      }
    }
  });

  test.each(["freertos-heap2", "buddy", "o1heap", "threadx-byte"])("is one that really helps on %s", (allocator) => {
    const worn = wornHeap(allocator, 5);
    const { largestFreeBytes } = worn.heap.summary();
    for (const requestBytes of [largestFreeBytes + 1, largestFreeBytes + 40]) {
      const set = smallestSet(question(worn, requestBytes));
      expect(fitsWithout(worn, [], requestBytes)).toBe(false);
      if (set) expect(fitsWithout(worn, set.blocks, requestBytes)).toBe(true);
    }
  });

  test("is a single block of a full pool", () => {
    const device = new Device(findDevice("stm32f407vg"));
    const heap = device.addHeap({ allocator: "fixed-pool", bytes: 128, options: { blockBytes: 32 } });
    const payloads = [1, 2, 3, 4].map(() => heap.allocate(20));
    const worn = { device, heap };
    const born = new Map(payloads.map((payload, index) => [payload, index === 2 ? 1 : 5]));
    const set = smallestSet({ ...question(worn, 32), bornAt: (payload) => born.get(payload) ?? 0 });
    expect(
      set?.blocks.map(({ payload }) => payload),
      "the oldest of equal ones",
    ).toEqual([payloads[2]]);
    expect(smallestSet(question(worn, 33)), "what no block of the pool can hold").toBeUndefined();
  });

  test("is empty where the request fits as it is", () => {
    const worn = wornHeap("freertos-heap4", 2);
    expect(smallestSet(question(worn, 1))?.blocks).toEqual([]);
  });

  test("leaves blocks alone that are to stay", () => {
    const worn = wornHeap("freertos-heap4", 2);
    const requestBytes = worn.heap.summary().largestFreeBytes + 1;
    const first = smallestSet(question(worn, requestBytes));
    const kept = new Set(first?.blocks.map(({ payload }) => payload));
    const other = smallestSet({ ...question(worn, requestBytes), kept });
    expect(kept.size).toBeGreaterThan(0);
    expect(other?.blocks.some(({ payload }) => kept.has(payload))).toBe(false);
    expect(fitsWithout(worn, other?.blocks ?? [], requestBytes)).toBe(true);
  });

  test("is looked for without a trace in the device", () => {
    const worn = wornHeap("tlsf", 3);
    const before = worn.device.snapshot().bytes;
    smallestSet(question(worn, 700));
    expect(Buffer.compare(worn.device.snapshot().bytes, before)).toBe(0);
  });
});
