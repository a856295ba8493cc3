import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Scenario } from "../../src/scenario/model.ts";
import { SoakInterrupted, type SoakOptions, soak } from "../../src/soak/soak.ts";
import { BUSY, LEAKING, OVERFLOWING_INTO_BLOCK, PERIODIC, scenarioOf } from "../support/run-scenarios.ts";

const MINUTE_US = 60e6;
const CHILD = fileURLToPath(new URL("../support/soak-child.mjs", import.meta.url));

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "heapsoak-checkpoint-"));
  file = join(folder, "run.ckp");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs until `us`, then is aborted. */
async function interruptedAt(us: number, scenario: Scenario, options: SoakOptions = {}) {
  const controller = new AbortController();
  const run = soak(scenario, { batch: 2_000, ...options, signal: controller.signal });
  for await (const { simulatedUs } of run) if (simulatedUs >= us) controller.abort();
  return run.record;
}

describe("a checkpoint", () => {
  const every = { everyUs: 7 * MINUTE_US };

  test.each([
    ["a busy scenario, during its warm-up", BUSY, 4 * MINUTE_US],
    ["a busy scenario", BUSY, 75 * MINUTE_US],
    [
      "the search for a period",
      PERIODIC.replace("every: 10 ms", "every: 3 min").replace("every: 15 ms", "every: 5 min"),
      20 * MINUTE_US,
    ],
    ["a proof that it is periodic", PERIODIC, 20 * MINUTE_US],
    ["an overflow that nobody has noticed", OVERFLOWING_INTO_BLOCK, 20 * MINUTE_US],
  ])("carries %s on to the same record", async (_what, lines, us) => {
    const scenario = await scenarioOf(lines);
    const whole = await soak(scenario).record;
    const partial = await interruptedAt(us, scenario, { checkpoint: { file, ...every } });
    expect(partial.simulatedUs).toBeLessThan(whole.simulatedUs);
    const resumed = soak(scenario, { resume: file });
    for await (const { simulatedUs } of resumed) {
      expect(simulatedUs).toBeGreaterThan(us);
      break;
    }
    expect(await resumed.record).toEqual(whole);
  });

  test("changes nothing in the run that writes it", async () => {
    const scenario = await scenarioOf(BUSY);
    const checkpointed = await soak(scenario, { checkpoint: { file, everyUs: MINUTE_US } }).record;
    expect(checkpointed).toEqual(await soak(scenario).record);
  });

  test("keeps its size however long the run has been going, and leaves nothing beside it", async () => {
    const scenario = await scenarioOf(BUSY);
    const sizes = new Set<number>();
    const run = soak(scenario, { checkpoint: { file, everyUs: MINUTE_US }, batch: 20_000 });
    for await (const _ of run) {
      sizes.add(statSync(file).size);
      expect(readdirSync(folder)).toEqual(["run.ckp"]);
    }
    expect(sizes.size).toBe(1);
  });
});

describe("a checkpoint is refused", () => {
  beforeEach(async () => {
    await interruptedAt(30 * MINUTE_US, await scenarioOf(BUSY), { checkpoint: { file, everyUs: MINUTE_US } });
  });

  async function refusal(lines = BUSY, options: SoakOptions = {}) {
    return soak(await scenarioOf(lines), { resume: file, ...options }).record;
  }

  function patch(offset: number, change: (byte: number) => number) {
    const bytes = readFileSync(file);
    bytes[offset] = change(bytes[offset] ?? 0);
    writeFileSync(file, bytes);
  }

  test("when there is none", async () => {
    rmSync(file);
    await expect(refusal()).rejects.toMatchObject({ code: "cannot-read" });
  });

  test.each([20, 47, 60, 2_000, 100_000])("when its byte %i is damaged", async (offset) => {
    patch(offset, (byte) => byte ^ 1);
    await expect(refusal()).rejects.toMatchObject({ code: "bad-checkpoint" });
  });

  test.each([0, 7, 40, 48, 1_000, 100_000])("when it is cut off after %i bytes", async (bytes) => {
    truncateSync(file, bytes);
    await expect(refusal()).rejects.toMatchObject({ code: "bad-checkpoint" });
  });

  test("when it is something else", async () => {
    writeFileSync(file, "heapsoak: 1\n".repeat(100));
    await expect(refusal()).rejects.toThrow("is not a checkpoint of heapsoak");
    rmSync(file);
    await expect(soak(await scenarioOf(BUSY), { resume: folder }).record).rejects.toThrow("not a plain file");
  });

  test("when its format is of another time", async () => {
    patch(8, () => 9);
    await expect(refusal()).rejects.toThrow("format 9; this heapsoak reads format 1");
  });

  test("when it is of another version of heapsoak", async () => {
    const bytes = readFileSync(file, "latin1");
    writeFileSync(file, bytes.replace(/"heapsoak":"[^"]/, '"heapsoak":"9'), "latin1");
    await expect(refusal()).rejects.toThrow(/was written by version 9\S* of heapsoak/);
  });

  test("when it is of another scenario, seed or uptime", async () => {
    await expect(refusal(LEAKING)).rejects.toThrow("another scenario");
    await expect(refusal(BUSY.replace("size: 24 KiB", "size: 25 KiB"))).rejects.toThrow("another scenario");
    await expect(refusal(BUSY, { seed: 2n })).rejects.toThrow("belongs to seed 1, not 2");
    await expect(refusal(BUSY, { uptimeUs: 5e9 })).rejects.toThrow("uptime of 2 h, not 1 h 23 min");
  });
});

