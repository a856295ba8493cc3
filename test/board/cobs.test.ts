import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CobsReader, encodeCobs } from "../../src/board/wire/cobs.ts";

const SEED = 20261204;
const BYTES_MOST = 2000;
const sparse = fc
  .array(fc.constantFrom(0, 1, 2, 0xfe, 0xff), { maxLength: 1200 })
  .map((bytes) => Uint8Array.from(bytes));
const full = fc.uint8Array({ min: 1, minLength: 240, maxLength: 1100 });
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), sparse, full);

/** What a reader holds of the stuffed bytes in front of the zero at their end. */
function unstuffed(stuffed: Uint8Array): Uint8Array {
  const reader = new CobsReader(BYTES_MOST);
  expect(reader.read(stuffed, 0)).toBe(stuffed.length - 1);
  expect(reader.isWhole).toBe(true);
  return reader.bytes.slice(0, reader.length);
}

describe("stuffed bytes", () => {
  test.each([
    ["", "0100"],
    ["00", "010100"],
    ["0000", "01010100"],
    ["11220033", "03112202 3300"],
    ["11000000", "0211010101 00"],
  ])("of %s are %s, as the paper has them", (plain, stuffed) => {
    expect(Buffer.from(encodeCobs(Buffer.from(plain, "hex"))).toString("hex")).toBe(stuffed.replaceAll(" ", ""));
  });

  test.each([
    [254, 256],
    [255, 258],
    [508, 511],
  ])("of %d bytes that are not zero take %d with the zero that ends them", (plainBytes, stuffedBytes) => {
    const plain = new Uint8Array(plainBytes).fill(7);
    expect(encodeCobs(plain)).toHaveLength(stuffedBytes);
    expect(unstuffed(encodeCobs(plain))).toEqual(plain);
  });

  test("come back as they were, hold no zero, and are longer by one byte in 254 at most", () => {
    fc.assert(
      fc.property(anyBytes, (plain) => {
        const stuffed = encodeCobs(plain);
        expect(stuffed.indexOf(0)).toBe(stuffed.length - 1);
        expect(stuffed.length - 1).toBeLessThanOrEqual(plain.length + Math.max(1, Math.ceil(plain.length / 254)));
        expect(unstuffed(stuffed)).toEqual(plain);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test("may end with an empty block behind a full one, as other encoders write it", () => {
    const plain = new Uint8Array(254).fill(7);
    expect(unstuffed(Uint8Array.from([0xff, ...plain, 0x01, 0]))).toEqual(plain);
  });
});

describe("a reader", () => {
  test("tells a frame whose last block is cut short", () => {
    const reader = new CobsReader(8);
    expect(reader.read(Uint8Array.of(5, 1, 2, 0), 0)).toBe(3);
    expect(reader.isWhole).toBe(false);
  });

  test("goes on where the last chunk ended", () => {
    const reader = new CobsReader(8);
    expect(reader.read(Uint8Array.of(3, 9), 0)).toBe(-1);
    expect(reader.read(Uint8Array.of(9, 2, 9, 0), 0)).toBe(3);
    expect([...reader.bytes.subarray(0, reader.length)]).toEqual([9, 9, 0, 9]);
    expect(reader.lineBytes).toBe(5);
  });

  test("only counts what is longer than it holds", () => {
    const reader = new CobsReader(8);
    for (let i = 0; i < 1000; i++) reader.read(new Uint8Array(1000).fill(0xff), 0);
    expect(reader.isTooLong).toBe(true);
    expect(reader.lineBytes).toBe(1_000_000);
    expect(reader.bytes).toHaveLength(8);
  });
});
