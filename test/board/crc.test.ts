import { describe, expect, test } from "vitest";
import { crc16, crc32Of } from "../../src/board/wire/crc.ts";

const DIGITS = Buffer.from("123456789");

describe("a check", () => {
  test("of 16 bits is that of the catalogue's CRC-16/IBM-3740", () => {
    expect(crc16(DIGITS)).toBe(0x29b1);
    expect(crc16(new Uint8Array())).toBe(0xffff);
  });

  test("of 32 bits is that of zlib", () => {
    expect(crc32Of(DIGITS)).toBe(0xcbf43926);
  });

  test("covers no more than it is told to", () => {
    expect(crc16(Buffer.from("1234567890"), 9)).toBe(0x29b1);
    expect(crc32Of(Buffer.from("1234567890"), 9)).toBe(0xcbf43926);
  });

  test("of 16 bits finds every error of one or two bits in 64 bytes", () => {
    const bytes = 64;
    const seen = new Set<number>([crc16(new Uint8Array(bytes))]);
    for (let bit = 0; bit < 8 * bytes; bit++) {
      const flipped = new Uint8Array(bytes);
      flipped[bit >> 3] = 1 << (bit & 7);
      seen.add(crc16(flipped));
    }
    expect(seen.size).toBe(8 * bytes + 1);
  });
});
