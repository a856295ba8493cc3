/** A serial line between two Unix sockets: as slow as 115200 baud, and as bad as asked for. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** 115200 baud with eight data bits, no parity and one stop bit: ten bits a byte. */
export const BYTES_PER_SECOND = 11_520;

/** What happens to the bytes of one direction: chances per byte. */
export interface LineFaults {
  readonly dropChance: number;
  /** One random bit is inverted. */
  readonly flipChance: number;
  /** The line stands still for up to `longestDelayMs`. */
  readonly delayChance: number;
  readonly longestDelayMs: number;
}

const NO_FAULTS: LineFaults = { dropChance: 0, flipChance: 0, delayChance: 0, longestDelayMs: 0 };
const TICK_MS = 4;
/** What a line that was idle, or a process that was late, may send at once. */
const MOST_CREDIT_BYTES = (BYTES_PER_SECOND * 50) / 1000;
/** Above this many waiting bytes the sender waits, as it would for its own transmitter. */
const QUEUE_BYTES = 4096;

/** What a direction has done so far, in bytes. */
export interface LineCount {
  carried: number;
  dropped: number;
  flipped: number;
  delays: number;
}

export class PacedBridge {
  readonly toHost: LineCount = { carried: 0, dropped: 0, flipped: 0, delays: 0 };
  readonly toBoard: LineCount = { carried: 0, dropped: 0, flipped: 0, delays: 0 };
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #lines: Line[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on `hostSocket` and connects whoever comes to `boardSocket`. The same seed gives the same faults. */
  static async open(
    boardSocket: string,
    hostSocket: string,
    { faults = NO_FAULTS, seed = 1 }: { readonly faults?: LineFaults; readonly seed?: number } = {},
  ): Promise<PacedBridge> {
    const server = createServer();
    const bridge = new PacedBridge(server);
    server.on("connection", (host) => bridge.#join(host, connect(boardSocket), faults, seed));
    server.listen(hostSocket);
    await once(server, "listening");
    return bridge;
  }

  close(): void {
    this.#server.close();
    for (const line of this.#lines) line.stop();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(host: Socket, board: Socket, faults: LineFaults, seed: number): void {
    this.#sockets.push(host, board);
    this.#lines.push(new Line(board, host, faults, xorshift(seed), this.toHost));
    this.#lines.push(new Line(host, board, faults, xorshift(seed + 1), this.toBoard));
    for (const socket of [host, board]) {
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        host.destroy();
        board.destroy();
      });
    }
  }
}

/** One direction, with a token bucket. */
class Line {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: LineFaults;
  readonly #random: () => number;
  readonly #count: LineCount;
  readonly #timer: NodeJS.Timeout;
  #waiting = Buffer.alloc(0);
  #creditBytes = 0;
  #lastMs = performance.now();
  #standsUntilMs = 0;

  constructor(from: Socket, to: Socket, faults: LineFaults, random: () => number, count: LineCount) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    this.#random = random;
    this.#count = count;
    from.on("data", (bytes) => this.#queue(bytes)).on("close", () => this.stop());
    this.#timer = setInterval(() => this.#send(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #queue(bytes: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    if (this.#waiting.length > QUEUE_BYTES) this.#from.pause();
  }

  #send(): void {
    const nowMs = performance.now();
    const earned = ((nowMs - this.#lastMs) * BYTES_PER_SECOND) / 1000;
    this.#lastMs = nowMs;
    this.#creditBytes = Math.min(this.#creditBytes + earned, MOST_CREDIT_BYTES);
    if (nowMs < this.#standsUntilMs || this.#waiting.length === 0) return;
    const bytes = this.#waiting.subarray(0, Math.floor(this.#creditBytes));
    this.#waiting = this.#waiting.subarray(bytes.length);
    this.#creditBytes -= bytes.length;
    if (this.#waiting.length < QUEUE_BYTES) this.#from.resume();
    this.#to.write(this.#spoil(bytes, nowMs));
  }

  /** The bytes as they come out at the other end. */
  #spoil(bytes: Buffer, nowMs: number): Buffer {
    const arrived: number[] = [];
    for (const byte of bytes) {
      this.#count.carried++;
      if (this.#happens(this.#faults.delayChance)) {
        this.#count.delays++;
        this.#standsUntilMs = nowMs + this.#random() * this.#faults.longestDelayMs;
      }
      if (this.#happens(this.#faults.dropChance)) this.#count.dropped++;
      else if (this.#happens(this.#faults.flipChance)) {
        this.#count.flipped++;
        arrived.push(byte ^ (1 << Math.floor(this.#random() * 8)));
      } else arrived.push(byte);
    }
    return Buffer.from(arrived);
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#random() < chance;
  }
}

/** Marsaglia's xorshift32, as shares of 1. */
function xorshift(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1); // odd: small seeds do not begin with small numbers
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
