import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { RiskRecord } from "../../src/risk/record.ts";
import type { Random } from "../../src/statistics/random.ts";
import { blocksOf, exponential, traceOfBlocks } from "../support/fit-traces.ts";
import { LEAKING } from "../support/run-scenarios.ts";

// The command starts worker threads and lays cells out in each.
vi.setConfig({ testTimeout: 120_000 });

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-risk-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

const LEAKER = join(folder, "leaker.yaml");
writeFileSync(LEAKER, `heapsoak: 1\ntitle: A leak\nwhy: test\ndevice: stm32f407vg\n${LEAKING}`);

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs heapsoak without a terminal; an interrupt answers `interruptAt` on standard error. */
function risk(args: readonly string[], interruptAt?: RegExp): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, "risk", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err, interrupted] = ["", "", false];
    child.stdout.on("data", (part) => {
      out += part;
    });
    child.stderr.on("data", (part) => {
      err += part;
      if (interrupted || !interruptAt?.test(err)) return;
      interrupted = true;
      child.kill("SIGINT");
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

const GRID = ["--horizon", "20min", "--runs", "20", "--heap-sizes", "2KiB,5KiB", "--jobs", "2"];

describe("heapsoak risk", () => {
  test("prints the cost first, then a table, and writes the record", async () => {
    const json = join(folder, "risk.json");
    const { code, out, err } = await risk([LEAKER, ...GRID, "--json", json]);
    expect(code).toBe(0);
    expect(err).toMatch(/^2 cells × 20 runs × 20 min: about \S+ \S+ of processor time at most \(/m);
    expect(out).toMatch(/^Risk of a failure within 20 min: A leak, heap main on stm32f407vg, seeds \d+ to \d+\n/);
    expect(out).toMatch(/^freertos-heap4 {2}2 KiB +20 +20 +100\.0 % \(83\.2 % to 100\.0 %\) +\d+ min \d+ s +crash /m);
    expect(out).toMatch(/^freertos-heap4 {2}5 KiB +20 +0 +below 13\.9 % /m);
    const record: RiskRecord = JSON.parse(readFileSync(json, "utf8"));
    expect(record).toMatchObject({ format: "heapsoak.risk", version: 1, horizonUs: 1200e6, recommended: null });
    expect(record.cells).toMatchObject([
      { allocator: "freertos-heap4", heap: "main", arenaBytes: 2048, runs: 20, failures: 20, method: "runs" },
      { arenaBytes: 5120, probability: 0, upperBound95: Number((1 - 0.05 ** (1 / 20)).toPrecision(10)) },
    ]);
  });

  test.each([
    ["2KiB,5KiB", "14%", 0],
    ["2KiB", "14%", 1],
    ["5KiB", "0.01", 3],
  ])("on %s against %s exits with %i", async (sizes, maxRisk, expected) => {
    const args = ["--horizon", "20min", "--runs", "20", "--heap-sizes", sizes, "--max-risk", maxRisk, "--quiet"];
    const { code, err } = await risk([LEAKER, ...args]);
    expect([code, err]).toEqual([expected, ""]);
  });

  test("goes on from the folder of an earlier campaign, to the same record", async () => {
    const file = (name: string) => join(folder, name);
    const few = await risk([LEAKER, "--horizon", "20min", "--runs", "5", "--out", file("kept"), "--quiet"]);
    expect(few.code).toBe(0);
    const more = [LEAKER, "--horizon", "20min", "--runs", "12"];
    await risk([...more, "--out", file("kept"), "--json", file("continued.json")]);
    await risk([...more, "--json", file("at-once.json"), "--jobs", "1"]);
    expect(readFileSync(file("continued.json"), "utf8")).toBe(readFileSync(file("at-once.json"), "utf8"));
  });

  test("splits where no run failed, and says what came of it", async () => {
    const json = join(folder, "split.json");
    const grid = ["--horizon", "20min", "--runs", "20", "--heap-sizes", "2KiB,5KiB", "--method", "auto"];
    const { code, out } = await risk([LEAKER, ...grid, "--json", json]);
    expect(code).toBe(0);
    expect(out).toMatch(/^freertos-heap4 5 KiB: splitting (estimates \S+ %|saw no failure)/m);
    const { cells }: RiskRecord = JSON.parse(readFileSync(json, "utf8"));
    expect(cells.map(({ splitting }) => splitting !== undefined)).toEqual([false, true]);
    // Where splitting warns of itself, what the runs say stands.
    const [, split] = cells;
    expect(split?.method).toBe(split?.splitting?.warnings.length ? "runs" : "splitting");
    const parts = await risk([LEAKER, ...grid, "--shard", "1/2", "--out", join(folder, "part")]);
    expect([parts.code, parts.err]).toEqual([2, expect.stringContaining("--shard makes parts")]);
  });

  test("refuses a trace that no fitted scenario behaves as, and says how to go on all the same", async () => {
    const drifting = {
      perSecond: (at: number) => 15 + at / 30,
      requestBytes: () => 100,
      lifeUs: (_: number, random: Random) => exponential(random) * 500_000,
    };
    const trace = join(folder, "drifting.trace");
    writeFileSync(trace, traceOfBlocks(blocksOf(drifting, 600, 3), 600e6));
    const args = [trace, "--horizon", "10s", "--runs", "3", "--quiet"];
    const { code, err } = await risk(args);
    expect(err).toMatch(/drifting\.trace.*does not/i);
    expect(err).toContain("--even-if-it-does-not-fit");
    expect(code).toBe(2);
    const { out } = await risk([...args, "--even-if-it-does-not-fit"]);
    expect(out).toMatch(/verdict of the fit: DOES NOT FIT\.$/m);
  });

  test("fits a scenario to a trace first, and says how well it fits", async () => {
    const trace = fileURLToPath(new URL("../../firmware-scenarios/traces/tls-reconnect.trace.gz", import.meta.url));
    const { code, out } = await risk([trace, "--horizon", "1min", "--runs", "3", "--quiet"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Fitted to \S+tls-reconnect.trace.gz, verdict of the fit: UNDECIDED\.$/m);
  });

  test("ended by Ctrl-C says what there was, undecided", async () => {
    const { code, out, err } = await risk(
      [LEAKER, "--horizon", "1d", "--runs", "1000000", "--max-cpu", "1y"],
      /ETA|runs, \d+ failed/,
    );
    expect(err).toContain("heapsoak: ending the run");
    expect(out).toContain("Interrupted: these are the runs that were made.");
    expect(code).toBe(3);
  });

  test.each([
    [["--runs", "0"], '--runs: got "0", expected a whole number from 1 to 1000000.'],
    [["--precision", "60%"], '--precision: got "60%", expected a share above 0 and below 0.5.'],
    [["--max-risk", "0"], '--max-risk: got "0", expected a share above 0 and below 1.'],
    [["--heap-sizes", "4KiB..2KiB/1KiB"], "expected the smaller size first"],
    [["--heap-sizes", "2KiB..4KiB/0"], "expected a step above 0"],
    [["--heap-sizes", "1..1000000/1"], "at most 10000"],
    [["--heap-sizes", "16MiB"], "does not fit"],
    [["--allocators", "tlfs"], "tlfs"],
    [["--heap", "other"], 'There is no heap "other"'],
    [["--horizon", "0s"], "--horizon"],
    [["--fail-on", "luck"], "--fail-on"],
    [["--jobs", "0"], "--jobs"],
    [["--max-cpu", "1us"], "--max-cpu allows 1 us"],
    [["--even-if-it-does-not-fit"], "is about traces"],
  ])("refuses %j", async (args, message) => {
    const { code, out, err } = await risk([LEAKER, ...args]);
    expect(err).toContain(message);
    expect([code, out]).toEqual([2, ""]);
    expect(err).not.toMatch(/^\s+at /m);
  });

  test("refuses what is neither a scenario nor a trace", async () => {
    const garbage = join(folder, "garbage.bin");
    writeFileSync(garbage, Buffer.from([0, 255, 3, 9, 10, 200]));
    for (const file of [garbage, join(folder, "nothing.yaml"), "mqtt-tlss"]) {
      const { code, err } = await risk([file]);
      expect(code).toBe(2);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });
});
