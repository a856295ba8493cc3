import { describe, expect, test } from "vitest";
import { driftOf } from "../../src/soak/drift.ts";

const HOUR_US = 3600e6;

/** Autocorrelated noise (AR(1)) about `level`, with a slope in bytes an hour; a window an hour. */
function series(options: { seed: number; windows: number; correlation: number; slope?: number; level?: number }) {
  const random = generator(options.seed);
  const noise = () => random() + random() + random() + random() - 2;
  let error = 0;
  for (let i = 0; i < 50; i++) error = options.correlation * error + noise();
  const least = Array.from({ length: options.windows }, (_, i) => {
    error = options.correlation * error + noise();
    return Math.round((options.level ?? 20_000) + (options.slope ?? 0) * i + error * 300);
  });
  return { atUs: least.map((_, i) => (i + 1) * HOUR_US), least };
}

function generator(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function drift(options: Parameters<typeof series>[0]) {
  const { atUs, least } = series(options);
  const found = driftOf(atUs, least, BigInt(options.seed));
  if (!found) throw new Error("the series is long enough");
  return found;
}

describe("drift", () => {
  test("a straight line has its slope, and runs out where it meets zero", () => {
    const atUs = Array.from({ length: 400 }, (_, i) => (i + 1) * HOUR_US);
    const found = driftOf(
      atUs,
      atUs.map((us) => 48_000 - us / HOUR_US),
      1n,
    );
    expect(found?.bytesPerDay).toBeCloseTo(-24, 6);
    expect(found?.shrinking).toBe(true);
    expect((found?.exhaustionUs ?? 0) / HOUR_US).toBeCloseTo(48_000, 3);
    expect(found?.steadyFromUs).toBeNull();
  });

  test("a leak is found under noise many times as large as what it takes in a day", () => {
    const leaking = drift({ seed: 3, windows: 512, correlation: 0.5, slope: -2 });
    expect(leaking.shrinking).toBe(true);
    expect(leaking.low).toBeLessThan(-48);
    expect(leaking.high).toBeGreaterThan(-48);
    expect((leaking.exhaustionUs ?? 0) / HOUR_US).toBeGreaterThan(8_000);
    expect((leaking.exhaustionUs ?? 0) / HOUR_US).toBeLessThan(12_000);
  });

  test.each([0, 0.7])(
    "at most 5 % of series without a trend are called shrinking (correlation %s)",
    (correlation) => {
      const found = Array.from({ length: 60 }, (_, i) => drift({ seed: i + 1, windows: 256, correlation }));
      expect(found.filter(({ shrinking }) => shrinking).length).toBeLessThanOrEqual(3);
      expect(found.filter(({ steadyFromUs }) => steadyFromUs !== null).length).toBeGreaterThanOrEqual(54);
    },
    30_000,
  );

  test("a constant level is steady from the beginning and has no interval", () => {
    const atUs = Array.from({ length: 100 }, (_, i) => (i + 1) * HOUR_US);
    const found = driftOf(
      atUs,
      atUs.map(() => 1000),
      1n,
    );
    expect(found).toEqual({
      bytesPerDay: 0,
      low: 0,
      high: 0,
      shrinking: false,
      exhaustionUs: null,
      steadyFromUs: HOUR_US,
    });
  });

  test("a heap that fills up and then stays is steady, and not shrinking", () => {
    const { atUs, least } = series({ seed: 5, windows: 400, correlation: 0.3, level: 10_000 });
    const filling = least.map((bytes, i) => bytes + Math.max(0, 80 - i) * 100);
    const found = driftOf(atUs, filling, 5n);
    expect(found?.shrinking).toBe(false);
    expect(found?.steadyFromUs).not.toBeNull();
    expect((found?.steadyFromUs ?? 0) / HOUR_US).toBeGreaterThanOrEqual(50);
  });

  test("a handful of windows says nothing", () => {
    const { atUs, least } = series({ seed: 1, windows: 20, correlation: 0 });
    expect(driftOf(atUs, least, 1n)).toBeNull();
  });

  test("the same series and seed give the same interval", () => {
    const options = { seed: 9, windows: 300, correlation: 0.6 };
    expect(drift(options)).toEqual(drift(options));
  });
});
