/**
 * The smallest size that meets a requirement, found with few runs and confirmed with all of them.
 *
 * With the same seeds for every size, each seed has a size from which on it survives (nearly: placement may take a turn
 * for the worse in a larger heap). The size that lets at most k of N seeds fail is then an order statistic of those
 * thresholds, and its bound holds although the size was chosen by the very runs that show it: a tolerance limit.
 *
 * So a size is tried seed by seed, those that have failed most before in front; as soon as k + 1 have failed it is
 * refuted, and these k + 1 alone say how much larger the next one must be. Only the last size is run with all seeds.
 *
 * Source: S. S. Wilks, "Determination of sample sizes for setting tolerance limits", Annals of Mathematical Statistics
 * 12 (1941).
 */
import type { Requirement } from "./requirement.ts";
import type { TriedSize } from "./trials.ts";

/** Where the search looks: `Trials`. Runs are numbered from 0, sizes from 1. */
export interface TrialSource {
  /** Number of the largest size. */
  readonly last: number;
  /** Everything tried, by size. */
  readonly sizes: readonly TriedSize[];
  at(size: number): TriedSize;
  fails(size: number, run: number): Promise<boolean>;
}

/** Sizes by their numbers in the grid. */
export interface FoundSize {
  /** The smallest that was found to meet the requirement, as does the next one above it; undefined: none does. */
  readonly size: number | undefined;
  /** The smallest of these above which runs spread over larger sizes meet it, too; undefined: not known, or none. */
  readonly steady: number | undefined;
}

/** Below the size found exceptions are looked for nearby, then farther and farther away. */
const NEARBY = 8;
/** More seeds than needed to refute a size are asked there. */
const SCOUTS_MORE = 2;
/** Above it runs are spread over so many sizes, the more the nearer, up to so much more memory: each seed once … */
const BAND_SIZES = 16;
const BAND_RATIO = 0.25;
/** … or more often, where there are less. */
export const BAND_RUNS_LEAST = 96;

export class SizeSearch {
  readonly #trials: TrialSource;
  readonly #requirement: Requirement;
  readonly #last: number;
  #size: number | undefined;
  #steady: number | undefined;

  constructor(trials: TrialSource, requirement: Requirement) {
    this.#trials = trials;
    this.#requirement = requirement;
    this.#last = trials.last;
  }

