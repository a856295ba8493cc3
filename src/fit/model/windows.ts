import type { BlockClass } from "./block-class.ts";
import { firstAbove } from "./statistics.ts";

/** The start of the leader in which something at `order` falls, or -1 before the first one. */
export function startAt(leader: BlockClass, order: number): number {
  return firstAbove(leader.bornOrder, order) - 1;
}

/** How many blocks of the class come in each start. */
export function countsBy(leader: BlockClass, blocks: BlockClass): Float64Array {
  const counts = new Float64Array(leader.rows.length);
  for (const order of blocks.bornOrder) {
    const start = startAt(leader, order);
    if (start >= 0) counts[start] = (counts[start] ?? 0) + 1;
  }
  return counts;
}

/** Which of the class's blocks comes in each start; -1 where none does, the last one where several do. */
export function memberBy(leader: BlockClass, blocks: BlockClass): Int32Array {
  const members = new Int32Array(leader.rows.length).fill(-1);
  blocks.bornOrder.forEach((order, index) => {
    const start = startAt(leader, order);
    if (start >= 0) members[start] = index;
  });
  return members;
}
