import type { BlockClass } from "./block-class.ts";
import { memberBy, startAt } from "./windows.ts";

/** Blocks that come while a container grows. */
export interface Interleaved {
  readonly container: BlockClass;
  /** 1: between two steps of its growth. */
  readonly isBetween: Uint8Array;
  /** How many come with a step. */
  readonly ratio: number;
}

const BETWEEN_LEAST = 8;
const BETWEEN_RATIO = 0.05;

/** The container between whose steps many of the class's blocks come, less than one a step; undefined: there is none. */
export function interleavedWith(
  leader: BlockClass,
  blocks: BlockClass,
  containers: readonly BlockClass[],
): Interleaved | undefined {
  for (const container of containers) {
    const isBetween = betweenSteps(leader, blocks, container);
    const count = isBetween.reduce((sum, mark) => sum + mark, 0);
    const steps = container.growth?.counts.reduce((sum, times) => sum + times, 0) ?? 0;
    const isOften = count >= Math.max(BETWEEN_LEAST, BETWEEN_RATIO * isBetween.length);
    if (isOften && count < steps) return { container, isBetween, ratio: count / steps };
  }
  return undefined;
}

function betweenSteps(leader: BlockClass, blocks: BlockClass, container: BlockClass): Uint8Array {
  const grown = memberBy(leader, container);
  return Uint8Array.from(blocks.bornOrder, (order) => {
    const index = grown[startAt(leader, order)] ?? -1;
    const isInside = index >= 0 && order > (container.bornOrder[index] ?? 0);
    return isInside && order < (container.growth?.reachedOrder[index] ?? 0) ? 1 : 0;
  });
}
