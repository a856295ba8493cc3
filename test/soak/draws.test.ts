import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { EXPONENTIAL_ZIGGURAT, NORMAL_ZIGGURAT, ZIGGURAT_LAYERS, ZigguratField } from "../../assembly/memory-map.ts";
import { DrawField, DrawKind, LONGEST_US } from "../../assembly/soak/draw-map.ts";
import {
  chiSquaredScore,
  KS_MOST,
  ksStatistic,
  mean,
  normalCdf,
  SCORE_MOST,
  variance,
} from "../support/goodness-of-fit.ts";
import { type Quantity, SoakParts } from "../support/soak-parts.ts";

let parts: SoakParts;
let debugParts: SoakParts;
beforeAll(async () => {
  parts = await SoakParts.compile("release");
  debugParts = await SoakParts.compile("debug");
}, 60_000);

const COUNT = 200_000;
const MANY = 2_000_000;
const YEAR_US = 365 * 86_400e6;

/** The distribution function of what remains between the limits. */
const truncated = (cdf: (x: number) => number, low: number, high: number) => (x: number) =>
  (cdf(x) - cdf(low)) / (cdf(high) - cdf(low));
const exponentialCdf = (m: number) => (x: number) => -Math.expm1(-x / m);
const normal = (m: number, deviation: number) => (x: number) => normalCdf((x - m) / deviation);

describe("draws of real numbers follow their distribution:", () => {
  test.each<[string, Quantity, (x: number) => number]>([
    ["uniform", { kind: DrawKind.Uniform, a: 20, b: 200 }, (x) => (x - 20) / 180],
    ["uniform below 0", { kind: DrawKind.Uniform, a: -5, b: -1 }, (x) => (x + 5) / 4],
    ["normal", { kind: DrawKind.Normal, a: 50, b: 3 }, normal(50, 3)],
    ["normal at least 0", { kind: DrawKind.Normal, a: 1, b: 2, minimum: 0 }, truncated(normal(1, 2), 0, Infinity)],
    ["lognormal", { kind: DrawKind.Lognormal, a: 180, b: 0.4 }, (x) => normalCdf(Math.log(x / 180) / 0.4)],
    [
      "lognormal with a maximum",
      { kind: DrawKind.Lognormal, a: 180, b: 0.9, maximum: 400 },
      truncated((x) => normalCdf(Math.log(x / 180) / 0.9), 0, 400),
    ],
    ["exponential", { kind: DrawKind.Exponential, a: 80 }, exponentialCdf(80)],
    [
      "exponential between limits",
      { kind: DrawKind.Exponential, a: 80, minimum: 40, maximum: 300 },
      truncated(exponentialCdf(80), 40, 300),
    ],
    ["pareto", { kind: DrawKind.Pareto, a: 16, b: 1.5 }, (x) => 1 - (16 / x) ** 1.5],
    [
      "pareto with a maximum",
      { kind: DrawKind.Pareto, a: 16, b: 0.8, maximum: 1000 },
      truncated((x) => 1 - (16 / x) ** 0.8, 16, 1000),
    ],
  ])("%s", (_, quantity, cdf) => {
    const samples = parts.draws(quantity, COUNT);
    expect(ksStatistic(samples, cdf)).toBeLessThan(KS_MOST);
    expect(Math.min(...samples.subarray(0, 1000))).toBeGreaterThanOrEqual(quantity.minimum ?? -Infinity);
    expect(samples.every((x) => x <= (quantity.maximum ?? Infinity))).toBe(true);
  });

  test.each<[string, Quantity, number, number]>([
    ["uniform", { kind: DrawKind.Uniform, a: 20, b: 200 }, 110, 180 ** 2 / 12],
    ["normal", { kind: DrawKind.Normal, a: 50, b: 3 }, 50, 9],
    ["exponential", { kind: DrawKind.Exponential, a: 80 }, 80, 6400],
    ["geometric", { kind: DrawKind.Geometric, a: 5 }, 5, 20],
    [
      "lognormal",
      { kind: DrawKind.Lognormal, a: 180, b: 0.4 },
      180 * Math.exp(0.08),
      180 ** 2 * Math.exp(0.16) * Math.expm1(0.16),
    ],
  ])("%s has its mean and variance", (_, quantity, expectedMean, expectedVariance) => {
    const samples = parts.draws(quantity, MANY);
    const error = Math.sqrt(expectedVariance / MANY);
    expect(Math.abs(mean(samples) - expectedMean) / error).toBeLessThan(SCORE_MOST);
    expect(variance(samples) / expectedVariance).toBeCloseTo(1, 2);
  });
});

