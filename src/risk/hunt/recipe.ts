/** Recipes: from a moment of a hunt, to a run that anybody can repeat from its start. */
import { HeapsoakError } from "../../errors.ts";
import { planScenario } from "../../scenario/layout.ts";
import type { Scenario } from "../../scenario/model.ts";
import { RunTrace } from "../../soak/trace-export.ts";
import { Ground } from "./ground.ts";
import { withPhases } from "./phases.ts";
import type { Trail } from "./population.ts";
import type { HuntRecipe } from "./record.ts";

/** The branches of a trail, from its beginning. */
export function branchesOf(trail: Trail | undefined): [number, number][] {
  const branches: [number, number][] = [];
  for (let at = trail; at; at = at.before) branches.push([at.atUs, at.branch]);
  return branches.reverse();
}

/** Runs a recipe on the scenario, which has a heap of any size; `each` is called after every batch. */
export function playRecipe(ground: Ground, recipe: HuntRecipe, each: () => void = () => {}): void {
  ground.begin(BigInt(recipe.seed));
  each();
  for (const [atUs, branch] of recipe.branches) {
    if (atUs > 0) ground.advanceTo(atUs, undefined, each);
    if (ground.machine.failure()) return;
    ground.machine.rebranch(branch);
  }
  ground.advanceTo(recipe.endUs, undefined, each);
}

/** The operations of one heap in a recipe's run as the pieces of a trace, up to its failure or its end. */
export function traceOf(scenario: Scenario, heap: number, recipe: HuntRecipe): string[] {
  const varied = withPhases(scenario, recipe.phasesUs);
  const ground = new Ground(varied, heap);
  const trace = new RunTrace(ground.machine, varied, varied.heaps[heap]?.name);
  const pieces: string[] = [];
  playRecipe(ground, recipe, () => {
    trace.add(ground.machine.journal());
    pieces.push(trace.take());
    ground.machine.journalling = true; // which the start has put back
  });
  return pieces;
}

/** The scenario with another size of one heap. Undefined where the device has no room for it, or the allocator no use. */
export function withHeapBytes(scenario: Scenario, heap: number, bytes: number): Scenario | undefined {
  const resized = {
    ...scenario,
    heaps: scenario.heaps.map((model, index) => {
      const [part] = model.parts;
      return index === heap && part ? { ...model, parts: [{ ...part, bytes }] } : model;
    }),
  };
  return unlessItDoesNotFit(() => {
    planScenario(resized);
    return resized;
  });
}

/**
 * Bytes of an arena, a multiple of `stepBytes` and no larger than the scenario's, on which the recipe's run neither
 * fails nor has a request of that heap refused, while on the next smaller one it does: found by halving between
 * `refusedBytes`, which does not serve it, and the scenario's. Undefined where the scenario's own does not either.
 */
export function neededBytes(
  scenario: Scenario,
  heap: number,
  recipe: HuntRecipe,
  { stepBytes, refusedBytes }: { readonly stepBytes: number; readonly refusedBytes: number },
): number | undefined {
  const most = (scenario.heaps[heap]?.parts ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  if (!isServed(scenario, heap, recipe, most)) return undefined;
  let [refused, served] = [Math.floor(refusedBytes / stepBytes), Math.ceil(most / stepBytes)];
  while (served - refused > 1) {
    const middle = Math.floor((refused + served) / 2);
    if (isServed(scenario, heap, recipe, middle * stepBytes)) served = middle;
    else refused = middle;
  }
  return served * stepBytes;
}

function isServed(scenario: Scenario, heap: number, recipe: HuntRecipe, bytes: number): boolean {
  const resized = withHeapBytes(withPhases(scenario, recipe.phasesUs), heap, bytes);
  const ground = resized && unlessItDoesNotFit(() => new Ground(resized, heap));
  if (!ground) return false;
  playRecipe(ground, recipe);
  return ground.machine.failure() === undefined && ground.machine.failedRequests(heap) === 0;
}

function unlessItDoesNotFit<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof HeapsoakError && error.code === "does-not-fit") return undefined;
    throw error;
  }
}
