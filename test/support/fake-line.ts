import { Duplex } from "node:stream";
import type { BoardFrameName } from "../../src/board/wire/messages.ts";

/** What becomes of a frame on the line. */
export type Spoiling = "drop" | "corrupt" | "duplicate";

interface Order {
  readonly how: Spoiling;
  readonly kind: BoardFrameName | undefined;
  left: number;
}

interface Queued {
  readonly bytes: Uint8Array;
  readonly kind: BoardFrameName;
}

/** A board's ring and the line behind it. What is in the ring goes out at once unless the line is held. */
export class FakeLine {
  /** The host's end: what a serial port would be. */
  readonly stream: Duplex;
  readonly ringBytes: number;
  /** Milliseconds from the ring to the host; 0: at once. */
  delayMs = 0;
  /** Called when the ring has room again. */
  onRoom: () => void = () => {};
  /** Bytes of each chunk that the host gets; by default a frame is a chunk. */
  chunkBytes = Number.POSITIVE_INFINITY;
  #queue: Queued[] = [];
  #usedBytes = 0;
  #isHeld = false;
  readonly #orders: Order[] = [];

  /** `receive` gets what the host writes. */
  constructor(ringBytes: number, receive: (chunk: Uint8Array) => void) {
    this.ringBytes = ringBytes;
    this.stream = new Duplex({
      read: () => {},
      write: (chunk: Uint8Array, _encoding, done) => {
        receive(chunk);
        done();
      },
    });
  }

  /** Bytes that the ring still takes. */
  get roomBytes(): number {
    return this.ringBytes - this.#usedBytes;
  }

  /** Puts a frame into the ring; false: there is no room for all of it. */
  offer(bytes: Uint8Array, kind: BoardFrameName): boolean {
    if (bytes.length > this.roomBytes) return false;
    this.#queue.push({ bytes, kind });
    this.#usedBytes += bytes.length;
    this.#drain();
    return true;
  }

  /** Nothing leaves the ring until `resume`: the line is slower than the board. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Sends what `hold` kept. */
  resume(): void {
    this.#isHeld = false;
    this.#drain();
    this.onRoom();
  }

  /** What is in the ring is gone, as at a reset. */
  clear(): void {
    this.#queue = [];
    this.#usedBytes = 0;
  }

  /** Spoils the next `count` frames that leave the ring, or those of one kind. */
  spoilNext(how: Spoiling, { count = 1, kind }: { count?: number; kind?: BoardFrameName } = {}): void {
    this.#orders.push({ how, kind, left: count });
  }

  /** Sends bytes that are no frame of the agent's: a printf on the same line, a wrong baud rate. */
  noise(bytes: Uint8Array): void {
    this.#transmit(bytes);
  }

  #drain(): void {
    while (!this.#isHeld) {
      const next = this.#queue.shift();
      if (!next) return;
      this.#usedBytes -= next.bytes.length;
      for (const bytes of this.#spoiled(next)) this.#transmit(bytes);
    }
  }

  #spoiled({ bytes, kind }: Queued): Uint8Array[] {
    const order = this.#orders.find((one) => one.kind === undefined || one.kind === kind);
    if (!order) return [bytes];
    if (--order.left === 0) this.#orders.splice(this.#orders.indexOf(order), 1);
    if (order.how === "drop") return [];
    return order.how === "duplicate" ? [bytes, bytes] : [corrupted(bytes)];
  }

  #transmit(bytes: Uint8Array): void {
    if (this.delayMs === 0) this.#push(bytes);
    else setTimeout(() => this.#push(bytes), this.delayMs);
  }

  #push(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length && !this.stream.destroyed; from += this.chunkBytes) {
      this.stream.push(Buffer.from(bytes.subarray(from, from + this.chunkBytes)));
    }
  }
}

/** One bit of the frame's middle flipped, so that no byte becomes zero. */
function corrupted(bytes: Uint8Array): Uint8Array {
  const spoiled = Uint8Array.from(bytes);
  const middle = bytes.length >> 1;
  const byte = spoiled[middle] ?? 0;
  spoiled[middle] = byte === 0x40 ? 0x41 : byte ^ 0x40;
  return spoiled;
}