describe("the ziggurats", () => {
  const tail = (ziggurat: number) => parts.view.getFloat64(ziggurat + ZigguratField.Length * 4, true);

  test.each([
    ["exponential", EXPONENTIAL_ZIGGURAT, (x: number) => Math.exp(-x), 1],
    ["normal", NORMAL_ZIGGURAT, (x: number) => 2 * normalCdf(-x), Math.sqrt(Math.PI / 2)],
  ])("cut the %s density into layers of equal area", (_, ziggurat, beyond, total) => {
    const edge = (layer: number, field: ZigguratField) =>
      parts.view.getFloat64(ziggurat + layer * ZigguratField.Length * 4 + field * 4, true);
    const area = edge(1, ZigguratField.X) * edge(1, ZigguratField.Density) + beyond(tail(ziggurat)) * total;
    for (let layer = 1; layer < ZIGGURAT_LAYERS; layer++) {
      const height = edge(layer + 1, ZigguratField.Density) - edge(layer, ZigguratField.Density);
      expect(edge(layer, ZigguratField.X) * height).toBeCloseTo(area, 14);
    }
  });

  test.each([
    ["exponential", DrawKind.Exponential, EXPONENTIAL_ZIGGURAT, (x: number) => -Math.expm1(-x)],
    ["normal", DrawKind.Normal, NORMAL_ZIGGURAT, (x: number) => 2 * normalCdf(x) - 1],
  ])("give the %s body and tail in the right shares and shapes", (_, kind, ziggurat, cdf) => {
    const samples = parts.draws({ kind, a: kind === DrawKind.Normal ? 0 : 1, b: 1 }, MANY).map(Math.abs);
    expect(ksStatistic(samples, cdf)).toBeLessThan(KS_MOST);
    const low = tail(ziggurat);
    const beyond = samples.filter((x) => x >= low);
    const expected = MANY * (1 - cdf(low));
    expect(Math.abs(beyond.length - expected) / Math.sqrt(expected)).toBeLessThan(SCORE_MOST);
    expect(ksStatistic(beyond, truncated(cdf, low, Infinity))).toBeLessThan(KS_MOST);
  });

  test("give as many normal draws below the mean as above", () => {
    const below = parts.draws({ kind: DrawKind.Normal, a: 0, b: 1 }, MANY).filter((x) => x < 0).length;
    expect(Math.abs(below - MANY / 2) / Math.sqrt(MANY / 4)).toBeLessThan(SCORE_MOST);
  });

  test("are the same however often and by whichever build they are written", () => {
    const tables = ({ view }: SoakParts) =>
      Buffer.from(view.buffer, EXPONENTIAL_ZIGGURAT, NORMAL_ZIGGURAT - EXPONENTIAL_ZIGGURAT + 4096).toString("hex");
    const before = tables(parts);
    parts.core.initializeDraws();
    expect(tables(parts)).toBe(before);
    expect(tables(debugParts)).toBe(before);
  });
});

