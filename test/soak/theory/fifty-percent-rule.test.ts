import { describe, expect, test } from "vitest";
import type { SoakMachine } from "../../../src/wasm/soak-machine.ts";
import { mean } from "../../support/goodness-of-fit.ts";
import { figuresEvery, goTo, theoryMachine } from "../../support/theory.ts";

const SECOND_US = 1e6;
/** Lifetimes between two samples, and the number of samples. */
const APART = 5;
const SAMPLES = 300;

interface Workload {
  readonly heap: string;
  readonly size: string;
  readonly lifetime: string;
}

/** 200 blocks live on average, for a second each. */
function workload({ heap, size, lifetime }: Workload): Promise<SoakMachine> {
  const steps = `do: [{ allocate: a, size: ${size} }, { keep: a, for: ${lifetime} }]`;
  return theoryMachine(`heaps: { main: ${heap} }
tasks: { client: { priority: 1, stack: { size: 1 KiB }, poisson: 200/s, ${steps} } }`);
}

/** Holes per live block on average, and the share of the requests in that time that split. */
function observe(machine: SoakMachine): { holesPerBlock: number; splitRatio: number } {
  goTo(machine, 100 * SECOND_US);
  const before = machine.heapFigures(0);
  const ratios: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const [figures] = figuresEvery(machine, APART * SECOND_US, 1);
    const holes = machine.heaps[0]?.summary().holes ?? 0;
    ratios.push(holes / (figures?.liveBlocks ?? 0));
  }
  const after = machine.heapFigures(0);
  expect(after.failedRequests).toBe(0);
  return {
    holesPerBlock: mean(ratios),
    splitRatio: (after.splits - before.splits) / (after.requests - before.requests),
  };
}

const FREERTOS = "{ allocator: freertos-heap4, size: 64 KiB }";
const FIRST_FIT = "{ allocator: first-fit, size: 64 KiB }";
const UNIFORM = "{ uniform: [16, 64] }";

describe("holes per live block", () => {
  test.each([
    { heap: FREERTOS, size: UNIFORM },
    { heap: FIRST_FIT, size: UNIFORM },
    { heap: FREERTOS, size: "{ choice: { 24: 3, 120: 1 } }" },
    { heap: FIRST_FIT, size: "{ exponential: 100, min: 1, max: 400 }" },
    { heap: FIRST_FIT, size: "{ uniform: [1, 256] }" },
  ])("are half the share of requests that split, for memoryless release: $heap $size", async ({ heap, size }) => {
    const { holesPerBlock, splitRatio } = observe(await workload({ heap, size, lifetime: "{ exponential: 1 s }" }));
    expect(Math.abs(holesPerBlock - splitRatio / 2)).toBeLessThan(0.02);
  });

  test.each([
    { heap: FREERTOS, size: UNIFORM },
    { heap: FIRST_FIT, size: UNIFORM },
    { heap: "{ allocator: next-fit, size: 64 KiB }", size: UNIFORM },
    { heap: FREERTOS, size: "48" },
    { heap: FIRST_FIT, size: "48" },
  ])("are near zero for constant lifetimes: $heap $size", async ({ heap, size }) => {
    const { holesPerBlock } = observe(await workload({ heap, size, lifetime: "1 s" }));
    expect(holesPerBlock).toBeLessThan(0.05);
  });
});
