import type { DeviceDescription } from "../description.ts";

const KiB = 1024;
const MHz = 1_000_000;

const RP2350_BANKS: DeviceDescription["banks"] = [
  { name: "ROM", low: 0x00000000, bytes: 32 * KiB, kind: "rom", stores: "fault", fromMemory: true },
  {
    name: "FLASH",
    low: 0x10000000,
    bytes: 4096 * KiB,
    kind: "flash",
    stores: "fault",
    note: "Quad-SPI chip of a Pico 2.",
  },
  { name: "SRAM", low: 0x20000000, bytes: 512 * KiB, kind: "ram", note: "SRAM0-7, striped." },
  { name: "SCRATCH_X", low: 0x20080000, bytes: 4 * KiB, kind: "ram" },
  { name: "SCRATCH_Y", low: 0x20081000, bytes: 4 * KiB, kind: "ram" },
];
const RP2350_SOURCE = "pico-sdk memmap_default.ld for rp2350 (as published by several projects)";

/** Raspberry Pi's microcontrollers; the flash is a chip on the board. */
export const raspberryPi: readonly DeviceDescription[] = [
  {
    id: "rp2040",
    name: "RP2040",
    aliases: ["pico", "picow", "raspberry-pi-pico"],
    core: "armv6-m",
    coreName: "Cortex-M0+",
    cores: 2,
    clockHz: 133 * MHz,
    clockFromMemory: true,
    banks: [
      { name: "ROM", low: 0x00000000, bytes: 16 * KiB, kind: "rom", stores: "fault", fromMemory: true },
      {
        name: "FLASH",
        low: 0x10000000,
        bytes: 2048 * KiB,
        kind: "flash",
        stores: "ignored",
        note: "Quad-SPI chip of a Pico.",
      },
      { name: "SRAM", low: 0x20000000, bytes: 256 * KiB, kind: "ram", note: "SRAM0-3, striped." },
      {
        name: "SCRATCH_X",
        low: 0x20040000,
        bytes: 4 * KiB,
        kind: "ram",
        note: "SRAM4: the SDK puts core 1's stack here.",
      },
      {
        name: "SCRATCH_Y",
        low: 0x20041000,
        bytes: 4 * KiB,
        kind: "ram",
        note: "SRAM5: the SDK puts core 0's stack here.",
      },
    ],
    mainBank: "SRAM",
    source: "pico-sdk memmap_default.ld, rp-rs and Embassy memory.x",
    notes: [
      "The SDK's default clock is 125 MHz.",
      "The unstriped view of SRAM0-3 at 0x21000000 is not a shift of addresses and is left out; so is the USB's RAM.",
    ],
  },
  {
    id: "rp2350",
    name: "RP2350, Arm cores",
    aliases: ["pico2", "pico2w", "rp2350-arm", "raspberry-pi-pico-2"],
    core: "armv8-m-main",
    coreName: "Cortex-M33F",
    cores: 2,
    clockHz: 150 * MHz,
    clockFromMemory: true,
    banks: RP2350_BANKS,
    mainBank: "SRAM",
    source: RP2350_SOURCE,
  },
  {
    id: "rp2350-riscv",
    name: "RP2350, RISC-V cores",
    aliases: ["rp2350-hazard3", "pico2-riscv"],
    core: "riscv",
    coreName: "Hazard3",
    cores: 2,
    clockHz: 150 * MHz,
    clockFromMemory: true,
    unalignedFaults: true,
    banks: RP2350_BANKS,
    mainBank: "SRAM",
    source: RP2350_SOURCE,
    notes: ["Hazard3 traps unaligned accesses (from memory)."],
  },
];
