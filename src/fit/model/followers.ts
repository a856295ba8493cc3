import type { BlockClass } from "./block-class.ts";
import { at, firstAbove, sorted, thinned } from "./statistics.ts";

/** A class, and those whose blocks are asked for soon after each of its own, time after time. */
export interface Family {
  readonly blocks: BlockClass;
  readonly children: Family[];
}

interface Candidate {
  readonly leader: number;
  /** Nearly all blocks follow the leader's within this. */
  readonly delayUs: number;
}

/** As many blocks of each must be seen before one is said to follow the other; fewer do where they come in pairs. */
const BLOCKS_LEAST = 8;
const PAIRS_LEAST = 2;
const CHECKED_MOST = 2000;
/** Nearly all must follow, and soon: in a small part of all time, and of the leader's shorter gaps. */
const FOLLOWING_RATIO = 0.98;
const COVERED_RATIO = 0.1;
const GAP_RATIO = 0.5;
/** More classes of one task than this are not compared with each other. */
const COMPARED_MOST = 64;

/**
 * Joins the classes of each task to families: a class belongs to the one it follows most closely. `spanUs`: how long
 * the trace was looked at.
 */
export function familiesOf(classes: readonly BlockClass[], spanUs: number): Family[] {
  const groups = new Map<string, BlockClass[]>();
  for (const blocks of classes) groups.set(blocks.task, [...(groups.get(blocks.task) ?? []), blocks]);
  return [...groups.values()].flatMap((group) => joinGroup(group, spanUs));
}

function joinGroup(group: readonly BlockClass[], spanUs: number): Family[] {
  const families: Family[] = group.map((blocks) => ({ blocks, children: [] }));
  if (group.length > COMPARED_MOST) return families;
  const candidates = group.map((follower, index) => candidatesOf(group, follower, index, spanUs));
  const parents = candidates.map((list) => closestOf(list, candidates));
  return families.filter((family, index) => {
    const parent = parents[index];
    if (parent === undefined || isBehind(parents, parent, index)) return true;
    families[parent]?.children.push(family);
    return false;
  });
}

/** Whether following the parents of `from` leads to `index`. */
function isBehind(parents: readonly (number | undefined)[], from: number, index: number): boolean {
  const seen = new Set<number>();
  for (let next: number | undefined = from; next !== undefined && !seen.has(next); next = parents[next]) {
    if (next === index) return true;
    seen.add(next);
  }
  return false;
}

/** The closest leader; among those equally close the one that follows fewest itself. */
function closestOf(list: readonly Candidate[], all: readonly (readonly Candidate[])[]): number | undefined {
  const least = Math.min(...list.map(({ delayUs }) => delayUs));
  const near = list.filter(({ delayUs }) => delayUs <= least * 1.1 + 1);
  const followed = ({ leader }: Candidate) => all[leader]?.length ?? 0;
  return near.sort((a, b) => followed(a) - followed(b) || a.leader - b.leader)[0]?.leader;
}

function candidatesOf(group: readonly BlockClass[], follower: BlockClass, own: number, spanUs: number): Candidate[] {
  return group.flatMap((leader, index) => {
    if (index === own || !areEnough(leader.rows.length, follower.rows.length)) return [];
    const delayUs = followingDelay(leader, follower, spanUs);
    return delayUs === undefined ? [] : [{ leader: index, delayUs }];
  });
}

function areEnough(leading: number, following: number): boolean {
  if (Math.min(leading, following) >= BLOCKS_LEAST) return true;
  return leading === following && leading >= PAIRS_LEAST;
}

/** Within how much time nearly all of the follower's blocks come behind one of the leader's, if that is soon enough. */
function followingDelay(leader: BlockClass, follower: BlockClass, spanUs: number): number | undefined {
  const picked = thinned(
    Uint32Array.from({ length: follower.rows.length }, (_, index) => index),
    CHECKED_MOST,
  );
  const delays = new Float64Array(picked.length);
  for (let i = 0; i < picked.length; i++) {
    const index = picked[i] ?? 0;
    const before = firstAbove(leader.bornOrder, follower.bornOrder[index] ?? 0) - 1;
    delays[i] = before < 0 ? Number.POSITIVE_INFINITY : (follower.bornUs[index] ?? 0) - (leader.bornUs[before] ?? 0);
  }
  const delayUs = at(delays.sort(), FOLLOWING_RATIO);
  const isSoon = delayUs * leader.rows.length <= COVERED_RATIO * spanUs && delayUs <= GAP_RATIO * shortGap(leader);
  return isSoon ? delayUs : undefined;
}

/** A gap between two blocks that one in ten stays below. */
function shortGap({ bornUs }: BlockClass): number {
  const gaps = Float64Array.from({ length: bornUs.length - 1 }, (_, i) => (bornUs[i + 1] ?? 0) - (bornUs[i] ?? 0));
  return at(sorted(thinned(gaps, CHECKED_MOST)), 0.1);
}
