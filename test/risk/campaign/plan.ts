import { type CampaignPlan, planOf } from "../../../src/risk/plan.ts";
import type { RunOutcome } from "../../../src/risk/run/outcome.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const SCENARIO = `heapsoak: 1
title: A sensor
device: stm32f407vg
uptime: 1 h
heaps: { main: { allocator: freertos-heap4, size: 2 KiB } }
tasks:
  sensor: { priority: 1, every: { exponential: 1 s }, do: [ { allocate: sample, size: { uniform: [16, 400] } }, { keep: sample, for: { exponential: 2 s } } ] }
`;

/** A small campaign: two allocators, runs of a few milliseconds. */
export async function smallPlan(changes: Partial<Omit<CampaignPlan, "cells" | "identity">> = {}, text = SCENARIO) {
  const rest = { baseSeed: 7n, runs: 12, horizonUs: 3600e6, failOn: "request" as const, precision: null, ...changes };
  const cells = await Promise.all(
    ["freertos-heap4", "newlib-nano"].map(async (allocator) => {
      const scenario = await parseScenario(text, "sensor.yaml", { allocator: { "": allocator } });
      const { horizonUs, failOn } = rest;
      return { scenario, heap: "main", allocator, heapBytes: 2048, horizonUs, failOn };
    }),
  );
  return planOf({ cells, ...rest });
}

/** An outcome that can be told from others. */
export function outcomeOf(seed: number): RunOutcome {
  return {
    seed: String(seed),
    endUs: 1000 + seed,
    failure: null,
    steps: 10,
    margins: { heaps: { main: { leastFreeBytes: 1, leastLargestFreeBytes: 1, failedRequests: 0 } }, stacks: {} },
  };
}
