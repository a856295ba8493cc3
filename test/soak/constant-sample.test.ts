import { expect, test } from "vitest";
import { traceOfRun } from "../support/fit-traces.ts";

const scenario = (steps: string) => `heapsoak: 1
title: Numbers that are always the same
device: { id: plain, core: cortex-m3, banks: { ram: { at: 0x20000000, size: 64 KiB } } }
uptime: 1 min
heaps: { main: { allocator: freertos-heap4, size: 16 KiB, region: ram } }
tasks:
  sized: { every: 1 s, do: [ ${steps} ] }
`;

function sizesIn(trace: string): Set<string> {
  return new Set(trace.match(/^a \d+ \d+/gm)?.map((line) => line.split(" ")[2] ?? ""));
}

test("a number that is no draw is that number from the first time on", { timeout: 120_000 }, async () => {
  const steps = "{ sample: length, from: 10 }, { allocate: it, size: length * 2 }, { free: it }";
  expect([...sizesIn(await traceOfRun(scenario(steps), 20, 1))]).toEqual(["20"]);
});

test("and does not come from the draw beside it", { timeout: 120_000 }, async () => {
  const steps =
    "{ allocate: other, size: { uniform: [100, 200] } }, { sample: length, from: 10 }, { allocate: it, size: length }, { free: it }, { free: other }";
  const sizes = [...sizesIn(await traceOfRun(scenario(steps), 20, 1))].map(Number);
  expect(sizes.filter((bytes) => bytes < 100)).toEqual([10]);
});
