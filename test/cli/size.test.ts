import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 });

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const LEAKER = fileURLToPath(new URL("scenarios/leaker.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-size-"));
afterAll(() => rmSync(folder, { recursive: true }));

function size(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "size", ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe("heapsoak size", () => {
  test("finds a size, prints it and writes the record", () => {
    const json = join(folder, "size.json");
    const asked = ["--risk", "20%", "--horizon", "1min", "--step", "1/1", "--json", json];
    const { status, stdout, stderr } = size(LEAKER, ...asked);
    expect(stderr).toMatch(/^about [\d,]+ runs, .* of processor time; every size of the grid would take [\d,]+ runs$/m);
    expect(stdout).toContain("the smallest heap");
    const record = JSON.parse(readFileSync(json, "utf8"));
    expect(record).toMatchObject({ format: "heapsoak.size", version: 1, risk: 0.2, confidence: 0.95, runs: 14 });
    expect({ status, verdict: record.allocators[0].verdict }).toEqual({ status: 0, verdict: "found" });
  });

  test.each([
    [["--risk", "0"], '--risk: got "0", expected a share above 0 and below 1.'],
    [["--risk", "101%"], '--risk: got "101%"'],
    [["--risk", "1%", "--confidence", "1"], '--confidence: got "1"'],
    [["--risk", "1%", "--runs", "10"], "10 runs cannot show a risk that small: it takes 299"],
    [["--risk", "1%", "--step", "0"], '--step: got "0", expected at least 1 byte.'],
    [["--risk", "1%", "--step", "1/0"], '--step: got "1/0"'],
    [["--risk", "1%", "--heap", "other"], 'There is no heap "other".'],
    [["--risk", "1%", "--allocators", "tlsf,heap_4,freertos-heap4"], '"freertos-heap4" is given twice'],
    [["--risk", "1%", "--allocators", "nothing-like-it"], 'There is no allocator "nothing-like-it".'],
    [["--risk", "1%", "--max-runs", "50"], "more than 50 runs"],
  ])("%j is refused", (args, message) => {
    const { status, stdout, stderr } = size(LEAKER, "--horizon", "1min", "--quiet", ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});
