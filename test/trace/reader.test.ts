import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/memory-map.ts";
import { HeapsoakError } from "../../src/errors.ts";
import { LINE_BYTES_MOST, REFUSED } from "../../src/trace/format.ts";
import { openTrace, readTrace } from "../../src/trace/reader.ts";
import { randomTrace, rowsOf, temporaryFolder, traceOf } from "../support/traces.ts";

const SEED = 20261121;
const { folder, write } = temporaryFolder();

const SMALL = "# allocator=tlsf\n# heap_size=4096\na 0 22 12\nf 0\nr 1 30 -1\nz 2 64 141 128\n";

/** What reading the content to its end complains about. */
async function complaint(content: string | Uint8Array): Promise<string> {
  try {
    await rowsOf(content);
  } catch (error) {
    if (error instanceof HeapsoakError) return error.message;
    throw error;
  }
  return "nothing";
}

describe("a trace", () => {
  test("is read into columns with the line of each operation", async () => {
    expect(await rowsOf(SMALL)).toEqual([
      { opcode: Opcode.Allocate, id: 0, requestBytes: 22, alignment: 0, expected: 12, line: 3 },
      { opcode: Opcode.Release, id: 0, requestBytes: 0, alignment: 0, expected: 0, line: 4 },
      { opcode: Opcode.Reallocate, id: 1, requestBytes: 30, alignment: 0, expected: REFUSED, line: 5 },
      { opcode: Opcode.AllocateAligned, id: 2, requestBytes: 141, alignment: 64, expected: 128, line: 6 },
    ]);
  });

  test("has the header's keys, and not those of comments behind the first record", async () => {
    const trace = await traceOf(
      "# allocator=tlsf\n#heap_size = 4096 \n# a sentence = with spaces\na 0 1 8\n# seed=7\n",
    );
    expect([...trace.header]).toEqual([
      ["allocator", "tlsf"],
      ["heap_size", "4096"],
    ]);
    await trace.close();
  });

  test("needs no header", async () => {
    expect(await rowsOf("a 0 1 8\n")).toHaveLength(1);
  });

  test.each([
    ["lines end in CR LF", SMALL.replaceAll("\n", "\r\n")],
    ["the last line has no end", SMALL.slice(0, -1)],
    ["fields are separated by several blanks", SMALL.replaceAll(/(?<=\d) /g, " \t ")],
    ["lines end in blanks", SMALL.replaceAll("\n", "  \n")],
    ["it begins with a byte order mark", `\uFEFF${SMALL}`],
    ["it is compressed", gzipSync(SMALL)],
    ["it is compressed in several members", Buffer.concat([gzipSync(SMALL.slice(0, 40)), gzipSync(SMALL.slice(40))])],
  ])("reads the same when %s", async (_, content) => {
    expect(await rowsOf(content)).toEqual(await rowsOf(SMALL));
  });

  test("skips empty lines and counts them", async () => {
    expect((await rowsOf("\n \n# x\n\na 0 1 8\n")).map(({ line }) => line)).toEqual([5]);
  });

  test.each([1, 2, 3, 7, 64])("reads the same in chunks of %d bytes", async (chunkBytes) => {
    expect(await rowsOf(SMALL, chunkBytes)).toEqual(await rowsOf(SMALL));
    expect(await rowsOf(gzipSync(SMALL), chunkBytes)).toEqual(await rowsOf(SMALL));
  });

  test("longer than a batch arrives whole and in order", async () => {
    const rows = await rowsOf(Array.from({ length: 150_000 }, (_, id) => `a ${id} 8 0\n`).join(""));
    expect(rows).toHaveLength(150_000);
    expect(rows.every(({ id, line }, index) => id === index && line === index + 1)).toBe(true);
  });

  test("of five million lines is read without its length in memory", { timeout: 120_000 }, async () => {
    const chunk = Buffer.from(Array.from({ length: 50_000 }, (_, id) => `a ${id} 24 ${id * 32}\nf ${id}\n`).join(""));
    const trace = await readTrace(Readable.from(Array.from({ length: 50 }, () => chunk)), "long");
    const before = process.memoryUsage();
    let operations = 0;
    let mostBytes = 0;
    for await (const { count } of trace.batches()) {
      operations += count;
      const now = process.memoryUsage();
      mostBytes = Math.max(mostBytes, now.heapUsed + now.arrayBuffers - before.heapUsed - before.arrayBuffers);
    }
    expect(operations).toBe(5_000_000);
    // The columns of all operations would be 105 MB.
    expect(mostBytes).toBeLessThan(64e6);
  });

  test("takes ids and sizes of 32 bits", async () => {
    const [row] = await rowsOf("a 4294967295 4294967295 -1\n");
    expect(row).toMatchObject({ id: 4294967295, requestBytes: 4294967295, expected: REFUSED });
  });

  test("hands over statistics and checksums behind the operations they follow", async () => {
    const trace = await traceOf("a 0 1 8\ns free=100 frag=-3\nf 0\nh 2EB7f7fc\n");
    for await (const { checks } of trace.batches()) {
      expect(checks).toEqual([
        {
          kind: "statistics",
          after: 1,
          line: 2,
          claims: [
            { key: "free", value: 100 },
            { key: "frag", value: -3 },
          ],
        },
        { kind: "checksum", after: 2, line: 4, crc32: 0x2eb7f7fc },
      ]);
    }
  });
});