describe("draws of whole numbers follow their distribution:", () => {
  const equally = (values: readonly number[]) => new Map(values.map((value) => [value, 1 / values.length]));
  const span = (low: number, high: number) => Array.from({ length: high - low + 1 }, (_, i) => low + i);

  test.each<[string, Quantity, ReadonlyMap<number, number>]>([
    ["uniform, both ends included", { kind: DrawKind.UniformWhole, a: 16, b: 64 }, equally(span(16, 64))],
    ["uniform of one value", { kind: DrawKind.UniformWhole, a: 7, b: 8, maximum: 7 }, new Map([[7, 1]])],
    ["uniform below 0", { kind: DrawKind.UniformWhole, a: -3, b: 3 }, equally(span(-3, 3))],
    [
      "choice",
      {
        kind: DrawKind.Choice,
        weighted: [
          [32, 5],
          [64, 3],
          [136, 2],
          [264, 1],
        ],
      },
      new Map([
        [32, 5 / 11],
        [64, 3 / 11],
        [136, 2 / 11],
        [264, 1 / 11],
      ]),
    ],
    [
      "choice with weights of 0",
      {
        kind: DrawKind.Choice,
        weighted: [
          [1, 0],
          [2, 0.25],
          [3, 0],
          [4, 0.5],
          [5, 0],
        ],
      },
      new Map([
        [2, 1 / 3],
        [4, 2 / 3],
      ]),
    ],
    [
      "choice among many",
      { kind: DrawKind.Choice, weighted: span(1, 40).map((value) => [value, value]) },
      new Map(span(1, 40).map((value) => [value, value / 820])),
    ],
    [
      "choice with a minimum",
      {
        kind: DrawKind.Choice,
        weighted: [
          [32, 5],
          [64, 3],
          [136, 2],
        ],
        minimum: 33,
      },
      new Map([
        [64, 3 / 5],
        [136, 2 / 5],
      ]),
    ],
    [
      "empirical, repeated values more often",
      { kind: DrawKind.Empirical, values: [4, 9, 9, 12] },
      new Map([
        [4, 1 / 4],
        [9, 1 / 2],
        [12, 1 / 4],
      ]),
    ],
  ])("%s", (_, quantity, probabilities) => {
    const samples = parts.draws(quantity, COUNT);
    expect(new Set(samples)).toEqual(new Set(probabilities.keys()));
    if (probabilities.size > 1) expect(chiSquaredScore(samples, probabilities)).toBeLessThan(4);
  });

  test("geometric from 1", () => {
    const samples = parts.draws({ kind: DrawKind.Geometric, a: 4 }, COUNT).map((x) => Math.min(x, 30));
    const probabilities = new Map(span(1, 29).map((k) => [k, 0.25 * 0.75 ** (k - 1)]));
    expect(Math.min(...probabilities.keys())).toBe(1);
    expect(chiSquaredScore(samples, probabilities.set(30, 0.75 ** 29))).toBeLessThan(4);
  });

  test("geometric of mean 1 is always 1", () => {
    expect(new Set(parts.draws({ kind: DrawKind.Geometric, a: 1 }, 1000))).toEqual(new Set([1]));
  });

  test("uniform over 2^32 values reaches all quarters of its range", () => {
    const samples = parts.draws({ kind: DrawKind.UniformWhole, a: 0, b: 2 ** 32 - 1 }, COUNT);
    expect(ksStatistic(samples, (x) => x / 2 ** 32)).toBeLessThan(KS_MOST);
  });
});

describe("a draw", () => {
  test("of a constant costs no draw and knows no limits", () => {
    const site = parts.site(3n);
    const constant = parts.descriptor({ kind: DrawKind.Constant, a: 48, maximum: 10 });
    expect([parts.core.draw(constant, site), parts.core.draw(constant, 0)]).toEqual([48, 48]);
    expect(parts.counter(site)).toBe(0n);
  });

  test("consumes one counter value, however often it is made anew within its limits", () => {
    const site = parts.site(4n);
    parts.draws({ kind: DrawKind.Normal, a: 0, b: 1, minimum: 2, maximum: 2.1 }, 1000, site);
    expect(parts.counter(site)).toBe(1000n);
  });

  test("whose limits are hardly ever met is clamped", () => {
    const clamp = (limits: { minimum?: number; maximum?: number }) =>
      parts.draws({ kind: DrawKind.Normal, a: 100, b: 1, ...limits }, 3);
    expect(Array.from(clamp({ minimum: 200 }))).toEqual([200, 200, 200]);
    expect(Array.from(clamp({ maximum: 0 }))).toEqual([0, 0, 0]);
  });

  test("does not change when another site draws more", () => {
    const quantity: Quantity = { kind: DrawKind.Lognormal, a: 180, b: 0.4, maximum: 300 };
    const alone = parts.draws(quantity, 100, parts.site(21n));
    const [site, other] = [parts.site(21n), parts.site(22n)];
    const descriptor = parts.descriptor(quantity);
    const mixed = Array.from(alone, () => {
      parts.draws(quantity, 3, other);
      return parts.core.draw(descriptor, site);
    });
    expect(mixed).toEqual(Array.from(alone));
  });

  test("is the same in every build, bit for bit", () => {
    const quantities: Quantity[] = [
      { kind: DrawKind.Uniform, a: 3, b: 17 },
      { kind: DrawKind.UniformWhole, a: 3, b: 17 },
      { kind: DrawKind.Normal, a: 3, b: 17, minimum: 0 },
      { kind: DrawKind.Lognormal, a: 3, b: 1.7 },
      { kind: DrawKind.Exponential, a: 3 },
      { kind: DrawKind.Pareto, a: 3, b: 1.7, maximum: 1e6 },
      { kind: DrawKind.Geometric, a: 3 },
      {
        kind: DrawKind.Choice,
        weighted: [
          [1, 0.1],
          [2, 0.2],
          [3, 0.3],
        ],
      },
      { kind: DrawKind.Empirical, values: [1, 2, 3.5] },
    ];
    const digest = (build: SoakParts) => {
      const hash = createHash("sha256");
      for (const quantity of quantities) hash.update(build.draws(quantity, COUNT));
      return hash.digest("hex").slice(0, 16);
    };
    expect(digest(debugParts)).toBe(digest(parts));
    expect(digest(parts)).toBe("5799a6ecbde32482");
  });
});

