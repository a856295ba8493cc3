import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const LEAKER = fileURLToPath(new URL("scenarios/leaker.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-hunt-"));
afterAll(() => rmSync(folder, { recursive: true }));

function heapsoak(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", timeout: 30_000 });
}

test("a hunt writes its record and a trace that replays to the failure", () => {
  const [json, trace] = [join(folder, "hunt.json"), join(folder, "worst.trace.gz")];
  const { status, stdout } = heapsoak("hunt", LEAKER, "--steps", "1000000", "--quiet", "--json", json, "--out", trace);
  expect({ status, stdout }).toMatchObject({ status: 1 });
  expect(stdout).toContain("bytes refused with");
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({
    format: "heapsoak.hunt",
    version: 1,
    goal: "failure",
  });
  expect(heapsoak("replay", trace).stdout).toMatch(/failed requests +1$/m);
}, 60_000);

test.each([
  ["two budgets", ["--steps", "5", "--max-cpu", "1s"], /both say how long/],
  ["a heap that is not there", ["--heap", "mian"], /no heap "mian"/],
  ["no budget", ["--steps", "0"], /--steps: got "0"/],
  ["a time without a unit", ["--max-cpu", "10"], /--max-cpu/],
  ["something else to hunt", ["--for", "fun"], /failure, heap/],
  ["a trace for standard output", ["--out", "-"], /--out: a file is needed/],
  ["one file for two", ["--out", "x", "--json", "x"], /the same file/],
])(
  "%s is refused",
  (_what, args, message) => {
    const { status, stdout, stderr } = heapsoak("hunt", LEAKER, ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
  },
  20_000,
);
