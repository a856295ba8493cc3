import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { deviceFromLinkerScript, parseLinkerScript } from "../../src/device/linker-script.ts";
import { HeapsoakError } from "../../src/errors.ts";

function regions(text: string): [string, number, number, string][] {
  return parseLinkerScript(text, "app.ld").regions.map(({ name, low, bytes, attributes }) => [
    name,
    low,
    bytes,
    attributes,
  ]);
}
function memory(lines: string): [string, number, number, string][] {
  return regions(`MEMORY {\n${lines}\n}`);
}

describe("the MEMORY block of a linker script", () => {
  test("is read as STM32CubeIDE writes it", () => {
    const script = `
/* Highest address of the user mode stack */
_estack = ORIGIN(RAM) + LENGTH(RAM);
_Min_Heap_Size = 0x200 ; /* required amount of heap */
MEMORY
{
  CCMRAM    (xrw)    : ORIGIN = 0x10000000,   LENGTH = 64K
  RAM    (xrw)    : ORIGIN = 0x20000000,   LENGTH = 128K
  FLASH    (rx)    : ORIGIN = 0x8000000,   LENGTH = 1024K
}
SECTIONS { .text : { *(.text) } >FLASH }`;
    expect(regions(script)).toEqual([
      ["CCMRAM", 0x10000000, 64 * 1024, "xrw"],
      ["RAM", 0x20000000, 128 * 1024, "xrw"],
      ["FLASH", 0x08000000, 1024 * 1024, "rx"],
    ]);
  });

  test("knows all spellings of origin and length, and regions without commas or attributes", () => {
    expect(memory("a : org = 0, l = 4\nb (rw!x) : o = 4 len = 4\nc : origin = 8, length = 1m")).toEqual([
      ["a", 0, 4, ""],
      ["b", 4, 4, "rw!x"],
      ["c", 8, 1024 * 1024, ""],
    ]);
  });

  test.each([
    ["2048K - 0x100", 2048 * 1024 - 0x100],
    ["(1 + 2) * 4K", 12 * 1024],
    ["64k / 2 - 010", 32 * 1024 - 8],
    ["1 << 10 | 4", 1028],
    ["0x1FF & ~0xFF", 0x100],
    ["100 % 64", 36],
    ["--8 + +4", 12],
    ["LENGTH(FLASH) - ORIGIN(FLASH)", 0x1000 - 0x800],
    ["SIZE * 2", 64],
  ])("evaluates %s", (expression, bytes) => {
    const script = `SIZE = 32;\nMEMORY { FLASH : ORIGIN = 0x800, LENGTH = 4K\n x : ORIGIN = 0x20000000, LENGTH = ${expression} }`;
    expect(regions(script)[1]?.[2]).toBe(bytes);
  });

  test("skips comments, also between the words of a region, and adds up several blocks", () => {
    expect(
      regions(
        "MEMORY { A /* one */ : ORIGIN = /* zero */ 0, // rest\n LENGTH = 4 }\nMEMORY { B : ORIGIN = 4, LENGTH = 4 }",
      ).length,
    ).toBe(2);
  });

  test.each([
    ["INCLUDE inside", "MEMORY {\n  INCLUDE flash.ld\n}", "app.ld:2:3: INCLUDE is not supported"],
    ["INCLUDE instead", "INCLUDE memory.x\nSECTIONS {}", "app.ld:1:1: INCLUDE is not supported"],
    ["no MEMORY block", "SECTIONS { }", "app.ld: it has no MEMORY block"],
    ["an empty block", "MEMORY { }", "its MEMORY block is empty"],
    ["a block without end", "MEMORY {\nA : ORIGIN = 0, LENGTH = 4", "app.ld:2:27: the MEMORY block does not end"],
    ["a comment without end", "MEMORY { /* A", "a comment that does not end"],
    [
      "an unknown symbol",
      "MEMORY { A : ORIGIN = 0, LENGTH = __RAM_SIZE__ }",
      "app.ld:1:35: the symbol __RAM_SIZE__ has no known value",
    ],
    [
      "an unknown region",
      "MEMORY { A : ORIGIN = 0, LENGTH = LENGTH(B) }",
      "LENGTH(B): no region of that name before this line",
    ],
    ["a function", "MEMORY { A : ORIGIN = ALIGN(4), LENGTH = 4 }", "the function ALIGN() is not supported"],
    ["a bad number", "MEMORY { A : ORIGIN = 0x2000G, LENGTH = 4 }", 'got "0x2000G", expected a number'],
    ["a bad octal number", "MEMORY { A : ORIGIN = 089, LENGTH = 4 }", 'got "089"'],
    ["a huge number", `MEMORY { A : ORIGIN = 0x${"F".repeat(40)}, LENGTH = 4 }`, "too large"],
    ["a division by zero", "MEMORY { A : ORIGIN = 4 / 0, LENGTH = 4 }", "a division by zero"],
    ["a huge shift", "MEMORY { A : ORIGIN = 1 << 100000000, LENGTH = 4 }", "a shift by more than 63 bits"],
    ["deep parentheses", `MEMORY { A : ORIGIN = ${"(".repeat(100_000)}, LENGTH = 4 }`, "nested deeper than 64 levels"],
    ["deep signs", `MEMORY { A : ORIGIN = ${"-".repeat(100_000)}, LENGTH = 4 }`, "nested deeper than 64 levels"],
    [
      "a region twice",
      "MEMORY { A : ORIGIN = 0, LENGTH = 4\nA : ORIGIN = 8, LENGTH = 4 }",
      "app.ld:2:1: the region A is there twice",
    ],
    [
      "an origin beyond 32 bits",
      "MEMORY { A : ORIGIN = 0x100000000, LENGTH = 4 }",
      "the origin of A is not a 32-bit address",
    ],
    ["a negative origin", "MEMORY { A : ORIGIN = -4, LENGTH = 4 }", "the origin of A is not a 32-bit address"],
    ["no length", "MEMORY { A : ORIGIN = 0, LENGTH = 0 }", "the region A has no bytes"],
    ["another word", "MEMORY { A : START = 0, LENGTH = 4 }", 'got "START", expected ORIGIN'],
    ["strange attributes", "MEMORY { A (rwz) : ORIGIN = 0, LENGTH = 4 }", 'got "rwz", expected attributes'],
    ["preprocessor lines", "MEMORY {\n#ifdef X\n}", "the script is not preprocessed yet"],
    [
      "too many regions",
      `MEMORY { ${Array.from({ length: 65 }, (_, i) => `r${i} : ORIGIN = ${i * 4}, LENGTH = 4`).join("\n")} }`,
      "more than 64 regions",
    ],
    ["a huge text", " ".repeat(2 ** 20 + 1), "expected at most 1048576"],
  ])("with %s is refused with its place", (_, text, message) => {
    expect(() => parseLinkerScript(text, "app.ld")).toThrow(message);
  });

  test("random words give a refusal or a result", () => {
    const word = fc.constantFrom(
      "MEMORY",
      "{",
      "}",
      "(",
      ")",
      "RAM",
      ":",
      "ORIGIN",
      "LENGTH",
      "=",
      ",",
      ";",
      "0x10",
      "4K",
      "+",
      "-",
      "*",
      "/",
      "<<",
      "~",
      '"a"',
      "/*",
      "INCLUDE",
      "\n",
    );
    const property = fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      try {
        parseLinkerScript(`MEMORY { ${words.join(" ")}`, "x.ld");
      } catch (error) {
        expect(error).toBeInstanceOf(HeapsoakError);
      }
    });
    fc.assert(property, { seed: 3, numRuns: 2000 });
  });
});