describe("a whole draw", () => {
  const whole = (a: number) => parts.core.drawWhole(parts.descriptor({ kind: DrawKind.Constant, a }), 0);

  test("is rounded to the nearest", () => {
    expect([0, 0.49, 0.5, 1.5, 2.49, 16717].map(whole)).toEqual([0, 0, 1, 2, 2, 16717]);
  });

  test("stays within 0 and 2^31 − 1", () => {
    expect([-1, -1e300, 2 ** 31 - 1, 2 ** 31, 1e300, Infinity].map(whole)).toEqual([
      0,
      0,
      2 ** 31 - 1,
      2 ** 31 - 1,
      2 ** 31 - 1,
      2 ** 31 - 1,
    ]);
  });
});

describe("a time", () => {
  const sum = (quantity: Quantity, count: number, residue = parts.reserve(8), site = parts.site(31n)) =>
    Number(parts.core.sumMicroseconds(parts.descriptor(quantity), residue, site, count));

  test("carries what is cut off a microsecond into the next draw", () => {
    const residue = parts.reserve(8);
    const gap = parts.descriptor({ kind: DrawKind.Constant, a: 3.7 });
    const gaps = Array.from({ length: 10 }, () => Number(parts.core.drawMicroseconds(gap, residue, 0)));
    expect(gaps).toEqual([3, 4, 4, 3, 4, 4, 3, 4, 4, 4]);
  });

  test.each([3.7, 0.01, 1e6 / 3])("keeps the mean rate of gaps of %f us exact", (gap) => {
    expect(Math.abs(sum({ kind: DrawKind.Constant, a: gap }, 1_000_000) - gap * 1e6)).toBeLessThanOrEqual(1);
  });

  test("loses nothing of short random gaps either", () => {
    const quantity: Quantity = { kind: DrawKind.Exponential, a: 0.8 };
    const exact = parts.draws(quantity, 100_000, parts.site(31n)).reduce((total, x) => total + x, 0);
    expect(Math.abs(sum(quantity, 100_000) - exact)).toBeLessThanOrEqual(1);
  });

  test("is at most 285 years, and never below 0", () => {
    expect(LONGEST_US).toBe(285 * YEAR_US);
    expect(Number.isSafeInteger(LONGEST_US)).toBe(true);
    const residue = parts.reserve(8);
    expect(sum({ kind: DrawKind.Pareto, a: 1e15, b: 0.01, minimum: 1e17 }, 1, residue)).toBe(LONGEST_US);
    expect(sum({ kind: DrawKind.Constant, a: Infinity }, 1, residue)).toBe(LONGEST_US);
    expect(sum({ kind: DrawKind.Constant, a: -3.5 }, 1, residue)).toBe(0);
    expect(parts.view.getFloat64(residue, true)).toBe(0);
  });
});

test("the records of doubles are 8-aligned throughout", () => {
  expect(
    [DrawField.A, DrawField.B, DrawField.Minimum, DrawField.Maximum, DrawField.Length].map((at) => at % 2),
  ).toEqual([0, 0, 0, 0, 0]);
});
