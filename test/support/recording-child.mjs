// Records a board that never stops allocating to the file given as the first argument; run by recording-crash.test.ts.
import { Duplex } from "node:stream";
import { encodeFrame } from "../../dist/src/board/wire/frame-codec.js";
import { recordBoard } from "../../dist/src/board/recording/record-session.js";
import { openRecording } from "../../dist/src/board/recording/recording-file.js";
import { linkOver } from "../../dist/src/board/link/stream-link.js";

const [, , path] = process.argv;
const HEAP = 0x20004000;
const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
let sequence = 0;
const send = (frame) => stream.push(encodeFrame(frame, sequence++ & 0xffff));

process.on("SIGXFSZ", () => {});
const recording = await openRecording(path, false);
const session = recordBoard({
  link: linkOver(stream),
  recording,
  start: { version: "0.0.0", startedIso: "2026-11-21T10:00:00.000Z" },
});
send({
  ...{ kind: "boot", nonce: 1, time: 0, clockHz: 1_000_000, cycleHz: 0, heapLow: HEAP, heapBytes: 16_384 },
  ...{ allocatorState: 0, captured: 0, ringBytes: 4096, commandBytes: 0, sizeMeaning: 0 },
  names: ["board", "build", "bump", "1"],
});
let time = 0;
const timer = setInterval(() => {
  for (let i = 0; i < 100; i++) {
    const address = HEAP + 4;
    send({ kind: "allocate", time: ++time, address, requestBytes: 24, site: 0x8000, task: 1 });
    send({ kind: "release", time: ++time, address, site: 0x8000, task: 1 });
  }
}, 5);
try {
  await session;
} catch (error) {
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 2;
} finally {
  clearInterval(timer);
}
