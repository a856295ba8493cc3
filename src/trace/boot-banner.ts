/**
 * What boards print first, wherever it stands in a line of a log: the ROMs of the ESP8266 and ESP32
 * (`ets Jun  8 2016`, `ESP-ROM:esp32s3-20210327`, `rst:0x1 (POWERON)`, `rst cause:2`), Zephyr, MCUboot's hand-over,
 * U-Boot with its date, and MicroPython, whose soft reboot empties its heap too. FreeRTOS itself prints nothing.
 */
export const BOOT_BANNER =
  /\bets [A-Z][a-z]{2} [ \d]\d \d{4}|\bESP-ROM:esp|\brst:0x[0-9a-f]+ \(|\brst cause:\d|\*\*\* Booting (?:Zephyr OS|MCUboot|nRF Connect SDK)|\bU-Boot (?:SPL )?\d{4}\.\S{1,80} \([A-Z][a-z]{2} [ \d]\d \d{4}|^MPY: soft reboot/;
