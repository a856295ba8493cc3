import type { BlockClass } from "./block-class.ts";
import { type FittedDraw, timeDraw } from "./draw.ts";
import { deviationOf, meanOf } from "./statistics.ts";

/** Blocks that wait for each other: one is worked on at a time, in the order in which they came. */
export interface FittedQueue {
  /** From when a block is taken up to its free. */
  readonly service: FittedDraw;
  readonly capacity: number;
  /** Whether who asks for them waits while the queue is full. */
  readonly blocks: boolean;
}

const BLOCKS_LEAST = 30;
const ORDER_RATIO = 0.99;
/** Lives that hardly vary keep the order by themselves. */
const CONSTANT_RATIO = 0.05;
/** Births at the most that were ever held, and those of them that came with a free: somebody waited for room. */
const FULL_RATIO = 0.02;
const WAITED_RATIO = 0.8;
const INSTANT_US = 5;
/** One is worked on, and one in the hands of who waits. */
const HELD_BESIDES = 2;
/** A queue that was never full has room for more than was seen in it. */
const ROOM = 2;
const CAPACITY_LEAST = 16;
const CAPACITY_MOST = 65_535;

/** The queue behind blocks that leave in the order in which they came, though they overlap; undefined where they do not. */
export function queueOf(blocks: BlockClass): FittedQueue | undefined {
  const ended = blocks.diedOrder.findIndex((order) => !Number.isFinite(order));
  const count = ended < 0 ? blocks.rows.length : ended;
  if (count < BLOCKS_LEAST || blocks.diedOrder.subarray(count).some(Number.isFinite)) return undefined;
  const lives = Float64Array.from({ length: count }, (_, i) => (blocks.diedUs[i] ?? 0) - (blocks.bornUs[i] ?? 0));
  if (deviationOf(lives) < CONSTANT_RATIO * meanOf(lives) || !isInOrder(blocks, count)) return undefined;
  const service = Float64Array.from({ length: count }, (_, i) => {
    const takenUs = Math.max(blocks.bornUs[i] ?? 0, i > 0 ? (blocks.diedUs[i - 1] ?? 0) : 0);
    return Math.max(0, (blocks.diedUs[i] ?? 0) - takenUs);
  });
  return { service: timeDraw(service), ...roomOf(blocks) };
}

function isInOrder({ diedOrder }: BlockClass, count: number): boolean {
  let behind = 0;
  for (let i = 1; i < count; i++) if ((diedOrder[i] ?? 0) > (diedOrder[i - 1] ?? 0)) behind++;
  return behind >= ORDER_RATIO * (count - 1);
}

function roomOf(blocks: BlockClass): Pick<FittedQueue, "capacity" | "blocks"> {
  const held = heldAtBirth(blocks);
  const most = held.reduce((high, count) => Math.max(high, count), 0);
  let full = 0;
  let waited = 0;
  held.forEach((count, index) => {
    if (count < most) return;
    full++;
    if (hasWaited(blocks, index)) waited++;
  });
  if (most > HELD_BESIDES && full >= FULL_RATIO * held.length && waited >= WAITED_RATIO * full) {
    return { capacity: most - HELD_BESIDES, blocks: true };
  }
  return { capacity: Math.min(CAPACITY_MOST, Math.max(CAPACITY_LEAST, ROOM * most)), blocks: false };
}

/** How many blocks of the class are held with the new one, at each birth. */
function heldAtBirth({ rows, bornOrder, diedOrder }: BlockClass): Uint32Array {
  const held = new Uint32Array(rows.length);
  let gone = 0;
  for (let i = 0; i < rows.length; i++) {
    while ((diedOrder[gone] ?? Number.POSITIVE_INFINITY) < (bornOrder[i] ?? 0)) gone++;
    held[i] = i + 1 - gone;
  }
  return held;
}

/** Whether the block was asked for at the very time at which another of its class left. */
export function hasWaited({ bornUs, diedUs }: BlockClass, index: number): boolean {
  const us = bornUs[index] ?? 0;
  let low = 0;
  let high = index;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((diedUs[middle] ?? 0) < us - INSTANT_US) low = middle + 1;
    else high = middle;
  }
  return low < index && Math.abs((diedUs[low] ?? 0) - us) <= INSTANT_US;
}
