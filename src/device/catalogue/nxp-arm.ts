import type { DeviceDescription } from "../description.ts";

const KiB = 1024;
const MHz = 1_000_000;

/** NXP, and Arm's own FPGA board. */
export const nxpAndArm: readonly DeviceDescription[] = [
  {
    id: "lpc1768",
    name: "LPC1768",
    aliases: ["mbed-lpc1768"],
    core: "armv7-m",
    coreName: "Cortex-M3",
    clockHz: 100 * MHz,
    banks: [
      { name: "FLASH", low: 0x00000000, bytes: 512 * KiB, kind: "flash", stores: "fault" },
      {
        name: "SRAM",
        low: 0x10000000,
        bytes: 32 * KiB,
        kind: "ram",
        note: "Flash programming (IAP) uses the top 32 bytes.",
      },
      { name: "AHB0", low: 0x2007c000, bytes: 16 * KiB, kind: "ram" },
      { name: "AHB1", low: 0x20080000, bytes: 16 * KiB, kind: "ram" },
    ],
    mainBank: "SRAM",
    source: "Mbed's linker script",
    notes: ["AHB0 and AHB1 are contiguous; Mbed gives them to USB and Ethernet."],
  },
  {
    id: "imxrt1062",
    name: "i.MX RT1062",
    aliases: ["mimxrt1062", "teensy41", "teensy40", "mimxrt1060-evk"],
    core: "armv7e-m",
    coreName: "Cortex-M7F",
    clockHz: 600 * MHz,
    flashOutside: { where: "external, at 0x60000000" },
    banks: [
      { name: "ITCM", low: 0x00000000, bytes: 128 * KiB, kind: "ram" },
      { name: "DTCM", low: 0x20000000, bytes: 128 * KiB, kind: "ram" },
      { name: "OCRAM2", low: 0x20200000, bytes: 512 * KiB, kind: "ram" },
      {
        name: "OCRAM",
        low: 0x20280000,
        bytes: 256 * KiB,
        kind: "ram",
        note: "The part of FlexRAM that is neither ITCM nor DTCM.",
      },
    ],
    mainBank: "DTCM",
    source: "Zephyr nxp_rt10xx.dtsi and nxp_rt1060.dtsi; MicroPython's linker scripts",
    notes: ["ITCM, DTCM and OCRAM are the default split of 512 KiB of FlexRAM; firmware may choose another."],
  },
  {
    id: "mps2-an385",
    name: "Arm MPS2+ with AN385",
    aliases: ["an385", "mps2"],
    core: "armv7-m",
    coreName: "Cortex-M3",
    clockHz: 25 * MHz,
    banks: [
      {
        name: "SSRAM1",
        low: 0x00000000,
        bytes: 4096 * KiB,
        kind: "ram",
        note: "The board has no flash: code lies in this RAM, and a store to address 0 is a store.",
      },
      { name: "SSRAM1-MIRROR", low: 0x00400000, bytes: 4096 * KiB, kind: "ram", aliasOf: { bank: "SSRAM1" } },
      { name: "BLOCKRAM", low: 0x01000000, bytes: 16 * KiB, kind: "ram" },
      { name: "SSRAM23", low: 0x20000000, bytes: 4096 * KiB, kind: "ram" },
      { name: "SSRAM23-MIRROR", low: 0x20400000, bytes: 4096 * KiB, kind: "ram", aliasOf: { bank: "SSRAM23" } },
      { name: "PSRAM", low: 0x21000000, bytes: 16384 * KiB, kind: "ram" },
    ],
    mainBank: "SSRAM23",
    source: "QEMU hw/arm/mps2.c; Zephyr mps2_base.dtsi (clock)",
  },
];
