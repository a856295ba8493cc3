import type { BoardItem, BoardMessage } from "./messages.ts";

const SEQUENCES = 0x1_0000;
const HALF = SEQUENCES / 2;
const RECENT = 256;

/**
 * Which of the frames that the board numbered have arrived. Appends gaps where some have not; the frames of the
 * gaps that are certain add up to `lost`, but for those that a later heartbeat takes back.
 */
export class FrameLedger {
  /** Frames that the board numbered and that did not arrive intact, as far as they can be counted. */
  lost = 0;
  /** Frames that arrived once more. */
  repeated = 0;
  /** The next frame's sequence, or -1 before the first frame. */
  #expected = -1;
  /** The next frame's number since the boot, by the frames that arrived and the gaps; -1: not known. */
  #number = -1;
  /** Of `lost`, those since the number became known. */
  #lostSince = 0;
  #nonce: number | undefined;
  /** Whether a gap of unknown size lies behind the last `boot` or heartbeat. */
  #isUncertain = false;
  /** The latest frames, each at its sequence modulo 256. */
  readonly #recentSequences = new Int32Array(RECENT).fill(-1);
  readonly #recentChecks = new Uint32Array(RECENT);

  /**
   * Enters an intact frame and appends to `items` what is missing in front of it; `message` is undefined for a
   * type that is not known. False: it is a repetition of one of the last 256.
   */
  enter(message: BoardMessage | undefined, sequence: number, check: number, items: BoardItem[]): boolean {
    if (this.#isRepetition(message, sequence, check)) {
      this.repeated++;
      return false;
    }
    if (message?.kind === "boot") this.#begin(message.nonce, sequence);
    else this.#advance(sequence, items);
    if (message?.kind === "identity") this.#meet(message.nonce, items);
    else if (message?.kind === "heartbeat" && (message.frames & (SEQUENCES - 1)) === sequence) {
      this.#meet(message.nonce, items);
      this.#settle(message.frames, items);
    }
    this.#expected = (sequence + 1) & (SEQUENCES - 1);
    if (this.#number >= 0) this.#number++;
    this.#recentSequences[sequence % RECENT] = sequence;
    this.#recentChecks[sequence % RECENT] = check;
    return true;
  }

  /** Sequence and check tell two frames apart, but for two boots with a check in common: there the nonce does. */
  #isRepetition(message: BoardMessage | undefined, sequence: number, check: number): boolean {
    const slot = sequence % RECENT;
    if (this.#recentSequences[slot] !== sequence || this.#recentChecks[slot] !== check) return false;
    if (message?.kind === "boot" && message.nonce !== this.#nonce) return false;
    const behind = (this.#expected - sequence) & (SEQUENCES - 1);
    return behind > 0 && behind <= RECENT;
  }

  /** What a boot makes missing cannot be counted: nobody knows how far the numbers had come. */
  #begin(nonce: number, sequence: number): void {
    this.#nonce = nonce;
    this.#number = sequence;
    this.#lostSince = 0;
    this.#isUncertain = false;
    this.#recentSequences.fill(-1);
  }

  #advance(sequence: number, items: BoardItem[]): void {
    const frames = (sequence - this.#expected) & (SEQUENCES - 1);
    if (frames === 0 || this.#expected < 0) return;
    if (frames < HALF) this.#lose(frames, items);
    else this.#doubt(frames, items);
  }

  #lose(frames: number, items: BoardItem[]): void {
    this.lost += frames;
    this.#lostSince += frames;
    if (this.#number >= 0) this.#number += frames;
    items.push({ kind: "gap", frames, certain: true });
  }

  #doubt(frames: number, items: BoardItem[]): void {
    this.#isUncertain = true;
    items.push({ kind: "gap", frames, certain: false });
  }

  /** Another nonce than before without a boot: the boot is among what was lost. */
  #meet(nonce: number, items: BoardItem[]): void {
    if (this.#nonce !== undefined && this.#nonce !== nonce) this.#forget(items);
    this.#nonce = nonce;
  }

  #forget(items: BoardItem[]): void {
    this.#number = -1;
    if (!this.#isUncertain) this.#doubt(0, items);
  }

  /**
   * Holds the ledger against the board's own count of the frames in front of a heartbeat. It settles what 16 bits
   * cannot tell: losses of 65,536 and more, and those that a damaged frame with a good check made us count.
   */
  #settle(frames: number, items: BoardItem[]): void {
    const missing = this.#number < 0 ? 0 : (frames - this.#number) | 0;
    if (missing > 0) this.#lose(missing, items);
    else if (missing < -this.#lostSince) this.#forget(items);
    else this.#takeBack(-missing);
    if (this.#number < 0) this.#lostSince = 0;
    this.#number = frames;
    this.#isUncertain = false;
  }

  #takeBack(frames: number): void {
    this.lost -= frames;
    this.#lostSince -= frames;
  }
}
