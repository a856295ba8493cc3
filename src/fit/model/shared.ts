import { type BlockClass, grantedOf } from "./block-class.ts";
import { queueOf } from "./queue.ts";
import { cacheOf, type Retention, retentionOf } from "./retention.ts";
import { firstAbove } from "./statistics.ts";

/** Of a class's frees as many must come right behind births of another for the two to share a cache. */
const PUSHED_RATIO = 0.05;
const PUSHED_LEAST = 2;
/** Nearly all blocks of a queue are freed by the task that serves it. */
const SERVED_RATIO = 0.98;
/** A class with fewer blocks shows no rule of its own. */
const RARE_BLOCKS = 30;
/** More classes than this are not compared with each other. */
const COMPARED_MOST = 100;

/** The classes, those marked whose blocks go into one cache or one queue with those of others. */
export function withSharedHolders(classes: readonly BlockClass[]): BlockClass[] {
  const candidates = classes.filter(mayShare).slice(0, COMPARED_MOST);
  const holders = new Map<BlockClass, Retention>();
  for (const group of [...cacheGroups(candidates), ...queueGroups(candidates)]) {
    const members = group.filter((blocks) => !holders.has(blocks));
    const holder = members.length > 1 ? holderOf(members) : undefined;
    if (holder) for (const blocks of members) holders.set(blocks, holder);
  }
  return classes.map((blocks) => {
    const holder = holders.get(blocks);
    return holder ? { ...blocks, holder } : blocks;
  });
}

function mayShare(blocks: BlockClass): boolean {
  if (blocks.growth) return false;
  const { kind } = retentionOf(blocks);
  return kind === "free" || kind === "queue" || blocks.rows.length < RARE_BLOCKS;
}

function holderOf(members: readonly BlockClass[]): Retention | undefined {
  const merged = mergedOf(members.map(grantedOf));
  const ended = merged.diedOrder.reduce((count, order) => count + (Number.isFinite(order) ? 1 : 0), 0);
  const cache = cacheOf(merged, ended);
  if (cache) return cache;
  if (!members.every((blocks) => serverOf(blocks) !== undefined)) return undefined;
  const queue = queueOf(merged, new Set(members.map(({ taskIndex }) => taskIndex)).size);
  return queue && { kind: "queue", queue };
}

/** Classes whose births push out each other's blocks: groups that hang together. */
function cacheGroups(classes: readonly BlockClass[]): BlockClass[][] {
  const groups: BlockClass[][] = [];
  for (const blocks of classes) {
    const joined = groups.filter((group) => group.some((other) => doesPush(other, blocks) || doesPush(blocks, other)));
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
    groups.push([...joined.flat(), blocks]);
  }
  return groups;
}

/** Whether blocks of `pushed` are often freed in the operation behind a birth of the other's. */
function doesPush(pushing: BlockClass, pushed: BlockClass): boolean {
  let ended = 0;
  let behind = 0;
  for (const order of pushed.diedOrder) {
    if (!Number.isFinite(order)) continue;
    ended++;
    if (pushing.bornOrder[firstAbove(pushing.bornOrder, order) - 1] === order - 1) behind++;
  }
  return behind >= Math.max(PUSHED_LEAST, PUSHED_RATIO * ended);
}

/** Classes whose blocks the same task frees, another than asked for them. */
function queueGroups(classes: readonly BlockClass[]): BlockClass[][] {
  const groups = new Map<number, BlockClass[]>();
  for (const blocks of classes) {
    const server = serverOf(blocks);
    if (server !== undefined) groups.set(server, [...(groups.get(server) ?? []), blocks]);
  }
  return [...groups.values()];
}

function serverOf({ freedBy, diedOrder, taskIndex }: BlockClass): number | undefined {
  const counts = new Map<number, number>();
  let ended = 0;
  freedBy.forEach((task, index) => {
    if (!Number.isFinite(diedOrder[index])) return;
    ended++;
    counts.set(task, (counts.get(task) ?? 0) + 1);
  });
  const [task, count] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
  return task !== 0 && task !== taskIndex && count >= SERVED_RATIO * ended ? task : undefined;
}

/** All their blocks, in order of birth. */
function mergedOf(members: readonly BlockClass[]): BlockClass {
  const [first] = members;
  if (!first) throw new RangeError("no classes to merge");
  const places = members
    .flatMap((blocks) => Array.from(blocks.bornOrder, (order, index) => ({ blocks, index, order })))
    .sort((a, b) => a.order - b.order);
  const column = (of: (blocks: BlockClass) => ArrayLike<number>) =>
    Float64Array.from(places, ({ blocks, index }) => of(blocks)[index] ?? 0);
  return {
    ...first,
    rows: Uint32Array.from(column((blocks) => blocks.rows)),
    bornUs: column((blocks) => blocks.bornUs),
    bornOrder: column((blocks) => blocks.bornOrder),
    diedUs: column((blocks) => blocks.diedUs),
    diedOrder: column((blocks) => blocks.diedOrder),
    seenUs: column((blocks) => blocks.seenUs),
    requestBytes: column((blocks) => blocks.requestBytes),
    isRefused: Uint8Array.from(column((blocks) => blocks.isRefused)),
    freedBy: Uint32Array.from(column((blocks) => blocks.freedBy)),
  };
}
