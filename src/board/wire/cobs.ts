/**
 * Consistent overhead byte stuffing: bytes without zeros, so that a zero ends a frame and nothing else.
 * Source: Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
 *
 *   ├ code ┼ code - 1 bytes, none zero ┼ code ┼ …      each block stands for its bytes and a zero behind them,
 *                                                      but not the last one, nor one with code 0xff
 */
const CODE_MOST = 0xff;

/** The bytes, stuffed, and the zero that ends them: at most one byte in 254 more, and the zero. */
export function encodeCobs(bytes: Uint8Array): Uint8Array {
  const stuffed = new Uint8Array(bytes.length + Math.ceil(bytes.length / (CODE_MOST - 1)) + 2);
  let block = 0;
  let end = 1;
  for (const byte of bytes) {
    // A full block is closed only when another byte follows: at the end of a frame it needs no successor.
    if (end - block === CODE_MOST) {
      stuffed[block] = CODE_MOST;
      block = end++;
    }
    if (byte === 0) {
      stuffed[block] = end - block;
      block = end++;
    } else stuffed[end++] = byte;
  }
  stuffed[block] = end - block;
  return stuffed.subarray(0, end + 1);
}

/**
 * Takes stuffed bytes as they come and holds the frame between two zeros, at most `bytesMost` of it.
 * Its memory never grows; what a frame has beyond `bytesMost` is only counted.
 */
export class CobsReader {
  /** The frame so far: its first `length` bytes. */
  readonly bytes: Uint8Array;
  /** Bytes of the frame; more than `bytes` holds when it is too long. */
  length = 0;
  /** Bytes on the line since the last zero. */
  lineBytes = 0;
  #code = CODE_MOST;
  #left = 0;

  constructor(bytesMost: number) {
    this.bytes = new Uint8Array(bytesMost);
  }

  /** Whether the frame is too long to be held. */
  get isTooLong(): boolean {
    return this.length > this.bytes.length;
  }

  /** At a zero: whether the last block was as long as its code says. */
  get isWhole(): boolean {
    return this.#left === 0;
  }

  /** Takes bytes from index `from` on, up to the next zero. The zero's index, or -1: there is none. */
  read(chunk: Uint8Array, from: number): number {
    const { bytes } = this;
    const most = bytes.length;
    let code = this.#code;
    let left = this.#left;
    let length = this.length;
    let at = from;
    let byte = -1;
    for (; at < chunk.length; at++) {
      byte = chunk[at] as number;
      if (byte === 0) break;
      if (left > 0) {
        left--;
        if (length < most) bytes[length] = byte;
        length++;
      } else {
        // Only a code tells that the one before it was not the last and stood for a zero.
        if (code !== CODE_MOST) {
          if (length < most) bytes[length] = 0;
          length++;
        }
        code = byte;
        left = byte - 1;
      }
    }
    this.#code = code;
    this.#left = left;
    this.length = length;
    this.lineBytes += at - from;
    return at < chunk.length ? at : -1;
  }

  /** Begins the next frame. */
  restart(): void {
    this.length = 0;
    this.lineBytes = 0;
    this.#code = CODE_MOST;
    this.#left = 0;
  }
}
