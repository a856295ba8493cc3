import { type BlockClass, grantedOf } from "./block-class.ts";
import { type FittedQueue, queueOf } from "./queue.ts";

/** How the blocks of a class leave, besides after a time of their own. */
export type Retention =
  /** Each new one pushes out another once `slots` are held. */
  | { readonly kind: "cache"; readonly cache: FittedCache }
  /** First come, first served by somebody who takes one at a time and frees it: `serviceUs` each. */
  | { readonly kind: "queue"; readonly queue: FittedQueue }
  /** None is ever freed. */
  | { readonly kind: "forever" }
  /** One at most is held: freed in the order of the code. */
  | { readonly kind: "single" }
  | { readonly kind: "free" }
  /** None was ever granted. */
  | { readonly kind: "none" };

/** Holds so many blocks; one more pushes out another. */
export interface FittedCache {
  readonly slots: number;
  readonly evict: "oldest" | "newest" | "random";
}

/** Nearly all must keep to a rule for it to be one, and as many must have been seen. */
const RULE_RATIO = 0.98;
const SEEN_LEAST = 5;
/** A block pushed out behind its successor's birth is freed within this, or within a small part of the usual gap. */
const EVICTION_US = 1000;
const EVICTION_RATIO = 0.05;
const SLOTS_MOST = 65_535;

/** What rule the class keeps to. */
export function retentionOf(all: BlockClass): Retention {
  if (all.holder) return all.holder;
  const blocks = grantedOf(all);
  if (blocks.rows.length === 0) return { kind: "none" };
  const ended = blocks.diedUs.reduce((count, us) => count + (Number.isFinite(us) ? 1 : 0), 0);
  if (ended === 0) return { kind: "forever" };
  const cache = cacheOf(blocks, ended);
  if (cache) return cache;
  if (isSingle(blocks)) return { kind: "single" };
  const queue = queueOf(blocks);
  return queue ? { kind: "queue", queue } : { kind: "free" };
}

/** Whether a block is always gone before the next one is asked for. */
function isSingle({ rows, bornOrder, diedOrder }: BlockClass): boolean {
  for (let i = 0; i + 1 < rows.length; i++) {
    if (!((diedOrder[i] ?? 0) < (bornOrder[i + 1] ?? 0))) return false;
  }
  return true;
}

/**
 * Whether from some number of blocks on each birth is followed at once by the end of an older one of the class, so
 * that the number stays. `cache` in a scenario does just that.
 */
export function cacheOf(blocks: BlockClass, ended: number): Retention | undefined {
  const { rows, bornUs, bornOrder } = blocks;
  if (ended < SEEN_LEAST) return undefined;
  const deaths = deathsInOrder(blocks);
  const held = new Map<number, number>();
  const victims = { oldest: 0, newest: 0, other: 0 };
  const live: number[] = [];
  const span = (bornUs.at(-1) ?? 0) - (bornUs[0] ?? 0);
  const soonUs = Math.max(EVICTION_US, (EVICTION_RATIO * span) / rows.length);
  let next = 0;
  for (let i = 0; i < rows.length; i++) {
    const before = deaths[next];
    if (before !== undefined && (blocks.diedOrder[before] ?? 0) < (bornOrder[i] ?? 0)) return undefined;
    live.push(i);
    const victim = deaths[next];
    const until = bornOrder[i + 1] ?? Number.POSITIVE_INFINITY;
    if (victim === undefined || (blocks.diedOrder[victim] ?? 0) > until) continue;
    if (victim === i || (blocks.diedUs[victim] ?? 0) - (bornUs[i] ?? 0) > soonUs) return undefined;
    next++;
    const place = live.indexOf(victim);
    live.splice(place, 1);
    held.set(live.length, (held.get(live.length) ?? 0) + 1);
    if (place === 0) victims.oldest++;
    else if (place === live.length - 1) victims.newest++;
    else victims.other++;
    if (live.length > SLOTS_MOST) return undefined;
  }
  const [slots, times] = [...held].sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
  if (slots < 1 || times < RULE_RATIO * next || next < SEEN_LEAST) return undefined;
  if (next < 0.5 * (rows.length - slots)) return undefined;
  const evict =
    victims.oldest >= RULE_RATIO * next || slots === 1
      ? "oldest"
      : victims.newest >= RULE_RATIO * next
        ? "newest"
        : "random";
  return { kind: "cache", cache: { slots, evict } };
}

function deathsInOrder({ rows, diedOrder }: BlockClass): Uint32Array {
  return Uint32Array.from({ length: rows.length }, (_, index) => index)
    .filter((index) => Number.isFinite(diedOrder[index]))
    .sort((a, b) => (diedOrder[a] ?? 0) - (diedOrder[b] ?? 0));
}