describe("the device of a linker script", () => {
  test("has the script's regions as banks, and the base's core", () => {
    const script =
      "MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M\nRAM (rwx) : ORIGIN = 0x20000000, LENGTH = 112K\nDMA (rw) : ORIGIN = 0x2001C000, LENGTH = 16K }";
    const device = deviceFromLinkerScript(script, "build/app.ld", findDevice("stm32f407vg"));
    expect(device).toMatchObject({
      id: "stm32f407vg",
      coreName: "Cortex-M4F",
      mainBank: "RAM",
      source: "build/app.ld",
    });
    expect(device.banks).toEqual([
      { name: "FLASH", low: 0x08000000, bytes: 1024 * 1024, kind: "flash", stores: "ignored" },
      { name: "RAM", low: 0x20000000, bytes: 112 * 1024, kind: "ram" },
      { name: "DMA", low: 0x2001c000, bytes: 16 * 1024, kind: "ram" },
    ]);
  });

  test("without a base takes the core from OUTPUT_ARCH, or assumes one and says so", () => {
    const block = "MEMORY { ram (rwx) : ORIGIN = 0x80000000, LENGTH = 16K }";
    expect(deviceFromLinkerScript(`OUTPUT_ARCH( "riscv" )\n${block}`, "r.ld").core).toBe("riscv");
    const assumed = deviceFromLinkerScript(block, "r.ld");
    expect(assumed.core).toBe("armv7e-m");
    expect(assumed.notes?.join()).toContain("Armv7E-M is assumed");
  });

  test("takes AVR's data region to its device address and leaves the other spaces out", () => {
    const script =
      'OUTPUT_FORMAT("elf32-avr","elf32-avr","elf32-avr")\nMEMORY { text (rx) : ORIGIN = 0, LENGTH = 32K\n data (rw!x) : ORIGIN = 0x800100, LENGTH = 2K\n eeprom (rw!x) : ORIGIN = 0x810000, LENGTH = 1K }';
    expect(deviceFromLinkerScript(script, "avr5.x").banks).toEqual([
      { name: "data", low: 0x100, bytes: 2048, kind: "ram" },
    ]);
  });

  test("tells flash from RAM by name where there are no attributes", () => {
    const script = "MEMORY { FLASH : ORIGIN = 0x10000000, LENGTH = 2M\nRAM : ORIGIN = 0x20000000, LENGTH = 256K }";
    expect(deviceFromLinkerScript(script, "memory.x").banks.map((bank) => bank.kind)).toEqual(["flash", "ram"]);
  });

  test("leaves out the region Zephyr uses for its interrupt list", () => {
    const script =
      "MEMORY { RAM (wx) : ORIGIN = 0x20000000, LENGTH = 64K\nIDT_LIST (wx) : ORIGIN = 0xFFFF7FFF, LENGTH = 32K }";
    expect(deviceFromLinkerScript(script, "linker.cmd").banks.length).toBe(1);
  });

  test.each([
    [
      "overlapping",
      "B (rwx) : ORIGIN = 0x20001000, LENGTH = 8K",
      'app.ld:3:1: bank "B" (0x20001000–0x20002fff) overlaps "RAM"',
    ],
    ["misaligned", "B (rwx) : ORIGIN = 0x30000001, LENGTH = 8K", "expected a multiple of 4"],
    ["too large", "B (rwx) : ORIGIN = 0x80000000, LENGTH = 1024M", "at most 256 MiB are supported"],
    ["the engine's", "B (rwx) : ORIGIN = 0x58000000, LENGTH = 8K", "where heapsoak keeps its own state"],
  ])("with %s regions is refused", (_, line, message) => {
    const script = `MEMORY {\nRAM (rwx) : ORIGIN = 0x20000000, LENGTH = 8K\n${line} }`;
    expect(() => deviceFromLinkerScript(script, "app.ld")).toThrow(message);
  });

  test("without RAM is refused", () => {
    expect(() => deviceFromLinkerScript("MEMORY { F (rx) : ORIGIN = 0, LENGTH = 8K }", "app.ld")).toThrow(
      "no region of the MEMORY block is RAM",
    );
  });
});
