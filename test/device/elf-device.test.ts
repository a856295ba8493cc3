import { describe, expect, test } from "vitest";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { deviceFromElf } from "../../src/device/elf-device.ts";
import { coreOfElf, heapBoundsOf } from "../../src/device/elf-memory.ts";
import { readElf } from "../../src/image/elf.ts";
import { ALLOC, type BuiltSymbol, buildElf, cubeProgram, EXEC, WRITE } from "../image/elf-builder.ts";

/** `.ARM.attributes` with a CPU name and an architecture tag. */
function armAttributes(name: string, architecture: number): Uint8Array {
  const attributes = Buffer.from([5, ...Buffer.from(`${name}\0`), 6, architecture, 7, 0x4d, 9, 2]);
  return Buffer.concat([
    Buffer.from([0x41, 0, 0, 0, 0]),
    Buffer.from("aeabi\0"),
    Buffer.from([1, 0, 0, 0, 0]),
    attributes,
  ]);
}

function heapOf(symbols: readonly BuiltSymbol[]): unknown {
  return heapBoundsOf(readElf(buildElf({ symbols })));
}

describe("a program on a device of the catalogue", () => {
  const device = deviceFromElf(cubeProgram(), "build/app.elf", findDevice("stm32f407vg"));

  test("takes what .data and .bss take, without the heap array and the room for heap and stack", () => {
    expect(device.staticUse).toEqual([
      { name: ".data", low: 0x20000000, bytes: 0x10 },
      { name: ".bss", low: 0x20000010, bytes: 0xf0 },
      { name: ".bss", low: 0x20002100, bytes: 0xf10 },
    ]);
  });

  test("has its heap where ucHeap lies, and the device's banks", () => {
    expect(device.heapBounds).toEqual({ low: 0x20000100, bytes: 0x2000, from: "ucHeap" });
    expect(device.banks).toBe(findDevice("stm32f407vg").banks);
    expect(device).toMatchObject({ id: "stm32f407vg", name: "STM32F407VG running app" });
  });

  test("for another architecture is refused", () => {
    expect(() => deviceFromElf(cubeProgram({ machine: 243 }), "app.elf", findDevice("stm32f407vg"))).toThrow(
      "app.elf: it is for RISC-V, but stm32f407vg has a Cortex-M4F",
    );
  });

  test("with data where the device has no RAM is refused", () => {
    const sections = [{ name: ".sdram", flags: ALLOC | WRITE, low: 0xc0000000, bytes: 0x1000 }];
    expect(() => deviceFromElf(buildElf({ sections }), "app.elf", findDevice("stm32f407vg"))).toThrow(
      "section .sdram (0xc0000000 + 4 KiB) lies in no bank of stm32f407vg",
    );
  });

  test("counts static stacks and code in RAM as taken", () => {
    const sections = [
      { name: ".ramfunc", flags: ALLOC | EXEC, low: 0x20000000, contents: new Uint8Array(64) },
      { name: ".stack", flags: ALLOC | WRITE, low: 0x2001f000, bytes: 0x1000 },
      { name: ".heap", flags: ALLOC | WRITE, low: 0x20001000, bytes: 0x1000 },
    ];
    expect(
      deviceFromElf(buildElf({ sections }), "a.elf", findDevice("stm32f407vg")).staticUse?.map(({ name }) => name),
    ).toEqual([".ramfunc", ".stack"]);
  });
});

