/**
 * A line that flips, overwrites, drops and repeats frames, and knows the truth: which frames arrive intact and in
 * which order, and what lies between the zeros where it did damage.
 */
import { CobsReader } from "../../dist/src/board/wire/cobs.js";
import {
  decodeFrame,
  FRAME_BYTES_LEAST,
  isCommandType,
  typeOf,
  versionOf,
} from "../../dist/src/board/wire/frame-codec.js";
import { FRAME_BYTES_MOST, FRAME_TYPES, PROTOCOL_VERSION } from "../../dist/src/board/wire/protocol.js";

const DROPPED_SHARE = 0.02;
const REPEATED_SHARE = 0.02;
const DAMAGED_SHARE = 0.15;

export class NoisyLine {
  truth = {
    /** Frames of which no copy arrived intact. */
    lost: 0,
    repeated: 0,
    /** Copies that were damaged, or ran into a damaged one. */
    damaged: 0,
    /** Stretches between zeros, as long as a frame, that damage left. */
    damagedStretches: 0,
    strayBytes: 0,
    /** Of those, stretches that would be a frame if their check happened to be right, by check. */
    plausibleShort: 0,
    plausibleLong: 0,
  };
  #random;
  #reader = new CobsReader(FRAME_BYTES_MOST);
  /** Whether the last byte on the line was a zero that nobody damaged, or the damage has come to its zero. */
  #isBetween = true;

  constructor(random) {
    this.#random = random;
  }

  /** Sends a frame once, twice or not at all; `emit` takes the bytes. True: a copy of it arrives intact. */
  send(wire, emit) {
    const random = this.#random;
    if (random.chance(DROPPED_SHARE)) {
      this.truth.lost++;
      return false;
    }
    const copies = random.chance(REPEATED_SHARE) ? 2 : 1;
    let intact = 0;
    for (let copy = 0; copy < copies; copy++) {
      if (random.chance(DAMAGED_SHARE)) this.#sendDamaged(this.#damage(wire), emit);
      else if (this.sendIntact(wire, emit)) intact++;
    }
    if (intact === 0) this.truth.lost++;
    else this.truth.repeated += intact - 1;
    return intact > 0;
  }

  /** Sends without damage. False: the zero in front of it was damaged, so that it arrives as a part of something else. */
  sendIntact(wire, emit) {
    if (!this.#isBetween) {
      this.#sendDamaged(wire, emit);
      return false;
    }
    emit(wire);
    return true;
  }

  /** Ends what damage may have left open. */
  sendZero(emit) {
    this.#sendStretches(Uint8Array.of(0), emit);
  }

  /** Bits flipped, a few or many, or bytes overwritten; at least one bit of the result differs. */
  #damage(wire) {
    const random = this.#random;
    const bytes = Uint8Array.from(wire);
    const manner = random.below(4);
    if (manner === 3) this.#overwrite(bytes);
    else for (let left = [1, 1 + random.below(4), 4 + random.below(29)][manner]; left > 0; left--) flip(bytes, random);
    if (bytes.every((byte, at) => byte === wire[at])) flip(bytes, random);
    return bytes;
  }

  /** Random bytes in place of up to eight: a wrong level on the line for a while. */
  #overwrite(bytes) {
    const from = this.#random.below(bytes.length);
    const to = Math.min(bytes.length, from + 1 + this.#random.below(8));
    for (let at = from; at < to; at++) bytes[at] = this.#random.below(256);
  }

  #sendDamaged(bytes, emit) {
    this.truth.damaged++;
    this.#sendStretches(bytes, emit);
  }

  #sendStretches(bytes, emit) {
    emit(bytes);
    let from = 0;
    for (let zero = this.#reader.read(bytes, 0); zero >= 0; zero = this.#reader.read(bytes, from)) {
      if (this.#reader.lineBytes > 0) this.#judge();
      this.#reader.restart();
      from = zero + 1;
    }
    this.#isBetween = from === bytes.length;
  }

  /** What a decoder can make of a damaged stretch, whatever its check is. */
  #judge() {
    const { bytes, length, lineBytes, isTooLong, isWhole } = this.#reader;
    if (isTooLong || length < FRAME_BYTES_LEAST) {
      this.truth.strayBytes += lineBytes;
      return;
    }
    this.truth.damagedStretches++;
    if (!isWhole || versionOf(bytes) !== PROTOCOL_VERSION || isCommandType(typeOf(bytes))) return;
    if (decodeFrame(bytes, length) === undefined) return;
    if (typeOf(bytes) === FRAME_TYPES.memory) this.truth.plausibleLong++;
    else this.truth.plausibleShort++;
  }
}

function flip(bytes, random) {
  const bit = random.below(8 * bytes.length);
  bytes[bit >> 3] ^= 1 << (bit & 7);
}
