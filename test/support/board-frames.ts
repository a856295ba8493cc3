import { Readable } from "node:stream";
import fc from "fast-check";
import { encodeFrame } from "../../src/board/wire/frame-codec.ts";
import { FrameDecoder, type LinkCounters } from "../../src/board/wire/frame-decoder.ts";
import type { BoardItem, BoardMessage, Frame, FrameOf } from "../../src/board/wire/messages.ts";
import { FIGURES, type FieldKind, FRAME_TYPES, type FrameName, LAYOUTS, VERBS } from "../../src/board/wire/protocol.ts";

const U8 = fc.integer({ min: 0, max: 0xff });
const U16 = fc.integer({ min: 0, max: 0xffff });
const U32 = fc.integer({ min: 0, max: 0xffff_ffff });
const TEXT = fc.string({ unit: fc.constantFrom("a", "ä", "€", "𝕏", "\ufeff", " ", "\n"), maxLength: 40 });

const FIELDS: Readonly<Record<FieldKind, fc.Arbitrary<unknown>>> = {
  u8: U8,
  u16: U16,
  u32: U32,
  text: TEXT,
  texts: fc.array(TEXT, { maxLength: 4 }),
  bytes: fc.uint8Array({ maxLength: 600 }),
  words: fc.array(U32, { maxLength: 20 }),
  results: fc.array(fc.record({ address: U32, cycles: U32 }, { noNullPrototype: true }), { maxLength: 40 }),
  operations: fc.array(
    fc.record(
      {
        verb: fc.constantFrom(...(Object.keys(VERBS) as (keyof typeof VERBS)[])),
        block: U32,
        blockIsReference: fc.boolean(),
        alignment: fc.integer({ min: 0, max: 31 }).map((shift) => 2 ** shift),
        requestBytes: U32,
      },
      { noNullPrototype: true },
    ),
    { maxLength: 40 },
  ),
  figures: fc.record(Object.fromEntries(Object.keys(FIGURES).map((name) => [name, U32])), {
    requiredKeys: [],
    noNullPrototype: true,
  }),
};

export const FRAME_NAMES = Object.keys(FRAME_TYPES) as FrameName[];

/** Any frame of a kind, as its layout says. */
export function anyFrame(kind: FrameName): fc.Arbitrary<Frame> {
  const fields = Object.fromEntries(LAYOUTS[kind].map(([name, format]) => [name, FIELDS[format]]));
  return fc.record({ kind: fc.constant(kind), ...fields }, { noNullPrototype: true }) as unknown as fc.Arbitrary<Frame>;
}

/** What a decoder makes of bytes that arrive in these chunks. */
export async function received(
  ...chunks: readonly Uint8Array[]
): Promise<{ items: BoardItem[]; counters: LinkCounters; decoder: FrameDecoder }> {
  const decoder = new FrameDecoder();
  const items: BoardItem[] = [];
  const full = chunks.filter(({ length }) => length > 0);
  for await (const some of Readable.from(full, { objectMode: true }).pipe(decoder)) items.push(...some);
  return { items, counters: decoder.counters, decoder };
}

/** A small frame that a board sends, another one for each number. */
export function release(number: number): FrameOf<"release"> {
  return { kind: "release", time: number * 1000, address: 0x2000_0000 + 8 * number, site: 0x0800_1235, task: 1 };
}

/** A heartbeat that says how many frames the board has numbered. */
export function heartbeat(nonce: number, frames: number): FrameOf<"heartbeat"> {
  return { kind: "heartbeat", nonce, time: 0, frames, captured: 0, dropped: 0 };
}

/** What a board sends when it starts. */
export function boot(nonce: number): FrameOf<"boot"> {
  return {
    kind: "boot",
    nonce,
    time: 0,
    clockHz: 1000,
    cycleHz: 0,
    heapLow: 0x2000_0000,
    heapBytes: 4096,
    allocatorState: 0,
    captured: 0,
    ringBytes: 512,
    commandBytes: 242,
    sizeMeaning: 0,
    names: ["b", "i", "a", "v"],
  };
}

/** The messages among items. */
export function messagesOf(items: readonly BoardItem[]): BoardMessage[] {
  return items.filter((item) => item.kind !== "gap");
}

/** Releases `from` to `to - 1`, each with its number as its sequence. */
export function run(from: number, to: number): Uint8Array[] {
  return Array.from({ length: to - from }, (_, index) => wire(release(from + index), from + index));
}

/** The frame on the wire; its sequence is the number's low half. */
export function wire(frame: Frame, number: number): Uint8Array {
  return encodeFrame(frame, number & 0xffff);
}

/** Releases as their numbers, gaps as `gap 3` or, where not certain, `perhaps 3`, all others by name. */
export function numbersOf(items: readonly BoardItem[]): (number | string)[] {
  return items.map((item) => {
    if (item.kind === "gap") return `${item.certain ? "gap" : "perhaps"} ${item.frames}`;
    return item.kind === "release" ? item.time / 1000 : item.kind;
  });
}

/** The counters that are not 0, without the bytes. */
export function withoutBytes({ bytes: _, ...counters }: LinkCounters): Partial<LinkCounters> {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count !== 0));
}
