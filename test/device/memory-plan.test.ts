import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import type { DeviceDescription } from "../../src/device/description.ts";
import { drawMemoryMap } from "../../src/device/memory-drawing.ts";
import { type HeapRequest, type MemoryRequest, planMemory } from "../../src/device/memory-plan.ts";
import { HeapsoakError } from "../../src/errors.ts";

const KiB = 1024;
const f407 = findDevice("stm32f407vg");

function heap(
  name: string,
  bytes: number,
  more: Partial<HeapRequest> & { region?: string; at?: number } = {},
): HeapRequest {
  const { region, at, ...rest } = more;
  return {
    name,
    stateBytes: 0,
    alignment: 8,
    parts: [{ bytes, ...(region ? { region } : {}), ...(at === undefined ? {} : { at }) }],
    ...rest,
  };
}
/** `kind name low bytes`, in address order. */
function places(request: MemoryRequest, device: DeviceDescription = f407): string[] {
  return planMemory(device, request).placements.map(
    ({ kind, name, low, bytes }) => `${kind} ${name} ${low.toString(16)} ${bytes}`,
  );
}
function refusal(request: MemoryRequest, device: DeviceDescription = f407): HeapsoakError {
  try {
    planMemory(device, request);
  } catch (error) {
    if (error instanceof HeapsoakError) return error;
    throw error;
  }
  throw new Error("the plan was accepted");
}

describe("a memory plan", () => {
  test("lays static data, allocator state and heaps from the base up, stacks from the top down", () => {
    const request = {
      static: { sram: 18 * KiB },
      heaps: [heap("main", 40 * KiB, { stateBytes: 20 }), heap("messages", 4 * KiB, { region: "ccm", stateBytes: 8 })],
      stacks: [
        { name: "interrupts", bytes: 1 * KiB },
        { name: "uplink", bytes: 4 * KiB },
      ],
    };
    expect(places(request)).toEqual([
      "state messages: allocator state 10000000 8",
      "heap messages 10000008 4096",
      "static static data 20000000 18432",
      "state main: allocator state 20004800 20",
      "heap main 20004818 40960",
      "stack uplink 2001ec00 4096",
      "stack interrupts 2001fc00 1024",
    ]);
  });

  test("ends the state where the arena begins, also under a larger alignment", () => {
    const plan = planMemory(f407, { static: { sram: 4 }, heaps: [heap("h", 64, { stateBytes: 12, alignment: 64 })] });
    expect(plan.heaps[0]).toEqual({
      name: "h",
      state: { low: 0x20000030, bytes: 12 },
      regions: [{ low: 0x20000040, bytes: 64 }],
    });
  });

  test("keeps explicit addresses and goes around them", () => {
    const request = {
      heaps: [heap("first", 64), heap("fixed", 64, { at: 0x20000020, stateBytes: 16 }), heap("next", 8)],
    };
    expect(places(request)).toEqual([
      "state fixed: allocator state 20000010 16",
      "heap fixed 20000020 64",
      "heap first 20000060 64",
      "heap next 200000a0 8",
    ]);
  });

  test("goes around what an ELF's sections take", () => {
    const staticUse = [
      { name: ".data", low: 0x20000000, bytes: 20 },
      { name: ".bss", low: 0x20000100, bytes: 16 },
    ];
    expect(places({ staticUse, heaps: [heap("h", 512)] }).at(-1)).toBe("heap h 20000110 512");
  });

  test("goes around what the ROM and caches take", () => {
    const esp32 = findDevice("esp32");
    expect(
      places({ static: { sram2: 100 }, heaps: [heap("h", 64), heap("i", 64, { region: "sram0" })] }, esp32),
    ).toEqual(["static static data 3ffb0000 100", "heap h 3ffb0068 64", "heap i 40080000 64"]);
    expect(places({ stacks: [{ name: "s", bytes: 1024, region: "sram1" }] }, findDevice("esp32s3"))).toEqual([
      "stack s 3fced310 1024",
    ]);
  });

  test("lays an arena across contiguous banks that the region joins", () => {
    const h743 = findDevice("stm32h743zi");
    const request = {
      heaps: [heap("h", 200 * KiB, { region: "sram1+sram2" })],
      stacks: [{ name: "s", bytes: KiB, region: "sram1+sram2" }],
    };
    expect(places(request, h743)).toEqual(["heap h 30000000 204800", "stack s 3003fc00 1024"]);
    expect(refusal({ heaps: [heap("h", KiB, { region: "dtcm+sram1" })] }, h743).message).toContain(
      "DTCM and SRAM1 of stm32h743zi are not contiguous",
    );
    expect(places({ heaps: [heap("h", 200 * KiB, { at: 0x30000000 })] }, h743)).toEqual(["heap h 30000000 204800"]);
  });

  test("takes several parts of a heap, the state in front of the first", () => {
    const parts = [{ bytes: 1024, region: "ccm" }, { bytes: 2048 }];
    expect(places({ heaps: [heap("h", 0, { parts, stateBytes: 24 })] })).toEqual([
      "state h: allocator state 10000000 24",
      "heap h 10000018 1024",
      "heap h 20000000 2048",
    ]);
  });

  test("sees through alias banks", () => {
    const g474 = findDevice("stm32g474re");
    expect(places({ heaps: [heap("h", 1024, { region: "ccm" })] }, g474)).toEqual(["heap h 20018000 1024"]);
    const clash = { heaps: [heap("a", 64, { at: 0x10000000 }), heap("b", 64, { at: 0x20018020 })] };
    expect(refusal(clash, g474).message).toContain(
      "heap b (0x20018020–0x2001805f) overlaps heap a (0x20018000–0x2001803f)",
    );
  });
});

