import { describe, expect, test } from "vitest";
import { BankKind } from "../../assembly/memory-map.ts";
import { mapBanks } from "../../src/device/bank-table.ts";
import { deviceCatalogue, findDevice } from "../../src/device/catalogue/devices.ts";
import { bankAt, findBank, flashBytes, homeAddress, ramBytes, unalignedFaults } from "../../src/device/description.ts";
import { deviceIssues } from "../../src/device/validation.ts";
import { HeapsoakError } from "../../src/errors.ts";

const KiB = 1024;

describe("the catalogue", () => {
  test.each(deviceCatalogue)("$id has a memory map that can be used, and a source", (device) => {
    expect(deviceIssues(device)).toEqual([]);
    expect(device.source).not.toBe("");
    expect(device.id).toMatch(/^[a-z0-9-]+$/);
    expect(findDevice(device.id)).toBe(device);
  });

  test("has no name twice", () => {
    const names = deviceCatalogue.flatMap((device) => [device.id, ...(device.aliases ?? [])]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test("says for every read-only bank what a store does", () => {
    const silent = deviceCatalogue.flatMap((device) =>
      device.banks.filter((bank) => /flash|rom/.test(bank.kind) && !bank.stores),
    );
    expect(silent).toEqual([]);
  });

  test.each([
    ["stm32f103c8", 20, 64],
    ["stm32f401re", 96, 512],
    ["stm32f407vg", 128 + 64 + 4, 1024],
    ["stm32f411re", 128, 512],
    ["stm32f446re", 128 + 4, 512],
    ["stm32f746zg", 16 + 64 + 256 + 4, 1024],
    ["stm32h743zi", 64 + 128 + 512 + 128 + 128 + 32 + 64 + 4, 2048],
    ["stm32l476rg", 96 + 32, 1024],
    ["stm32g071rb", 36, 128],
    ["stm32g474re", 128, 512],
    ["stm32u575zi", 768 + 16 + 2, 2048],
    ["stm32wb55rg", 256, 1024],
    ["nrf52832", 64, 512],
    ["nrf52840", 256, 1024],
    ["nrf5340", 512, 1024],
    ["rp2040", 264, 2048],
    ["rp2350", 520, 4096],
    ["esp32", 192 + 128 + 200 + 16, undefined],
    ["esp32s3", 32 + 416 + 64 + 16, undefined],
    ["esp32c3", 16 + 384 + 8, undefined],
    ["samd21j18", 32, 256],
    ["samd51j19", 192 + 8, 512],
    ["atmega328p", 2, 32],
    ["atmega2560", 8, 256],
    ["lpc1768", 64, 512],
    ["imxrt1062", 1024, undefined],
    ["mps2-an385", 4096 + 4096 + 16384 + 16, undefined],
  ])("%s has %i KiB of RAM and %s KiB of flash", (id, ramKiB, flashKiB) => {
    const device = findDevice(id);
    expect([ramBytes(device) / KiB, flashBytes(device)]).toEqual([ramKiB, flashKiB && flashKiB * KiB]);
  });
});

describe("a device", () => {
  test.each([
    ["STM32F407VG", "stm32f407vg"],
    ["stm32f407vgt6", "stm32f407vg"],
    ["STM32F407VGT6TR", "stm32f407vg"],
    ["Arduino_Uno", "atmega328p"],
    ["pico2", "rp2350"],
    ["ESP32-S3", "esp32s3"],
    ["mps2_an385", "mps2-an385"],
  ])("is found as %s", (name, id) => {
    expect(findDevice(name).id).toBe(id);
  });

  test("that is not there is refused with what was probably meant", () => {
    expect(() => findDevice("stm32f407vq")).toThrow(HeapsoakError);
    try {
      findDevice("nrf52480");
    } catch (error) {
      expect(error).toMatchObject({ code: "unknown-device", hint: "Did you mean nrf52840?" });
    }
    expect(() => findDevice("__proto__")).toThrow(/no device called "__proto__"/);
    expect(() => findDevice("")).toThrow("no device called");
  });

  test("names its banks without regard to case, and its main bank ram", () => {
    const device = findDevice("stm32h743zi");
    expect(findBank(device, "dtcm")?.low).toBe(0x20000000);
    expect(findBank(device, "sram")?.name).toBe("AXISRAM");
    expect(findBank(device, "ccm")).toBeUndefined();
  });

  test("resolves alias addresses to one home", () => {
    const g474 = findDevice("stm32g474re");
    expect(homeAddress(g474, 0x10000004)).toBe(0x20018004);
    expect(homeAddress(g474, 0x20000000)).toBe(0x20000000);
    expect(homeAddress(findDevice("stm32f407vg"), 0x8)).toBe(0x08000008);
    expect(homeAddress(findDevice("esp32s3"), 0x40378010)).toBe(0x3fc88010);
  });

  test("holds an address in one bank, up to its last byte", () => {
    const device = findDevice("stm32f407vg");
    expect(bankAt(device, 0x2001ffff)?.name).toBe("SRAM");
    expect(bankAt(device, 0x20020000)).toBeUndefined();
    expect(bankAt(device, 0x40024fff)?.name).toBe("BKPSRAM");
  });

  test("says whether unaligned accesses fault", () => {
    const faulting = deviceCatalogue.filter(unalignedFaults).map((device) => device.id);
    expect(faulting).toEqual(["stm32g071rb", "rp2040", "rp2350-riscv", "samd21j18", "samd21g18"]);
  });
});

describe("the bank table of the engine", () => {
  test("leads alias banks home and tells what stores do", () => {
    expect(mapBanks(findDevice("stm32f103c8"))).toEqual([
      { low: 0, bytes: 64 * KiB, home: 0x08000000, kind: BankKind.ReadOnly },
      { low: 0x08000000, bytes: 64 * KiB, home: 0x08000000, kind: BankKind.ReadOnly },
      { low: 0x20000000, bytes: 20 * KiB, home: 0x20000000, kind: BankKind.Ram },
    ]);
    expect(mapBanks(findDevice("stm32f401re"))[1]?.kind).toBe(BankKind.StoresIgnored);
  });

  test("leaves out the ESP32's view of SRAM1 in reversed order of words", () => {
    expect(findBank(findDevice("esp32"), "sram1-code")?.aliasOf).toEqual({ bank: "SRAM1", reversed: true });
    expect(mapBanks(findDevice("esp32")).some((bank) => bank.low === 0x400a0000)).toBe(false);
  });
});
