/**
 * The binomial distribution with + − × ÷ only, so that every engine gives the same digits: the weights of all counts
 * are built outwards from the likeliest one, each from its neighbour, and divided by their sum. Nothing cancels.
 */

/** Chances about a count of hits among `runs` independent runs of probability `probability`. */
export interface BinomialChances {
  /** That it is `hits` or less. */
  readonly atMost: number;
  /** That it is `hits`. */
  readonly exactly: number;
  /** That it is `hits` or more. */
  readonly atLeast: number;
}

/** Exact to about 14 digits; chances below 1e-300 are 0. Cost: some multiples of √runs. */
export function binomialChances(hits: number, runs: number, probability: number): BinomialChances {
  if (probability <= 0) return certain(hits, 0);
  if (probability >= 1) return certain(hits, runs);
  const mode = Math.min(runs, Math.floor((runs + 1) * probability));
  const odds = probability / (1 - probability);
  const sums = { below: 0, at: 0, above: 0 };
  const add = (count: number, weight: number) => {
    if (count === hits) sums.at += weight;
    else if (count < hits) sums.below += weight;
    else sums.above += weight;
  };
  add(mode, 1);
  for (let count = mode, weight = 1; count < runs && weight > 0; ) {
    weight *= ((runs - count) / (count + 1)) * odds;
    add(++count, weight);
  }
  for (let count = mode, weight = 1; count > 0 && weight > 0; ) {
    weight *= count / (runs - count + 1) / odds;
    add(--count, weight);
  }
  const total = sums.below + sums.at + sums.above;
  return {
    atMost: (sums.below + sums.at) / total,
    exactly: sums.at / total,
    atLeast: (sums.at + sums.above) / total,
  };
}

function certain(hits: number, count: number): BinomialChances {
  return { atMost: hits >= count ? 1 : 0, exactly: hits === count ? 1 : 0, atLeast: hits <= count ? 1 : 0 };
}

/** Halvings after which two neighbouring f64 remain. */
const HALVINGS = 1100;

/** The point in [low, high] at which `isAbove`, false on the left and true on the right of it, changes. */
export function boundaryBetween(low: number, high: number, isAbove: (at: number) => boolean): number {
  let [below, above] = [low, high];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = below + (above - below) / 2;
    if (middle <= below || middle >= above) break;
    if (isAbove(middle)) above = middle;
    else below = middle;
  }
  return above;
}