describe("a memory plan that cannot be", () => {
  test.each<[string, MemoryRequest, string]>([
    [
      "a heap larger than its bank",
      { heaps: [heap("h", 129 * KiB)] },
      "heap h (129 KiB) does not fit into SRAM: 128 KiB of 128 KiB are left",
    ],
    [
      "heaps that add up to too much",
      { heaps: [heap("a", 100 * KiB), heap("b", 29 * KiB)] },
      "heap b (29 KiB) does not fit into SRAM: 28 KiB of 128 KiB are left",
    ],
    [
      "a stack that meets a heap",
      { heaps: [heap("a", 127 * KiB)], stacks: [{ name: "s", bytes: 2 * KiB }] },
      "stack s (2 KiB) does not fit into SRAM",
    ],
    ["too much static data", { static: { ccm: 65 * KiB } }, "static data (65 KiB) does not fit into CCM"],
    [
      "explicit addresses that overlap",
      { heaps: [heap("a", 64, { at: 0x20000000 })], stacks: [{ name: "s", bytes: 64, at: 0x20000020 }] },
      "stack s (0x20000020–0x2000005f) overlaps heap a",
    ],
    [
      "an explicit address outside RAM",
      { heaps: [heap("a", 64, { at: 0x08000000 })] },
      "heap a at 0x08000000 + 64 B is not in RAM of stm32f407vg",
    ],
    [
      "an explicit address whose end is outside",
      { heaps: [heap("a", 64, { at: 0x2001ffe0 })] },
      "reaches past its end",
    ],
    [
      "an explicit address that is not aligned",
      { heaps: [heap("a", 64, { at: 0x20000004 })] },
      "heap a at 0x20000004 is not a multiple of 8",
    ],
    [
      "state before the bank's base",
      { heaps: [heap("a", 64, { at: 0x20000000, stateBytes: 8 })] },
      "a: allocator state (0x1ffffff8–0x1fffffff) is not in RAM",
    ],
  ])("because of %s is refused", (_, request, message) => {
    const error = refusal(request);
    expect(error.code).toBe("does-not-fit");
    expect(error.message).toContain(message);
  });

  test("because of an unknown region names those there are", () => {
    const error = refusal({ heaps: [heap("h", 8, { region: "dtcm" })] });
    expect([error.code, error.message, error.hint]).toEqual([
      "bad-argument",
      'heap h: the region "dtcm" does not exist on stm32f407vg.',
      "Its RAM: ccm, sram, bkpsram.",
    ]);
    expect(refusal({ heaps: [heap("h", 8, { region: "flash" })] }).message).toContain("is not RAM");
  });

  test("is drawn", () => {
    const error = refusal({ static: { sram: 32 * KiB }, heaps: [heap("main", 64 * KiB), heap("spare", 40 * KiB)] });
    expect(error.message.split("\n").slice(1).join("\n")).toBe(
      [
        "SRAM, 128 KiB",
        "0x20000000 ┌──────────────────────────────────┐",
        "            │ static data               32 KiB │",
        "            │                                  │",
        "            │                                  │",
        "            │                                  │",
        "            │                                  │",
        "0x20008000 ├──────────────────────────────────┤",
        "            │ heap main                 64 KiB │",
        ...Array(8).fill("            │                                  │"),
        "0x20018000 ├──────────────────────────────────┤",
        "            │ free                      32 KiB │  ◄ heap spare",
        "            │                                  │",
        "            │                                  │",
        "            │                                  │",
        "            │                                  │",
        "0x20020000 └──────────────────────────────────┘",
      ].join("\n"),
    );
  });
});

