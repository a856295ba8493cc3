import { describe, expect, test } from "vitest";
import type { Heap } from "../../../src/device/heap.ts";
import { HeapBench, policyOf } from "../../../src/risk/worst/policy.ts";
import { worstCase } from "../../../src/risk/worst/worst.ts";

const ALLOCATORS = [
  "freertos-heap4",
  "freertos-heap2",
  "tlsf-esp",
  "newlib-nano",
  "picolibc",
  "umm-bestfit",
  "o1heap",
  "zephyr-sys-heap",
  "lwmem",
  "rust-linked-list-allocator",
  "buddy",
];
const BUDGET = { live: 3, largest: 2 };
const DEPTH = 6;

interface Block {
  readonly payload: number;
  readonly units: number;
}

/**
 * Moves of the shortest sequence of at most `depth` that a heap of `units` refuses, or undefined: every sequence is
 * played on the device itself, from snapshot to snapshot. Nothing is wiped and no state is taken for another.
 */
function shortestDefeat(allocator: string, units: number, depth: number): number | undefined {
  const policy = policyOf(allocator, {}, undefined);
  const bench = new HeapBench(policy);
  const heap = bench.heap(units);
  if (!heap) throw new Error(`no ${allocator} of ${units}`);
  const lengths = Array.from({ length: depth }, (_, index) => index + 1);
  return lengths.find((length) => isDefeated(heap, [], length));

  function isDefeated(heap: Heap, blocks: readonly Block[], moves: number): boolean {
    if (moves === 0) return false;
    const before = bench.device.snapshot();
    const live = blocks.reduce((sum, block) => sum + block.units, 0);
    for (let size = 1; size <= Math.min(BUDGET.largest, BUDGET.live - live); size++) {
      const payload = heap.allocate(size * policy.unitBytes);
      if (payload === 0 || isDefeated(heap, [...blocks, { payload, units: size }], moves - 1)) return true;
      bench.device.restore(before);
    }
    for (const block of blocks) {
      heap.release(block.payload);
      const rest = blocks.filter((other) => other !== block);
      if (isDefeated(heap, rest, moves - 1)) return true;
      bench.device.restore(before);
    }
    return false;
  }
}

describe.each(ALLOCATORS)("%s", (allocator) => {
  test("is defeated by no shorter sequence, and not at all on the least heap, when all are tried", () => {
    const { record } = worstCase({ allocator, ...BUDGET });
    expect(record.verdict).toBe("exact");
    if (record.sequence) {
      const { heapUnits, steps } = record.sequence;
      const shortest = steps.length <= DEPTH ? steps.length : undefined;
      expect(shortestDefeat(allocator, heapUnits, DEPTH)).toBe(shortest);
    }
    expect(shortestDefeat(allocator, record.heapUnits, DEPTH)).toBeUndefined();
  });
});
