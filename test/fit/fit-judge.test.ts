import { describe, expect, test } from "vitest";
import type { HeapSamples } from "../../src/fit/evaluation/heap-samples.ts";
import { type FigureRecord, judge } from "../../src/fit/evaluation/judge.ts";
import { Random } from "../../src/statistics/random.ts";

const LOOKS = 512;
const FREE = 10_000;

/** A heap with so many live bytes on average; `swing` moves it up and down for an eighth of the time each. */
function heap(meanBytes: number, { swing = 0, failedRequests = 0, seed = 1 } = {}): HeapSamples {
  const random = new Random(seed);
  const liveBytes = Float64Array.from({ length: LOOKS }, (_, look) => {
    const way = Math.floor((8 * look) / LOOKS) % 2 === 0 ? 1 : -1;
    return meanBytes + way * swing + 4 * (random.next() - 0.5);
  });
  const largestFreeBytes = liveBytes.map((bytes) => FREE - bytes);
  const peakLiveBytes = Math.max(...liveBytes);
  const holes = new Float64Array(LOOKS).fill(3);
  const freeBytes = largestFreeBytes;
  return { count: LOOKS, liveBytes, holes, largestFreeBytes, freeBytes, peakLiveBytes, failedRequests, requests: 1000 };
}

/** Sixteen runs whose means lie between `−spread` and `+spread` of the mean. */
function runs(meanBytes: number, spread = 0, swing = 0): HeapSamples[] {
  return Array.from({ length: 16 }, (_, run) =>
    heap(meanBytes + (spread * (run - 7.5)) / 7.5, { swing, seed: run + 2 }),
  );
}

function live(trace: HeapSamples, scenario: readonly HeapSamples[], firstHalf = trace): FigureRecord {
  const [figure] = judge({ firstHalf, trace, runs: scenario, fittedShare: 1 });
  if (!figure) throw new RangeError("no figure");
  return figure;
}

describe("the judge of a figure", () => {
  test.each([
    ["inside the tolerance", 1015, "within"],
    ["above it", 1025, "beyond"],
    ["below it", 975, "beyond"],
  ])("puts a scenario %s where there is no chance", (_, bytes, verdict) => {
    expect(live(heap(1000), runs(bytes))).toMatchObject({ name: "mean live bytes", toleranceRatio: 0.02, verdict });
  });

  test("takes a difference for chance that lies inside what the runs differ by, and says so where that is much", () => {
    const trace = heap(1000, { swing: 100 });
    expect(live(trace, runs(1030, 15, 100)).verdict).toBe("within");
    expect(live(trace, runs(1030, 0, 100)).verdict).toBe("beyond");
    expect(live(trace, runs(1030, 80, 100)).verdict).toBe("untold");
  });

  test("lets the runs' chance go no further than the trace's own swings", () => {
    const calm = live(heap(1000, { swing: 2 }), runs(1100, 100));
    expect(calm.verdict).toBe("beyond");
    expect(calm.chanceRatio).toBeLessThan(0.02);
    // The livelier half counts.
    const lively = live(heap(1000, { swing: 2 }), runs(1100, 100), heap(1000, { swing: 90 }));
    expect(lively.chanceRatio).toBeGreaterThan(0.2);
  });

  test("tells a scenario that swings more than twice as far as the trace from one that cannot be told", () => {
    expect(live(heap(1000, { swing: 30 }), runs(1000, 150, 20))).toMatchObject({ verdict: "wilder" });
    expect(live(heap(1000, { swing: 80 }), runs(1000, 150, 20))).toMatchObject({ verdict: "untold" });
    // Neither does a trace that has the same mean by luck pass for calm.
    expect(live(heap(1000, { swing: 2 }), runs(1000, 150, 20))).toMatchObject({ verdict: "wilder" });
    expect(live(heap(1000, { swing: 2 }), runs(1000, 0, 20))).toMatchObject({ verdict: "within" });
  });

  test("compares where nothing is live, and requests that fail", () => {
    const nothing = heap(0, { failedRequests: 0 });
    const failing = runs(0).map((run) => ({ ...run, failedRequests: 3 }));
    const figures = judge({ firstHalf: nothing, trace: nothing, runs: failing, fittedShare: 1 });
    expect(figures.find(({ name }) => name === "failed requests")).toMatchObject({ verdict: "beyond", trace: 0 });
    expect(figures.every(({ differenceRatio, chanceRatio }) => Number.isFinite(differenceRatio + chanceRatio))).toBe(
      true,
    );
  });
});
