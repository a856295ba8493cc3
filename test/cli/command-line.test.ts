import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { randomTrace, temporaryFolder } from "../support/traces.ts";

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const { folder, write } = temporaryFolder();
const TRACE = write("day.trace.gz", gzipSync(randomTrace(3000)));
const GOLDEN = fileURLToPath(new URL("../golden/freertos-heap4/", import.meta.url));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs heapsoak without a terminal. */
function heapsoak(args: readonly string[], input = ""): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { maxBuffer: 1 << 26 }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
    child.stdin?.end(input);
  });
}

describe("heapsoak replay", () => {
  test("prints a table, the worst moment and what was never freed, without colours", async () => {
    const { code, out, err } = await heapsoak(["replay", TRACE]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^.*day\.trace\.gz: 3,000 operations on 8 KiB at 0x\S+, a plain device\n/);
    for (const title of ["failed requests", "peak live bytes", "external fragmentation", "visits p50 / p99 / max"]) {
      expect(out).toMatch(new RegExp(`^ *${title} +\\d`, "m"));
    }
    expect(out).toMatch(/^freertos-heap4 at its worst, operation [\d,]+ \(line [\d,]+\): /m);
    expect(out).toMatch(/^ {2}\[[#.+-]{64}\]$/m);
    expect(out).toMatch(/^never freed: \d+ blocks/m);
    expect(out).not.toContain("\u001b");
  });

  test("puts several allocators side by side", async () => {
    const { out } = await heapsoak([
      "replay",
      TRACE,
      "--allocator",
      "heap_4",
      "--allocator",
      "tlsf",
      "--allocator",
      "bump",
      "--heap-size",
      "12KiB",
    ]);
    expect(out).toMatch(/^ +freertos-heap4 +tlsf +bump$/m);
    expect(out).toMatch(/^requests +[\d,]+ +[\d,]+ +[\d,]+$/m);
    expect(out.match(/at its worst/g)).toHaveLength(3);
  });

  test("replays standard input", async () => {
    const { code, out } = await heapsoak(["replay", "-", "--allocator", "bump", "--heap-size", "1KiB"], "a 0 100 0\n");
    expect(code).toBe(0);
    expect(out).toMatch(/^standard input: 1 operations on 1 KiB/);
  });

  test("writes JSON to a file beside the text, or alone to standard output", async () => {
    const file = `${folder}/result.json`;
    const beside = await heapsoak(["replay", TRACE, "--json", file]);
    const alone = await heapsoak(["replay", TRACE, "--json", "-"]);
    expect(beside.out).toContain("at its worst");
    const record = JSON.parse(alone.out);
    expect(record).toEqual(JSON.parse(readFileSync(file, "utf8")));
    expect(record).toMatchObject({
      format: "heapsoak.replay",
      version: 1,
      replays: [{ trace: TRACE, results: [{ allocator: "freertos-heap4" }] }],
    });
  });

  test("prints the same every time", async () => {
    const args = [
      "replay",
      TRACE,
      "--allocator",
      "tlsf",
      "--allocator",
      "o1heap",
      "--heap-size",
      "6000",
      "--json",
      "-",
    ];
    expect(await heapsoak(args)).toEqual(await heapsoak(args));
  });

  test("reports a fault of the device with its registers as a result, not as an error", async () => {
    const path = write("double.trace", "# allocator=freertos-heap4\n# heap_size=1024\na 0 10 0\nf 0\nf 0\n");
    const { code, out, err } = await heapsoak(["replay", path]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^double frees +1$/m);
    expect(out).toMatch(/^the device stopped at operation 3 \(line 5\)\n {2}.*assertion/m);
  });
});

describe("heapsoak replay --verify", () => {
  test("ends with the sums and exits 0 when everything is equal", async () => {
    const { code, out } = await heapsoak(["replay", "--verify", GOLDEN]);
    expect(out).toMatch(/^\d+ traces, \d+ operations, 0 mismatches\n$/);
    expect(code).toBe(0);
  });

  test("shows operation, expected, got and the heap, and exits 1 at a difference", async () => {
    const path = write("wrong.trace", "# allocator=freertos-heap4\n# heap_size=1024\na 0 22 8\na 1 13 48\n");
    const { code, out } = await heapsoak(["replay", "--verify", path]);
    expect(code).toBe(1);
    expect(out).toContain("operation 2, line 4: a 1 13: expected 48, got 40\n    0x20010000: 32 24 [960] (8)\n");
    expect(out).toMatch(/^1 traces, 2 operations, 1 mismatches$/m);
  });

  test("exits 3 where a recording of a board holds nothing to compare", async () => {
    const header = "# recording=1\n# allocator=freertos-heap4\n# heap_size=1024\n";
    const empty = write("empty-recording.trace", `${header}! boot t=0\n`);
    expect(await heapsoak(["replay", "--verify", empty])).toMatchObject({ code: 3, err: "" });
    const lost = write("lost.trace", `${header}! joined captured=4\na 0 22 8\n`);
    expect(await heapsoak(["replay", "--verify", lost])).toMatchObject({ code: 3, err: "" });
    const some = write("some.trace", `${header}! boot t=0\na 0 22 8\n! gap frames=1 certain=1\na 1 13 0\n`);
    expect(await heapsoak(["replay", "--verify", some])).toMatchObject({ code: 0, err: "" });
  });

  test("exits 2 when one of several traces cannot be read, and compares the others", async () => {
    const { code, out, err } = await heapsoak(["replay", "--verify", GOLDEN, write("garbage.trace", "garbage\n")]);
    expect(code).toBe(2);
    expect(err).toMatch(/^heapsoak: .*garbage\.trace: line 1: unknown record "g"/);
    expect(out).toMatch(/0 mismatches\n$/);
  });

  test("refuses options that the header decides", async () => {
    const { code, err } = await heapsoak(["replay", "--verify", GOLDEN, "--heap-size", "1KiB", "--repeat", "2"]);
    expect(code).toBe(2);
    expect(err).toBe(
      "heapsoak: --verify takes everything from the trace's header, so --heap-size, --repeat cannot be given.\n",
    );
  });
});

describe("bad input exits 2 with one clear message and no stack", () => {
  test.each([
    [["replay", "none.trace"], "heapsoak: none.trace: there is no such file.\n"],
    [["replay", TRACE, "--allocator", "tslf"], 'heapsoak: There is no allocator "tslf".\n  Did you mean "tlsf"?\n'],
    [
      ["replay", TRACE, "--heap-size", "64k"],
      'heapsoak: --heap-size: got "64k", expected a size such as 512, 40 KiB or 1 MiB.\n  Write "64 KiB" for multiples of 1024.\n',
    ],
    [["replay", TRACE, "--repeat", "0"], 'heapsoak: --repeat: got "0", expected a whole number from 1 to 1000000.\n'],
    [["replay", TRACE, "--option", "alignment"], 'heapsoak: --option: got "alignment", expected KEY=VALUE.\n'],
    [
      ["replay", TRACE, "--heap-size", "1KiB", "--region", "0x20000000:1KiB"],
      "heapsoak: --heap-size and --region exclude each other: a region has its size.\n",
    ],
    [["replay", TRACE, "--json", "/none/result.json"], "heapsoak: /none/result.json: cannot be written (ENOENT).\n"],
    [["replay"], "heapsoak: missing required argument 'trace'\n"],
    [["replai"], "heapsoak: unknown command 'replai'\n(Did you mean replay?)\n"],
    [["replay", TRACE, "--colour"], "heapsoak: unknown option '--colour'\n"],
    [["allocators", "--peak", "1KiB"], "heapsoak: A worst case needs both --peak SIZE and --largest SIZE.\n"],
    [
      ["allocators", "nothing-like-it"],
      'heapsoak: There is no allocator "nothing-like-it".\n  `heapsoak allocators` lists them.\n',
    ],
  ])("%j", async (args, message) => {
    const { code, err } = await heapsoak(args);
    expect({ code, err }).toEqual({ code: 2, err: message });
  });

  test.each([
    ["truncated gzip", gzipSync(randomTrace(5000)).subarray(0, 3000), /the gzip data is cut off/],
    ["bytes that are no text", Buffer.from([0, 1, 2, 3, 255]), /line 1: unknown record byte 0x00/],
    ["nothing", Buffer.alloc(0), /holds no operations/],
  ])("%s", async (name, content, message) => {
    const { code, err } = await heapsoak([
      "replay",
      write(`${name}.trace`, content),
      "--allocator",
      "bump",
      "--heap-size",
      "1KiB",
    ]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toContain(" at ");
  });
});

describe("the other commands", () => {
  test("--version is the package's", async () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await heapsoak(["--version"])).toEqual({ code: 0, out: `${manifest.version}\n`, err: "" });
  });

  test("devices lists the catalogue and shows one device, also as JSON", async () => {
    expect((await heapsoak(["devices"])).out).toMatch(/^stm32f407vg +Cortex-M4F/m);
    expect((await heapsoak(["devices", "stm32f407vg"])).out).toContain("CCM");
    const { out } = await heapsoak(["devices", "stm32f407vg", "--json", "-"]);
    expect(JSON.parse(out)).toMatchObject({ format: "heapsoak.devices", devices: [{ id: "stm32f407vg" }] });
  });

  test("allocators lists them and shows one with its options, also as JSON", async () => {
    expect((await heapsoak(["allocators"])).out).toMatch(/^freertos-heap4 +8 +8 +O\(free blocks\)/m);
    const { out } = await heapsoak(["allocators", "bump"]);
    expect(out).toMatch(/^ {2}worst case +no known bound$/m);
    expect(out).toMatch(/^ {4}alignment +.*a power of two from 1 to 4096; 8 by default$/m);
    const json = JSON.parse(
      (await heapsoak(["allocators", "heap_4", "--peak", "20KiB", "--largest", "512", "--json", "-"])).out,
    );
    expect(json.allocators).toMatchObject([{ name: "freertos-heap4", worstCaseBytes: expect.any(Number) }]);
  });

  test("a reader that goes away ends the output without a complaint", async () => {
    const child = spawn(process.execPath, [MAIN, "devices", "--json", "-"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let err = "";
    child.stderr.on("data", (part) => {
      err += part;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});
