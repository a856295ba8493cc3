import { describe, expect, test } from "vitest";
import { findBank } from "../../src/device/description.ts";
import { parseDeviceFile, readDevice } from "../../src/device/device-file.ts";
import { HeapsoakError } from "../../src/errors.ts";

const BOARD = `
name: My board
core: cortex-m4f
clock: 96 MHz
banks:
  flash: { at: 0x08000000, size: 512 KiB, kind: flash, stores: ignored }
  boot: { at: 0, size: 512 KiB, kind: flash, stores: ignored, aliasOf: flash }
  sram:
    at: 0x2000_0000
    size: 96 KiB
    taken: [{ at: 0x20000000, size: 1 KiB, by: the bootloader }]
  psram: { at: 0x60000000, size: 8 MiB, dma: false }
`;

/** The lines of the refusal. */
function refusal(text: string): string[] {
  try {
    parseDeviceFile(text, "board.yaml");
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    expect(error.code).toBe("bad-device");
    return error.message.split("\n");
  }
  return [];
}

describe("a device file", () => {
  test("describes a device", () => {
    const device = parseDeviceFile(BOARD, "boards/board.yaml");
    expect(device).toMatchObject({
      id: "board",
      name: "My board",
      core: "armv7e-m",
      coreName: "Cortex-M4F",
      clockHz: 96_000_000,
      mainBank: "sram",
      source: "boards/board.yaml",
    });
    expect(findBank(device, "SRAM")).toMatchObject({
      low: 0x20000000,
      bytes: 96 * 1024,
      kind: "ram",
      taken: [{ low: 0x20000000, bytes: 1024, by: "the bootloader" }],
    });
    expect(findBank(device, "boot")?.aliasOf).toEqual({ bank: "flash" });
  });

  test("may be JSON", () => {
    const device = parseDeviceFile(
      '{"core": "riscv", "banks": {"ram": {"at": "0x80000000", "size": 16384}}}',
      "v.json",
    );
    expect(device).toMatchObject({ id: "v", core: "riscv", mainBank: "ram" });
    expect(device.banks[0]?.low).toBe(0x80000000);
  });

  test("may extend a device of the catalogue, adding and replacing banks", () => {
    const device = parseDeviceFile(
      "extends: stm32f407vg\nbanks:\n  fmc: { at: 0x60000000, size: 1 MiB }\n  SRAM: { at: 0x20000000, size: 112 KiB }",
      "b.yaml",
    );
    expect(device).toMatchObject({ id: "b", coreName: "Cortex-M4F", clockHz: 168_000_000, mainBank: "SRAM" });
    expect(device.banks.map((bank) => bank.name)).toEqual(["BOOT", "FLASH", "CCM", "BKPSRAM", "fmc", "SRAM"]);
    expect(device.aliases).toBeUndefined();
  });

  test("may be a plain value inside another document", () => {
    const inline = readDevice(
      { core: "avr", banks: { ram: { at: 0x100, size: "2 KiB" } } },
      { id: "inline", source: "scenario" },
    );
    expect(inline).toMatchObject({ device: { id: "inline", core: "avr" } });
    expect(readDevice(17, { id: "x", source: "y" })).toMatchObject({ issues: [{ path: [] }] });
  });

  test("reports all its issues at once, with line, column, path and suggestion", () => {
    const text =
      "core: cortex-m5\nclok: 8 MHz\nbanks:\n  sram: { at: 0x20000000, size: 64k, retentoin: true }\n  ccm: { size: 1 KiB, kind: fast }\n";
    expect(refusal(text)).toEqual([
      expect.stringMatching(
        /^board\.yaml:1:1: core: unknown core \(did you mean "cortex-m\d+f?\+?"\?\); expected one of armv6-m, /,
      ),
      'board.yaml:4:27: banks.sram.size: size: got "64k", expected a size such as 512, 40 KiB or 1 MiB. Write "64 KiB" for multiples of 1024.',
      'board.yaml:4:38: banks.sram.retentoin: unknown key (did you mean "retention"?)',
      expect.stringMatching(/^board\.yaml:5:3: banks\.ccm\.at: expected/),
      expect.stringMatching(/^board\.yaml:5:23: banks\.ccm\.kind: /),
      'board.yaml:2:1: clok: unknown key (did you mean "clock"?)',
    ]);
  });

  test("without core and banks says what is missing", () => {
    expect(refusal("name: x")).toEqual([
      "board.yaml:1:1: core is missing (or extends: a device of the catalogue)",
      "board.yaml:1:1: banks is missing or empty",
    ]);
    expect(refusal("extends: stm32f407vx")[0]).toContain("board.yaml:1:1: extends: There is no device called");
  });

  test.each([
    [
      "overlapping",
      "a: { at: 0x20000000, size: 8 KiB }\n  b: { at: 0x20001000, size: 8 KiB }",
      'bank "b" (0x20001000–0x20002fff) overlaps "a" (0x20000000–0x20001fff)',
    ],
    ["zero-size", "a: { at: 0x20000000, size: 0 }", 'bank "a" has no bytes'],
    ["misaligned", "a: { at: 0x20000002, size: 8 KiB }", 'bank "a" starts at 0x20000002, expected a multiple of 4'],
    ["oddly sized", "a: { at: 0x20000000, size: 1023 }", 'bank "a" has 1023 bytes, expected a multiple of 4'],
    ["too large", "a: { at: 0x20000000, size: 257 MiB }", 'bank "a" is too large: 257 MiB, at most 256 MiB'],
    ["beyond the end", "a: { at: 0xFFFFF000, size: 8 KiB }", "reaches past the end of the address space"],
    [
      "in the engine's place",
      "a: { at: 0x57FFF000, size: 8 KiB }",
      "reaches into 0x58000000–0x5fffffff, where heapsoak keeps its own state",
    ],
    [
      "alias of nothing",
      "a: { at: 0x20000000, size: 8 KiB }\n  b: { at: 0, size: 4, aliasOf: c }",
      'is an alias of "c", which is not a bank',
    ],
    [
      "alias beyond its home",
      "a: { at: 0x20000000, size: 8 KiB }\n  b: { at: 0, size: 8 KiB, aliasOf: { bank: a, offset: 4 } }",
      "shows 8 KiB from offset 4",
    ],
    [
      "taken outside",
      "a: { at: 0x20000000, size: 8 KiB, taken: [{ at: 0x20002000, size: 4, by: x }] }",
      "does not contain the range taken by x",
    ],
  ])("with %s banks is refused with their line", (_, banks, message) => {
    const lines = refusal(`core: cortex-m3\nbanks:\n  ${banks}\n`);
    expect(lines.join("\n")).toContain(message);
    expect(lines[0]).toMatch(/^board\.yaml:[34]:\d+: banks\./);
  });

  test("with a bank called twice in different case is refused", () => {
    expect(refusal("core: avr\nbanks:\n  a: { at: 0, size: 4 }\n  A: { at: 8, size: 4 }")[0]).toContain(
      'bank "A" is there twice',
    );
  });

  test("without RAM is refused", () => {
    expect(refusal("core: avr\nbanks: { f: { at: 0, size: 4, kind: flash } }")[0]).toContain(
      'main bank "" is not a RAM bank',
    );
  });
});

