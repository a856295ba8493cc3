import { once } from "node:events";
import { encodeFrame } from "../../dist/src/board/wire/frame-codec.js";
import { FrameDecoder } from "../../dist/src/board/wire/frame-decoder.js";
import { bootFrame, framePool, HEARTBEAT_EVERY, heartbeatOf, SEQUENCES } from "./frame-pool.mjs";
import { NoisyLine } from "./noisy-line.mjs";
import { Random } from "./random.mjs";

const CHUNK_BYTES = 65_536;
/** Frames that are lost in a row, more than 16-bit sequences can tell, and how often. */
const OUTAGE_FRAMES = 100_000;
const OUTAGE_EVERY = 1_500_000;
const QUANTILE = 0.999;

/**
 * `framesWanted` frames over a noisy line. Returns the promises broken.
 *
 * The odds. A damaged stretch is taken for a frame when its check is right by accident. That can only happen to a
 * stretch that has all else of a frame: COBS without a remainder, our version, a type that boards send, a payload
 * that fits its layout. The line counts these as it does the damage, whatever their check is. Were the damage random
 * with respect to the code, each would pass CRC-16 with 2^-16; flips of up to three bits and bursts of up to 16 never
 * do, so that the number accepted is at most Poisson with mean plausible / 65,536, of which the 99.9 % quantile is
 * the limit. With CRC-32 the mean is under 10^-4, and the limit is none.
 *
 * What is countable. The board's count in a heartbeat tells how many frames were numbered, the decoder knows how many
 * it took: lost is the difference, to the frame. A damaged frame that it took is, to everybody, one that arrived.
 * With a rare seed, a damaged frame that passes is itself a heartbeat, or the first of two copies, and the counts
 * differ by what it says; the default seed is not one of them.
 */
export async function soakNoisy(framesWanted, seed) {
  const random = new Random(seed + 1);
  const pool = framePool(random);
  const line = new NoisyLine(random);
  const arrivals = new Arrivals();
  const decoder = new FrameDecoder();
  decoder.on("data", (items) => arrivals.compare(items));
  const chunks = new Chunks(decoder);
  const emit = (wire) => chunks.add(wire);
  const startedMs = performance.now();

  const boot = bootFrame();
  line.sendIntact(encodeFrame(boot, 0), emit);
  arrivals.expect(boot);
  let outageFrames = 0;
  for (let number = 1; number < framesWanted; number++) {
    if (number % OUTAGE_EVERY === 0) outageFrames += OUTAGE_FRAMES;
    const numbered = number + outageFrames;
    const isHeartbeat = number % HEARTBEAT_EVERY === 0;
    const message = isHeartbeat ? heartbeatOf(numbered) : pool.messages[numbered % SEQUENCES];
    const wire = isHeartbeat ? encodeFrame(message, numbered % SEQUENCES) : pool.wires[numbered % SEQUENCES];
    if (line.send(wire, emit)) arrivals.expect(message);
    if (chunks.isFull) await chunks.write();
  }
  const numbered = framesWanted + outageFrames;
  const last = heartbeatOf(numbered);
  line.sendZero(emit);
  line.sendIntact(encodeFrame(last, numbered % SEQUENCES), emit);
  arrivals.expect(last);
  await chunks.write();
  decoder.end();
  await once(decoder, "end");

  const truth = { ...line.truth, lost: line.truth.lost + outageFrames, numbered: numbered + 1 };
  const seconds = (performance.now() - startedMs) / 1000;
  return report({ counters: decoder.counters, truth, arrivals, seconds });
}

function report({ counters, truth, arrivals, seconds }) {
  const expected = truth.plausibleShort / 0x1_0000;
  const limit = poissonQuantile(expected, QUANTILE);
  const { short, long } = arrivals.strangers;
  const shown = (number) => number.toLocaleString("en");
  console.log(
    `noisy: ${shown(truth.numbered)} frames numbered, ${shown(counters.bytes)} bytes, ${seconds.toFixed(1)} s`,
  );
  console.log(
    `noisy: ${shown(truth.damaged)} copies damaged, of which ${shown(truth.plausibleShort)} stretches need CRC-16 to ` +
      `tell and ${shown(truth.plausibleLong)} CRC-32`,
  );
  console.log(
    `noisy: accepted though damaged: ${short} by CRC-16 (mean at most ${expected.toFixed(2)}, limit ${limit}), ${long} by CRC-32`,
  );
  console.log(
    `noisy: lost ${shown(counters.lost)}, repeated ${shown(counters.repeated)}, corrupt ${shown(counters.corrupt)}`,
  );

  const taken = short + long;
  const broken = [];
  const equal = (what, got, wanted) => got !== wanted && broken.push(`${what}: ${got}, in truth ${wanted}`);
  if (short > limit) broken.push(`${short} damaged frames passed CRC-16, more than ${limit}`);
  if (long > 0) broken.push(`${long} damaged frames passed CRC-32`);
  equal("intact frames that never came out", arrivals.missing, 0);
  equal("lost", counters.lost, truth.lost - taken);
  equal("repeated", counters.repeated, truth.repeated);
  equal("corrupt", counters.corrupt + taken + counters.otherVersion + counters.unknownType, truth.damagedStretches);
  equal("stray bytes", counters.strayBytes, truth.strayBytes);
  equal("frames", counters.frames, truth.numbered - truth.lost + taken);
  return broken;
}

/** The least count that a Poisson number of this mean stays within in `share` of the cases. */
function poissonQuantile(mean, share) {
  let term = Math.exp(-mean);
  let below = term;
  let count = 0;
  while (below < share) {
    term *= mean / ++count;
    below += term;
  }
  return count;
}

/** The messages that must come out, in order, held against those that do. */
class Arrivals {
  /** Messages that came out and were not sent so, by the check that let them pass. */
  strangers = { short: 0, long: 0 };
  #expected = [];
  #next = 0;

  expect(message) {
    this.#expected.push(message);
  }

  /** Messages that have not come out. */
  get missing() {
    return this.#expected.length - this.#next;
  }

  compare(items) {
    for (const item of items) {
      if (item.kind === "gap") continue;
      if (isSame(item, this.#expected[this.#next])) this.#next++;
      else if (item.kind === "memory") this.strangers.long++;
      else this.strangers.short++;
    }
    this.#expected = this.#expected.slice(this.#next);
    this.#next = 0;
  }
}

function isSame(item, message) {
  if (message === undefined || item.kind !== message.kind) return false;
  for (const name in message) {
    if (item[name] !== message[name] && !isSameList(item[name], message[name])) return false;
  }
  return true;
}

function isSameList(some, others) {
  return typeof some === "object" && some.length === others.length && some.every((one, at) => one === others[at]);
}

/** Frames gathered into chunks, whose borders fall anywhere in them. */
class Chunks {
  #decoder;
  #parts = [];
  #bytes = 0;

  constructor(decoder) {
    this.#decoder = decoder;
  }

  get isFull() {
    return this.#bytes >= CHUNK_BYTES;
  }

  add(wire) {
    this.#parts.push(wire);
    this.#bytes += wire.length;
  }

  /** Hands all but a half of the last frame to the decoder. */
  async write() {
    const all = Buffer.concat(this.#parts);
    const kept = all.subarray(all.length - ((this.#parts.at(-1)?.length ?? 0) >> 1));
    this.#parts = [];
    this.#bytes = 0;
    const chunks = [all.subarray(0, all.length - kept.length), kept];
    for (const chunk of chunks) if (!this.#decoder.write(chunk)) await once(this.#decoder, "drain");
  }
}
