import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-soak-"));
afterAll(() => rmSync(folder, { recursive: true }));

const scenario = (name: string) => fileURLToPath(new URL(`scenarios/${name}.yaml`, import.meta.url));
const BLINKER = scenario("blinker");
const LEAKER = scenario("leaker");

interface Run {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs heapsoak without a terminal; each pattern that shows on standard error is answered by an interrupt, the
 * first news of any kind by `onProgress`.
 */
function heapsoak(args: readonly string[], interruptAt: readonly RegExp[] = [], onProgress?: () => void): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const waiting = [...interruptAt];
    let out = "";
    let err = "";
    child.stdout.on("data", (part) => {
      out += part;
    });
    child.stderr.on("data", (part) => {
      if (err === "") onProgress?.();
      err += part;
      if (!waiting[0]?.test(err)) return;
      waiting.shift();
      child.kill("SIGINT");
    });
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
}

/** A hundred years of what is never the same: no proof of a period can settle it early. */
const ENDLESS = ["run", BLINKER, "--uptime", "100y", "--set", "interrupts.tick.jitter=5 %"];

describe("heapsoak run", () => {
  test("exits 0 when the expectations are met, with the verdict on the first line and the digest on the last", async () => {
    const { code, out, err } = await heapsoak(["run", BLINKER]);
    expect(code).toBe(0);
    expect(out).toMatch(/^PASS {2}A sensor that keeps its promises: no failure in 10 min\n/);
    expect(out).toMatch(/^ {2}met +survives: 10 min /m);
    expect(out).toMatch(/^sensor +512 +\d+ +164 /m);
    expect(out).toMatch(/\ndigest [0-9a-f]+ {2}\(stm32f407vg, seed 1, heapsoak \d\S+\)\n$/);
    expect(out).not.toContain("\u001b");
    expect(err).toMatch(/^simulated 10 min in \S+ \S+: [\d,]+× real time, [\d,.]+( million)? steps\/s\n$/);
  });

  test("exits 1 at a failure, with what was asked, what was free and who holds the memory", async () => {
    const { code, out } = await heapsoak(["run", LEAKER, "--quiet"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^FAIL {2}A task that forgets: crashed for want of memory after \S+ s of 10 min\n/);
    expect(out).toMatch(/^ {2}asked +48 B from main \(freertos-heap4, 2,048 B\)$/m);
    expect(out).toMatch(/^ {2}free +\d+ B in total, the largest request that fits is \d+ B: exhaustion$/m);
    expect(out).toMatch(/^ {2}held by [\d,]+ B in \d+ {2}tasks\.forgetful\.do\[0\] allocate note, leaked$/m);
    expect(out).toMatch(/^ {2}NOT MET +survives: 10 min /m);
  });

  test("exits 3 when the run is too short to decide", async () => {
    const { code, out, err } = await heapsoak(["run", BLINKER, "--uptime", "1min", "--quiet"]);
    expect({ code, err }).toEqual({ code: 3, err: "" });
    expect(out).toMatch(/^UNDECIDED {2}.*: no failure in 1 min\n/);
    expect(out).toContain("--uptime TIME");
  });

  test("exits 2 for a scenario that is not valid, with all its mistakes", async () => {
    const { code, out, err } = await heapsoak(["run", scenario("broken")]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/broken\.yaml:4:\d+: uptime: /);
    expect(err).toMatch(/broken\.yaml:12:\d+: tasks\.sensor\.do\[0\]/);
    expect(err).not.toContain(" at ");
  });

  test("writes the record to a file beside the text, or alone to standard output", async () => {
    const file = join(folder, "run.json");
    const beside = await heapsoak(["run", BLINKER, "--json", file]);
    const alone = await heapsoak(["run", BLINKER, "--json", "-"]);
    expect(beside.out).toMatch(/^PASS/);
    expect(alone.err).toMatch(/^PASS/m);
    expect(JSON.parse(alone.out)).toMatchObject({ format: "heapsoak.run", version: 1, verdict: "pass" });
    expect(alone.out).toBe(readFileSync(file, "utf8"));
  });

  test("does not begin where the record could not be written", async () => {
    const { code, out, err } = await heapsoak(["run", BLINKER, "--uptime", "285y", "--json", "/none/run.json"]);
    expect({ code, out, err }).toEqual({
      code: 2,
      out: "",
      err: "heapsoak: /none/run.json: cannot be written (ENOENT).\n",
    });
  });

  test.runIf(existsSync("/dev/full"))("still prints the verdict when the disk is full at the end", async () => {
    const { code, out, err } = await heapsoak(["run", BLINKER, "--quiet", "--json", "/dev/full"]);
    expect(out).toMatch(/^PASS[\s\S]*\ndigest /);
    expect({ code, err }).toEqual({ code: 2, err: "heapsoak: /dev/full: cannot be written (ENOSPC).\n" });
  });

  test("takes changes of heap, allocator, device, seed and any value", async () => {
    const { out } = await heapsoak([
      ...["run", BLINKER, "--quiet", "--json", "-", "--seed", "18446744073709551615", "--device", "stm32f401re"],
      ...["--allocator", "tlsf", "--heap-size", "main=8KiB", "--set", "tasks.sensor.every=2 s"],
    ]);
    expect(JSON.parse(out)).toMatchObject({
      scenario: { seed: "18446744073709551615", device: "stm32f401re" },
      heaps: { main: { allocator: "tlsf", arenaBytes: 8192, requests: expect.any(Number) } },
      tasks: { sensor: { activations: 300 } },
    });
  });

  test("with --rewind shows the last operations before the failure, with the heap before them", async () => {
    const { code, out } = await heapsoak(["run", LEAKER, "--quiet", "--rewind", "5s"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^Rewound to \d+ s before the failure: \d+ heap operations$/m);
    expect(out).toMatch(/^ {4}\[[#.+-]{64}\]\n {4}\d+×\d+ .*\n {2}0 s +main +allocate 48 B REFUSED /m);
    expect(out).toMatch(/^FAIL /);
    expect(out).not.toContain("--rewind");
  });

  test("with --until-failure goes on past the uptime", async () => {
    const { code, out } = await heapsoak(["run", LEAKER, "--quiet", "--until-failure", "--heap-size", "64KiB"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^FAIL {2}A task that forgets: crashed for want of memory after 19 min \d\d s\n/);
  });

  test("ends at an interrupt with the verdict so far and exits 3", async () => {
    const { code, out, err } = await heapsoak(ENDLESS, [/real time/]);
    expect(err).toContain("heapsoak: ending the run; interrupt once more to stop at once.\n");
    expect(out).toMatch(/^UNDECIDED {2}.*: interrupted after .* of 100 y, no failure so far\n/);
    expect(code).toBe(3);
  }, 20_000);

  test("says after an interrupt how to go on", async () => {
    const checkpoint = join(folder, "interrupted.ckp");
    const { err } = await heapsoak([...ENDLESS, "--checkpoint", checkpoint], [/real time/]);
    expect(err).toContain(`heapsoak: the same command with --resume ${checkpoint} goes on from here.\n`);
    expect(existsSync(checkpoint)).toBe(true);
  }, 20_000);

  test("ends when a checkpoint cannot be written, and still prints the verdict so far", async () => {
    const gone = mkdtempSync(join(folder, "gone-"));
    const args = [...ENDLESS, "--checkpoint", join(gone, "x.ckp"), "--every", "1h"];
    const { code, out, err } = await heapsoak(args, [], () => rmSync(gone, { recursive: true }));
    expect(out).toMatch(/^UNDECIDED {2}.*: interrupted after .* of 100 y/);
    expect(err).toMatch(/heapsoak: .*x\.ckp: the checkpoint cannot be /);
    expect(code).toBe(2);
  }, 20_000);

  test("goes on from a checkpoint to the same record", async () => {
    const checkpoint = join(folder, "run.ckp");
    const args = ["run", BLINKER, "--quiet", "--json", "-"];
    const whole = await heapsoak([...args, "--checkpoint", checkpoint, "--every", "1min"]);
    const resumed = await heapsoak([...args, "--resume", checkpoint]);
    expect(resumed.out).toBe(whole.out);
    expect(resumed.code).toBe(0);
    expect(readdirSync(folder).filter((name) => name.startsWith("run.ckp"))).toEqual(["run.ckp"]);
  });

  test.each([
    [
      ["--every", "1d"],
      "heapsoak: --every says how often to save a checkpoint, but not where.\n  Add --checkpoint FILE.\n",
    ],
    [
      ["--uptime", "30"],
      /^heapsoak: --uptime: got "30", expected a time with its unit .*\n {2}Say which unit: "30 ms"\?\n$/,
    ],
    [["--uptime", "0s"], 'heapsoak: --uptime: got "0s", expected at least 1 us.\n'],
    [["--seed", "-1"], 'heapsoak: --seed: got "-1", expected a whole number from 0 and below 2^64.\n'],
    [["--heap-size", "main="], 'heapsoak: --heap-size: got "main=", expected VALUE or HEAP=VALUE.\n'],
    [["--heap-size", "1KiB", "--heap-size", "2KiB"], "heapsoak: --heap-size: the first heap is given twice.\n"],
    [["--heap-size", "man=1KiB"], 'heapsoak: There is no heap "man".\n  Did you mean "main"?\n'],
    [["--allocator", "tslf"], 'heapsoak: There is no allocator "tslf".\n  Did you mean "tlsf"?\n'],
    [["--set", "heaps.main.size"], /^heapsoak: --set: got "heaps\.main\.size", expected PATH=VALUE\.\n/],
    [["--rewind", "soon"], /^heapsoak: --rewind: got "soon", expected a time/],
    [["--resume", "/none.ckp"], /^heapsoak: \/none\.ckp: /],
    [["--resume", BLINKER], /^heapsoak: .*blinker\.yaml is not a checkpoint of heapsoak\.\n/],
    [["--checkpoint", "/none/x.ckp"], /^heapsoak: \/none\/x\.ckp: the checkpoint cannot be /],
  ])("refuses %j", async (args, message) => {
    const { code, out, err } = await heapsoak(["run", BLINKER, "--quiet", ...args]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    if (typeof message === "string") expect(err).toBe(message);
    else expect(err).toMatch(message);
  });
});

describe("heapsoak compare", () => {
  test("is one table, a row an allocator and size, and exits 0 when one passes", async () => {
    const file = join(folder, "compare.json");
    const { code, out } = await heapsoak([
      ...["compare", BLINKER, "--allocators", "freertos-heap4,tlsf", "--heap-sizes", "1536B,8KiB", "--quiet"],
      ...["--json", file],
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/^A sensor that keeps its promises: heap main on stm32f407vg, seed 1\n/);
    expect(out).toMatch(/^freertos-heap4 +8 KiB +PASS +10 min +0 /m);
    expect(out).toMatch(/^tlsf +1536B +refused$/m);
    expect(out).toMatch(/^tlsf +8 KiB +PASS /m);
    const record = JSON.parse(readFileSync(file, "utf8"));
    expect(record).toMatchObject({ format: "heapsoak.compare", version: 1 });
    expect(record.runs).toHaveLength(4);
    expect(record.runs[0]).toMatchObject({
      scenario: "blinker",
      heap: "main",
      allocator: "freertos-heap4",
      size: "1536B",
      record: { format: "heapsoak.run", heaps: { main: { arenaBytes: 1536 } } },
    });
  });

  test("exits 1 when none passes, and goes on past a candidate that does not fit", async () => {
    const { code, out } = await heapsoak(["compare", LEAKER, "--heap-sizes", "1KiB,1MiB,2KiB", "--quiet"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^freertos-heap4 +1MiB +refused$/m);
    expect(out).toMatch(/^freertos-heap4 +2 KiB +FAIL +\S+ s +1 +0 /m);
  });

  test.each([
    [[], "heapsoak: A comparison needs --allocators, --heap-sizes, or several scenarios.\n"],
    [["--allocators", "tlsf,"], 'heapsoak: --allocators: got "tlsf,", expected a,b,c.\n'],
    [["--allocators", "tslf"], 'heapsoak: There is no allocator "tslf".\n  Did you mean "tlsf"?\n'],
    [
      ["--allocators", "tlsf", "--heap", "psram"],
      'heapsoak: There is no heap "psram".\n  Heaps of the scenario: main.\n',
    ],
  ])("refuses %j", async (args, message) => {
    expect(await heapsoak(["compare", BLINKER, ...args])).toMatchObject({ code: 2, out: "", err: message });
  });
});

describe("heapsoak check", () => {
  test("shows tasks, stacks, expectations and the memory map", async () => {
    const { code, out, err } = await heapsoak(["check", BLINKER]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^sensor +2 +every 1 s +512 B +164 B +freertos-2$/m);
    expect(out).toMatch(/^main stack +all nested +512 B +56 B +none$/m);
    expect(out).toContain("expects:\n  survives: 10 min\n");
    expect(out).toMatch(/^0x20001020 ├─+┤\n +│ heap main +2 KiB │$/m);
  });

  test("prints the compiled program", async () => {
    const { out } = await heapsoak(["check", BLINKER, "--program"]);
    expect(out).toMatch(/\nsensor:\n +0 +enter 96 .*; tasks\.sensor\.do\[0\]\n/);
  });

  test("reports the mistakes of all files and exits 2, and still shows the valid ones", async () => {
    const { code, out, err } = await heapsoak(["check", scenario("broken"), LEAKER]);
    expect(code).toBe(2);
    expect(err).toMatch(/broken\.yaml:4:\d+: uptime: /);
    expect(out).toMatch(/^A task that forgets \(/);
  });

  test("refuses a heap that does not fit, with the map drawn", async () => {
    const { code, err } = await heapsoak(["check", LEAKER, "--heap-size", "1MiB"]);
    expect(code).toBe(2);
    expect(err).toContain("SRAM, 128 KiB");
  });
});

test("heapsoak scenarios lists what ships, also as JSON", async () => {
  const { code, out } = await heapsoak(["scenarios", "--json", "-"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ format: "heapsoak.scenarios", version: 1, scenarios: expect.any(Array) });
});
