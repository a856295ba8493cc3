import { once } from "node:events";
import { encodeFrame } from "../../dist/src/board/wire/frame-codec.js";
import { FrameDecoder } from "../../dist/src/board/wire/frame-decoder.js";
import { bootFrame, framePool, heartbeatOf, SEQUENCES } from "./frame-pool.mjs";
import { Random } from "./random.mjs";

const GROWTH_BYTES_MOST = 64e6;
const CHUNK_BYTES_MOST = 65_536;
/** Share of the stream after which memory counts as settled: the compilers are done and the heap has its size. */
const SETTLED_SHARE = 0.05;
const BYTES_MOST_TO_SETTLE = 200e6;

/**
 * Frames without damage, in chunks of every size, until `bytesWanted` have passed. Returns the promises broken.
 * A round is every sequence once, the last of them a heartbeat.
 */
export async function soakClean(bytesWanted, seed) {
  const random = new Random(seed);
  const { wires } = framePool(random);
  const round = Buffer.concat(wires.slice(0, -1));
  const decoder = new FrameDecoder();
  const seen = { items: 0, gaps: 0 };
  decoder.on("data", (items) => {
    seen.items += items.length;
    if (items.some(({ kind }) => kind === "gap")) seen.gaps++;
  });
  const memory = new MemoryWatch(bytesWanted);
  const startedMs = performance.now();
  let frames = 0;
  let bytes = 0;
  const write = async (chunk) => {
    bytes += chunk.length;
    if (!decoder.write(chunk)) await once(decoder, "drain");
    memory.look(bytes);
  };
  while (bytes < bytesWanted) {
    const first = frames === 0 ? encodeFrame(bootFrame(), 0) : wires[0];
    await write(first);
    for (let from = wires[0].length; from < round.length; ) {
      const to = Math.min(round.length, from + 1 + random.below(CHUNK_BYTES_MOST));
      await write(round.subarray(from, to));
      from = to;
    }
    frames += SEQUENCES;
    await write(encodeFrame(heartbeatOf(frames - 1), SEQUENCES - 1));
  }
  decoder.end();
  await once(decoder, "end");
  const seconds = (performance.now() - startedMs) / 1000;
  const rate = `${(bytes / 1e6 / seconds).toFixed(1)} MB/s, ${(frames / 1e6 / seconds).toFixed(2)} million frames/s`;
  console.log(`clean: ${bytes.toLocaleString("en")} bytes, ${frames.toLocaleString("en")} frames, ${rate}`);
  console.log(`clean: resident ${memory.text()}`);
  return brokenPromises({ counters: decoder.counters, seen, frames, bytes, memory });
}

function brokenPromises({ counters, seen, frames, bytes, memory }) {
  const { bytes: decodedBytes, frames: decoded, ...damage } = counters;
  const broken = [];
  if (decoded !== frames || seen.items !== frames) broken.push(`${seen.items} items came of ${frames} frames`);
  if (decodedBytes !== bytes) broken.push(`${decodedBytes} bytes counted of ${bytes}`);
  if (seen.gaps > 0 || Object.values(damage).some((count) => count !== 0)) {
    broken.push(`a clean stream counts as damaged: ${JSON.stringify(counters)}`);
  }
  if (memory.growthBytes > GROWTH_BYTES_MOST) broken.push(`memory grew: ${memory.text()}`);
  return broken;
}

/** Resident memory when it has settled, in the middle and at the end, and the most between. */
class MemoryWatch {
  #marks;
  #most = 0;
  #looks = 0;

  constructor(bytes) {
    const settled = Math.min(SETTLED_SHARE * bytes, BYTES_MOST_TO_SETTLE);
    this.#marks = [
      { name: "at the start", at: settled, resident: undefined },
      { name: "in the middle", at: bytes / 2, resident: undefined },
      { name: "at the end", at: bytes, resident: undefined },
    ];
  }

  look(bytes) {
    const due = this.#marks.filter((mark) => mark.resident === undefined && bytes >= mark.at);
    if (due.length === 0 && this.#looks++ % 256 !== 0) return;
    const resident = process.memoryUsage.rss();
    if (this.#marks[0].resident !== undefined) this.#most = Math.max(this.#most, resident);
    for (const mark of due) mark.resident = resident;
  }

  get growthBytes() {
    return this.#most - (this.#marks[0].resident ?? 0);
  }

  text() {
    const marks = this.#marks.map(({ name, resident }) => `${(resident / 1e6).toFixed(1)} MB ${name}`);
    return `${marks.join(", ")}, at most ${(this.#most / 1e6).toFixed(1)} MB`;
  }
}
