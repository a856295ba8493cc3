import fc from "fast-check";
import { expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { readLinkMap } from "../../src/init/map-file.ts";
import { LINK_MAP } from "./firmware.ts";

test("regions, sections, symbols and the machine are read, wrapped lines too", () => {
  const map = readLinkMap(LINK_MAP, "app.map");
  expect(map.machine).toBe(40);
  expect(map.regions).toEqual([
    { name: "FLASH", low: 0x08000000, bytes: 0x40000, attributes: "xr" },
    { name: "RAM", low: 0x20000000, bytes: 0x5000, attributes: "xrw" },
  ]);
  expect(map.sections).toEqual([
    { name: ".text", low: 0x08000000, bytes: 0x200 },
    { name: ".data", low: 0x20000000, bytes: 0x10 },
    { name: ".bss", low: 0x20000010, bytes: 0x2400 },
  ]);
  const symbol = (name: string) => map.symbols.find((candidate) => candidate.name === name);
  expect(symbol("ucHeap")).toMatchObject({ value: 0x20000020, bytes: 0x2000, kind: "object" });
  expect(symbol("uxIdleTaskStack")).toMatchObject({ value: 0x20002020, bytes: 0x100 });
  expect(symbol("pvPortMalloc")).toMatchObject({ value: 0x08000010, bytes: 0x40, kind: "function" });
  expect(symbol("_estack")).toMatchObject({ value: 0x20005000, kind: "plain" });
  expect(symbol("_Min_Stack_Size")?.value).toBe(0x400);
});

test("debugging sections take no memory", () => {
  expect(readLinkMap(LINK_MAP, "app.map").sections.some(({ name }) => name.startsWith(".debug"))).toBe(false);
});

test.each([
  ["no map", "hello"],
  ["a map of another linker", "Image Symbol Table\n  Local Symbols\n"],
  ["a map that is cut off", LINK_MAP.slice(0, LINK_MAP.indexOf(".text"))],
])("%s is refused", (_, text) => {
  expect(() => readLinkMap(text, "app.map")).toThrow(HeapsoakError);
});

test("a map that is cut, shuffled or overwritten anywhere is read or refused", () => {
  fc.assert(
    fc.property(fc.nat(LINK_MAP.length), fc.nat(40), fc.string({ maxLength: 20 }), (at, length, text) => {
      try {
        readLinkMap(LINK_MAP.slice(0, at) + text + LINK_MAP.slice(at + length), "app.map");
      } catch (error) {
        expect(error).toBeInstanceOf(HeapsoakError);
      }
    }),
    { numRuns: 500 },
  );
});
