/**
 * Splitting against exact first-passage probabilities. `HEAPSOAK_INTERVALS=20` makes so many intervals instead of 400.
 * Seeds are fixed, so each test comes out the same on every machine.
 */
import { describe, expect, test } from "vitest";
import { splitCell } from "../../src/risk/splitting/splitting.ts";
import { LOSS_POOLS, lossCell } from "../support/loss-cell.ts";

const INTERVALS = Number(process.env.HEAPSOAK_INTERVALS ?? 400);
/** Of 400; the same share of fewer, less what chance takes from so few. */
const COVERED_LEAST = INTERVALS === 400 ? 370 : Math.floor(INTERVALS * 0.925 - Math.sqrt(INTERVALS * 0.07));

describe("splitting a pool under Poisson arrivals", () => {
  test.each(LOSS_POOLS)(
    "comes within a tenth of the exact probability of %i blocks in 20 replications",
    async (blocks) => {
      const { cell, exact } = await lossCell(blocks);
      const estimate = splitCell(cell, { effort: 2000, seed: 1n });
      const ratio = estimate.probability / exact;
      const gain = (estimate.plainWorkNormalisedVariance ?? 0) / (estimate.workNormalisedVariance ?? 1);
      const [low, high] = estimate.interval.map((bound) => (bound / exact).toFixed(3));
      console.log(
        `${blocks} blocks: exact ${exact.toExponential(3)}, mean / exact ${ratio.toFixed(3)} [${low}, ${high}], ` +
          `relative variance x steps ${estimate.workNormalisedVariance?.toExponential(2)}, ` +
          `of plain runs ${estimate.plainWorkNormalisedVariance?.toExponential(2)}: ${gain.toPrecision(3)} times better`,
      );
      expect(ratio).toBeGreaterThan(0.9);
      expect(ratio).toBeLessThan(1.1);
      if (exact < 1e-6) expect(gain).toBeGreaterThan(1000);
    },
  );

  test(`covers the exact probability with at least ${COVERED_LEAST} of ${INTERVALS} intervals`, async () => {
    const cells = await Promise.all(LOSS_POOLS.map(lossCell));
    const covered = LOSS_POOLS.map(() => ({ intervals: 0, covered: 0, bounds: 0 }));
    for (let index = 0; index < INTERVALS; index++) {
      const place = index % LOSS_POOLS.length;
      const [{ cell, exact }, count] = [cells[place], covered[place]] as [(typeof cells)[0], (typeof covered)[0]];
      const { interval, upperBound95 } = splitCell(cell, { effort: 150, seed: BigInt(1000 + index) });
      count.intervals++;
      if (interval[0] <= exact && exact <= interval[1]) count.covered++;
      if (exact <= upperBound95) count.bounds++;
    }
    const total = (figure: "covered" | "bounds") => covered.reduce((sum, count) => sum + count[figure], 0);
    for (const [place, count] of covered.entries()) {
      console.log(`${LOSS_POOLS[place]} blocks: ${count.covered} of ${count.intervals} intervals cover`);
    }
    console.log(`${total("covered")} of ${INTERVALS} intervals cover, ${total("bounds")} one-sided bounds hold`);
    expect(total("covered")).toBeGreaterThanOrEqual(COVERED_LEAST);
    expect(total("bounds")).toBeGreaterThanOrEqual(COVERED_LEAST);
  });
});
