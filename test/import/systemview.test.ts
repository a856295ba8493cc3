import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { counts, importText, SAMPLES } from "../support/imported.ts";

const RECORDING = readFileSync(join(SAMPLES, "systemview.SVDat"));
const PACKETS_AT = RECORDING.indexOf(Buffer.alloc(10)) + 10;
const HEADER = RECORDING.subarray(0, PACKETS_AT - 10);
const PACKETS = RECORDING.subarray(PACKETS_AT);

async function refusal(content: Buffer, format?: string): Promise<HeapsoakError> {
  const error: unknown = await importText(content, format === undefined ? {} : { format }).catch((thrown) => thrown);
  if (!(error instanceof HeapsoakError)) throw error;
  return error;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
}

describe("a SystemView recording", () => {
  test.each([
    [2, Buffer.from(padded(RECORDING)).swap16()],
    [4, Buffer.from(padded(RECORDING)).swap32()],
  ])("with its bytes swapped in each %d is refused by name", async (bytes, swapped) => {
    const { code, message, hint } = await refusal(swapped);
    expect(code).toBe("bad-log");
    expect(message).toContain(`SystemView recording whose bytes are swapped in each ${bytes}`);
    expect(hint).toContain("--reverse-bytes=4");
  });

  test("of which only the packets are swapped has no INIT, and says so", async () => {
    const swapped = Buffer.from(padded(PACKETS)).swap32();
    const { message } = await refusal(Buffer.concat([HEADER, Buffer.alloc(10), swapped]));
    expect(message).toContain("no heap events among them, nor INIT");
  });

  test.each([
    ["no sync", 0],
    ["a sync too short", 9],
  ])("with %s is refused by name", async (_, zeros) => {
    const broken = Buffer.concat([HEADER, Buffer.alloc(zeros), Buffer.of(10), PACKETS]);
    expect((await refusal(broken)).message).toContain("has the header of a SystemView recording, but not the ten zero");
    expect((await refusal(broken, "systemview")).message).toContain("the ten zero bytes");
  });

  test("with its line ends changed is refused with how to copy it", async () => {
    const changed = Buffer.from(RECORDING.toString("latin1").replaceAll("\n", "\r\n"), "latin1");
    expect((await refusal(changed)).hint).toMatch(/^Copy it in binary\./);
  });

  test("that lacks its beginning is read from the next sync on, and what was skipped is said", async () => {
    const late = Buffer.concat([PACKETS.subarray(20), Buffer.alloc(10), PACKETS]);
    const found = await importText(late);
    const whole = await importText(RECORDING);
    const withoutPlaces = (lines: readonly string[]) => lines.map((line) => line.replace(/ line=\d+/, ""));
    expect(withoutPlaces(found.lines)).toEqual(withoutPlaces(whole.lines));
    expect(found.summary.remarks).toContain(`${PACKETS.length - 20} bytes in front of the first sync were left out.`);
  });

  test("cut off anywhere is read up to the last whole packet, and a packet in part is counted", async () => {
    const whole = await importText(RECORDING);
    const firstHeapEvent = RECORDING.indexOf(Buffer.of(0x1f, 0x05, 0x03));
    let torn = 0;
    for (let end = firstHeapEvent + 9; end < RECORDING.length; end++) {
      const found = await importText(RECORDING.subarray(0, end));
      expect(whole.lines.slice(0, found.lines.length)).toEqual(found.lines);
      torn += counts(found).torn ?? 0;
    }
    expect(torn).toBeGreaterThan(20);
  });
});
