import { Transform, type TransformCallback } from "node:stream";
import { CobsReader } from "./cobs.ts";
import {
  checkOf,
  decodeFrame,
  FRAME_BYTES_LEAST,
  isCommandType,
  isKnownType,
  sequenceOf,
  typeOf,
  versionOf,
} from "./frame-codec.ts";
import { FrameLedger } from "./frame-ledger.ts";
import type { BoardItem, BoardMessage } from "./messages.ts";
import { FRAME_BYTES_MOST, PROTOCOL_VERSION } from "./protocol.ts";

/** What has come over a line. A stretch is what lies between two zeros. */
export interface LinkCounters {
  /** All bytes. */
  readonly bytes: number;
  /** Intact frames of a known type from the board, repetitions not among them. */
  readonly frames: number;
  /** Frames that the board numbered and that did not arrive intact, damaged ones among them. */
  readonly lost: number;
  /** Intact frames that had arrived before. */
  readonly repeated: number;
  /** Stretches as long as a frame that are none: COBS, check or layout is wrong. */
  readonly corrupt: number;
  /**
   * Bytes of stretches that are shorter or longer than any frame, of the stretch in front of the first zero, and of
   * that behind the last, unless they are frames.
   */
  readonly strayBytes: number;
  /** Intact frames of another version of the protocol. */
  readonly otherVersion: number;
  /** Intact frames of our version with a type that no board sends, as an echo of our commands would be. */
  readonly unknownType: number;
}

/**
 * Bytes from a board in, items out: one array for each chunk that completed something. Whatever the bytes are,
 * it does not fail, its memory does not grow, and after garbage it goes on with the frame behind the next zero.
 */
export class FrameDecoder extends Transform {
  readonly #reader = new CobsReader(FRAME_BYTES_MOST);
  readonly #ledger = new FrameLedger();
  #bytes = 0;
  #frames = 0;
  #corrupt = 0;
  #strayBytes = 0;
  #otherVersion = 0;
  #unknownType = 0;
  #isFirstStretch = true;
  #lastOtherVersion: number | undefined;

  constructor() {
    super({ readableObjectMode: true });
  }

  /** The counters as they are now. */
  get counters(): LinkCounters {
    return {
      bytes: this.#bytes,
      frames: this.#frames,
      lost: this.#ledger.lost,
      repeated: this.#ledger.repeated,
      corrupt: this.#corrupt,
      strayBytes: this.#strayBytes,
      otherVersion: this.#otherVersion,
      unknownType: this.#unknownType,
    };
  }

  /** The version of the latest frame that was not of ours; undefined: there was none. */
  get lastOtherVersion(): number | undefined {
    return this.#lastOtherVersion;
  }

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: TransformCallback): void {
    const items: BoardItem[] = [];
    this.#bytes += chunk.length;
    let from = 0;
    for (let zero = this.#reader.read(chunk, 0); zero >= 0; zero = this.#reader.read(chunk, from)) {
      if (this.#reader.lineBytes > 0) this.#finish(items);
      this.#reader.restart();
      this.#isFirstStretch = false;
      from = zero + 1;
    }
    if (items.length > 0) this.push(items);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#strayBytes += this.#reader.lineBytes;
    this.#reader.restart();
    done();
  }

  /** A stretch is complete. */
  #finish(items: BoardItem[]): void {
    const { bytes, length, isTooLong, isWhole, lineBytes } = this.#reader;
    if (isTooLong || length < FRAME_BYTES_LEAST) {
      this.#strayBytes += lineBytes;
      return;
    }
    const check = isWhole ? checkOf(bytes, length) : -1;
    if (check >= 0) this.#takeIntact(bytes, length, check, items);
    else if (this.#isFirstStretch) this.#strayBytes += lineBytes;
    else this.#corrupt++;
  }

  #takeIntact(bytes: Uint8Array, length: number, check: number, items: BoardItem[]): void {
    const version = versionOf(bytes);
    if (version === PROTOCOL_VERSION) {
      this.#takeOurs(bytes, length, check, items);
      return;
    }
    this.#otherVersion++;
    this.#lastOtherVersion = version;
  }

  #takeOurs(bytes: Uint8Array, length: number, check: number, items: BoardItem[]): void {
    const type = typeOf(bytes);
    if (isCommandType(type)) this.#unknownType++;
    else if (!isKnownType(type)) {
      this.#unknownType++;
      this.#ledger.enter(undefined, sequenceOf(bytes), check, items);
    } else this.#takeMessage(decodeFrame(bytes, length) as BoardMessage | undefined, sequenceOf(bytes), check, items);
  }

  #takeMessage(message: BoardMessage | undefined, sequence: number, check: number, items: BoardItem[]): void {
    if (message === undefined) this.#corrupt++;
    else if (this.#ledger.enter(message, sequence, check, items)) {
      this.#frames++;
      items.push(message);
    }
  }
}