describe("every plan that is accepted", () => {
  test("overlaps nothing, stays in RAM and aligns what it places", () => {
    const part = fc.record({
      bytes: fc.integer({ min: 1, max: 40 * KiB }),
      stateBytes: fc.nat(200),
      alignment: fc.constantFrom(1, 4, 8, 32),
      region: fc.constantFrom("sram2", "sram1", "rtc-fast"),
    });
    const stack = fc.record({ bytes: fc.integer({ min: 8, max: 8 * KiB }), region: fc.constantFrom("sram2", "sram1") });
    const device = findDevice("esp32");
    const property = fc.property(
      fc.array(part, { maxLength: 6 }),
      fc.array(stack, { maxLength: 4 }),
      fc.nat(50 * KiB),
      (heaps, stacks, bytes) => {
        const request = {
          static: { sram2: bytes },
          heaps: heaps.map(({ bytes, region, ...rest }, index) => heap(`h${index}`, bytes, { region, ...rest })),
          stacks: stacks.map((wanted, index) => ({ name: `s${index}`, ...wanted })),
        };
        let plan: ReturnType<typeof planMemory>;
        try {
          plan = planMemory(device, request);
        } catch (error) {
          expect(error).toMatchObject({ code: "does-not-fit" });
          return;
        }
        let end = 0;
        for (const { low, bytes, kind } of plan.placements) {
          expect(low).toBeGreaterThanOrEqual(end);
          end = low + bytes;
          const bank = device.banks.find((candidate) => low >= candidate.low && end <= candidate.low + candidate.bytes);
          expect(bank?.kind).toBe("ram");
          for (const range of bank?.taken ?? []) expect(low < range.low + range.bytes && range.low < end).toBe(false);
          if (kind !== "static") expect(low % 8).toBe(0);
        }
        expect(plan.heaps.length).toBe(heaps.length);
      },
    );
    fc.assert(property, { seed: 5, numRuns: 500 });
  });
});

describe("a drawing", () => {
  test("shortens long names and draws what is taken", () => {
    const bank = { name: "SRAM", low: 0x20000000, bytes: 1024, kind: "ram" } as const;
    const text = drawMemoryMap(bank, [
      { kind: "taken", name: "a very long name for something taken", low: 0x20000000, bytes: 512 },
    ]);
    expect(text.split("\n")[2]).toBe("            │ taken: a very long name f… 512 B │");
  });
});
