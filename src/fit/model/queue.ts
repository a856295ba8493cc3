import { deviationOf, meanOf } from "../../statistics/moments.ts";
import type { BlockClass } from "./block-class.ts";
import { type FittedDraw, timeDraw } from "./draw.ts";
import { firstAbove } from "./statistics.ts";

/** Blocks that wait for each other: one is worked on at a time, in the order in which they came. */
export interface FittedQueue {
  /** From when a block is taken up to its free. */
  readonly service: FittedDraw;
  readonly capacity: number;
  /** What becomes of one more: who asks for it waits, or one is freed. */
  readonly whenFull: "block" | "drop-newest" | "drop-oldest";
}

const BLOCKS_LEAST = 30;
const ORDER_RATIO = 0.99;
/** Fewer drops than this are left out. */
const DROPPED_RATIO = 0.002;
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

/**
 * The queue behind blocks that leave in the order in which they came, though they overlap; undefined where they do not,
 * or where nobody else frees them. `senders`: how many tasks may wait for room in it.
 */
export function queueOf(blocks: BlockClass, senders = 1): FittedQueue | undefined {
  const ended = blocks.diedOrder.reduce((count, order) => count + (Number.isFinite(order) ? 1 : 0), 0);
  if (ended < BLOCKS_LEAST || isOwn(blocks)) return undefined;
  const held = heldAtBirth(blocks);
  const most = held.reduce((high, count) => Math.max(high, count), 0);
  // Those that are live at the end are the last that came.
  if (blocks.diedOrder.findIndex((order) => !Number.isFinite(order)) >= 0 && ended + most < blocks.rows.length)
    return undefined;
  const lives = blocks.diedUs.map((us, i) => us - (blocks.bornUs[i] ?? 0)).filter(Number.isFinite);
  if (deviationOf(lives) < CONSTANT_RATIO * meanOf(lives)) return undefined;
  const exits = exitsOf(blocks, most);
  if (!exits) return undefined;
  let freeUs = 0;
  const service = exits.served.map((index) => {
    const takenUs = Math.max(blocks.bornUs[index] ?? 0, freeUs);
    freeUs = blocks.diedUs[index] ?? 0;
    return Math.max(0, freeUs - takenUs);
  });
  const { dropped } = exits;
  if (dropped) return { service: timeDraw(service), capacity: most - HELD_BESIDES, whenFull: dropped };
  return { service: timeDraw(service), ...roomOf(blocks, held, most, senders) };
}

/** Whether the task that asked for them frees nearly all of them itself. */
function isOwn({ taskIndex, freedBy, diedOrder }: BlockClass): boolean {
  if (taskIndex === 0) return false;
  let own = 0;
  let all = 0;
  freedBy.forEach((task, index) => {
    if (!Number.isFinite(diedOrder[index])) return;
    all++;
    if (task === taskIndex) own++;
  });
  return own >= ORDER_RATIO * all;
}

interface Exits {
  /** Who left as the oldest, in order. */
  readonly served: readonly number[];
  /** Who was freed instead where the queue was full. */
  readonly dropped?: "drop-oldest" | "drop-newest";
}

/**
 * Who left in turn, and who was dropped from a full queue before: the oldest that waits behind the one that is worked
 * on, or the newest. Undefined where others leave, too.
 */
function exitsOf({ rows, bornOrder, diedOrder }: BlockClass, most: number): Exits | undefined {
  const deaths = Uint32Array.from({ length: rows.length }, (_, index) => index)
    .filter((index) => Number.isFinite(diedOrder[index]))
    .sort((a, b) => (diedOrder[a] ?? 0) - (diedOrder[b] ?? 0));
  const served: number[] = [];
  const live: number[] = [];
  const counts = { oldest: 0, newest: 0, other: 0 };
  let next = 0;
  for (const index of deaths) {
    for (; (bornOrder[next] ?? Number.POSITIVE_INFINITY) < (diedOrder[index] ?? 0); next++) live.push(next);
    const isFull = live.length === most && most > HELD_BESIDES;
    const place = live.indexOf(index);
    live.splice(place, 1);
    if (place === 0) served.push(index);
    else if (isFull && place === 1) counts.oldest++;
    else if (isFull && place === live.length) counts.newest++;
    else counts.other++;
    if (counts.other > (1 - ORDER_RATIO) * deaths.length) return undefined;
  }
  const [few, many] = [Math.min(counts.oldest, counts.newest), Math.max(counts.oldest, counts.newest)];
  if (few > (1 - ORDER_RATIO) * deaths.length || served.length < BLOCKS_LEAST) return undefined;
  if (many < DROPPED_RATIO * deaths.length) return { served };
  return { served, dropped: counts.oldest > counts.newest ? "drop-oldest" : "drop-newest" };
}

function roomOf(
  blocks: BlockClass,
  held: Uint32Array,
  most: number,
  senders: number,
): Pick<FittedQueue, "capacity" | "whenFull"> {
  const besides = HELD_BESIDES + senders - 1;
  let full = 0;
  let waited = 0;
  held.forEach((count, index) => {
    if (count <= most - senders) return;
    full++;
    if (hasWaited(blocks, blocks.bornUs[index] ?? 0)) waited++;
  });
  if (most > besides && full >= FULL_RATIO * held.length && waited >= WAITED_RATIO * full) {
    return { capacity: most - besides, whenFull: "block" };
  }
  return { capacity: Math.min(CAPACITY_MOST, Math.max(CAPACITY_LEAST, ROOM * most)), whenFull: "drop-newest" };
}

/** How many blocks of the class are held with the new one, at each birth. */
function heldAtBirth({ rows, bornOrder, diedOrder }: BlockClass): Uint32Array {
  const held = new Uint32Array(rows.length);
  const deaths = diedOrder.slice().sort();
  let gone = 0;
  for (let i = 0; i < rows.length; i++) {
    while ((deaths[gone] ?? Number.POSITIVE_INFINITY) < (bornOrder[i] ?? 0)) gone++;
    held[i] = i + 1 - gone;
  }
  return held;
}

/** Whether a block was asked for at the very time at which an older one of the class left, they leaving in order. */
export function hasWaited({ bornUs, diedUs }: BlockClass, us: number): boolean {
  let low = 0;
  let high = firstAbove(bornUs, us - INSTANT_US);
  const older = high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((diedUs[middle] ?? 0) < us - INSTANT_US) low = middle + 1;
    else high = middle;
  }
  return low < older && Math.abs((diedUs[low] ?? 0) - us) <= INSTANT_US;
}
