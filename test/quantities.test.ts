import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../src/errors.ts";
import {
  formatAddress,
  formatBytes,
  formatFrequency,
  parseAddress,
  parseFrequency,
  parseRange,
  parseSize,
} from "../src/quantities.ts";

describe("a size", () => {
  test.each([
    ["512", 512],
    ["512 B", 512],
    ["40 KiB", 40 * 1024],
    ["40KiB", 40 * 1024],
    ["1.5 KiB", 1536],
    ["1 MiB", 1024 * 1024],
    ["65_536", 65536],
    ["0x1000", 4096],
    [" 0 ", 0],
    [4096, 4096],
  ])("%j is %i bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    "",
    "KiB",
    "-1",
    "1.5",
    "0.3 KiB",
    "10 kiB",
    "10 GiB",
    "1e3",
    "4097 MiB",
    "ten",
    "1 2",
    "NaN",
    "Infinity",
    "0x",
  ])("%j is refused", (text) => {
    expect(() => parseSize(text, "--heap-size")).toThrow(/^--heap-size: got /);
  });

  test.each([
    ["64k", 'Write "64 KiB" for multiples of 1024.'],
    ["64KB", 'Write "64 KiB" for multiples of 1024.'],
    ["2 M", 'Write "2 MiB" for multiples of 1024.'],
  ])("%j is refused, with what to write instead", (text, hint) => {
    try {
      parseSize(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(HeapsoakError);
      expect(error).toMatchObject({ code: "bad-argument", hint });
    }
  });
});

describe("an address", () => {
  test.each([
    ["0x20000000", 0x20000000],
    ["0x2000_0000", 0x20000000],
    ["0XFFFFFFFF", 0xffffffff],
    ["256", 256],
    [0x100, 0x100],
  ])("%j is read", (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  test.each(["", "0x100000000", "-4", "20000000h", "0x", "4 KiB", 1.5, -1])("%j is refused", (text) => {
    expect(() => parseAddress(text, "--at")).toThrow(/^--at: got /);
  });

  test("with a size is a range", () => {
    expect(parseRange("0x20004000:40 KiB")).toEqual({ low: 0x20004000, bytes: 40 * 1024 });
    expect(() => parseRange("0x20004000")).toThrow("expected ADDRESS:SIZE");
    expect(() => parseRange("0x20004000:0")).toThrow("inside the address space");
    expect(() => parseRange("0xFFFFFFF0:32")).toThrow("inside the address space");
  });
});

describe("what people read", () => {
  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [40 * 1024, "40 KiB"],
    [1024 * 1024, "1 MiB"],
    [768 * 1024, "768 KiB"],
    [16 * 1024 * 1024, "16 MiB"],
  ])("%i bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test("addresses and clocks are as in a datasheet", () => {
    expect([formatAddress(0x20000000), formatAddress(0x100), formatAddress(0xffffffff)]).toEqual([
      "0x20000000",
      "0x00000100",
      "0xffffffff",
    ]);
    expect([formatFrequency(168e6), formatFrequency(32_768), formatFrequency(50)]).toEqual([
      "168 MHz",
      "32.768 kHz",
      "50 Hz",
    ]);
    expect([parseFrequency("168 MHz"), parseFrequency("32.768 kHz"), parseFrequency(8000000)]).toEqual([
      168e6, 32768, 8e6,
    ]);
    for (const text of ["0", "168 mhz", "fast", "1e99"])
      expect(() => parseFrequency(text)).toThrow("expected a frequency");
  });
});
