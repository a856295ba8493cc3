import type { DeviceDescription } from "../description.ts";

const KiB = 1024;
const MHz = 1_000_000;

const SAMD21_BANKS: DeviceDescription["banks"] = [
  { name: "FLASH", low: 0x00000000, bytes: 256 * KiB, kind: "flash", stores: "ignored" },
  { name: "SRAM", low: 0x20000000, bytes: 32 * KiB, kind: "ram" },
];
const SAMD51_SOURCE =
  "Zephyr samd5xx19.dtsi and samd5xx20.dtsi, MicroPython's linker scripts; vendor header (backup RAM)";
const AVR_SOURCE = "RAMEND as avr-libc's headers and published firmware state it";

/** Microchip: SAM and AVR. */
export const microchip: readonly DeviceDescription[] = [
  {
    id: "samd21j18",
    name: "SAMD21J18",
    aliases: ["atsamd21j18a"],
    core: "armv6-m",
    coreName: "Cortex-M0+",
    clockHz: 48 * MHz,
    clockFromMemory: true,
    banks: SAMD21_BANKS,
    mainBank: "SRAM",
    source: "MicroPython's linker scripts",
  },
  {
    id: "samd21g18",
    name: "SAMD21G18",
    aliases: ["atsamd21g18a", "arduino-zero", "feather-m0"],
    core: "armv6-m",
    coreName: "Cortex-M0+",
    clockHz: 48 * MHz,
    clockFromMemory: true,
    banks: SAMD21_BANKS,
    mainBank: "SRAM",
    source: "MicroPython's linker scripts",
  },
  {
    id: "samd51j19",
    name: "SAMD51J19",
    aliases: ["atsamd51j19a", "feather-m4"],
    core: "armv7e-m",
    coreName: "Cortex-M4F",
    clockHz: 120 * MHz,
    clockFromMemory: true,
    banks: [
      { name: "FLASH", low: 0x00000000, bytes: 512 * KiB, kind: "flash", stores: "ignored" },
      { name: "SRAM", low: 0x20000000, bytes: 192 * KiB, kind: "ram" },
      { name: "BKUPRAM", low: 0x47000000, bytes: 8 * KiB, kind: "ram", retention: true, note: "Size from memory." },
    ],
    mainBank: "SRAM",
    source: SAMD51_SOURCE,
  },
  {
    id: "samd51j20",
    name: "SAMD51J20",
    aliases: ["atsamd51j20a"],
    core: "armv7e-m",
    coreName: "Cortex-M4F",
    clockHz: 120 * MHz,
    clockFromMemory: true,
    banks: [
      { name: "FLASH", low: 0x00000000, bytes: 1024 * KiB, kind: "flash", stores: "ignored" },
      { name: "SRAM", low: 0x20000000, bytes: 256 * KiB, kind: "ram" },
      { name: "BKUPRAM", low: 0x47000000, bytes: 8 * KiB, kind: "ram", retention: true, note: "Size from memory." },
    ],
    mainBank: "SRAM",
    source: SAMD51_SOURCE,
  },
  {
    id: "atmega328p",
    name: "ATmega328P",
    aliases: ["arduino-uno", "uno", "arduino-nano"],
    core: "avr",
    coreName: "AVRe+",
    clockHz: 20 * MHz,
    clockFromMemory: true,
    flashOutside: { bytes: 32 * KiB, where: "an address space of its own" },
    banks: [
      {
        name: "REGISTERS",
        low: 0x0000,
        bytes: 256,
        kind: "registers",
        note: "Working and I/O registers; emulated as plain bytes.",
      },
      { name: "SRAM", low: 0x0100, bytes: 2 * KiB, kind: "ram" },
    ],
    mainBank: "SRAM",
    source: AVR_SOURCE,
    notes: ["An Arduino Uno runs it at 16 MHz. 1 KiB of EEPROM lies outside the data space."],
  },
  {
    id: "atmega2560",
    name: "ATmega2560",
    aliases: ["arduino-mega", "mega2560"],
    core: "avr",
    coreName: "AVRe+",
    clockHz: 16 * MHz,
    clockFromMemory: true,
    flashOutside: { bytes: 256 * KiB, where: "an address space of its own" },
    banks: [
      {
        name: "REGISTERS",
        low: 0x0000,
        bytes: 512,
        kind: "registers",
        note: "Working and I/O registers; emulated as plain bytes.",
      },
      { name: "SRAM", low: 0x0200, bytes: 8 * KiB, kind: "ram" },
    ],
    mainBank: "SRAM",
    source: AVR_SOURCE,
    notes: ["4 KiB of EEPROM lie outside the data space. External RAM, where a board has it, begins at 0x2200."],
  },
];
