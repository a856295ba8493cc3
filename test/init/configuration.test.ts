import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { Configuration } from "../../src/init/configuration.ts";

function read(...texts: string[]): Configuration {
  const configuration = new Configuration();
  texts.forEach((text, index) => {
    configuration.add(Buffer.from(text), `folder/config${index}.h`);
  });
  return configuration;
}

/** The value of a macro called SIZE. */
const sizeOf = (text: string) => read(`#define SIZE ${text}\n`).number("SIZE")?.value;

describe("a header", () => {
  test.each([
    ["( ( size_t ) ( 40 * 1024 ) )", 40960],
    ["(40UL << 10)", 40960],
    ["0x100u + 010", 264],
    ["((unsigned short)128)", 128],
    ["1 ? 2 : 3 / 0", 2],
    ["0 && 1 / 0", 0],
    ["-7 / 2", -3],
    ["~0 & 0xff", 255],
    ["'A' + 1", 66],
    ["(4 > 3) + (4 >= 5) * 2 + (1 != 2) * 4", 5],
    ["7 % 4 ^ 1 | 8", 10],
    ["40 /* forty */ * 2 // eighty", 80],
  ])("has for %s the value that C gives it", (text, value) => {
    expect(sizeOf(text)).toBe(value);
  });

  test("says where a macro is, also behind continued lines and comments", () => {
    const configuration = read("/* one\n two */\n#define A \\\n  ( 4 * \\\n 2 )\n#define B (A + A)\n");
    expect(configuration.number("A")).toEqual({ value: 8, source: "A, config0.h:3" });
    expect(configuration.number("B")).toEqual({ value: 16, source: "B, config0.h:6" });
  });

  test("defines what its conditions let through", () => {
    const text = `#define KIND 2
#if KIND == 1
#define SIZE 1
#elif defined(KIND) && KIND > 1
#ifdef MISSING
#define SIZE 2
#else
#define SIZE 3
#endif
#else
#define SIZE 4
#endif
#ifndef KIND
#undef SIZE
#endif
`;
    expect(read(text).number("SIZE")?.value).toBe(3);
  });

  test("tells what it does not define, and has no value for it", () => {
    const configuration = read("#define SIZE ( OTHER * 2 )\n#if UNKNOWN > 2\n#define X 1\n#endif\n");
    expect(configuration.number("SIZE")).toBeUndefined();
    expect(configuration.remarks).toEqual([
      "config0.h:2: UNKNOWN is not defined here; taken as 0",
      "config0.h:1: SIZE has no value that can be known: OTHER is not defined here",
    ]);
  });

  test.each([
    ["#define A B\n#define B A\n", "A is defined by itself"],
    ["#define A 1 / 0\n", "a division by 0"],
    ["#define A 1 << 64\n", "a shift by more bits than there are"],
    ["#define A (1\n", "a parenthesis is not closed"],
    ["#define A 3.5\n", "is not part of an integer expression"],
    [`#define A ${"(".repeat(5000)}1\n`, "the expression is too long"],
    [`#define A ${"(".repeat(500)}1\n`, "nested too deeply"],
    [Array.from({ length: 60 }, (_, n) => `#define A${n || ""} A${n + 1} + A${n + 1}\n`).join(""), "nested too deeply"],
    ["#define A 99999999999999\n", "which no 32-bit device has"],
  ])("without an end or a value has none: %#", (text, reason) => {
    const configuration = read(text);
    expect(configuration.number("A")).toBeUndefined();
    expect(configuration.remarks.join("\n")).toContain(reason);
  });

  test.each([
    ["#define A 1\n#if A\n", "config0.h:2: #if without #endif"],
    ["#define A 1\n#endif\n", "config0.h:2: #endif without #if"],
    ["#define A 1\n#if 1\n#else\n#else\n", "config0.h:4: #else without #if"],
    [`#define A 1\n${"#if 1\n".repeat(300)}`, "nested more than 200 deep"],
  ])("whose conditions do not match is refused: %#", (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe("a Kconfig file", () => {
  test("has numbers, texts, switches, and switches that are off", () => {
    const configuration = read(
      'CONFIG_A=4096\nCONFIG_B=0x10\nCONFIG_C="esp32s3"\nCONFIG_D=y\n# CONFIG_E is not set\n# a remark\nCONFIG_F=-1\n',
    );
    expect(configuration.number("CONFIG_A")).toEqual({ value: 4096, source: "CONFIG_A, config0.h:1" });
    expect(configuration.number("CONFIG_B")?.value).toBe(16);
    expect(configuration.text("CONFIG_C")?.value).toBe("esp32s3");
    expect(configuration.isOn("CONFIG_D")?.source).toBe("CONFIG_D, config0.h:4");
    expect(configuration.isOn("CONFIG_E")).toBeUndefined();
    expect(configuration.number("CONFIG_F")?.value).toBe(-1);
    expect(configuration.remarks).toEqual([]);
  });

  test("that sets an option twice, or has other lines, tells it", () => {
    const configuration = read("CONFIG_A=1\nCONFIG_A=2\nhello\n");
    expect(configuration.number("CONFIG_A")?.value).toBe(2);
    expect(configuration.remarks).toEqual([
      "config0.h:2: CONFIG_A is 2 here and 1 in line 1; the last counts",
      "config0.h:3: not understood: hello",
    ]);
  });
});

test("of two files that contradict each other the later counts, and it is told", () => {
  const configuration = read("CONFIG_A=1\n", "CONFIG_A=2\n");
  expect(configuration.number("CONFIG_A")?.value).toBe(2);
  expect(configuration.remarks).toEqual([
    "CONFIG_A: 1 (CONFIG_A, config0.h:1) and 2 (CONFIG_A, config1.h:1); the last counts",
  ]);
});

test.each([
  ["nothing at all", ""],
  ["text of another kind", "int main(void) { return 0; }\n"],
  ["zero bytes", "#define A 1\0\n"],
])("%s is refused", (_, text) => {
  expect(() => read(text)).toThrow(HeapsoakError);
});

test("bytes that are no text are refused", () => {
  expect(() => new Configuration().add(Uint8Array.of(0x23, 0xff, 0xfe), "FreeRTOSConfig.h")).toThrow(
    "not a text in UTF-8",
  );
});

const PIECES = [
  "#define ",
  "#if ",
  "#elif ",
  "#else",
  "#endif",
  "#undef ",
  "A",
  "B",
  " ",
  "(",
  ")",
  "1",
  "+",
  "/*",
  "*/",
  "//",
  "\\",
  "\n",
  '"',
  "'",
  "defined",
  "?",
  ":",
  "<<",
  "CONFIG_A=",
  "y",
];

test("any text is read or refused, and its macros have values or not", () => {
  const text = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3 })), { maxLength: 60 });
  fc.assert(
    fc.property(text, (pieces) => {
      try {
        const configuration = read(`#define A 1\n${pieces.join("")}\n`);
        for (const name of configuration.names(/./)) configuration.number(name);
      } catch (error) {
        expect(error).toBeInstanceOf(HeapsoakError);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a large header is read in one pass", () => {
  const lines = Array.from({ length: 15_000 }, (_, n) => `#define NAME_${n} ( ${n} /* number */ )\n`);
  expect(read(lines.join("")).number("NAME_14999")?.value).toBe(14_999);
  expect(() => read(`${lines.join("")}${lines.join("").replaceAll("NAME", "OTHER")}`)).toThrow(
    "more than 20000 macros",
  );
});
