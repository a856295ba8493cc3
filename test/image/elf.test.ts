import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { deviceFromElf } from "../../src/device/elf-device.ts";
import { HeapsoakError } from "../../src/errors.ts";
import { readArmAttributes } from "../../src/image/arm-attributes.ts";
import { readElf } from "../../src/image/elf.ts";
import { loadRamImage } from "../../src/image/ram-image.ts";
import { ALLOC, buildElf, cubeProgram } from "./elf-builder.ts";

describe("a sound ELF file", () => {
  const elf = readElf(cubeProgram(), "app.elf");

  test("shows kind, machine and entry", () => {
    expect([elf.kind, elf.machine, elf.entry]).toEqual(["executable", 40, 0x08000101]);
  });

  test("shows its segments with the bytes the file holds", () => {
    expect(elf.segments.map(({ low, bytes, contents, writable }) => [low, bytes, contents.length, writable])).toEqual([
      [0x08000000, 256, 256, false],
      [0x20000000, 0x100, 16, true],
    ]);
    expect(elf.segments[1]?.contents[0]).toBe(0x11);
  });

  test("shows its sections by name, .bss without contents", () => {
    expect(elf.section(".bss")).toMatchObject({ low: 0x20000010, bytes: 0x3000, allocated: true, writable: true });
    expect(elf.section(".bss")?.contents.length).toBe(0);
    expect(elf.section(".text")).toMatchObject({ executable: true, writable: false });
    expect(elf.section(".nowhere")).toBeUndefined();
  });

  test("finds symbols by name, functions without their Thumb bit", () => {
    expect(elf.symbols.named("ucHeap")).toMatchObject({
      value: 0x20000100,
      bytes: 0x2000,
      kind: "object",
      global: true,
    });
    expect(elf.symbols.named("main")).toMatchObject({ value: 0x08000040, kind: "function" });
    expect(elf.symbols.named("_Min_Stack_Size")).toMatchObject({ value: 0x400, absolute: true });
    expect(elf.symbols.named("malloc")).toBeUndefined();
  });

  test("finds the symbol that covers an address", () => {
    expect(elf.symbolAt(0x08000044)).toMatchObject({ symbol: { name: "main" }, offset: 4 });
    expect(elf.symbolAt(0x08000000)).toMatchObject({ symbol: { name: "Reset_Handler" }, offset: 0 });
    expect(elf.symbolAt(0x20000100 + 0x1fff)).toMatchObject({ symbol: { name: "ucHeap" } });
    expect(elf.symbolAt(0x07ffffff)).toBeUndefined();
  });

  test("prefers the object that covers an address to a label inside it", () => {
    const symbols = [
      { name: "buffer", value: 0x20000000, bytes: 64, kind: 1 },
      { name: "start_of_data", value: 0x20000000 },
    ];
    expect(readElf(buildElf({ symbols })).symbolAt(0x20000010)?.symbol.name).toBe("buffer");
  });
});

