import type { BlockClass } from "./block-class.ts";
import { correlationOf, ranksOf, thinned } from "./statistics.ts";

const BLOCKS_LEAST = 40;
const SAMPLED_MOST = 5000;
const BINS_MOST = 6;
const BIN_BLOCKS_LEAST = 15;
/** Of a rank correlation: further from 0 than this many standard deviations is no accident. */
const DEVIATIONS = 3.5;
const WEAK = 0.05;

/**
 * Members of the class by size, where lives depend on sizes: told by rank correlation (Spearman), and by how
 * much the mean ranks of lives differ between bins of sizes (Kruskal and Wallis). One bin where they do not.
 */
export function sizeBins(blocks: BlockClass): Uint32Array[] {
  const all = Uint32Array.from({ length: blocks.rows.length }, (_, index) => index);
  if (all.length < BLOCKS_LEAST) return [all];
  const bins = binsOf(blocks);
  if (bins.length < 2 || !isDependent(blocks, bins)) return [all];
  return bins;
}

/** Members of the class by size: about equal numbers a bin, equal sizes in one. */
export function binsOf({ requestBytes, rows }: BlockClass): Uint32Array[] {
  const all = Uint32Array.from({ length: rows.length }, (_, index) => index);
  const order = Uint32Array.from(all).sort((a, b) => (requestBytes[a] ?? 0) - (requestBytes[b] ?? 0) || a - b);
  const target = Math.max(BIN_BLOCKS_LEAST, Math.ceil(all.length / BINS_MOST));
  const bins: Uint32Array[] = [];
  for (let from = 0; from < order.length; ) {
    let to = Math.min(order.length, from + target);
    const last = requestBytes[order[to - 1] ?? 0];
    while (to < order.length && requestBytes[order[to] ?? 0] === last) to++;
    if (order.length - to < BIN_BLOCKS_LEAST) to = order.length;
    bins.push(order.slice(from, to).sort((a, b) => a - b));
    from = to;
  }
  return bins;
}

function isDependent(blocks: BlockClass, bins: readonly Uint32Array[]): boolean {
  const picked = sampleOf(blocks, bins);
  if (!picked) return false;
  const lives = livesOf(blocks, picked.flat());
  const sizes = picked.flat().map((index) => blocks.requestBytes[index] ?? 0);
  return areRankDependent(sizes, lives) || kruskalWallis(picked, ranksOf(lives));
}

/** Whether lives differ between the bins, whatever they are bins of. */
export function livesDiffer(blocks: BlockClass, bins: readonly Uint32Array[]): boolean {
  const picked = sampleOf(blocks, bins);
  return picked !== undefined && kruskalWallis(picked, ranksOf(livesOf(blocks, picked.flat())));
}

/** Whether two columns depend on each other by their ranks (Spearman). */
export function areRankDependent(left: ArrayLike<number>, right: ArrayLike<number>): boolean {
  const correlation = Math.abs(
    correlationOf(ranksOf(thinned(left, SAMPLED_MOST)), ranksOf(thinned(right, SAMPLED_MOST))),
  );
  return correlation * Math.sqrt(Math.min(left.length, SAMPLED_MOST) - 1) > DEVIATIONS && correlation > WEAK;
}

/** Some granted blocks of each bin; undefined where fewer than two have any. */
function sampleOf(blocks: BlockClass, bins: readonly Uint32Array[]): number[][] | undefined {
  const granted = bins
    .map((bin) => bin.filter((index) => blocks.isRefused[index] === 0))
    .filter(({ length }) => length > 0);
  if (granted.length < 2) return undefined;
  return granted.map((bin) => sample(bin, Math.ceil(SAMPLED_MOST / granted.length)));
}

function livesOf({ seenUs, bornUs }: BlockClass, picked: readonly number[]): number[] {
  return picked.map((index) => (seenUs[index] ?? 0) - (bornUs[index] ?? 0));
}

function sample(bin: Uint32Array, most: number): number[] {
  if (bin.length <= most) return [...bin];
  return Array.from({ length: most }, (_, i) => bin[Math.floor((i * bin.length) / most)] ?? 0);
}

/** Whether the bins' mean ranks differ more than chi-square allows: mean + 4 standard deviations. */
function kruskalWallis(bins: readonly (readonly number[])[], ranks: Float64Array): boolean {
  const { length } = ranks;
  let from = 0;
  let sum = 0;
  for (const { length: size } of bins) {
    let total = 0;
    for (let i = from; i < from + size; i++) total += (ranks[i] ?? 0) + 1;
    sum += (total * total) / size;
    from += size;
  }
  const statistic = (12 / (length * (length + 1))) * sum - 3 * (length + 1);
  const freedom = bins.length - 1;
  return statistic > freedom + 4 * Math.sqrt(2 * freedom);
}
