import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CobsReader } from "../../src/board/wire/cobs.ts";
import { checkOf, decodeFrame, encodeFrame, sealFrame, sequenceOf } from "../../src/board/wire/frame-codec.ts";
import type { Frame } from "../../src/board/wire/messages.ts";
import { FRAME_BYTES_MOST, LAYOUTS } from "../../src/board/wire/protocol.ts";
import { anyFrame, boot, FRAME_NAMES } from "../support/board-frames.ts";

const SEED = 20261205;

/** Frame and sequence as the other side reads them; the frame is undefined where it does not fit its layout. */
function read(wire: Uint8Array): { frame: Frame | undefined; sequence: number; isIntact: boolean } {
  const { bytes, length } = readerOf(wire);
  const isIntact = checkOf(bytes, length) >= 0;
  return { frame: decodeFrame(bytes, length), sequence: sequenceOf(bytes), isIntact };
}

function readerOf(wire: Uint8Array): CobsReader {
  const reader = new CobsReader(FRAME_BYTES_MOST);
  expect(reader.read(wire, 0)).toBe(wire.length - 1);
  return reader;
}

/** Header and payload of a frame, without check and stuffing. */
function bodyOf(frame: Frame): Uint8Array {
  const { bytes, length } = readerOf(encodeFrame(frame, 0));
  return bytes.slice(0, length - (frame.kind === "memory" ? 4 : 2));
}

// Written out by another program (Python's binascii.crc_hqx and zlib.crc32): the format on the wire is a promise.
const GOLDEN: readonly (readonly [Frame, number, string])[] = [
  [
    {
      kind: "allocate",
      time: 0x0102_0304,
      address: 0x2000_1008,
      requestBytes: 100,
      site: 0x0800_1235,
      task: 7,
    },
    0x1234,
    "0a233412040302010810032064010103351203080703d32100",
  ],
  [
    { kind: "heartbeat", nonce: 0xdead_beef, time: 1_000_000, frames: 5, captured: 4, dropped: 0 },
    5,
    "032b0508efbeadde40420f02050101020401010101010103b4b800",
  ],
  [
    { kind: "memory", address: 0x2000_0000, data: Uint8Array.of(0, 1, 2, 255) },
    0xffff,
    "042effff01010220080102ff5e0652c800",
  ],
  [{ kind: "hello" }, 0, "02300103390900"],
  [
    {
      kind: "batch",
      batch: 1,
      count: 2,
      reserved: 0,
      operations: [
        { verb: "allocateAligned", block: 0, blockIsReference: false, alignment: 32, requestBytes: 64 },
        { verb: "release", block: 0, blockIsReference: true, alignment: 1, requestBytes: 0 },
      ],
    },
    1,
    "033101020102020102010205010101010240010103030101010101010101010103030d00",
  ],
  [
    { kind: "statistics", time: 9, figures: { free: 4096, largest_free: 2048 } },
    2,
    "032902020901010201021001020702080103fb2000",
  ],
  [
    boot(0x1122_3344),
    0,
    "022101054433221101010103e8030101010101010101022002100101010101010101010102020102f2010262026902610276039ab600",
  ],
];

describe("a frame on the wire", () => {
  test.each(GOLDEN)("$kind is these very bytes", (frame, sequence, hex) => {
    expect(Buffer.from(encodeFrame(frame, sequence)).toString("hex")).toBe(hex);
    expect(read(Buffer.from(hex, "hex"))).toEqual({ frame, sequence, isIntact: true });
  });

  test.each(FRAME_NAMES)("%s comes back with every value", (kind) => {
    fc.assert(
      fc.property(anyFrame(kind), fc.integer({ min: 0, max: 0xffff }), (frame, sequence) => {
        expect(read(encodeFrame(frame, sequence))).toEqual({ frame, sequence, isIntact: true });
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  test.each(FRAME_NAMES)(
    "%s is refused when a byte of its fixed fields is missing, or one too many is there",
    (kind) => {
      const isOpen = LAYOUTS[kind].some(([, format]) => !/^u\d+$/.test(format));
      fc.assert(
        fc.property(anyFrame(kind), (frame) => {
          const body = bodyOf(frame);
          if (!isOpen) expect(read(sealFrame(Uint8Array.from([...body, 1]))).frame).toBeUndefined();
          if (!isOpen && body.length > 3) expect(read(sealFrame(body.subarray(0, -1))).frame).toBeUndefined();
          if (isOpen && LAYOUTS[kind].length > 1) expect(read(sealFrame(body.subarray(0, 4))).frame).toBeUndefined();
        }),
        { seed: SEED, numRuns: 20 },
      );
    },
  );
});

describe("a payload that is no value of its field", () => {
  const refused = (frame: Frame, change: (body: Uint8Array) => Iterable<number>) =>
    expect(read(sealFrame(Uint8Array.from(change(bodyOf(frame))))).frame).toBeUndefined();
  const operation = { block: 1, blockIsReference: true, alignment: 8, requestBytes: 16 } as const;
  const batch: Frame = {
    kind: "batch",
    batch: 1,
    count: 1,
    reserved: 0,
    operations: [{ verb: "allocate", ...operation }],
  };

  test("is refused: names without their last zero", () => refused(boot(1), (body) => body.subarray(0, -1)));
  test("is refused: a part of a record", () => {
    refused({ kind: "results", batch: 1, results: [{ address: 8, cycles: 3 }] }, (body) => body.subarray(0, -1));
    refused({ kind: "statics", words: [1, 2] }, (body) => body.subarray(0, -1));
    refused({ kind: "statistics", time: 0, figures: { free: 1 } }, (body) => body.subarray(0, -1));
    refused(batch, (body) => body.subarray(0, -1));
  });
  test.each([
    ["a verb that there is not", 8, 9],
    ["a reference that is neither yes nor no", 9, 2],
    ["an alignment of 2^32", 10, 32],
    ["a reserved byte that is used", 11, 1],
  ])("is refused: %s", (_, at, value) => refused(batch, (body) => body.with(at, value)));

  test("leaves out figures that have no name here", () => {
    const body = bodyOf({ kind: "statistics", time: 0, figures: { free: 7 } });
    expect(read(sealFrame(Uint8Array.from([...body, 200, 1, 0, 0, 0]))).frame).toEqual({
      kind: "statistics",
      time: 0,
      figures: { free: 7 },
    });
  });
});

describe("a value that its field cannot hold", () => {
  test.each<[string, Frame]>([
    ["65536 as a task", { kind: "task", task: 0x1_0000, name: "" }],
    ["a negative address", { kind: "readMemory", address: -4, bytes: 1 }],
    ["half a byte", { kind: "readMemory", address: 0, bytes: 0.5 }],
    ["a name with a zero", { ...boot(1), names: ["a\0b"] }],
    ["more data than a frame", { kind: "memory", address: 0, data: new Uint8Array(FRAME_BYTES_MOST) }],
  ])("is not written: %s", (_, frame) => {
    expect(() => encodeFrame(frame, 0)).toThrow(RangeError);
  });

  test("is not written: an alignment that is no power of two", () => {
    const operation = {
      verb: "allocateAligned",
      block: 0,
      blockIsReference: false,
      alignment: 24,
      requestBytes: 1,
    } as const;
    expect(() => encodeFrame({ kind: "batch", batch: 1, count: 1, reserved: 0, operations: [operation] }, 0)).toThrow(
      RangeError,
    );
  });
});
