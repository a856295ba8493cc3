import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as protocol from "../../src/board/wire/protocol.ts";

const folder = new URL("../../firmware-scenarios/board-agent/", import.meta.url);
const header = readFileSync(new URL("heapsoak_agent.h", folder), "utf8");
const source = readFileSync(new URL("heapsoak_agent.c", folder), "utf8");

/** `allocateAligned` of protocol.ts as the header spells it: `ALLOCATE_ALIGNED`. */
const inCapitals = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Every `HS_… = number` of the header. */
const constants = new Map(
  [...header.matchAll(/\b(HS_[A-Z0-9_]+) = (0x[0-9a-f]+|\d+)/g)].map(([, name, value]) => [
    name as string,
    Number(value),
  ]),
);

function constantsWith(prefix: string): Map<string, number> {
  return new Map([...constants].filter(([name]) => name.startsWith(prefix)));
}

/** What the header's enum with this prefix must be, from a table of protocol.ts. */
function asEnum(prefix: string, table: Readonly<Record<string, number>>): Map<string, number> {
  return new Map(Object.entries(table).map(([name, value]) => [prefix + inCapitals(name), value]));
}

const headerLayouts = new Map(
  [...header.matchAll(/HS_LAYOUT (\w+):(.*)$/gm)].map(([, frame, fields]) => [
    frame as string,
    (fields as string)
      .split(",")
      .map((field) => field.trim())
      .filter((field) => field !== ""),
  ]),
);

/** Bytes of a frame's payload as far as they are fixed. */
const FIXED_BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4 };

function fixedBytesOf(frame: protocol.FrameName): number {
  const layout: readonly (readonly [string, string])[] = protocol.LAYOUTS[frame];
  return layout.reduce((bytes, [, kind]) => bytes + (FIXED_BYTES[kind] ?? 0), 0);
}

describe("the agent's header declares the protocol as protocol.ts does", () => {
  it.each([
    ["types of frames", "HS_FRAME_", protocol.FRAME_TYPES],
    ["meanings of sizes", "HS_SIZE_", protocol.SIZE_MEANINGS],
    ["reasons of refusals", "HS_REFUSAL_", protocol.REFUSALS],
    ["verbs", "HS_VERB_", protocol.VERBS],
    ["keys of figures", "HS_FIGURE_", protocol.FIGURES],
  ] as const)("%s", (_what, prefix, table) => {
    const declared = constantsWith(prefix);
    declared.delete("HS_FRAME_HEADER_BYTES");
    declared.delete("HS_FRAME_BYTES_MOST");
    expect(declared).toEqual(asEnum(prefix, table));
  });

  it.each([
    ["HS_PROTOCOL_VERSION", protocol.PROTOCOL_VERSION],
    ["HS_FRAME_HEADER_BYTES", protocol.FRAME_HEADER_BYTES],
    ["HS_FRAME_BYTES_MOST", protocol.FRAME_BYTES_MOST],
    ["HS_HEARTBEAT_MS", protocol.HEARTBEAT_MS],
    ["HS_HEARTBEATS_PER_IDENTITY", protocol.HEARTBEATS_PER_IDENTITY],
    ["HS_OPERATION_BYTES", protocol.OPERATION_BYTES],
    ["HS_RESULT_BYTES", protocol.RESULT_BYTES],
    ["HS_UNKNOWN_SITE", protocol.UNKNOWN_SITE],
    ["HS_NO_TASK", protocol.NO_TASK],
    ["HS_INTERRUPT_TASK", protocol.INTERRUPT_TASK],
  ])("%s", (name, value) => {
    expect(constants.get(name)).toBe(value);
  });

  it("no constant but these", () => {
    const scalar = [...constants.keys()].filter((name) => !/^HS_(FRAME|SIZE|REFUSAL|VERB|FIGURE)_/.test(name));
    expect(scalar.sort()).toEqual([
      "HS_HEARTBEATS_PER_IDENTITY",
      "HS_HEARTBEAT_MS",
      "HS_INTERRUPT_TASK",
      "HS_NO_TASK",
      "HS_OPERATION_BYTES",
      "HS_PROTOCOL_VERSION",
      "HS_RESULT_BYTES",
      "HS_UNKNOWN_SITE",
    ]);
  });

  it("every payload, field by field", () => {
    const declared = Object.entries(protocol.LAYOUTS).map(([frame, layout]) => [
      frame,
      layout.map(([name, kind]) => `${name} ${kind}`),
    ]);
    expect([...headerLayouts]).toEqual(declared);
  });
});

describe("the agent's source keeps to the layouts", () => {
  it.each([
    ["HS_FRAME_ALLOCATE", "allocate"],
    ["HS_FRAME_ALLOCATE_ALIGNED", "allocateAligned"],
    ["HS_FRAME_RELEASE", "release"],
    ["HS_FRAME_REALLOCATE", "reallocate"],
  ] as const)("%s has a payload of its fields' bytes", (type, frame) => {
    const before = source.slice(0, source.indexOf(`${type}, sizeof payload`));
    const payload = /uint8_t payload\[(\d+)\];(?![\s\S]*uint8_t payload\[)/.exec(before);
    expect(Number(payload?.[1])).toBe(fixedBytesOf(frame));
  });

  it.each([
    ["HS_FRAME_TASK", "task"],
    ["HS_FRAME_STACK", "stack"],
    ["HS_FRAME_STATISTICS", "statistics"],
    ["HS_FRAME_LOG", "log"],
    ["HS_FRAME_HEARTBEAT", "heartbeat"],
    ["HS_FRAME_REFUSAL", "refusal"],
    ["HS_FRAME_MEMORY", "memory"],
  ] as const)("%s has a payload of its fixed fields' bytes and the rest", (type, frame) => {
    const opened = new RegExp(`open_frame\\(&frame, ${type}, (\\d+)[ ,]`).exec(source);
    expect(Number(opened?.[1])).toBe(fixedBytesOf(frame));
  });

  it("an identity has its fixed fields' bytes and the names", () => {
    expect(Number(/open_frame\(&frame, type, (\d+) \+ names/.exec(source)?.[1])).toBe(fixedBytesOf("identity"));
  });

  it.each(["repeatResults", "readMemory", "hello", "readStatistics", "readStatics", "restart"] as const)(
    "%s is taken with a payload of its fields' bytes",
    (frame) => {
      const row = new RegExp(`\\{HS_FRAME_${inCapitals(frame)}, (\\d+)\\}`).exec(source);
      expect(Number(row?.[1])).toBe(fixedBytesOf(frame));
    },
  );

  it("the operations of a batch begin at byte 8 of the frame", () => {
    const batchHead = protocol.FRAME_HEADER_BYTES + fixedBytesOf("batch");
    expect(Number(/BATCH_HEAD_BYTES = (\d+)/.exec(source)?.[1])).toBe(batchHead);
    expect(batchHead).toBe(8);
  });

  it("a memory frame is within the longest frame", () => {
    const most = Number(/MEMORY_BYTES_MOST = (\d+)/.exec(source)?.[1]);
    expect(most).toBeGreaterThan(0);
    expect(protocol.FRAME_HEADER_BYTES + 4 + most + 4).toBeLessThanOrEqual(protocol.FRAME_BYTES_MOST);
  });

  it("there is room for all figures", () => {
    expect(Number(/FIGURES_MOST = (\d+)/.exec(source)?.[1])).toBe(Object.keys(protocol.FIGURES).length);
  });

  it("the state is held to 128 bytes by the compiler", () => {
    expect(source).toMatch(/sizeof state <= 128 \? 1 : -1/);
  });
});
