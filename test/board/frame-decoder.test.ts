import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCobs } from "../../src/board/wire/cobs.ts";
import { crc16 } from "../../src/board/wire/crc.ts";
import { encodeFrame, frameBody, sealFrame } from "../../src/board/wire/frame-codec.ts";
import type { LinkCounters } from "../../src/board/wire/frame-decoder.ts";
import { FrameDecoder } from "../../src/board/wire/frame-decoder.ts";
import { littleEndian } from "../../src/board/wire/frame-fields.ts";
import type { BoardItem, Frame } from "../../src/board/wire/messages.ts";
import { FRAME_BYTES_MOST, PROTOCOL_VERSION } from "../../src/board/wire/protocol.ts";
import {
  anyFrame,
  FRAME_NAMES,
  messagesOf,
  numbersOf,
  received,
  release,
  run,
  wire,
  withoutBytes,
} from "../support/board-frames.ts";

const SEED = 20261206;
const NOTHING: LinkCounters = {
  bytes: 0,
  frames: 0,
  lost: 0,
  repeated: 0,
  corrupt: 0,
  strayBytes: 0,
  otherVersion: 0,
  unknownType: 0,
};

/** A frame with its payload's last bytes as they are and another first byte: type or version. */
function disguised(frame: Frame, number: number, first: number): Uint8Array {
  return sealFrame(frameBody(frame, number).with(0, first));
}

function cutIntoPieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  let from = 0;
  const pieces = cuts.map((cut) => {
    const piece = bytes.subarray(from, from + cut);
    from += cut;
    return piece;
  });
  return [...pieces, bytes.subarray(from)];
}

