import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceJson, renderDevice, renderDeviceList } from "../../src/cli/devices.ts";
import { deviceCatalogue, findDevice } from "../../src/device/catalogue/devices.ts";
import { resolveDevice } from "../../src/device/resolve.ts";
import { cubeProgram } from "../image/elf-builder.ts";

describe("heapsoak devices", () => {
  test("lists every device on a line of its own", () => {
    const lines = renderDeviceList().split("\n");
    for (const device of deviceCatalogue)
      expect(lines.filter((line) => line.startsWith(`${device.id} `)).length).toBe(1);
    expect(lines[0]).toMatch(/^DEVICE +CORE +CLOCK +FLASH +RAM$/);
    expect(lines.find((line) => line.startsWith("rp2040"))).toMatch(
      /2× Cortex-M0\+ +133 MHz +2 MiB +264 KiB: SRAM 256 KiB, SCRATCH_X 4 KiB, SCRATCH_Y 4 KiB$/,
    );
  });

  test("shows a device with its map to scale, its sources, and what is from memory", () => {
    expect(renderDevice(findDevice("stm32g474re"))).toBe(`stm32g474re: STM32G474RE
  Cortex-M4F (Armv7E-M), 170 MHz
  also: nucleo-g474re

  0x00000000  BOOT   512 KiB  flash
               view of FLASH; Boot from flash; another boot mode puts ROM or SRAM here.
  ·
  0x08000000  FLASH  512 KiB  flash
               a store does nothing
  ·
  0x10000000  CCM     32 KiB  ram    ▒▒▒▒▒▒▒▒
               view of SRAM from offset 96 KiB; The code bus's view.
  ·
  0x20000000  SRAM   128 KiB  ram    ████████████████████████████████
               SRAM1 80 KiB, SRAM2 16 KiB from 0x20014000, CCM 32 KiB from 0x20018000.
  █ 4 KiB of RAM · ░ taken · ▒ seen elsewhere as well · main bank SRAM

source: embassy-rs/stm32-data-generated f115ed4 (memory regions), PlatformIO board files (clock)
What a store to flash or ROM does is from memory.
`);
  });

  test("marks what is from memory, and shows what is taken", () => {
    const text = renderDevice(findDevice("esp32c3"));
    expect(text).toContain("RTC-FAST *");
    expect(text).toContain("* from memory: not checked against a source.");
    expect(text).toContain("0x3fcde710 + 6.2 KiB taken by the ROM's data");
    expect(renderDevice(findDevice("stm32f401re"))).not.toContain("* from memory");
  });

  test("gives the descriptions with their sums as JSON", () => {
    expect(deviceJson(findDevice("rp2040"))).toMatchObject({
      id: "rp2040",
      ramBytes: 264 * 1024,
      flashBytes: 2 * 1024 * 1024,
    });
    expect(deviceJson(findDevice("esp32"))).toMatchObject({ flashBytes: null });
  });
});

describe("--device", () => {
  let folder = "";
  const file = (name: string) => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "heapsoak-device-"));
    writeFileSync(file("app.elf"), cubeProgram());
    writeFileSync(file("firmware"), cubeProgram());
    writeFileSync(file("board.yml"), "extends: stm32f407vg\nname: Board");
    writeFileSync(
      file("app.ld"),
      "MEMORY { RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 96K\nFLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M }",
    );
    writeFileSync(file("notes.txt"), "nothing");
    writeFileSync(file("latin.yaml"), Buffer.from([0x6e, 0x3a, 0x20, 0xe9]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("takes an id, a device file, a linker script or an ELF by its contents", async () => {
    expect((await resolveDevice("STM32F407VG")).id).toBe("stm32f407vg");
    expect(await resolveDevice(file("board.yml"))).toMatchObject({
      id: "board",
      name: "Board",
      source: `${file("board.yml")}, on top of stm32f407vg`,
    });
    expect((await resolveDevice(file("app.ld"))).banks.map((bank) => bank.name)).toEqual(["RAM", "FLASH"]);
    expect((await resolveDevice(file("firmware"))).heapBounds?.from).toBe("ucHeap");
  });

  test("adds up parts joined by a plus: chip, linker script and program", async () => {
    const device = await resolveDevice(`stm32f407vg+${file("app.ld")}+${file("app.elf")}`);
    expect(device).toMatchObject({ id: "stm32f407vg", clockHz: 168_000_000, heapBounds: { low: 0x20000100 } });
    expect(device.banks.map((bank) => bank.name)).toEqual(["RAM", "FLASH"]);
    expect(device.staticUse?.length).toBe(3);
  });

  test.each([
    ["nrf52480", "unknown-device", 'no device called "nrf52480"'],
    ["nowhere/board.yaml", "cannot-read", "nowhere/board.yaml: there is no such file."],
    [".", "cannot-read", "not a plain file"],
    ["rp2040+pico2", "bad-argument", "can only come first"],
  ])("%s is refused", async (text, code, message) => {
    await expect(resolveDevice(text)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test("refuses other files, and texts that are not UTF-8", async () => {
    await expect(resolveDevice(file("notes.txt"))).rejects.toMatchObject({
      code: "bad-device",
      message: expect.stringContaining("neither an ELF file nor"),
    });
    await expect(resolveDevice(file("latin.yaml"))).rejects.toMatchObject({
      message: expect.stringContaining("not a text in UTF-8"),
    });
    await expect(resolveDevice(`rp2040+${file("board.yml")}`)).rejects.toMatchObject({
      message: expect.stringContaining("can only come first"),
    });
  });
});
