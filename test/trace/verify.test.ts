import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Device } from "../../src/device/device.ts";
import { HeapsoakError } from "../../src/errors.ts";
import { verificationText, verificationTotal } from "../../src/report/verify-text.ts";
import { plainDeviceFor } from "../../src/trace/header.ts";
import { replayTrace } from "../../src/trace/replay.ts";
import { traceFiles, verifyTrace } from "../../src/trace/verify.ts";
import { temporaryFolder } from "../support/traces.ts";

const { folder, write } = temporaryFolder();
const HEAP4 = new URL("../golden/freertos-heap4/freertos-heap4-message-16384-s1.trace.gz", import.meta.url);
const UMM = new URL("../golden/umm-bestfit/umm-bestfit-message-16384-s1.trace.gz", import.meta.url);

const SHORT = "# allocator=freertos-heap4\n# heap_size=1024\na 0 22 8\na 1 13 40\nf 0\na 2 8 8\ns free=960\n";

function lines(url: URL): string[] {
  return gunzipSync(readFileSync(url)).toString("latin1").split("\n");
}

/** Changes the first line from `from` on that begins with `letter`; returns the trace and the line's number. */
function changed(original: readonly string[], letter: string, from: number, change: (line: string) => string) {
  const index = original.findIndex((line, at) => at >= from && line.startsWith(`${letter} `));
  const text = original.map((line, at) => (at === index ? change(line) : line)).join("\n");
  return { line: index + 1, path: write("changed.trace", text) };
}

