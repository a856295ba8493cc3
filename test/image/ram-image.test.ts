import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { parseIntelHex } from "../../src/image/intel-hex.ts";
import { loadRamImage } from "../../src/image/ram-image.ts";
import { buildElf, cubeProgram } from "./elf-builder.ts";

/** A record with its checksum. */
function record(type: number, offset: number, data: readonly number[] = []): string {
  const bytes = [data.length, offset >> 8, offset & 255, type, ...data];
  const checksum = (256 - (bytes.reduce((sum, byte) => sum + byte, 0) % 256)) % 256;
  return `:${Buffer.from([...bytes, checksum])
    .toString("hex")
    .toUpperCase()}`;
}
const END = ":00000001FF";

function hex(...records: string[]): [number, number[]][] {
  return parseIntelHex([...records, END].join("\r\n"), "ram.hex").map(({ low, bytes }) => [low, [...bytes]]);
}

describe("an Intel HEX file", () => {
  test("places data at its offset and joins adjacent records", () => {
    expect(hex(record(0, 0x12, [3, 4]), record(0, 0x10, [1, 2]))).toEqual([[0x10, [1, 2, 3, 4]]]);
  });

  test("leaves gaps between segments", () => {
    expect(hex(record(0, 0, [1]), record(0, 0x100, [2]))).toEqual([
      [0, [1]],
      [0x100, [2]],
    ]);
  });

  test("uses linear and segment addresses, and ignores start addresses", () => {
    expect(hex(record(4, 0, [0x20, 0x01]), record(0, 8, [7]), record(5, 0, [0, 0, 0, 0]))).toEqual([[0x20010008, [7]]]);
    expect(hex(record(2, 0, [0x10, 0x00]), record(0, 8, [7]), record(3, 0, [0, 0, 0, 0]))).toEqual([[0x10008, [7]]]);
  });

  test("wraps within 64 KiB after a segment address, and runs on after a linear one", () => {
    expect(hex(record(2, 0, [0x10, 0x00]), record(0, 0xffff, [1, 2]))).toEqual([
      [0x10000, [2]],
      [0x1ffff, [1]],
    ]);
    expect(hex(record(4, 0, [0x20, 0x00]), record(0, 0xffff, [1, 2]))).toEqual([[0x2000ffff, [1, 2]]]);
  });

  test.each([
    ["a wrong checksum", ":0100000001FF", "ram.hex:1: checksum FF, expected FE"],
    ["a length that is not the line's", ":0200000001FD", "6 bytes, expected 7 from the record's length"],
    ["half a digit pair", ":0100000001F", "not pairs of hexadecimal digits"],
    ["another character", ":01000000G1FE", "not pairs of hexadecimal digits"],
    ["a line without a colon", "0100000001FE", "does not begin with a colon"],
    ["an unknown type", record(9, 0), "record type 9, expected 0 to 5"],
    ["a short address record", record(4, 0, [1]), "an address record with 1 bytes, expected 2"],
    ["data after the end", `${END}\n${record(0, 0, [1])}`, "ram.hex:2: a record after the end record"],
    [
      "bytes given twice",
      `${record(0, 4, [1, 2])}\n${record(0, 5, [3])}`,
      "ram.hex:2: the bytes at 0x00000005 were already given in line 1",
    ],
  ])("%s is refused with its line", (_, text, message) => {
    expect(() => parseIntelHex(`${text}\n${END}`, "ram.hex")).toThrow(message);
  });

  test("a missing end record is refused", () => {
    expect(() => parseIntelHex(record(0, 0, [1]), "ram.hex")).toThrow("ends without an end record");
  });

  test("scattered addresses cost no more memory than the text", () => {
    const records = Array.from({ length: 5000 }, (_, page) => [
      record(4, 0, [page >> 8, page & 255]),
      record(0, 0, [1]),
    ]);
    const segments = parseIntelHex([...records.flat(), END].join("\n"));
    expect(segments.length).toBe(5000);
    expect(segments.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(5000);
  });

  test("random lines give a refusal or a result", () => {
    const line = fc.stringMatching(/^:?[0-9A-Fa-f:]{0,24}$/);
    const property = fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      try {
        parseIntelHex(lines.join("\n"));
      } catch (error) {
        expect(error).toBeInstanceOf(HeapsoakError);
      }
    });
    fc.assert(property, { seed: 11, numRuns: 1000 });
  });
});

describe("a RAM image", () => {
  test("is raw when nothing else, and lies where it is said to", () => {
    expect(loadRamImage(Buffer.from([1, 2, 3]), { at: 0x20000000 })).toEqual([
      { low: 0x20000000, bytes: Buffer.from([1, 2, 3]) },
    ]);
  });

  test("that is raw needs an address", () => {
    expect(() => loadRamImage(Buffer.from([1, 2, 3]), { file: "ram.bin" })).toThrow(
      "ram.bin: a raw image does not say at which address",
    );
  });

  test("beyond the address space is refused", () => {
    expect(() => loadRamImage(Buffer.alloc(8), { at: 0xfffffffc })).toThrow("reach past the end of the address space");
  });

  test("that is empty is refused", () => {
    expect(() => loadRamImage(new Uint8Array(), { at: 0 })).toThrow("the file is empty");
  });

  test("is recognised as Intel HEX by its first record, unless it is said to be raw", () => {
    const text = Buffer.from(`${record(0, 0, [5, 6])}\n${END}\n`);
    expect(loadRamImage(text)).toEqual([{ low: 0, bytes: Buffer.from([5, 6]) }]);
    expect(loadRamImage(text, { at: 0x100, format: "raw" })[0]?.low).toBe(0x100);
    expect(loadRamImage(Buffer.from(":-) not hex at all"), { at: 0 })[0]?.bytes.length).toBe(18);
  });

  test("is recognised as ELF: the loaded segments' contents, at their run addresses", () => {
    const core = buildElf({ type: 4, segments: [{ low: 0x20000000, contents: Buffer.from([1, 2, 3, 4]) }] });
    expect(loadRamImage(core).map(({ low, bytes }) => [low, [...bytes]])).toEqual([[0x20000000, [1, 2, 3, 4]]]);
    expect(loadRamImage(cubeProgram()).map(({ low, bytes }) => [low, bytes.length])).toEqual([
      [0x08000000, 256],
      [0x20000000, 16],
    ]);
  });

  test("from an ELF whose segments overlap, or that has none, is refused", () => {
    const segment = { low: 0x20000000, contents: Buffer.alloc(8) };
    expect(() => loadRamImage(buildElf({ segments: [segment, { ...segment, low: 0x20000004 }] }))).toThrow(
      "overlap at 0x20000004",
    );
    expect(() => loadRamImage(buildElf({}))).toThrow("no loaded segments");
  });
});