describe("a hostile device file", () => {
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${Array.from(
    { length: 9 },
    (_, i) =>
      `b${i}: &b${i} [${Array(9)
        .fill(i ? `*b${i - 1}` : "*a")
        .join(",")}]`,
  ).join("\n")}`;
  test.each([
    ["an alias bomb", bomb, "not a usable YAML document"],
    ["very many aliases", `a: &a 1\nb: [${"*a,".repeat(20_000)}]`, "more than 100 aliases"],
    ["an alias inside its own anchor", "banks: &b { x: *b }", "stands inside its own anchor"],
    ["a huge text", `# ${"x".repeat(300_000)}`, "expected at most 262144"],
    ["deep brackets", "[".repeat(200_000), "nested deeper than 64 levels"],
    ["deep sequences", "- ".repeat(100_000), "nested deeper than 64 levels"],
    [
      "deep indentation",
      Array.from({ length: 400 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      "nested deeper than 64 levels",
    ],
    ["a key twice", "core: avr\ncore: avr", 'board.yaml:2:1: the key "core" is there twice'],
    ["a map as a key", "? { a: 1 }\n: 2", "a key that is not a plain word"],
    ["two documents", "a: 1\n---\nb: 2", "multiple documents"],
    ["a prototype", "__proto__: { core: avr }\nbanks: {}", "__proto__: unknown key"],
    ["quotes", '"'.repeat(200_000), "board.yaml:1:"],
    ["tags", "!a ".repeat(80_000), "board.yaml:1:"],
    ["nested mappings in a line", "a: ".repeat(80_000), "board.yaml:1:"],
    ["many keys", Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"), "unknown key"],
    [
      "many banks",
      `core: avr\nbanks:\n${Array.from({ length: 100 }, (_, i) => `  b${i}: { at: ${i * 8}, size: 8 }`).join("\n")}`,
      "100 banks; at most 64",
    ],
    ["binary", "\u0000\u0001\u0002", "board.yaml:1:1"],
    ["nothing", "", "expected object"],
  ])("with %s is refused", (_, text, message) => {
    expect(refusal(text).join("\n")).toContain(message);
  });
});
