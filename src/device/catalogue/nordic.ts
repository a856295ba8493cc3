import type { DeviceDescription } from "../description.ts";

const KiB = 1024;
const MHz = 1_000_000;

/** Nordic Semiconductor nRF. Without a SoftDevice, which takes RAM from the base and flash from address 0. */
export const nordic: readonly DeviceDescription[] = [
  {
    id: "nrf52832",
    name: "nRF52832",
    aliases: ["nrf52dk", "nrf52832_xxaa"],
    core: "armv7e-m",
    coreName: "Cortex-M4F",
    clockHz: 64 * MHz,
    banks: [
      { name: "FLASH", low: 0x00000000, bytes: 512 * KiB, kind: "flash", stores: "fault" },
      { name: "CODE-RAM", low: 0x00800000, bytes: 64 * KiB, kind: "ram", aliasOf: { bank: "RAM" }, fromMemory: true },
      { name: "RAM", low: 0x20000000, bytes: 64 * KiB, kind: "ram" },
    ],
    mainBank: "RAM",
    source: "MicroPython's linker scripts",
  },
  {
    id: "nrf52840",
    name: "nRF52840",
    aliases: ["nrf52840dk", "nrf52840_xxaa"],
    core: "armv7e-m",
    coreName: "Cortex-M4F",
    clockHz: 64 * MHz,
    banks: [
      { name: "FLASH", low: 0x00000000, bytes: 1024 * KiB, kind: "flash", stores: "fault" },
      { name: "CODE-RAM", low: 0x00800000, bytes: 256 * KiB, kind: "ram", aliasOf: { bank: "RAM" }, fromMemory: true },
      { name: "RAM", low: 0x20000000, bytes: 256 * KiB, kind: "ram" },
    ],
    mainBank: "RAM",
    source: "Zephyr nrf52840_qiaa.dtsi; MicroPython's and Embassy's linker scripts",
    notes: ["SoftDevice S140 7.3's example leaves 193 KiB of the RAM."],
  },
  {
    id: "nrf5340",
    name: "nRF5340, application core",
    aliases: ["nrf5340-app", "nrf5340dk", "nrf5340_cpuapp"],
    core: "armv8-m-main",
    coreName: "Cortex-M33F",
    clockHz: 128 * MHz,
    clockFromMemory: true,
    banks: [
      { name: "FLASH", low: 0x00000000, bytes: 1024 * KiB, kind: "flash", stores: "fault" },
      { name: "RAM", low: 0x20000000, bytes: 512 * KiB, kind: "ram" },
    ],
    mainBank: "RAM",
    source: "Zephyr nrf5340_cpuapp_qkaa.dtsi",
    notes: ["The network core is nrf5340-net."],
  },
  {
    id: "nrf5340-net",
    name: "nRF5340, network core",
    aliases: ["nrf5340_cpunet"],
    core: "armv8-m-main",
    coreName: "Cortex-M33",
    clockHz: 64 * MHz,
    clockFromMemory: true,
    banks: [
      { name: "FLASH", low: 0x01000000, bytes: 256 * KiB, kind: "flash", stores: "fault" },
      {
        name: "APP-RAM",
        low: 0x20000000,
        bytes: 512 * KiB,
        kind: "ram",
        note: "The application core's; what it shares is up to its firmware.",
      },
      { name: "RAM", low: 0x21000000, bytes: 64 * KiB, kind: "ram" },
    ],
    mainBank: "RAM",
    source: "Zephyr nrf5340_cpunet_qkaa.dtsi",
  },
];
