import { beforeAll, describe, expect, test } from "vitest";
import { DrawSiteField } from "../../assembly/soak/draw-map.ts";
import { SCRATCH, SoakParts } from "../support/soak-parts.ts";

let parts: SoakParts;
beforeAll(async () => {
  parts = await SoakParts.compile("release");
}, 60_000);

const COUNT = 100_000;

function words(site: number, count = COUNT): BigUint64Array {
  parts.core.fillBits(site, SCRATCH, count);
  return new BigUint64Array(parts.view.buffer, SCRATCH, count).slice();
}

const units = (site: number) => Array.from(words(site), (word) => Number(word >> 11n) * 2 ** -53);

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const centred = xs.map((x, i) => (x - 0.5) * ((ys[i] ?? 0) - 0.5));
  return (centred.reduce((sum, product) => sum + product, 0) / xs.length) * 12;
}

/** Standard deviations from no correlation at all. */
const correlationScore = (xs: readonly number[], ys: readonly number[]) => correlation(xs, ys) * Math.sqrt(xs.length);

describe("a draw site's stream", () => {
  test("is a function of seed, branch and identity", () => {
    expect(words(parts.site(5n, 9n, 2), 50)).toEqual(words(parts.site(5n, 9n, 2), 50));
    const first = (identity: bigint, seed: bigint, branch: number) => words(parts.site(identity, seed, branch), 1)[0];
    expect(new Set([first(5n, 9n, 2), first(6n, 9n, 2), first(5n, 10n, 2), first(5n, 9n, 3)]).size).toBe(4);
  });

  test("tells seed, branch and identity apart when their values are exchanged", () => {
    const firsts = [1n, 2n, 3n].flatMap((a) => [1n, 2n, 3n].flatMap((b) => [1, 2, 3].map((c) => [a, b, c] as const)));
    const words0 = firsts.map(([identity, seed, branch]) => words(parts.site(identity, seed, branch), 1)[0]);
    expect(new Set(words0).size).toBe(27);
  });

  test("takes seeds of 64 bits", () => {
    const firsts = [0n, 1n, 1n << 32n, 1n << 63n, (1n << 64n) - 1n].map((seed) => words(parts.site(5n, seed), 1)[0]);
    expect(new Set(firsts).size).toBe(5);
  });

  test("does not change when another site draws in between", () => {
    const alone = words(parts.site(11n), 100);
    const [site, other] = [parts.site(11n), parts.site(12n)];
    const mixed = Array.from({ length: 100 }, (_, i) => {
      for (let k = 0; k < i % 3; k++) parts.core.nextBits(other);
      return BigInt.asUintN(64, parts.core.nextBits(site));
    });
    expect(mixed).toEqual(Array.from(alone));
  });

  test("gives any single draw again from its counter", () => {
    const stream = words(parts.site(13n), 500);
    const site = parts.site(13n);
    parts.view.setBigUint64(site + DrawSiteField.CounterLow * 4, 321n, true);
    expect(BigInt.asUintN(64, parts.core.nextBits(site))).toBe(stream[321]);
  });

  test("goes on with fresh draws and the old counter after a new branch", () => {
    const old = words(parts.site(14n), 200);
    const site = parts.site(14n);
    words(site, 100);
    parts.core.rekey(site, 1n, 1);
    expect(parts.counter(site)).toBe(100n);
    const fresh = words(site, 100);
    expect(Array.from(fresh).filter((word, i) => word === old[100 + i])).toEqual([]);
    expect(parts.counter(site)).toBe(200n);
  });

  test("goes on across 2^32 draws", () => {
    const site = parts.site(15n);
    parts.view.setBigUint64(site + DrawSiteField.CounterLow * 4, 2n ** 32n - 1n, true);
    words(site, 2);
    expect(parts.counter(site)).toBe(2n ** 32n + 1n);
  });

  test("sets every bit half of the time", () => {
    const counts = new Array<number>(64).fill(0);
    for (const word of words(parts.site(16n))) {
      for (let bit = 0; bit < 64; bit++) counts[bit] = (counts[bit] ?? 0) + Number((word >> BigInt(bit)) & 1n);
    }
    const scores = counts.map((ones) => Math.abs(ones - COUNT / 2) / Math.sqrt(COUNT / 4));
    expect(Math.max(...scores)).toBeLessThan(4.5);
  });

  test.each([
    ["of neighbouring identities", () => [parts.site(1n), parts.site(2n)] as const],
    ["of identities that differ in the highest bit", () => [parts.site(1n), parts.site(1n | (1n << 63n))] as const],
    ["of neighbouring seeds", () => [parts.site(1n, 1n), parts.site(1n, 2n)] as const],
    ["of neighbouring branches", () => [parts.site(1n, 1n, 0), parts.site(1n, 1n, 1)] as const],
  ])("has nothing to do with the stream %s, at any small shift", (_, sites) => {
    const [xs, ys] = sites().map(units) as [number[], number[]];
    for (let shift = 0; shift < 5; shift++) {
      expect(Math.abs(correlationScore(xs.slice(shift), ys))).toBeLessThan(4.5);
      expect(Math.abs(correlationScore(xs, ys.slice(shift).concat(ys.slice(0, shift))))).toBeLessThan(4.5);
    }
  });

  test("has nothing to do with itself a few draws later", () => {
    const xs = units(parts.site(17n));
    for (const lag of [1, 2, 3, 64, 1000]) {
      const later = xs.slice(lag).concat(xs.slice(0, lag));
      expect(Math.abs(correlationScore(xs, later))).toBeLessThan(4.5);
    }
  });
});
