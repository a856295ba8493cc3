import { describe, expect, test } from "vitest";
import { deviceCatalogue, findDevice } from "../../src/device/catalogue/devices.ts";
import { faultException, faultRegisters } from "../../src/device/fault-registers.ts";
import { coreFrames } from "../../src/device/frames.ts";
import type { FaultKind } from "../../src/wasm/guest-fault.ts";

const fault = (kind: FaultKind) => ({ kind, address: 0x2000_1020, access: "store" as const, bytes: 4 });

describe("the frames of a core", () => {
  test.each([
    ["rp2040", 32, 104, 32, 96],
    ["stm32f103c8", 32, 104, 32, 96],
    ["stm32f407vg", 32, 104, 36, 100],
    ["atmega328p", 2, 2, 33, 33],
    ["atmega2560", 3, 3, 33, 33],
    ["esp32", 192, 192, 0, 0],
    ["esp32-c3", 160, 160, 0, 0],
  ])(
    "%s: exception %i (%i with floating point), context %i (%i)",
    (id, exception, exceptionFpu, context, contextFpu) => {
      const frames = coreFrames(findDevice(id));
      expect([frames.exceptionBytes, frames.exceptionFpuBytes]).toEqual([exception, exceptionFpu]);
      expect([frames.contextBytes, frames.contextFpuBytes]).toEqual([context, contextFpu]);
    },
  );

  test.each(deviceCatalogue)("$id has an alignment that is a power of two", (device) => {
    const { stackAlignment, lazyBytes, exceptionFpuBytes, exceptionBytes } = coreFrames(device);
    expect(Math.log2(stackAlignment) % 1).toBe(0);
    expect(lazyBytes).toBe(exceptionFpuBytes - exceptionBytes);
  });
});

describe("the registers after a guard was hit", () => {
  const registers = (kind: FaultKind, core: Parameters<typeof faultRegisters>[0] = "armv7e-m") =>
    Object.fromEntries(faultRegisters(core, fault(kind)).map(({ name, value }) => [name, value]));

  test("a store into the guard is DACCVIOL with the address in MMFAR", () => {
    expect(registers("stack-guard")).toEqual({ CFSR: 0x82, MMFAR: 0x2000_1020, HFSR: 0x4000_0000 });
  });

  test("stacking into the guard is MSTKERR without an address", () => {
    expect(registers("stack-guard-stacking")).toEqual({ CFSR: 0x10, HFSR: 0x4000_0000 });
  });

  test("the limit register gives STKOF", () => {
    expect(registers("stack-limit", "armv8-m-main")).toEqual({ CFSR: 0x10_0000, HFSR: 0x4000_0000 });
  });

  test("other cores report what they have", () => {
    expect(registers("stack-guard", "armv6-m")).toEqual({});
    expect(registers("stack-guard", "riscv")).toEqual({ mcause: 7, mtval: 0x2000_1020 });
    expect(registers("watchpoint", "riscv")).toEqual({ mcause: 3, mtval: 0x2000_1020 });
    expect(registers("watchpoint", "xtensa")).toEqual({ DEBUGCAUSE: 4 });
    expect(faultException("armv7-m", fault("watchpoint"))).toBe("DebugMonitor");
    expect(faultException("armv7-m", fault("stack-guard"))).toContain("HardFault");
  });
});