describe("an ELF file that is not sound", () => {
  const sound = cubeProgram();

  function refusal(bytes: Uint8Array): string {
    try {
      const elf = readElf(bytes, "app.elf");
      void elf.symbols.length;
      return "accepted";
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      return error.message;
    }
  }
  function changed(offset: number, ...values: number[]): Uint8Array {
    const copy = sound.slice();
    copy.set(values, offset);
    return copy;
  }

  test.each([
    ["an empty file", new Uint8Array(), "does not begin with"],
    ["another kind of file", Buffer.from("MZ\x90\0".repeat(40)), "does not begin with"],
    ["a header cut short", sound.slice(0, 40), "40 bytes are too few"],
    ["a 64-bit file", changed(4, 2), "a 64-bit ELF file, expected 32-bit"],
    ["a big-endian file", changed(5, 2), "a big-endian ELF file, expected little-endian"],
    ["a segment table beyond the end", changed(28, 0xff, 0xff, 0xff, 0xff), "the segment table lies at"],
    ["segment entries of another size", changed(42, 56), "entries of the segment table have 56 bytes, expected 32"],
    ["a section table beyond the end", changed(32, 0xff, 0xff, 0xff, 0x7f), "the section table lies at"],
    ["65535 segments", changed(44, 0xff, 0xff), "the segment table lies at"],
    ["a file cut in the middle", sound.slice(0, 200), "but the file has 200 bytes"],
  ])("%s is refused", (_, bytes, message) => {
    expect(refusal(bytes)).toContain(message);
  });

  test("a segment that is larger in the file than in memory is refused", () => {
    const bytes = buildElf({ segments: [{ low: 0x20000000, contents: new Uint8Array(64), bytes: 8 }] });
    expect(refusal(bytes)).toContain("segment 0 has 64 bytes in the file, but 8 in memory");
  });

  test("a segment of 4 GiB of zeros costs nothing, one beyond the address space is refused", () => {
    const huge = (low: number) => buildElf({ segments: [{ low, contents: new Uint8Array(4), bytes: 0xffff0000 }] });
    expect(refusal(huge(0x1000))).toBe("accepted");
    expect(refusal(huge(0x20000))).toContain("past the end of the address space");
  });

  test("names without an end are refused", () => {
    const unended = buildElf({ sections: [{ name: ".data", flags: ALLOC, contents: new Uint8Array(4) }] });
    const endless = unended.slice();
    endless.fill(0x41, Buffer.from(unended).indexOf(".data"), Buffer.from(unended).indexOf(".shstrtab\0") + 12);
    expect(refusal(endless)).toContain("does not end");
  });

  test("names of symbols that are shared tails of one huge name are bounded", () => {
    const symbols = Array.from({ length: 100 }, (_, index) => ({ name: `${"x".repeat(5000)}${index}`, value: index }));
    expect(refusal(buildElf({ symbols }))).toContain("longer than 4096 bytes");
  });

  test("an error in the symbols appears only when they are asked for", () => {
    const symbols = [{ name: "x".repeat(5000), value: 1 }];
    expect(() => readElf(buildElf({ symbols }))).not.toThrow();
  });
});

describe("hostile bytes", () => {
  const sound = cubeProgram();

  /** Everything that reads ELF files; only refusals may come out of it. */
  function readEverything(bytes: Uint8Array): void {
    const readers = [
      () => {
        const elf = readElf(bytes);
        for (const symbol of elf.symbols) elf.symbolAt(symbol.value);
      },
      () => loadRamImage(bytes, { at: 0x20000000 }),
      () => deviceFromElf(bytes, "x.elf"),
      () => deviceFromElf(bytes, "x.elf", findDevice("stm32f407vg")),
    ];
    for (const read of readers) {
      try {
        read();
      } catch (error) {
        if (!(error instanceof HeapsoakError)) throw error;
      }
    }
  }

  test("flipped bytes of a sound file give a refusal or a result", () => {
    const flip = fc.tuple(fc.nat(sound.length - 1), fc.integer({ min: 0, max: 255 }));
    const property = fc.property(fc.array(flip, { minLength: 1, maxLength: 12 }), (flips) => {
      const bytes = sound.slice();
      for (const [at, value] of flips) bytes[at] = value;
      readEverything(bytes);
    });
    fc.assert(property, { seed: 20240607, numRuns: 2000 });
  });

  test("flipped words of the headers and tables give a refusal or a result", () => {
    const value = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 52, 0x20000000);
    const flip = fc.tuple(fc.nat(Math.floor(sound.length / 4) - 1), value);
    const property = fc.property(fc.array(flip, { minLength: 1, maxLength: 6 }), (flips) => {
      const bytes = sound.slice();
      const view = new DataView(bytes.buffer);
      for (const [word, content] of flips) view.setUint32(word * 4, content, true);
      readEverything(bytes);
    });
    fc.assert(property, { seed: 42, numRuns: 3000 });
  });

  test("truncated files give a refusal or a result", () => {
    for (let length = 0; length < sound.length; length++) readEverything(sound.slice(0, length));
  });

  test("random bytes behind an ELF identification give a refusal or a result", () => {
    const property = fc.property(fc.uint8Array({ minLength: 40, maxLength: 400 }), (bytes) => {
      readEverything(Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, ...bytes]));
    });
    fc.assert(property, { seed: 7, numRuns: 1000 });
  });

  test("random bytes as Arm attributes end the reading", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      readArmAttributes(bytes);
      readArmAttributes(Uint8Array.from([0x41, 0, 0, 0, 0, ...Buffer.from("aeabi\0"), 1, 0, 0, 0, 0, ...bytes]));
    });
    fc.assert(property, { seed: 7, numRuns: 500 });
  });
});