  /** What has been found so far. */
  get found(): FoundSize {
    return { size: this.#size, steady: this.#steady };
  }

  /** Looks from the size number `guess` on, and then around what it has found. Throws `SearchStopped`. */
  async find(guess: number): Promise<void> {
    const first = Array.from({ length: this.#requirement.failuresMost + 1 }, (_, run) => run);
    this.#size = await this.#settled(await this.#leastFor(first, guess, 0));
    if (this.#size === undefined) return;
    await this.#lookBelow(this.#size);
    let steady: number | undefined = this.#size;
    while (steady !== undefined) {
      const failing: number | undefined = await this.#failingAbove(steady);
      if (failing === undefined) break;
      steady = failing < this.#last ? await this.#settled(failing + 1) : undefined;
    }
    this.#steady = steady;
  }

  /** The least size from this one on that meets the requirement, as does the next. */
  async #settled(start: number | undefined): Promise<number | undefined> {
    let size = await this.#confirmed(start);
    while (size !== undefined && size < this.#last) {
      const front = await this.#refutation(size + 1);
      if (!front) break;
      size = await this.#confirmed(await this.#leastFor(front, size + 2, size + 1));
    }
    return size;
  }

  /** The least size from this one on that all runs agree on. */
  async #confirmed(start: number | undefined): Promise<number | undefined> {
    let size = start;
    while (size !== undefined) {
      const front = await this.#refutation(size);
      if (!front) return size;
      size = await this.#leastFor(front, size + 1, size);
    }
    return undefined;
  }

  /** The runs that fail with this size, one more than may; undefined where it meets the requirement. */
  async #refutation(size: number, runs: readonly number[] = this.#hardestFirst(size)): Promise<number[] | undefined> {
    const front: number[] = [];
    for (const run of runs) {
      if (await this.#trials.fails(size, run)) front.push(run);
      if (front.length > this.#requirement.failuresMost) return front;
    }
    return undefined;
  }

  /**
   * The least size with which not all of these runs fail: from `from` on, by doubled gaps and then by halves.
   * `refuted`: a smaller size with which they do. Undefined: they all fail with the largest.
   */
  async #leastFor(front: readonly number[], from: number, refuted: number): Promise<number | undefined> {
    const isRefuted = async (size: number) => (await this.#refutation(size, front)) !== undefined;
    let [low, high] = [refuted, Math.min(from, this.#last)];
    if (high <= low) return undefined;
    for (let gap = 1; await isRefuted(high); gap *= 2) {
      if (high === this.#last) return undefined;
      [low, high] = [high, Math.min(this.#last, high + gap)];
    }
    for (let gap = 1; low === refuted && high - low > gap; gap *= 2) {
      if (await isRefuted(high - gap)) low = high - gap;
      else high -= gap;
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await isRefuted(middle)) low = middle;
      else high = middle;
    }
    return high;
  }

  /** All runs of the next size below, and the hardest of others: all runs where these do not refute it. */
  async #lookBelow(size: number): Promise<void> {
    if (size > 1) for (let run = 0; run < this.#requirement.runs; run++) await this.#trials.fails(size - 1, run);
    for (const distance of distances(size)) {
      if (await this.#refutation(size - distance, this.#scouts(size - distance))) continue;
      await this.#refutation(size - distance);
    }
  }

  /**
   * Every seed once more or more often, with sizes above: together they say of a size taken among these what the runs
   * of one size say of it. The largest size that failed where more failed than may; undefined otherwise.
   */
  async #failingAbove(size: number): Promise<number | undefined> {
    const sizes = this.#band(size);
    const { runs, failuresMost } = this.#requirement;
    const samples = sizes.length > 0 ? Math.max(runs, BAND_RUNS_LEAST) : 0;
    const failing: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      // One further in each round through the seeds, so that no seed meets the same sizes again.
      const above = sizes[(sample + Math.floor(sample / runs)) % sizes.length] ?? this.#last;
      if (await this.#trials.fails(above, sample % runs)) failing.push(above);
    }
    // A seed that may fail with this size may fail whenever its turn comes.
    return failing.length > failuresMost * Math.ceil(samples / runs) ? Math.max(...failing) : undefined;
  }

  #band(size: number): number[] {
    const widest = Math.min(this.#last - size, Math.ceil(size * BAND_RATIO));
    const shares = Array.from({ length: BAND_SIZES }, (_, index) => (index + 1) / BAND_SIZES);
    const above = shares.map((share) => size + 1 + Math.ceil(widest * share * share));
    return [...new Set(above)].filter((candidate) => candidate <= this.#last);
  }

  #scouts(size: number): number[] {
    return this.#hardestFirst(size).slice(0, this.#requirement.failuresMost + 1 + SCOUTS_MORE);
  }

  /** Runs in the order in which they are likely to fail: by their largest failure, then the untried, then survivors. */
  #hardestFirst(size: number): number[] {
    const failed = new Map<number, number>();
    const survived = new Map<number, number>();
    for (const tried of this.#trials.sizes) {
      for (const [run, hasFailed] of tried.failed) (hasFailed ? failed : survived).set(run, tried.size);
    }
    const rank = (run: number) => {
      const known = this.#trials.at(size).failed.get(run);
      if (known !== undefined) return known ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
      return failed.get(run) ?? -(survived.get(run) ?? 0);
    };
    const runs = Array.from({ length: this.#requirement.runs }, (_, run) => ({ run, rank: rank(run) }));
    return runs.sort((a, b) => compare(b.rank, a.rank) || a.run - b.run).map(({ run }) => run);
  }
}

/** Infinities cannot be told apart by their difference. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** 2, 3, 4 … and then doubled, below `most`. */
function distances(most: number): number[] {
  const near = Array.from({ length: NEARBY - 1 }, (_, index) => index + 2);
  const far: number[] = [];
  for (let distance = 2 * NEARBY; distance < most; distance *= 2) far.push(distance);
  return [...near.filter((distance) => distance < most), ...far];
}
