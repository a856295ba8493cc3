import type { BlockClass } from "./block-class.ts";
import { correlationOf, ranksOf } from "./statistics.ts";

const BLOCKS_LEAST = 40;
const SAMPLED_MOST = 5000;
const BINS_MOST = 6;
const BIN_BLOCKS_LEAST = 15;
/** Of a rank correlation: further from 0 than this many standard deviations is no accident. */
const DEVIATIONS = 3.5;

/**
 * Members of the class by size, where lives depend on sizes: told by rank correlation (Spearman), and by how
 * much the mean ranks of lives differ between bins of sizes (Kruskal and Wallis). One bin where they do not.
 */
export function sizeBins(blocks: BlockClass): Uint32Array[] {
  const all = Uint32Array.from({ length: blocks.rows.length }, (_, index) => index);
  if (all.length < BLOCKS_LEAST) return [all];
  const bins = binsOf(blocks, all);
  if (bins.length < 2 || !isDependent(blocks, bins)) return [all];
  return bins;
}

/** About equal numbers a bin, equal sizes in one. */
function binsOf({ requestBytes }: BlockClass, all: Uint32Array): Uint32Array[] {
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
  const granted = bins
    .map((bin) => bin.filter((index) => blocks.isRefused[index] === 0))
    .filter(({ length }) => length > 0);
  if (granted.length < 2) return false;
  const picked = granted.flatMap((bin) => sample(bin, Math.ceil(SAMPLED_MOST / granted.length)));
  const lives = picked.map((index) => (blocks.seenUs[index] ?? 0) - (blocks.bornUs[index] ?? 0));
  const ranks = ranksOf(lives);
  const sizes = ranksOf(picked.map((index) => blocks.requestBytes[index] ?? 0));
  const correlation = correlationOf(sizes, ranks);
  if (Math.abs(correlation) * Math.sqrt(picked.length - 1) > DEVIATIONS && Math.abs(correlation) > 0.05) return true;
  return kruskalWallis(granted, picked, ranks, SAMPLED_MOST);
}

function sample(bin: Uint32Array, most: number): number[] {
  if (bin.length <= most) return [...bin];
  return Array.from({ length: most }, (_, i) => bin[Math.floor((i * bin.length) / most)] ?? 0);
}

/** Whether the bins' mean ranks differ more than chi-square allows: mean + 4 standard deviations. */
function kruskalWallis(
  bins: readonly Uint32Array[],
  picked: readonly number[],
  ranks: Float64Array,
  most: number,
): boolean {
  const { length } = picked;
  let from = 0;
  let sum = 0;
  for (const bin of bins) {
    const size = Math.min(bin.length, Math.ceil(most / bins.length));
    let total = 0;
    for (let i = from; i < from + size; i++) total += (ranks[i] ?? 0) + 1;
    sum += (total * total) / size;
    from += size;
  }
  const statistic = (12 / (length * (length + 1))) * sum - 3 * (length + 1);
  const freedom = bins.length - 1;
  return statistic > freedom + 4 * Math.sqrt(2 * freedom);
}