describe("a decoder", () => {
  test("gives the same items however the bytes are cut into chunks", async () => {
    const boardFrames = fc.array(fc.oneof(...FRAME_NAMES.slice(0, 15).map(anyFrame)), { minLength: 1, maxLength: 12 });
    const junk = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(boardFrames, junk, fc.array(fc.integer({ min: 1, max: 60 })), async (frames, rubbish, cuts) => {
        const parts = frames.flatMap((frame, index) => [wire(frame, index), rubbish[index] ?? []]);
        const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
        const whole = await received(bytes);
        const cutUp = await received(...cutIntoPieces(bytes, cuts));
        const single = await received(...Array.from(bytes, (byte) => Uint8Array.of(byte)));
        expect(cutUp.items).toEqual(whole.items);
        expect(single.items).toEqual(whole.items);
        expect(cutUp.counters).toEqual(whole.counters);
        expect(single.counters).toEqual(whole.counters);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  test("gives every kind of frame that a board sends, and nothing else is counted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(...FRAME_NAMES.slice(1, 10).map(anyFrame)), async (frames) => {
        const { items, counters } = await received(...frames.map(wire));
        expect(messagesOf(items)).toEqual(frames);
        expect(withoutBytes(counters)).toEqual({ frames: frames.length });
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  test("takes what it is given in one array for each chunk that completed something", async () => {
    const decoder = new FrameDecoder();
    const arrays: number[] = [];
    decoder.on("data", (items: readonly BoardItem[]) => arrays.push(items.length));
    const [first = new Uint8Array(), second = new Uint8Array(), third = new Uint8Array()] = run(0, 3);
    for (const chunk of [Buffer.concat([first, second]), third.subarray(0, 4), third.subarray(4)]) decoder.write(chunk);
    await new Promise((resolve) => decoder.end(resolve));
    expect(arrays).toEqual([2, 1]);
  });
});

describe("garbage", () => {
  const text = Buffer.from("Hello, I print on the same line!\r\n");

  test("in front of the first frame is stray", async () => {
    const { items, counters } = await received(text, Uint8Array.of(0), ...run(7, 10));
    expect(numbersOf(items)).toEqual([7, 8, 9]);
    expect(withoutBytes(counters)).toEqual({ frames: 3, strayBytes: text.length });
  });

  test("that is the rest of a frame, when the host joins in its middle, is stray", async () => {
    const [cut = new Uint8Array()] = run(6, 7);
    const { items, counters } = await received(cut.subarray(5), ...run(7, 10));
    expect(numbersOf(items)).toEqual([7, 8, 9]);
    expect(withoutBytes(counters)).toEqual({ frames: 3, strayBytes: cut.length - 6 });
  });

  test("between two frames costs the one that it runs into", async () => {
    const { items, counters } = await received(...run(0, 3), text, ...run(3, 6));
    expect(numbersOf(items)).toEqual([0, 1, 2, "gap 1", 4, 5]);
    expect(withoutBytes(counters)).toEqual({ frames: 5, lost: 1, corrupt: 1 });
  });

  test("between two frames and followed by a zero costs none", async () => {
    const { items, counters } = await received(...run(0, 3), text, Uint8Array.of(0, 0, 0), ...run(3, 6));
    expect(numbersOf(items)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(withoutBytes(counters)).toEqual({ frames: 6, corrupt: 1 });
  });

  test("shorter than any frame is stray", async () => {
    const { counters } = await received(...run(0, 1), Uint8Array.of(1, 0, 2, 2, 0, 5, 5, 5, 5, 5, 0), ...run(1, 2));
    expect(withoutBytes(counters)).toEqual({ frames: 2, strayBytes: 8 });
  });

  test("behind the last frame is stray when the line ends", async () => {
    const { counters } = await received(...run(0, 2), text);
    expect(withoutBytes(counters)).toEqual({ frames: 2, strayBytes: text.length });
  });

  test("longer than any frame is skipped to the next zero", async () => {
    const noise = new Uint8Array(100_000).fill(0xff);
    const { items, counters } = await received(...run(0, 2), noise, Uint8Array.of(0), ...run(2, 4));
    expect(numbersOf(items)).toEqual([0, 1, 2, 3]);
    expect(withoutBytes(counters)).toEqual({ frames: 4, strayBytes: noise.length });
  });

  test("at full speed never makes it fail, keep anything, or lose a byte of the count", async () => {
    const random = fc.sample(fc.uint8Array({ minLength: 65_536, maxLength: 65_536 }), { seed: SEED, numRuns: 4 });
    const chunks = Array.from({ length: 64 }, (_, index) => random[index % 4] ?? new Uint8Array());
    const { items, counters } = await received(...chunks);
    expect(counters.bytes).toBe(64 * 65_536);
    expect(items.length).toBeLessThan(30);
    expect(counters.corrupt).toBeGreaterThan(5000);
  });
});

describe("the longest frame", () => {
  const data = new Uint8Array(FRAME_BYTES_MOST - 11).fill(1);

  test("passes", async () => {
    const { items } = await received(wire({ kind: "memory", address: 0, data }, 0));
    expect(items).toEqual([{ kind: "memory", address: 0, data }]);
  });

  test("is the longest", async () => {
    const ofLength = (bytes: number) => encodeCobs(new Uint8Array(bytes).fill(1));
    const { counters } = await received(Uint8Array.of(0), ofLength(FRAME_BYTES_MOST), ofLength(FRAME_BYTES_MOST + 1));
    expect(withoutBytes(counters)).toEqual({ corrupt: 1, strayBytes: ofLength(FRAME_BYTES_MOST + 1).length - 1 });
  });

  test("of a text that fills it passes too", async () => {
    const text = "x".repeat(FRAME_BYTES_MOST - 9);
    expect((await received(wire({ kind: "log", time: 0, text }, 0))).items).toEqual([{ kind: "log", time: 0, text }]);
  });
});

describe("a damaged frame", () => {
  test("is counted once as corrupt and once as lost, whichever bit flips, unless it becomes a zero", async () => {
    const frames = run(0, 3);
    const [, victim = new Uint8Array()] = frames;
    for (let bit = 0; bit < 8 * (victim.length - 1); bit++) {
      const flipped = victim.with(bit >> 3, (victim[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
      if (flipped.indexOf(0) < flipped.length - 1) continue;
      const { items, counters } = await received(frames[0] as Uint8Array, flipped, frames[2] as Uint8Array);
      expect(numbersOf(items)).toEqual([0, "gap 1", 2]);
      expect(withoutBytes(counters)).toEqual({ frames: 2, lost: 1, corrupt: 1 });
    }
  });

  test("takes the next one along when it loses its last zero", async () => {
    const [first, second, third, fourth] = run(0, 4) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const { items, counters } = await received(first, second.subarray(0, -1), third, fourth);
    expect(numbersOf(items)).toEqual([0, "gap 2", 3]);
    expect(withoutBytes(counters)).toEqual({ frames: 2, lost: 2, corrupt: 1 });
  });

  test("of the right check and a wrong length is corrupt", async () => {
    const long = sealFrame(Uint8Array.from([...frameBody(release(1), 1), 0]));
    const { items, counters } = await received(...run(0, 1), long, ...run(2, 3));
    expect(numbersOf(items)).toEqual([0, "gap 1", 2]);
    expect(withoutBytes(counters)).toEqual({ frames: 2, lost: 1, corrupt: 1 });
  });

  test("of memory needs the long check", async () => {
    const body = frameBody({ kind: "memory", address: 0, data: Uint8Array.of(1, 2, 3) }, 1);
    const short = encodeCobs(Uint8Array.from([...body, ...littleEndian(crc16(body), 2)]));
    const { counters } = await received(...run(0, 1), short, ...run(2, 3));
    expect(withoutBytes(counters)).toEqual({ frames: 2, lost: 1, corrupt: 1 });
  });
});

describe("drops, repetitions and damage in any mixture", () => {
  const fate = fc.constantFrom("pass", "pass", "pass", "drop", "twice", "flip");

  test("are counted exactly", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { maxLength: 400 }), async (fates) => {
        const frames = run(0, fates.length + 2);
        const chunks = [frames[0] as Uint8Array];
        for (const [index, one] of fates.entries()) {
          const frame = frames[index + 1] as Uint8Array;
          if (one === "flip") chunks.push(frame.with(8, frame[8] === 0x40 ? 0x41 : (frame[8] ?? 0) ^ 0x40));
          else chunks.push(...Array.from({ length: { pass: 1, drop: 0, twice: 2 }[one] ?? 0 }, () => frame));
        }
        chunks.push(frames.at(-1) as Uint8Array);
        const { items, counters } = await received(...chunks);
        const count = (wanted: string) => fates.filter((one) => one === wanted).length;
        expect(counters).toEqual({
          ...NOTHING,
          bytes: chunks.reduce((sum, { length }) => sum + length, 0),
          frames: fates.length + 2 - count("drop") - count("flip"),
          lost: count("drop") + count("flip"),
          repeated: count("twice"),
          corrupt: count("flip"),
        });
        const gaps = items.filter((item) => item.kind === "gap");
        expect(gaps.reduce((sum, { frames }) => sum + frames, 0)).toBe(counters.lost);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});

describe("what is not for us", () => {
  test("is counted and named when it is of another version", async () => {
    const other = disguised(release(0), 0, (5 << 5) | 3);
    const { items, counters, decoder } = await received(other, other, ...run(1, 3));
    expect(numbersOf(items)).toEqual([1, 2]);
    expect(withoutBytes(counters)).toEqual({ frames: 2, otherVersion: 2 });
    expect(decoder.lastOtherVersion).toBe(5);
  });

  test("is corrupt, not of another version, when its check is wrong", async () => {
    const damaged = disguised(release(0), 0, (5 << 5) | 3).with(8, 0x55);
    const { counters, decoder } = await received(...run(0, 1), damaged, ...run(1, 2));
    expect(withoutBytes(counters)).toEqual({ frames: 2, corrupt: 1 });
    expect(decoder.lastOtherVersion).toBeUndefined();
  });

  test("is counted when its type is unknown, and keeps its place in the sequence", async () => {
    const { items, counters } = await received(
      ...run(0, 1),
      disguised(release(1), 1, PROTOCOL_VERSION << 5),
      ...run(2, 3),
    );
    expect(numbersOf(items)).toEqual([0, 2]);
    expect(withoutBytes(counters)).toEqual({ frames: 2, unknownType: 1 });
  });

  test("is an echo of our own commands, which have no place in the board's sequence", async () => {
    const { items, counters } = await received(...run(900, 901), encodeFrame({ kind: "hello" }, 5), ...run(901, 902));
    expect(numbersOf(items)).toEqual([900, 901]);
    expect(withoutBytes(counters)).toEqual({ frames: 2, unknownType: 1 });
  });
});
