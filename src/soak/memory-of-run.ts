/** The device's RAM as a run laid it out. */
import { ramBanks } from "../device/description.ts";
import type { Placement } from "../device/memory-plan.ts";
import { planScenario, stackOwners } from "../scenario/layout.ts";
import type { Scenario } from "../scenario/model.ts";
import type { MemoryOfRun, MemoryRangeOfRun, MemoryUse } from "./record.ts";

/** Banks, and what lies in them; an allocator's variables are static data. What is taken from a heap is not listed. */
export function memoryOfRun(scenario: Scenario): MemoryOfRun {
  const banks = ramBanks(scenario.device);
  const { placements, stacks } = planScenario(scenario);
  const owners = stackOwners(scenario);
  const ranges = [
    ...banks.flatMap(({ taken = [] }) => taken.map(({ by, low, bytes }) => rangeOf("taken", { name: by, low, bytes }))),
    ...placements.flatMap((placement) => {
      if (placement.kind === "stack") return [];
      return [rangeOf(placement.kind === "heap" ? "heap" : "static", placement)];
    }),
    ...stacks.map((stack, index) => rangeOf(owners[index]?.task === undefined ? "main-stack" : "task-stack", stack)),
  ];
  return {
    banks: banks.map(({ name, low, bytes }) => ({ name, low, bytes })).sort(byAddress),
    ranges: ranges.sort(byAddress),
  };
}

function rangeOf(use: MemoryUse, { name, low, bytes }: Omit<Placement, "kind">): MemoryRangeOfRun {
  return { use, name, low, bytes };
}

function byAddress(a: { readonly low: number }, b: { readonly low: number }): number {
  return a.low - b.low;
}
