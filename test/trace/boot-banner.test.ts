import { expect, test } from "vitest";
import { BOOT_BANNER } from "../../src/trace/boot-banner.ts";

test.each([
  "ets Jun  8 2016 00:22:57",
  "10:00:01.250 -> ets Jul 29 2019 12:21:46",
  " ets Jan  8 2013,rst cause:2, boot mode:(3,6)",
  "ESP-ROM:esp32s3-20210327",
  "[12.5] rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
  "*** Booting Zephyr OS build v3.7.0 ***",
  "***** Booting Zephyr OS build zephyr-v2.4.0 *****",
  "*** Booting MCUboot v2.1.0 ***",
  "*** Booting nRF Connect SDK v2.5.0 ***",
  "U-Boot SPL 2024.01-g123 (Jan 01 2024 - 12:00:00 +0000)",
  "MPY: soft reboot",
])("%j is a boot", (line) => expect(line).toMatch(BOOT_BANNER));

test.each([
  "secrets Jun 12 2024",
  "first:0x1 (x)",
  "wants U-Boot 2024.01",
  "Booting Zephyr OS",
  "I (5) app: last reset rst:0x1",
  "rebooted",
])("%j is none", (line) => expect(line).not.toMatch(BOOT_BANNER));
