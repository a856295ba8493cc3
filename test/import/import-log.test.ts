import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { LineSplitter } from "../../src/import/line-splitter.ts";
import { counts, firstLine, type Imported, importText } from "../support/imported.ts";
import { rowsOf } from "../support/traces.ts";

const SEED = 20261121;

/** What the import complains about. */
async function complaint(content: string | Uint8Array, request = {}): Promise<string> {
  try {
    await importText(content, request);
  } catch (error) {
    if (error instanceof HeapsoakError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing";
}

describe("blocks", () => {
  test("whose allocation the log lacks are counted where they are freed, and told as notes", async () => {
    const found = await importText("#f:0x0;0x1-0x2000\n#m:0x3000;0x1-8\n#f:0x0;0x1-0x3000\n#f:0x0;0x1-0x2008\n");
    expect(counts(found)).toEqual({ "unmatched-free": 2 });
    expect(firstLine(found, "unmatched-free")).toBe(1);
    expect(found.lines).toEqual([
      "! unmatched-free address=0x00002000 at=0x1",
      "a 0 8 at=0x1",
      "f 0 at=0x1",
      "! unmatched-free address=0x00002008 at=0x1",
    ]);
  });

  test("freed twice are not freed twice in the trace: the log may lack the allocation between", async () => {
    const found = await importText("#m:0x3000;0x1-8\n#f:0x0;0x1-0x3000\n#f:0x0;0x1-0x3000\n");
    expect(counts(found)).toEqual({ "second-free": 1 });
    expect(found.summary).toMatchObject({ allocations: 1, frees: 1 });
  });

  test("at an address that is handed out again were freed in a line that the log lacks", async () => {
    const found = await importText("#m:0x3000;0x1-8\n#m:0x3000;0x1-16\n");
    expect(counts(found)).toEqual({ "lost-free": 1 });
    expect(found.lines).toEqual(["a 0 8 at=0x1", "f 0 lost=1", "a 1 16 at=0x1"]);
  });

  test("that a new one lies over were freed behind a damaged line, and only then", async () => {
    const over = "#m:0x3004;0x1-16\n";
    const found = await importText(`#m:0x3000;0x1-8\n#m:0x30\n${over}`);
    expect(found.lines).toEqual(["a 0 8 at=0x1", "! gap line=2", "f 0 lost=1", "a 1 16 at=0x1"]);
    expect(counts(await importText(`#m:0x3000;0x1-8\n${over}`))).toEqual({});
  });

  test("reallocated without being known become blocks, and a refused reallocation of one is a note", async () => {
    const found = await importText("#r:0x3100;0x1-0x3000;8\n#r:0x0;0x1-0x5000;9000\n#r:0x0;0x1-0x3100;9000\n");
    expect(found.lines).toEqual([
      "r 0 8 at=0x1 unmatched=1",
      "! unmatched-reallocate address=0x00005000 size=9000 at=0x1",
      "r 0 9000 -1 at=0x1",
    ]);
    expect(counts(found)).toEqual({ "unmatched-reallocation": 2 });
  });

  test("reallocated from nothing are allocated, and to nothing are freed", async () => {
    const found = await importText("#r:0x3000;0x1-0x0;8\n#r:0x0;0x1-0x3000;0\n");
    expect(found.lines).toEqual(["a 0 8 at=0x1", "f 0 at=0x1"]);
  });

  test("are gone at a board's boot", async () => {
    const boot = "rst:0x1 (POWERON_RESET),boot:0x13\nets Jul 29 2019 12:21:46\n";
    const found = await importText(`#m:0x3000;0x1-8\n${boot}#m:0x3000;0x1-8\n`);
    expect(found.lines).toEqual(["a 0 8 at=0x1", "! boot line=2", "a 1 8 at=0x1"]);
    expect(found.summary).toMatchObject({ boots: 1, live: { blocks: 1 } });
  });

  test("of more than 32 bits and odd alignments are said", async () => {
    const found = await importText("1: memalign 0x5000 24 99999999999\n");
    expect(found.lines).toEqual(["z 0 32 4294967295 task=1 align=24 size=beyond"]);
    expect(counts(found)).toEqual({ "beyond-32-bits": 1, "odd-alignment": 1 });
  });

  test("at tagged addresses of 64 bits are told apart", async () => {
    const found = await importText(
      "1: malloc 0xb400007ab6038060 8\n1: malloc 0xb400007ab6038070 8\n1: free 0xb400007ab6038060\n",
    );
    expect(found.lines.at(-1)).toBe("f 0 task=1");
    expect(counts(found)).toEqual({});
  });
});

describe("a heap", () => {
  const heap = { low: 0x3000, bytes: 0x100 };

  test("gives offsets and a header, and leaves out what lies outside", async () => {
    const log = "#m:0x3010;0x1-8\n#m:0x3100;0x1-8\n#f:0x0;0x1-0x3100\n#f:0x0;0x1-0x3010\n#m:0x0;0x1-999\n";
    const found = await importText(log, { heap });
    expect(found.text).toContain("# heap_size=256\n# arena_base=0x00003000\n");
    expect(found.lines).toEqual(["a 0 8 16 at=0x1", "f 0 at=0x1", "a 1 999 -1 at=0x1"]);
    expect(counts(found)).toEqual({ outside: 2 });
  });

  test("loses a block that is reallocated out of it, and gains one that comes in", async () => {
    const found = await importText("#m:0x3010;0x1-8\n#r:0x9000;0x1-0x3010;64\n#r:0x3020;0x1-0x9000;16\n", { heap });
    expect(found.lines).toEqual(["a 0 8 16 at=0x1", "f 0 at=0x1", "a 1 16 32 at=0x1"]);
  });

  test("is refused where there are no addresses", async () => {
    expect(await complaint("1\n1\na 0 8\n", { heap })).toContain("malloc-lab have no addresses");
  });
});

describe("times", () => {
  test.each([
    ["[    1.250000] ", "[    2.000000] ", [1_250_000, 2_000_000]],
    ["[00:00:01.250,000] <inf> ", "[00:00:02.000,000] <inf> ", [1_250_000, 2_000_000]],
    ["I (1250) tag: ", "\u001b[0;33mW (2000) tag: ", [1_250_000, 2_000_000]],
    ["23:59:59.750 -> ", "00:00:00.500 -> ", [0, 750_000]],
    ["2026-12-31T23:59:59,750Z ", "2027-01-01T00:00:00,500Z ", [0, 750_000]],
  ])("in front of lines like %j count", async (first, second, times) => {
    const found = await importText(`${first}#m:0x3000;0x1-8\n${second}#f:0x0;0x1-0x3000\n`);
    expect(found.lines.map((line) => Number(/ t=(\d+)/.exec(line)?.[1]))).toEqual(times);
    expect(found.summary.durationUs).toBe(750_000);
  });

  test("that go back a little are left out, and a clock that starts anew is a gap", async () => {
    const log = [5, 4.9, 6, 1, 2].map((s, i) => `[${s.toFixed(3)}] #m:0x${3000 + i * 10};0x1-8\n`).join("");
    const found = await importText(log);
    expect(found.lines.map((line) => / t=\d+|! gap/.exec(line)?.[0])).toEqual([
      " t=5000000",
      undefined,
      " t=6000000",
      "! gap",
      " t=1000000",
      " t=2000000",
    ]);
    expect(counts(found)).toEqual({ "time-backward": 1, "time-anew": 1 });
    expect(found.summary.durationUs).toBe(2_000_000);
  });
});

describe("lines", () => {
  test.each([
    ["cut off", "#m:0x3000;0x"],
    ["run into another", "#m:0x30#f:0x0;0x1-0x3000"],
    ["with more behind", "#m:0x3000;0x1-8 #"],
    ["with a number too few", "#r:0x3000;0x1-8"],
  ])("%s are left out and leave a gap", async (_, line) => {
    const found = await importText(`#m:0x1000;0x1-8\n${line}\n#m:0x2000;0x1-8\n`);
    expect(counts(found)).toEqual({ damaged: 1 });
    expect(found.lines).toEqual(["a 0 8 at=0x1", "! gap line=2", "a 1 8 at=0x1"]);
  });

  test("without an end at the log's end are left out: half a number is another number", async () => {
    const found = await importText("#m:0x1000;0x1-8\n#m:0x2000;0x1-8");
    expect(counts(found)).toEqual({ torn: 1 });
    expect(found.summary.operations).toBe(1);
  });

  test("beyond the limit are left out, in any chunks", async () => {
    const long = `#m:0x3000;0x1-${"8".repeat(5000)}\n`;
    expect(counts(await importText(`#m:0x1000;0x1-8\n${long}#f:0x0;0x1-0x1000\n`))).toEqual({ "too-long": 1 });
    const told: string[] = [];
    const splitter = new LineSplitter(
      (line, number) => told.push(`${number}:${line}`),
      (number) => told.push(`${number}!`),
    );
    for (const byte of Buffer.from(`\uFEFFa\n${long}b\r\n\n\u001b[1mc\u001b[0m \nd`))
      splitter.push(Uint8Array.of(byte));
    expect(told).toEqual(["1:a", "2!", "3:b", "4:", "5:c"]);
    expect(splitter.tornBytes).toBe(1);
  });

  test("of a second format are counted with its name", async () => {
    const found = await importText("#m:0x1000;0x1-8\n#f:0x0;0x1-0x1000\n1: malloc 0x5000 8\nhello\n");
    expect(found.summary.findings).toEqual([
      { kind: "other-format", count: 1, firstLine: 3, detail: "android" },
      { kind: "other", count: 1, firstLine: 4 },
    ]);
  });

  test("of a log whose heap begins late are counted from the first on", async () => {
    const found = await importText(`${"boot text\n".repeat(5000)}#m:0x1000;0x1-8\n`);
    expect(found.summary).toMatchObject({ format: "mbed", lines: 5001 });
    expect(found.summary.findings).toEqual([{ kind: "other", count: 5000, firstLine: 1 }]);
  });
});

describe("patterns", () => {
  test("without op allocate where there is a size and free where there is none", async () => {
    const found = await importText("x 2000a000 100\nx 2000a000\n", { pattern: "^x (?<addr>\\w+)(?: (?<size>\\w+))?$" });
    expect(found.lines).toEqual(["a 0 100", "f 0"]);
  });

  test("take alignments, old addresses and times", async () => {
    const pattern = "(?<time>[\\d.]+) (?<op>\\S+) (?<addr>\\S+) (?<size>\\d+) (?<old>\\S+) (?<align>\\d+)";
    const found = await importText("0.5 new 0x10 8 NULL 16\n750000 realloc 0x20 9 0x10 0\n", { pattern });
    expect(found.lines).toEqual(["z 0 16 8 t=500000", "r 0 9 t=750000"]);
  });

  test.each([
    ["(", "not a regular expression"],
    ["(?<addr>x)", "lacks a group"],
    ["(?<addr>x)(?<bytes>y)", 'there is no group "bytes"'],
  ])("like %j are refused", async (pattern, message) => {
    expect(await complaint("x\n", { pattern })).toContain(message);
  });

  test("and formats exclude each other", async () => {
    expect(await complaint("x\n", { pattern: "(?<addr>x)(?<op>y)", format: "mbed" })).toContain("exclude each other");
  });
});

describe("what is no log", () => {
  test("is refused with the formats that were tried and the first lines", async () => {
    const said = await complaint("hello\n\nworld\n");
    expect(said).toMatch(
      /^bad-log: .*holds no operation of any format \(mbed, esp-dump, .*heapsoak\)\. It begins with:/,
    );
    expect(said).toContain("\n    hello\n    world");
    expect(await complaint("")).toContain("It has no lines.");
    expect(await complaint("#m:0x1000;0x1-8\r".repeat(9))).toContain("None of its lines ends in a line feed.");
    expect(await complaint("hello\n", { format: "mbed" })).toContain("no operation of the format mbed");
  });

  test("is refused by name where it is UTF-16, and a format that is none", async () => {
    expect(await complaint(Buffer.from("\uFEFF#m:0x1000;0x1-8\n", "utf16le"))).toContain("UTF-16");
    const pattern = "(?<addr>x)(?<op>y)";
    expect(await complaint(Buffer.from("\uFEFFxy\n", "utf16le"), { pattern })).toContain("UTF-16");
    expect(await complaint("x\n", { format: "mbet" })).toContain('--format: got "mbet"');
  });

  test("is read up to where the compression is cut off, and that is said", async () => {
    const log = Array.from({ length: 20_000 }, (_, i) => `#m:0x${(i * 64 + 4096).toString(16)};0x1-${i % 50}\n`).join(
      "",
    );
    const whole = gzipSync(log);
    const found = await importText(whole.subarray(0, whole.length - 2000));
    expect(found.summary.operations).toBeGreaterThan(1000);
    expect(found.summary.remarks[0]).toMatch(/^The log ends too early: .*gzip data is cut off/);
  });
});

describe("a SystemView recording", () => {
  test("without heap events is refused", async () => {
    expect(await complaint(Buffer.concat([Buffer.alloc(10), Buffer.of(10, 0, 3, 5, 17, 9)]))).toContain(
      "no heap events",
    );
  });

  test("of random bytes is only ever refused or read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        await complaint(Buffer.concat([Buffer.alloc(10), bytes]));
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});

interface Step {
  readonly kind: "m" | "f" | "r" | "lost" | "noise";
  readonly pick: number;
  readonly bytes: number;
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<Step["kind"]>("m", "m", "f", "f", "r", "lost", "noise"),
    pick: fc.nat(),
    bytes: fc.integer({ min: 1, max: 500 }),
  }),
  { maxLength: 200 },
);

/** A log, and how many blocks are live at its end by the model. Addresses lie apart, so that none overlap. */
function logOf(script: readonly Step[]): { log: string; live: number } {
  const live: number[] = [];
  const spare = Array.from({ length: 400 }, (_, i) => 0x1000 + i * 1024);
  const lines: string[] = [];
  const hex = (address: number) => `0x${address.toString(16)}`;
  for (const { kind, pick, bytes } of script) {
    if (kind === "noise") lines.push(`I (${pick}) net: ${bytes} bytes`);
    else if (kind === "m" || live.length === 0) {
      const address = spare.splice(pick % spare.length, 1)[0] ?? 0;
      live.push(address);
      lines.push(`#m:${hex(address)};0x1-${bytes}`);
    } else {
      const [address = 0] = live.splice(pick % live.length, 1);
      if (kind === "r") {
        const to = spare.splice(pick % spare.length, 1)[0] ?? 0;
        live.push(to);
        lines.push(`#r:${hex(to)};0x1-${hex(address)};${bytes}`);
      } else if (kind === "f") lines.push(`#f:0x0;0x1-${hex(address)}`);
      if (kind !== "lost")
        spare.push(address); // an address whose free was lost stays known as live
      else live.push(address);
    }
  }
  return { log: `${lines.join("\n")}\n`, live: live.length };
}

/** The trace can be read, and holds all operations and the frees that the log lacks. */
async function readable(found: Imported): Promise<void> {
  const records = found.summary.operations + (counts(found)["lost-free"] ?? 0);
  if (records > 0) expect(await rowsOf(found.text)).toHaveLength(records);
}

describe("any log", { timeout: 120_000 }, () => {
  test("of a consistent heap leaves what is live at its end, without findings", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const { log, live } = logOf([{ kind: "m", pick: 0, bytes: 1 }, ...script]);
        const found = await importText(log);
        expect(found.summary.live?.blocks).toBe(live);
        expect(Object.keys(counts(found)).filter((kind) => kind !== "other")).toEqual([]);
        expect(await rowsOf(found.text)).toHaveLength(found.summary.operations);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  test("with changed bytes becomes a trace that can be read, or is refused", async () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(steps, fc.array(change, { maxLength: 12 }), async (script, changes) => {
        const bytes = Buffer.from(logOf(script).log);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        try {
          await readable(await importText(bytes, { format: "mbed" }));
        } catch (error) {
          expect(error).toBeInstanceOf(HeapsoakError);
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  test("of pieces of all formats becomes a trace that can be read, or is refused", async () => {
    const piece = fc.constantFrom(
      ..."#m: #f: 0x20 ;0x1-8 \n \n \n 0x3000 @ ./a:[0x1] + - < > ! 1: malloc free realloc =malloc= , HEAP: Allocated".split(
        /(?<=\S) /,
      ),
      '[0.1] HEAP: Freed bytes @ 0x30 from task "a\u202e" on core 0 by:\n',
      "8 bytes (@ 0x3000) allocated CPU 0 ccount 0x1 caller 0x1\n",
      "freed by 0x1\n",
      "1: malloc 0x3000 8\n",
      "#m:0x3000;0x1-8\n",
      "=malloc= 0x3000, 8\n",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 60 }), async (pieces) => {
        try {
          await readable(await importText(`${pieces.join("")}\n`));
        } catch (error) {
          expect(error).toBeInstanceOf(HeapsoakError);
        }
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});
