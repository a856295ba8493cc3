import { describe, expect, test } from "vitest";
import { boundOf, granuleBytesOf, UNAVOIDABLE, unavoidableBytes, worstCaseBytes } from "../../src/allocators/bounds.ts";
import { allocators, findAllocator } from "../../src/allocators/catalogue.ts";

const KNOWN = ["first-fit", "best-fit", "o1heap", "fixed-pool"];

describe("what no allocator can avoid", () => {
  test.each([
    [16, 2, 23],
    [2, 2, 2],
    [10, 2, 14],
    [100, 2, 149],
  ])("N(%i, %i) is Knuth's %i", (peak, largest, granules) => {
    expect(UNAVOIDABLE.granules(peak, largest)).toBe(granules);
    expect(granules).toBe(Math.floor((3 * peak - 1) / 2)); // exercise 2.5-38, sizes 1 and 2
    expect(unavoidableBytes(peak * 8, largest * 8)).toBe(granules * 8);
  });

  test("grows towards twice the peak with four sizes, and by half the peak with each doubling", () => {
    expect(UNAVOIDABLE.granules(1_000_000, 4) / 1_000_000).toBeCloseTo(2, 5);
    expect(UNAVOIDABLE.granules(1024, 64) - UNAVOIDABLE.granules(1024, 32)).toBe(512 - 32);
  });

  test("is the peak where all blocks are equal to the granule", () => {
    expect(unavoidableBytes(800, 8)).toBe(800);
  });
});

describe("the worst case of a policy", () => {
  const worst = (name: string, peakGranules: number, largestGranules: number) => {
    const entry = findAllocator(name);
    const granule = granuleBytesOf(entry);
    const bytes = worstCaseBytes(entry, peakGranules * granule, largestGranules * granule);
    return bytes === undefined ? undefined : bytes / granule;
  };

  test("is the formula of o1heap's README for first fit, half-fit and best fit", () => {
    expect(worst("first-fit", 1024, 64)).toBe(1024 * 7);
    expect(worst("first-fit", 1024, 65)).toBe(1024 * 8);
    expect(worst("o1heap", 1024, 64)).toBe(2 * 1024 * 7);
    expect(worst("best-fit", 1024, 64)).toBe(1024 * 62);
  });

  test("is close to Knuth's exercise 2.5-43 for first fit, and not below it for powers of two from 8", () => {
    for (const largest of [8, 64, 1024, 65536]) {
      const harmonic = Array.from({ length: largest }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b);
      const rounded = worst("first-fit", 65536, largest) ?? 0;
      expect(rounded).toBeGreaterThanOrEqual((65536 * harmonic) / Math.LN2);
      expect(rounded).toBeLessThan((1.1 * 65536 * harmonic) / Math.LN2);
    }
  });

  test("is the peak for a fixed pool", () => {
    expect(worst("fixed-pool", 100, 1)).toBe(100);
    expect(worst("fixed-pool", 100, 100)).toBe(100);
  });

  test.each(["next-fit", "worst-fit", "buddy", "bump", "tlsf"])("is not known for %s", (name) => {
    expect(boundOf(findAllocator(name))).toBeUndefined();
    expect(worst(name, 1024, 64)).toBeUndefined();
  });

  test("is never below what no allocator can avoid", () => {
    const fragmenting = allocators.filter(({ bound }) => bound !== "none" && bound !== "never-fragments");
    for (const { name } of fragmenting) {
      for (const largest of [1, 2, 3, 4, 5, 100, 1000]) {
        expect(worst(name, 1000, largest), `${name}, ${largest}`).toBeGreaterThanOrEqual(
          UNAVOIDABLE.granules(1000, largest),
        );
      }
    }
  });

  test("counts part of a granule as a whole one", () => {
    expect(worstCaseBytes(findAllocator("first-fit"), 801, 1)).toBe(808);
  });

  test.each([
    [100, 0],
    [100, 101],
    [0, 0],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
  ])("of a peak of %d with a largest block of %d is refused", (peak, largest) => {
    expect(() => worstCaseBytes(findAllocator("first-fit"), peak, largest)).toThrow(/largest block/);
  });
});

test("every bound has a formula and a source", () => {
  for (const name of KNOWN) {
    const bound = boundOf(findAllocator(name));
    expect(bound?.formula).toMatch(/M/);
    expect(bound?.source).not.toBe("");
  }
});