describe("verification", () => {
  test("of a golden trace finds no difference", async () => {
    expect(await verifyTrace(fileURLToPath(HEAP4))).toMatchObject({
      allocator: "freertos-heap4",
      operations: 2000,
      mismatches: 0,
      shown: [],
    });
  });

  test("finds one changed offset among 2,000 and shows the heap around it", async () => {
    const { line, path } = changed(lines(HEAP4), "a", 1200, (text) => text.replace(/\d+$/, "4"));
    const result = await verifyTrace(path);
    expect(result.mismatches).toBe(1);
    const [mismatch] = result.shown;
    expect(mismatch).toMatchObject({
      line,
      expected: "4",
      record: expect.stringMatching(/^a \d+ \d+$/),
      got: expect.stringMatching(/^\d+$/),
    });
    expect(mismatch?.around).toMatch(/^0x2001[0-9a-fA-F]{4}: .*\d/);
  });

  test("finds a request that the original refused and the emulation grants", async () => {
    const result = await verifyTrace(write("refused.trace", SHORT.replace("a 1 13 40", "a 1 13 -1")));
    expect(result.shown).toEqual([
      { operation: 2, line: 4, record: "a 1 13", expected: "-1", got: "40", around: "0x20010000: 32 24 [960] (8)" },
    ]);
  });

  test.each(["s free", "s allocs"])("finds a changed statistic: %s", async (record) => {
    const key = record.slice(2);
    const { line, path } = changed(lines(HEAP4), "s", 1100, (text) =>
      text.replace(new RegExp(`${key}=\\d+`), `${key}=1`),
    );
    expect((await verifyTrace(path)).shown).toMatchObject([{ line, record, expected: "1" }]);
  });

  test("finds a statistic that the allocator does not report", async () => {
    const result = await verifyTrace(write("key.trace", SHORT.replace("free=960", "free=960 colour=3")));
    expect(result.shown).toMatchObject([{ record: "s colour", expected: "3", got: "not reported" }]);
  });

  test("compares checksums of the whole arena", async () => {
    const device = new Device(plainDeviceFor(4, 2048));
    const heap = device.addHeap({ allocator: "umm-bestfit", bytes: 2048, at: 0x2001_0000 });
    heap.allocate(100);
    const checksum = crc32(device.readRam(0x2001_0000, 2048)).toString(16).padStart(8, "0");
    const trace = (h: string) => write("crc.trace", `# allocator=umm-bestfit\n# heap_size=2048\na 0 100 12\nh ${h}\n`);
    expect(await verifyTrace(trace(checksum))).toMatchObject({ mismatches: 0 });
    expect(await verifyTrace(trace("0000abcd"))).toMatchObject({
      mismatches: 1,
      shown: [{ operation: 1, line: 4, record: "h", expected: "0000abcd", got: checksum }],
    });
  });

  test("counts all differences and shows the first three", async () => {
    const wrong = Array.from({ length: 10 }, (_, id) => `a ${id} 8 ${id * 16}\n`).join("");
    const result = await verifyTrace(write("many.trace", `# allocator=freertos-heap4\n# heap_size=1024\n${wrong}`));
    expect(result.mismatches).toBe(10);
    expect(result.shown.map(({ operation, got }) => [operation, got])).toEqual([
      [1, "8"],
      [2, "24"],
      [3, "40"],
    ]);
    expect(verificationText(result)).toContain("and 7 more");
  });

  test("reports where the device stops and compares nothing behind it", async () => {
    const result = await verifyTrace(
      write("stops.trace", "# allocator=freertos-heap4\n# heap_size=1024\na 0 22 8\nf 0\nf 0\na 1 8 1\n"),
    );
    expect(result).toMatchObject({
      operations: 3,
      mismatches: 1,
      shown: [{ operation: 3, line: 5, record: "f 0", expected: "no fault" }],
    });
    expect(result.stopped).toContain("assertion");
  });

  test("refuses a log without addresses, which a replay takes", async () => {
    const path = write("bare.trace", "# allocator=freertos-heap4\n# heap_size=1024\na 0 22\nf 0\n");
    await expect(verifyTrace(path)).rejects.toThrow(`${path}: line 3: there is no OFF to compare.`);
    expect((await replayTrace(path))[0]?.counters).toMatchObject({ requests: 1, frees: 1 });
  });

  test("ends with the sums over all traces", async () => {
    const results = [
      await verifyTrace(fileURLToPath(HEAP4)),
      await verifyTrace(write("sum.trace", SHORT.replace("8\ns", "9\ns"))),
    ];
    expect(verificationTotal(results)).toBe("2 traces, 2004 operations, 1 mismatches");
  });

  test.each([
    ["# heap_size=64\na 0 1 8\n", 'the header has no line "# allocator=…".'],
    ["# allocator=freertos-heap4\na 0 1 8\n", 'the header has no line "# heap_size=…".'],
    [
      "# allocator=freertos-heap4\n# heap_size=4k\na 0 1 8\n",
      'header: heap_size: got "4k", expected a number from 1 to 134217728.',
    ],
    [
      "# allocator=freertos-heap4\n# heap_size=1024\n# base_misalignment=65536\na 0 1 8\n",
      'base_misalignment: got "65536"',
    ],
    ["# allocator=freertos-heap5\n# heap_size=1024\n# region0=0\na 0 1 8\n", 'region0: got ""'],
    ["# allocator=freertos-heap9\n# heap_size=1024\na 0 1 8\n", 'header: There is no allocator "freertos-heap9".'],
    ["# allocator=freertos-heap4\n# heap_size=8\na 0 1 8\n", "cannot use the arena"],
  ])("refuses %j", async (text, message) => {
    const path = write("bad.trace", text);
    await expect(verifyTrace(path)).rejects.toThrow(message);
    await expect(verifyTrace(path)).rejects.toBeInstanceOf(HeapsoakError);
  });

  test("of a trace with changed bytes ends in a result or a clear error", async () => {
    const original = Buffer.from(lines(UMM).slice(0, 600).join("\n"));
    const change = fc.record({
      at: fc.nat(original.length - 1),
      byte: fc.constantFrom(..."0123456789 -\nafrz").map((c) => c.charCodeAt(0)),
    });
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (changes) => {
      const bytes = Buffer.from(original);
      for (const { at, byte } of changes) bytes[at] = byte;
      try {
        expect((await verifyTrace(write("mutated.trace", bytes))).operations).toBeGreaterThan(0);
      } catch (error) {
        if (!(error instanceof HeapsoakError)) throw error;
      }
    });
    await fc.assert(property, { seed: 20261121, numRuns: 150 });
  }, 60_000);
});

describe("the files of a verification", () => {
  test("are those named, and the traces in folders, in the order of their names", async () => {
    mkdirSync(`${folder}/deep/er`, { recursive: true });
    write("deep/b.trace", SHORT);
    write("deep/er/a.trace.gz", gzipSync(SHORT));
    write("deep/notes.txt", "");
    expect(await traceFiles([`${folder}/deep`, "some.file"])).toEqual([
      `${folder}/deep/b.trace`,
      `${folder}/deep/er/a.trace.gz`,
      "some.file",
    ]);
  });

  test("are missed when a folder holds none", async () => {
    mkdirSync(`${folder}/empty`);
    await expect(traceFiles([`${folder}/empty`])).rejects.toMatchObject({ code: "cannot-read" });
  });
});