describe("a checkpoint that cannot be written", () => {
  test("is known before the run begins", async () => {
    const missing = join(folder, "missing", "run.ckp");
    const run = soak(await scenarioOf(BUSY), { checkpoint: { file: missing, everyUs: MINUTE_US } });
    await expect(run.record).rejects.toMatchObject({ code: "cannot-write", message: expect.stringContaining(missing) });
  });

  test.runIf(process.platform === "linux")(
    "ends the run with what it has come to, the file before it untouched",
    async () => {
      const scenario = await scenarioOf(BUSY);
      const run = soak(scenario, { checkpoint: { file, everyUs: 30 * MINUTE_US }, batch: 5_000 });
      let before = Buffer.alloc(0);
      for await (const { simulatedUs } of run) {
        if (simulatedUs > 40 * MINUTE_US && before.length === 0) {
          before = readFileSync(file);
          symlinkSync("/dev/full", `${file}.tmp`); // a full disk, where the new file would be written first
        }
      }
      const error = await run.record.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(SoakInterrupted);
      const { record, code, message } = error as SoakInterrupted;
      expect({ code, message }).toEqual({ code: "cannot-write", message: expect.stringContaining("the disk is full") });
      expect(record.simulatedUs).toBe(60 * MINUTE_US);
      expect(record.verdict).toBe("undecided");
      expect(readFileSync(file).equals(before)).toBe(true);
      expect(readdirSync(folder)).toEqual(["run.ckp"]);
      expect((await soak(scenario, { resume: file }).record).digest).toBe((await soak(scenario).record).digest);
    },
  );
});

describe("a run that is killed at any moment", () => {
  /** The digest that the process prints, or undefined when it was killed first. */
  function child(scenario: string, how: "fresh" | "resume", killAfterMs?: number): Promise<string | undefined> {
    const started: ChildProcess = spawn(process.execPath, [CHILD, scenario, file, how, String(MINUTE_US)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => started.kill("SIGKILL"), killAfterMs);
    let output = "";
    started.stdout?.on("data", (data) => {
      output += data;
    });
    return new Promise((resolve) => {
      started.on("close", () => {
        clearTimeout(timer);
        resolve(output.trim() || undefined);
      });
    });
  }

  test("comes to the digest of one that was not", { timeout: 120_000 }, async () => {
    const path = join(folder, "busy.yaml");
    const head = "heapsoak: 1\ntitle: test\nwhy: test\ndevice: stm32f407vg\n";
    writeFileSync(path, head + BUSY.replace("uptime: 2 h", "uptime: 1 d").replace("survives: 2 h", "survives: 1 d"));
    const whole = await child(path, "fresh");
    expect(whole).toMatch(/^[0-9a-f]{64}$/);
    rmSync(file, { force: true });
    // Moments that differ from run to run on purpose: none may matter.
    for (let kills = 0; kills < 3; kills++) {
      const killAfterMs = 300 + Math.random() * 900;
      await child(path, existsSync(file) ? "resume" : "fresh", killAfterMs);
    }
    expect(await child(path, existsSync(file) ? "resume" : "fresh")).toBe(whole);
  });
});
