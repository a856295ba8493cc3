import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ForecastRecord } from "../../src/forecast/record.ts";
import { counterTable } from "../support/counter-series.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-forecast-"));
const healthy = join(folder, "healthy.csv");

function forecast(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/src/main.js", "forecast", ...args], {
    cwd: root,
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

beforeAll(() => writeFileSync(healthy, counterTable({ seed: 3, days: 14, noiseBytes: 200 })));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("heapsoak forecast", () => {
  test("of the shipped leak says LEAK, dates it, and exits with 1", () => {
    const { status, stdout } = forecast([
      "firmware-scenarios/counters/slow-leak.csv",
      "--request",
      "4KiB",
      "--horizon",
      "180d",
    ]);
    expect(stdout).toContain("slow-leak.csv: LEAK");
    expect(stdout).toMatch(/free memory below 4 KiB: 2026-0[67]-\d\d/);
    expect(stdout).toContain("a request of 4 KiB is expected to be refused within 180 d");
    expect(status).toBe(1);
  });

  test("of the shipped fragmentation says so", () => {
    const { status, stdout } = forecast(["firmware-scenarios/counters/scattered-sessions.csv", "--request", "4KiB"]);
    expect(stdout).toContain("scattered-sessions.csv: FRAGMENTATION");
    expect(stdout).toMatch(/largest block below 4 KiB: 2026-04-/);
    expect(status).toBe(1);
  });

  test("of a healthy device exits with 0 and names the default request, from standard input too", () => {
    const { status, stdout } = forecast(["-"], counterTable({ seed: 3, days: 14, noiseBytes: 200 }));
    expect(stdout).toContain("a request of 1 KiB (the default; --request SIZE) is not refused within 90 d");
    expect(stdout).not.toContain("safe");
    expect(status).toBe(0);
  });

  test("of a compressed table has read the same, and of one that is cut off says so", () => {
    const whole = gzipSync(readFileSync(healthy));
    const compressed = join(folder, "healthy.csv.gz");
    writeFileSync(compressed, whole);
    const observed = (text: string) => text.slice(text.indexOf("observed for"));
    expect(observed(forecast([compressed]).stdout)).toBe(observed(forecast([healthy]).stdout));
    writeFileSync(compressed, whole.subarray(0, (whole.length * 3) / 4));
    const cut = forecast([compressed]);
    expect(cut.stdout).toContain("healthy.csv.gz: the gzip data is cut off. It is read up to there.");
    expect(cut.status).toBe(0);
  });

  test("of too few samples exits with 3", () => {
    const { status, stdout } = forecast(["-"], counterTable({ seed: 3, days: 0.05 }));
    expect(stdout).toContain("too short");
    expect(status).toBe(3);
  });

  test("of several files judges each, all of them, and a fleet", () => {
    const { status, stdout } = forecast([
      healthy,
      "firmware-scenarios/counters/slow-leak.csv",
      "--fleet",
      "5000",
      "--horizon",
      "180d",
    ]);
    expect(stdout).toMatch(/2 devices: 1 LEAK, 1 no trend/);
    expect(stdout).toMatch(/fleet of 5,000: [\d,]+ exhaustions a year \(95 %: /);
    expect(stdout).toContain("model: each device is exhausted at the same uptime after every boot");
    expect(status).toBe(1);
  });

  test("writes its record, alone on standard output for -", () => {
    const file = join(folder, "record.json");
    expect(forecast([healthy, "--json", file]).status).toBe(0);
    const { stdout, stderr } = forecast([healthy, "--json", "-"]);
    expect(stdout).toBe(readFileSync(file, "utf8"));
    expect(stderr).toContain("no trend");
    const record = JSON.parse(stdout) as ForecastRecord;
    expect(record).toMatchObject({
      format: "heapsoak.forecast",
      version: 1,
      outcome: "not-within-horizon",
      requestBytes: 1024,
    });
    expect(record.devices[0]?.windows).toBeGreaterThan(60);
  });

  test.each([
    [["/nowhere.csv"], "heapsoak: /nowhere.csv: there is no such file."],
    [["."], "heapsoak: .: is a folder."],
    [["README.md"], "no counters of a heap were recognised"],
    [[healthy, healthy], "is given twice"],
    [[healthy, "--confidence", "1"], "--confidence: got"],
    [[healthy, "--horizon", "5"], "--horizon: got"],
    [[healthy, "--fleet", "0"], "--fleet: got"],
    [[healthy, "--free", "nothing"], '--free: there is no column "nothing".'],
    [[healthy, "--format", "xml"], '--format: there is no "xml".'],
  ] as const)("refuses %o with the reason and exits with 2", (args, reason) => {
    const { status, stderr } = forecast(args.map((arg) => arg));
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain("    at ");
    expect(status).toBe(2);
  });
});

test("a large table is read in flat memory", { timeout: 120_000 }, () => {
  const program = `
    for (let i = 0; i < 400000; i++) process.stdout.write(i === 0 ? "time,free,largest\\n" :
      new Date(1.76e12 + i * 1000).toISOString() + "," + (50000 + i % 97) + "," + (30000 + i % 89) + "\\n");`;
  const table = execFileSync(process.execPath, ["-e", program], { encoding: "utf8", maxBuffer: 100_000_000 });
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--max-old-space-size=40", "dist/src/main.js", "forecast", "-"],
    {
      cwd: root,
      input: table.repeat(2),
      encoding: "utf8",
    },
  );
  expect(stdout).toContain("799,998 samples");
  expect(status).not.toBe(2);
});
