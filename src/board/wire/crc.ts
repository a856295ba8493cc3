import { crc32 } from "node:zlib";

const POLYNOMIAL = 0x1021;
const INITIAL = 0xffff;
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => remainderOf(byte << 8));

/**
 * CRC-16/IBM-3740 of `bytes[0..length)`: polynomial 0x1021, high bits first, from 0xffff, not inverted.
 * "123456789" gives 0x29b1.
 */
export function crc16(bytes: Uint8Array, length = bytes.length): number {
  let crc = INITIAL;
  for (let at = 0; at < length; at++) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >>> 8) ^ (bytes[at] as number)] as number);
  }
  return crc;
}

/** CRC-32 of zlib and Ethernet, of `bytes[0..length)`. "123456789" gives 0xcbf43926. */
export function crc32Of(bytes: Uint8Array, length = bytes.length): number {
  return crc32(bytes.subarray(0, length));
}

function remainderOf(dividend: number): number {
  let remainder = dividend;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder << 1) ^ (remainder & 0x8000 ? POLYNOMIAL : 0);
  return remainder & 0xffff;
}