describe("bad input", () => {
  test.each([
    ["", "t.trace: holds no operations."],
    ["# allocator=tlsf\n", "t.trace: holds no operations."],
    ["a 0 1 8\nx 1 2 3\n", 't.trace: line 2: unknown record "x"; expected a, f, r, z, s or h.'],
    ["a 0 1 8\n\u0000\u0000\n", "t.trace: line 2: unknown record byte 0x00; expected a, f, r, z, s or h."],
    ["a 0\n", "t.trace: line 1: SIZE is missing; expected a ID SIZE [OFF]."],
    ["z 0 8\r\n", "t.trace: line 1: SIZE is missing; expected z ID ALIGN SIZE [OFF]."],
    ["f\n", "t.trace: line 1: ID is missing; expected f ID."],
    ["f 0 1\n", 't.trace: line 1: got "1" in column 5; expected the end of the line.'],
    ["a 0 12x 8\n", 't.trace: line 1: got "x" in column 7; expected a space between fields.'],
    ["a 0 4294967296 8\n", "t.trace: line 1: SIZE is beyond 32 bits; expected a number from 0 to 4294967295."],
    [
      "a 0 99999999999999999999999 8\n",
      "t.trace: line 1: SIZE is beyond 32 bits; expected a number from 0 to 4294967295.",
    ],
    ["a 0 -5 8\n", "t.trace: line 1: SIZE is negative; expected a number from 0 to 4294967295."],
    ["f -1\n", "t.trace: line 1: ID is negative; expected a number from 0 to 4294967295."],
    [
      "a 0 1 -2\n",
      "t.trace: line 1: OFF is below -1; expected an offset from the arena's base, or -1 for a refused request.",
    ],
    ["z 0 24 8 8\n", "t.trace: line 1: ALIGN is 24; expected a power of two."],
    ["z 0 0 8 8\n", "t.trace: line 1: ALIGN is 0; expected a power of two."],
    ["s free\n", 't.trace: line 1: "free"; expected KEY=VALUE with a decimal value.'],
    ["h 12345678g\n", 't.trace: line 1: checksum "12345678g"; expected up to 8 hexadecimal digits.'],
    ["h\n", "t.trace: line 1: CRC32 is missing; expected h CRC32."],
    ["alloc 1 2 3\n", 't.trace: line 1: got "l" in column 2; expected a space between fields.'],
    ["# a\u0000b\na 0 1 8\n", "t.trace: line 1: got byte 0x00 in column 4; expected text."],
  ])("%j is refused with file, line and what was expected", async (content, message) => {
    expect(await complaint(content)).toBe(message);
  });

  test.each([
    ["a record", `a 0 ${" ".repeat(LINE_BYTES_MOST)}1 8\n`],
    ["a header line", `# x=${"y".repeat(LINE_BYTES_MOST)}\na 0 1 8\n`],
    ["a line without an end", "a 0 ".concat("0".repeat(10 * LINE_BYTES_MOST))],
  ])("%s beyond the limit of a line is refused", async (_, content) => {
    expect(await complaint(content)).toBe("t.trace: line 1: longer than 4096 bytes; expected one record a line.");
  });

  test("a header without an end is refused", async () => {
    const header = Array.from({ length: 1002 }, (_, i) => `# k${i}=1\n`).join("");
    expect(await complaint(header)).toBe("t.trace: line 1001: more than 1000 header lines; expected records.");
  });

  test("gzip data that is cut off is refused with the last whole line", async () => {
    const whole = gzipSync(randomTrace(20_000));
    expect(await complaint(whole.subarray(0, whole.length / 2))).toMatch(
      /^t\.trace: the gzip data is cut off behind line \d{4,}\.$/,
    );
    expect(await complaint(whole.subarray(0, 12))).toBe("t.trace: the gzip data is cut off.");
  });

  test("damaged gzip data is refused", async () => {
    const damaged = Buffer.from(gzipSync(randomTrace(2000)));
    damaged.fill(0xff, 1000, 1100);
    expect(await complaint(damaged)).toMatch(/^t\.trace: the gzip data is damaged/);
    expect(await complaint(Buffer.concat([gzipSync(SMALL), Buffer.from("garbage")]))).toMatch(/damaged/);
  });

  test("a missing file and a folder are refused by name", async () => {
    await expect(openTrace(`${folder}/none`)).rejects.toMatchObject({
      code: "cannot-read",
      message: `${folder}/none: there is no such file.`,
    });
    await expect(openTrace(folder)).rejects.toMatchObject({ code: "cannot-read", message: `${folder}: is a folder.` });
  });

  test("closing a trace early releases its file", async () => {
    const trace = await openTrace(write("long.trace", randomTrace(200_000)));
    for await (const batch of trace.batches()) {
      expect(batch.count).toBeGreaterThan(0);
      break;
    }
    await expect(trace.close()).resolves.toBeUndefined();
  });

  test("random bytes are only ever refused or read", async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: fc.constantFrom(..."afrzsh# =-0123456789\n\r\t\u0000"), maxLength: 300 }),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (content) => void (await complaint(content))),
      { seed: SEED, numRuns: 400 },
    );
  });

  test("a trace with changed bytes is only ever refused or read, plain or compressed", async () => {
    const original = Buffer.from(randomTrace(200));
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean(), compressed: fc.boolean() });
    const mutated = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
      let bytes = Buffer.from(changes[0]?.compressed ? gzipSync(original) : original);
      for (const { at, byte, cut } of changes) {
        bytes[at % bytes.length] = byte;
        if (cut) bytes = bytes.subarray(0, 1 + (at % bytes.length));
      }
      return bytes;
    });
    await fc.assert(
      fc.asyncProperty(mutated, async (content) => void (await complaint(content))),
      { seed: SEED, numRuns: 300 },
    );
  });
});
