import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Requirement, requirementOf } from "../../../src/risk/size/requirement.ts";
import { SizeSearch, type TrialSource } from "../../../src/risk/size/search.ts";
import type { TriedSize } from "../../../src/risk/size/trials.ts";

/** Trials whose outcome is known, so that the search can be held against all of them. */
class KnownTrials implements TrialSource {
  readonly last: number;
  taken = 0;
  readonly #fails: (size: number, run: number) => boolean;
  readonly #failed = new Map<number, Map<number, boolean>>();

  constructor(last: number, fails: (size: number, run: number) => boolean) {
    this.last = last;
    this.#fails = fails;
  }

  get sizes(): TriedSize[] {
    return [...this.#failed.keys()].sort((a, b) => a - b).map((size) => this.at(size));
  }

  at(size: number): TriedSize {
    const failed = this.#failed.get(size) ?? new Map<number, boolean>();
    const failures = [...failed.values()].filter(Boolean).length;
    return { size, failed, failures, kinds: {}, unusable: false };
  }

  async fails(size: number, run: number): Promise<boolean> {
    const failed = this.#failed.get(size) ?? new Map<number, boolean>();
    this.#failed.set(size, failed);
    if (!failed.has(run)) this.taken++;
    const outcome = this.#fails(size, run);
    failed.set(run, outcome);
    return outcome;
  }
}

/** The least size that meets the requirement, as does the next: every size with every run. */
function bruteForce(
  trials: KnownTrials,
  { runs, failuresMost }: Requirement,
  fails: (s: number, r: number) => boolean,
) {
  const meets = (size: number) => {
    return Array.from({ length: runs }, (_, run) => fails(size, run)).filter(Boolean).length <= failuresMost;
  };
  for (let size = 1; size <= trials.last; size++) {
    if (meets(size) && (size === trials.last || meets(size + 1))) return size;
  }
  return undefined;
}

async function searched(
  last: number,
  fails: (size: number, run: number) => boolean,
  requirement: Requirement,
  guess = 1,
) {
  const trials = new KnownTrials(last, fails);
  const search = new SizeSearch(trials, requirement);
  await search.find(guess);
  return { trials, ...search.found };
}

describe("the smallest size", () => {
  test("is that of brute force where failure is monotone in size, whatever the guess", async () => {
    const cases = fc.record({
      thresholds: fc.array(fc.integer({ min: 1, max: 130 }), { minLength: 40, maxLength: 40 }),
      failuresMost: fc.integer({ min: 0, max: 4 }),
      guess: fc.integer({ min: 1, max: 120 }),
    });
    const property = fc.asyncProperty(cases, async ({ thresholds, failuresMost, guess }) => {
      const requirement = { risk: 0.1, confidence: 0.95, runs: 40, failuresMost };
      const fails = (size: number, run: number) => size < (thresholds[run] ?? 0);
      const { size, steady, trials } = await searched(120, fails, requirement, guess);
      expect(size).toBe(bruteForce(trials, requirement, fails));
      expect(steady).toBe(size);
    });
    await fc.assert(property, { numRuns: 300, seed: 6 });
  });

  test("takes less than a hundredth of the runs of a fine grid", async () => {
    const requirement = requirementOf(0.01, 0.95);
    const { size, trials } = await searched(4000, (s, run) => s < 1500 + ((run * 7919) % 500), requirement, 1200);
    expect(size).toBe(1998);
    expect(trials.taken).toBeLessThan((requirement.runs * 4000) / 100);
  });

  test("and its neighbours are run with all seeds", async () => {
    const requirement = requirementOf(0.1, 0.95);
    const { size = 0, trials } = await searched(500, (s, run) => s < 200 + run, requirement, 100);
    expect([size - 1, size, size + 1].map((at) => trials.at(at).failed.size)).toEqual([29, 29, 29]);
    expect([size - 1, size, size + 1].map((at) => trials.at(at).failures)).toEqual([1, 0, 0]);
  });

  test("is not known where the largest does not meet the requirement", async () => {
    const { size, steady, trials } = await searched(100, (_, run) => run === 5, requirementOf(0.1, 0.95));
    expect([size, steady]).toEqual([undefined, undefined]);
    expect(trials.taken).toBeLessThan(60);
  });

  test("is the only one of a grid of one size", async () => {
    expect(await searched(1, () => false, requirementOf(0.5, 0.9))).toMatchObject({ size: 1, steady: 1 });
  });
});

describe("where failure is not monotone in size", () => {
  const requirement = requirementOf(0.05, 0.95);

  test("a single size that meets it by luck is passed over", async () => {
    const { size, trials } = await searched(400, (s, run) => s < 200 + (run % 40) && s !== 230, requirement, 150);
    expect(size).toBe(239);
    expect(trials.at(size ?? 0).failures).toBe(0);
  });

  test("a stretch of larger sizes that fail is found, and the sizes above it are told", async () => {
    const fails = (s: number, run: number) => s < 200 || (s >= 215 && s < 235 && run % 5 === 0);
    const { size, steady, trials } = await searched(400, fails, requirement, 150);
    expect(size).toBe(200);
    expect(steady).toBeGreaterThanOrEqual(235);
    expect(trials.at(steady ?? 0).failures).toBe(0);
  });

  test("a smaller size nearby that meets it is tried with all seeds", async () => {
    const { size, trials } = await searched(400, (s) => s < 200 && s !== 196, requirement, 199);
    expect(size).toBe(200);
    expect(trials.at(196)).toMatchObject({ failures: 0 });
    expect(trials.at(196).failed.size).toBe(requirement.runs);
  });
});