describe("a program without a device", () => {
  test("shows banks as small as they can be, and says so", () => {
    const device = deviceFromElf(cubeProgram(), "build/app.elf");
    expect(device).toMatchObject({ id: "app", core: "armv7e-m", mainBank: "RAM" });
    expect(device.banks).toEqual([
      { name: "FLASH", low: 0x08000000, bytes: 256, kind: "flash", stores: "fault" },
      { name: "RAM", low: 0x20000000, bytes: 0x20000, kind: "ram" },
    ]);
    expect(device.notes?.[0]).toContain("Banks are inferred");
  });

  test("names its core in its build attributes", () => {
    const core = (name: string, architecture: number) => {
      const sections = [{ name: ".ARM.attributes", type: 0x70000003, contents: armAttributes(name, architecture) }];
      return coreOfElf(readElf(buildElf({ sections })));
    };
    expect(core("Cortex-M4", 13)).toEqual({ core: "armv7e-m", coreName: "Cortex-M4", assumed: false });
    expect(core("cortex-m0plus", 12)).toMatchObject({ core: "armv6-m", coreName: "Cortex-M0+" });
    expect(core("8-M.MAIN", 17)).toMatchObject({ core: "armv8-m-main", assumed: false });
    expect(core("something", 99)).toMatchObject({ core: "armv7e-m", assumed: true });
  });

  test("for AVR has its data at device addresses, up to the stack", () => {
    const bytes = buildElf({
      machine: 83,
      sections: [
        { name: ".text", flags: ALLOC | EXEC, low: 0, contents: new Uint8Array(64) },
        { name: ".data", flags: ALLOC | WRITE, low: 0x800100, contents: new Uint8Array(8) },
        { name: ".bss", flags: ALLOC | WRITE, low: 0x800108, bytes: 24 },
      ],
      symbols: [
        { name: "__heap_start", value: 0x800120, section: 3 },
        { name: "__stack", value: 0x8ff, section: 0xfff1 },
      ],
    });
    const device = deviceFromElf(bytes, "sketch.elf");
    expect(device.banks).toEqual([{ name: "RAM", low: 0x100, bytes: 0x800, kind: "ram" }]);
    expect(device.heapBounds).toMatchObject({ low: 0x120, bytes: 0x7e0 });
    expect(deviceFromElf(bytes, "sketch.elf", findDevice("arduino-uno")).staticUse?.map(({ low }) => low)).toEqual([
      0x100, 0x108,
    ]);
  });

  test.each([
    ["for a desktop", cubeProgram({ machine: 3 }), "it is for Intel 386, expected Arm, AVR, RISC-V or Xtensa"],
    ["without RAM", buildElf({}), "no section is in RAM"],
    ["that is a core", cubeProgram({ type: 4 }), "an ELF core does not describe a device"],
    [
      "with data in the engine's place",
      buildElf({ sections: [{ name: ".data", flags: ALLOC | WRITE, low: 0x58000000, bytes: 16 }] }),
      "where heapsoak keeps its own state",
    ],
    [
      "with more RAM than there is",
      buildElf({ sections: [{ name: ".bss", flags: ALLOC | WRITE, low: 0x20000000, bytes: 0x20000000 }] }),
      "too large",
    ],
  ])("%s is refused", (_, bytes, message) => {
    expect(() => deviceFromElf(bytes, "app.elf")).toThrow(message);
  });
});

describe("the heap's bounds", () => {
  test.each([
    [
      "CMSIS",
      [
        { name: "__HeapBase", value: 0x20000400 },
        { name: "__HeapLimit", value: 0x20001000 },
      ],
      0x20000400,
      0xc00,
    ],
    [
      "MicroPython and ESP-IDF",
      [
        { name: "_heap_start", value: 0x20000400 },
        { name: "_heap_end", value: 0x20004400 },
      ],
      0x20000400,
      0x4000,
    ],
    [
      "newlib's sbrk up to the stack's limit",
      [
        { name: "end", value: 0x20000800 },
        { name: "__StackLimit", value: 0x20002800 },
      ],
      0x20000800,
      0x2000,
    ],
    [
      "newlib's sbrk up to the reserved stack",
      [
        { name: "_end", value: 0x20001000 },
        { name: "_estack", value: 0x20003000 },
        { name: "_Min_Stack_Size", value: 0x400, section: 0xfff1 },
      ],
      0x20001000,
      0x1c00,
    ],
  ])("come from %s symbols", (_, symbols, low, bytes) => {
    expect(heapOf(symbols)).toMatchObject({ low, bytes });
  });

  test("are unknown where symbols do not say them, or contradict each other", () => {
    expect(heapOf([{ name: "main", value: 0x100, kind: 2 }])).toBeUndefined();
    expect(
      heapOf([
        { name: "__HeapBase", value: 0x20001000 },
        { name: "__HeapLimit", value: 0x20000000 },
      ]),
    ).toBeUndefined();
  });
});
