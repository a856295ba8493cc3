/** A frame for every sequence, written once: what a board would send, and the bytes on the wire. */
import { encodeFrame } from "../../dist/src/board/wire/frame-codec.js";

export const SEQUENCES = 0x1_0000;
/** Frames between two heartbeats. */
export const HEARTBEAT_EVERY = 1000;
export const NONCE = 0x5eed_b0a4;

/** Messages by sequence and their bytes: half of them allocations, the others releases, moves, logs and memory. */
export function framePool(random) {
  const messages = Array.from({ length: SEQUENCES }, (_, sequence) => messageOf(sequence, random));
  return { messages, wires: messages.map((message, sequence) => encodeFrame(message, sequence)) };
}

/** The heartbeat with this number since the boot. */
export function heartbeatOf(number) {
  const counts = { frames: number, captured: number >>> 1, dropped: 0 };
  return { kind: "heartbeat", nonce: NONCE, time: (number * 1000) >>> 0, ...counts };
}

/** The frame that every stream begins with. */
export function bootFrame() {
  const clock = { time: 0, clockHz: 1_000_000, cycleHz: 0 };
  const heap = { heapLow: 0x2000_0000, heapBytes: 0x1_0000, allocatorState: 0, captured: 0 };
  const agent = { ringBytes: 1024, commandBytes: 242, sizeMeaning: 0, names: ["board", "build", "tlsf", "3.1"] };
  return { kind: "boot", nonce: NONCE, ...clock, ...heap, ...agent };
}

function messageOf(sequence, random) {
  const event = { time: random.word(), address: random.word(), site: random.word(), task: sequence };
  const choice = random.below(20);
  if (choice < 10) return { kind: "allocate", ...event, requestBytes: random.below(4096) };
  if (choice < 17) return { kind: "release", ...event };
  if (choice < 18) return { kind: "reallocate", ...event, requestBytes: random.below(4096), result: random.word() };
  if (choice < 19) return { kind: "log", time: event.time, text: `connection ${sequence} closed` };
  const data = Uint8Array.from({ length: 1 + random.below(192) }, () => random.below(256));
  return { kind: "memory", address: event.address, data };
}
