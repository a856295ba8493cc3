import { describe, expect, test } from "vitest";
import { allocators, findAllocator } from "../../../src/allocators/catalogue.ts";
import type { Heap } from "../../../src/device/heap.ts";
import type { SoakMachine } from "../../../src/wasm/soak-machine.ts";
import { theoryMachine } from "../../support/theory.ts";

const OPERATIONS = 1500;

interface Variant {
  readonly allocator: string;
  readonly options?: string;
}

/** Every allocator as it is listed, and options under which holes serve less than their bytes. */
const variants: Variant[] = [
  ...allocators.map(({ name }) => ({ allocator: name })),
  { allocator: "worst-fit", options: "coalesce: false" },
  { allocator: "best-fit", options: "alignment: 256" },
  { allocator: "first-fit", options: "headerBytes: 64" },
  { allocator: "tlsf", options: "secondLevelLog2: 4" },
  { allocator: "newlib", options: "pageBytes: 512" },
  { allocator: "fixed-pool", options: "blockBytes: 200" },
];

/** They take nothing back, so what is released, and bump's padding, is neither live nor free. */
const NEVER_TAKES_BACK = ["freertos-heap1", "bump"];
/** Its first request loses the bytes in front of the first header, which were free until then. */
const LOST_AT_FIRST_BYTES: Readonly<Record<string, number>> = { picolibc: 4 };

/** Small and large blocks and a vector that moves, in a heap that they fill: about one request in fifty is refused. */
function crowded({ allocator, options }: Variant): string {
  const task = (line: string) =>
    `{ priority: 1, stack: { size: 256, guard: { kind: none } }, onAllocationFailure: drop, ${line} }`;
  const small = "allocate: a, size: { uniform: [1, 200] } }, { keep: a, for: { exponential: 300 ms }";
  const large = "allocate: a, size: { uniform: [200, 2000] } }, { keep: a, for: { uniform: [1 ms, 1 s] }";
  return `
heaps: { main: { allocator: ${allocator}, size: 6 KiB, options: { ${options ?? ""} } } }
tasks:
  small: ${task(`poisson: 75/s, do: [{ ${small} }]`)}
  large: ${task(`poisson: 3/s, do: [{ ${large} }]`)}
  vector: ${task("every: 70 ms, do: [{ reallocate: v, size: { uniform: [50, 500] } }]")}`;
}

/** Runs instruction by instruction and calls `look` after every one that used the heap. */
function watch(machine: SoakMachine, look: (heap: Heap, operations: number) => void): void {
  const heap = machine.heaps[0];
  if (!heap) throw new Error("the run has no heap");
  machine.journalling = true;
  for (let operations = 0; operations < OPERATIONS; ) {
    if (machine.advance(1) !== "continue") throw new Error(`the run ended: ${machine.failure()?.kind}`);
    const used = machine.journal().length;
    operations += used;
    if (used > 0) look(heap, operations);
  }
}

describe.each(variants)("the account of $allocator { $options }", (variant) => {
  const { allocator } = variant;
  const device = findAllocator(allocator).pointerBytes === 2 ? "atmega2560" : "stm32f407vg";

  test.each([1n, 2n])("is what a walk finds after every operation, its minimum included (seed %i)", async (seed) => {
    const machine = await theoryMachine(crowded(variant), { device, seed });
    const lostBytes = LOST_AT_FIRST_BYTES[allocator] ?? 0;
    let leastBytes = machine.heaps[0]?.summary().largestFreeBytes ?? 0;
    watch(machine, (heap, operations) => {
      const walk = heap.summary();
      leastBytes = Math.min(leastBytes, walk.largestFreeBytes);
      const { freeBytes, liveBlocks, minimumLargestFreeBytes } = machine.heapFigures(0);
      const seen = { freeBytes: freeBytes - lostBytes, liveBlocks, minimumLargestFreeBytes };
      const found = {
        freeBytes: walk.freeBytes,
        liveBlocks: machine.ledgerBlocks().length,
        minimumLargestFreeBytes: leastBytes,
      };
      if (NEVER_TAKES_BACK.includes(allocator)) {
        expect(freeBytes).toBeGreaterThanOrEqual(walk.freeBytes);
        found.freeBytes = freeBytes;
      }
      expect(seen, `after ${operations} operations`).toEqual(found);
    });
    expect(machine.heapFigures(0).failedRequests).toBeGreaterThan(0);
  });
});
