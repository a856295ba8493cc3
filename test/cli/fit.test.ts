import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { fitTrace } from "../../src/fit/fit.ts";
import type { FitRecord } from "../../src/fit/record.ts";
import { blocksOf, exponential, POISSON, traceOfBlocks, traceOfRun } from "../support/fit-traces.ts";

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-fit-cli-"));
const OUT = join(folder, "out.yaml");
const RECORD = join(folder, "fit.json");

function heapsoak(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: "utf8" });
  return { status, stdout, stderr };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

beforeAll(async () => {
  file("poisson.trace.gz", gzipSync(await traceOfRun(POISSON, 3600, 5)));
  file("minutes.trace.gz", gzipSync(await traceOfRun(POISSON, 60, 5)));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("heapsoak fit", { timeout: 120_000 }, () => {
  test("makes a scenario that fits, with the two side by side, and says so in the scenario and the record", () => {
    const { status, stdout, stderr } = heapsoak("fit", "poisson.trace.gz", "--out", OUT, "--json", RECORD, "--quiet");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^FITS {2}poisson\.trace\.gz: fitted on the first half/);
    expect(stdout).toMatch(/^ {2}heap {5}newlib-nano, 16 KiB$/m);
    expect(stdout).toMatch(
      /^mean live bytes +[\d,]+ +[\d,]+ +[\d,]+ +[\d,]+ … [\d,]+ +[+−]?[\d.]+ % +2\.0 % +±[\d.]+ %$/m,
    );
    expect(stdout).toMatch(/^largest free over time +\d+ +[\d.]+ % +12 % +±[\d.]+ %$/m);
    expect(status).toBe(0);
    const record = JSON.parse(readFileSync(RECORD, "utf8")) as FitRecord;
    expect(record).toMatchObject({ format: "heapsoak.fit", version: 1, fittedOn: "whole" });
    expect(record.place).toMatchObject({ allocator: "newlib-nano", allocatorFrom: "trace", heapBytes: 16384 });
    const [live, , largest] = record.evaluation.figures;
    expect(Math.abs(live?.differenceRatio ?? 1)).toBeLessThan(0.02);
    expect(Math.abs(largest?.differenceRatio ?? 1)).toBeLessThan(0.1);
    expect(readFileSync(OUT, "utf8")).toMatch(/^# Fitted by heapsoak \S+ to poisson\.trace\.gz, all of it\.\n# FITS: /);
    expect(heapsoak("check", OUT).status).toBe(0);
  });

  test("says what does not fit, by how much, and writes the scenario with that in its first lines", () => {
    const blocks = blocksOf(
      {
        perSecond: (at) => 15 + at / 30,
        requestBytes: (_, random) => 16 + random.next() * 184,
        lifeUs: (_, random) => exponential(random) * 500_000,
      },
      600,
      3,
    );
    const drifting = file("drifting.trace", traceOfBlocks(blocks, 600e6));
    const { status, stdout } = heapsoak("fit", drifting, "--out", OUT, "--quiet");
    expect(stdout).toMatch(/^DOES NOT FIT /);
    expect(stdout).toMatch(/Mean live bytes: \d+ % below the trace's \(/);
    expect(status).toBe(1);
    expect(readFileSync(OUT, "utf8")).toMatch(/^# Fitted .*\n(# .*\n)?# DOES NOT FIT: .*\n# Mean live bytes: /);
  });

  test("is undecided about a short trace, and says which heap it took where the trace does not", () => {
    const short = file("short.trace", "a 0 100\na 1 50\nf 0\nf 1\na 2 200\nf 2\n");
    const { status, stdout } = heapsoak("fit", short, "--out", OUT, "--quiet");
    expect(stdout).toMatch(/^UNDECIDED /);
    expect(stdout).toContain("newlib-nano (the trace does not say), 1 KiB (the trace does not say)");
    expect(stdout).toContain("The trace has no times: each operation stands for 1 ms.");
    expect(status).toBe(3);
  });

  test("writes the tested scenario alone to standard output with --half, on the heap that is asked for", () => {
    file("board.yaml", "id: mine\ncore: cortex-m4f\nbanks: { ram: { at: 0x20000000, size: 64 KiB } }\n");
    const place = ["--allocator", "freertos-heap4", "--heap-size", "20KiB", "--device", "board.yaml"];
    const half = ["minutes.trace.gz", "--out", "-", "--half", "--title", "A day", ...place, "--quiet"];
    const { stdout: text, stderr } = heapsoak("fit", ...half);
    expect(stderr).toContain("heap     freertos-heap4, 20 KiB");
    expect(stderr).toContain("standard output, fitted on its first half");
    expect(text).toMatch(/^# Fitted by heapsoak \S+ to minutes\.trace\.gz, its first half\.$/m);
    expect(text).toMatch(/^title: "A day"$/m);
    expect(text).toMatch(/allocator: freertos-heap4, size: 20480/);
    expect(text).toMatch(/^device: "board\.yaml"$/m);
  });

  test.each<[string, string, string]>([
    ["garbage", "\u0000\u0001garbage", "unknown record"],
    ["an empty file", "", "holds no operations"],
    ["frees alone", "# allocator=tlsf\n# heap_size=4096\nf 1 t=0\nf 2 t=9\n", "no block is allocated"],
    ["one instant", "a 0 5 t=0\nf 0 t=0\n", "happens at one instant"],
    ["an allocator that is not known", "# allocator=mine\n# heap_size=99\na 0 5 t=0\na 1 5 t=9\n", 'allocator "mine"'],
  ])("refuses %s with a message", async (_, content, message) => {
    const refused = fitTrace({ trace: file("bad.trace", content) });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(HeapsoakError);
  });

  test.each<[string, string[], string]>([
    ["an unknown option", ["--option", "nosuch=1"], "nosuch"],
    ["a device that is not known", ["--device", "stm99"], "stm99"],
    ["the trace as output", ["--out", "bad.trace"], "expected another file than the trace"],
    ["the record as output", ["--json", join(folder, "new.yaml")], "expected another file than trace"],
  ])("refuses %s with a message, and writes nothing", (_, args, message) => {
    file("bad.trace", "a 0 5 t=0\na 1 5 t=9\n");
    const out = join(folder, "new.yaml");
    const { status, stderr } = heapsoak("fit", "bad.trace", "--out", out, "--quiet", ...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  test("refuses standard input, which it could not read again", () => {
    const { status, stderr } = heapsoak("fit", "-", "--out", OUT);
    expect(stderr).toContain("Save it to a file first.");
    expect(status).toBe(2);
  });
});
