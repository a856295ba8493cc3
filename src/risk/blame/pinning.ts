/** Which sites stand in the way over a whole run: counts them sample by sample. */
import { rounded } from "../statistics/rounding.ts";
import type { PinningSite, Site, WholeRunRecord } from "./record.ts";

/** Samples of a run. */
export const SAMPLES = 256;

/** A heap at a moment. */
export interface Sample {
  /** Seconds, or operations of a trace, that it stands for. */
  readonly span: number;
  readonly live: readonly (readonly [bytes: number, site: Site])[];
  /** Whether the request fits. */
  readonly fits: boolean;
  /** The smallest set for the request; where it fits, for one byte more than the heap would serve. */
  readonly set: readonly Site[];
}

/** Adds up samples. */
export class PinningCount {
  readonly #requestBytes: number;
  readonly #sites = new Map<string, Totals>();
  #samples = 0;
  #refused = 0;

  constructor(requestBytes: number) {
    this.#requestBytes = requestBytes;
  }

  add({ span, live, fits, set }: Sample): void {
    this.#samples++;
    if (!fits) this.#refused++;
    for (const [bytes, site] of live) this.#totals(site).byteSeconds += bytes * span;
    for (const totals of new Set(set.map((site) => this.#totals(site)))) {
      totals.limitingSamples++;
      if (!fits) totals.pinnedSamples++;
    }
  }

  record(): WholeRunRecord {
    const sites = [...this.#sites.values()].map(
      ({ site, pinnedSamples, limitingSamples, byteSeconds }): PinningSite => {
        return {
          ...site,
          pinnedSamples,
          limitingSamples,
          limitingRatio: rounded(limitingSamples / this.#samples),
          byteSeconds: Math.round(byteSeconds),
        };
      },
    );
    const order = (a: PinningSite, b: PinningSite) =>
      b.pinnedSamples - a.pinnedSamples || b.limitingSamples - a.limitingSamples || b.byteSeconds - a.byteSeconds;
    sites.sort((a, b) => order(a, b) || (keyOf(a) < keyOf(b) ? -1 : 1));
    return { requestBytes: this.#requestBytes, samples: this.#samples, refused: this.#refused, sites };
  }

  #totals(site: Site): Totals {
    const key = keyOf(site);
    const totals = this.#sites.get(key) ?? { site, pinnedSamples: 0, limitingSamples: 0, byteSeconds: 0 };
    this.#sites.set(key, totals);
    return totals;
  }
}

interface Totals {
  readonly site: Site;
  pinnedSamples: number;
  limitingSamples: number;
  byteSeconds: number;
}

/** At most `SAMPLES` of the moments, evenly. */
export function thinned(moments: readonly number[]): number[] {
  if (moments.length <= SAMPLES) return [...new Set(moments)];
  const evenly = Array.from(
    { length: SAMPLES },
    (_, index) => moments[Math.floor((index * moments.length) / SAMPLES)] ?? 0,
  );
  return [...new Set(evenly)];
}

function keyOf({ task, step }: Site): string {
  return JSON.stringify([task, step]);
}
