import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-worst-"));
afterAll(() => rmSync(folder, { recursive: true }));

function heapsoak(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", timeout: 20_000 });
}

test("the worst case is printed, recorded, and left as a trace that the allocator fails on", () => {
  const [json, trace] = [join(folder, "worst.json"), join(folder, "worst.trace")];
  const args = ["--allocator", "first-fit", "--live", "3", "--largest", "2", "--json", json, "--trace", trace];
  const { status, stdout } = heapsoak("worst", ...args);
  expect(status).toBe(0);
  expect(stdout).toContain("No sequence defeats a heap of 4 units (4 bytes), nor one of 5 or 6.");
  expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({ format: "heapsoak.worst", version: 1, heapUnits: 4 });
  const replayed = heapsoak("replay", trace);
  expect(replayed.stdout).toContain("2 bytes refused by fragmentation, 2 bytes free");
  expect(heapsoak("replay", "--verify", trace).status).toBe(0);
}, 60_000);

test("a search beyond its bound exits with 3, a policy without a worst case with 1", () => {
  const budget = ["--live", "4", "--largest", "2"];
  expect(heapsoak("worst", "--allocator", "first-fit", ...budget, "--max-states", "10").status).toBe(3);
  expect(heapsoak("worst", "--allocator", "bump", "--live", "2", "--largest", "1").status).toBe(1);
}, 60_000);

test.each([
  ["an allocator that is not there", ["--allocator", "firstfitt"], /Did you mean "first-?fit"/],
  ["a request above what is live", ["--allocator", "tlsf", "--largest", "5"], /--largest is at most --live/],
  ["a count without sense", ["--allocator", "tlsf", "--live", "1e9"], /--live: got "1e9"/],
  ["an option that is not there", ["--allocator", "tlsf", "--option", "x=1"], /no option "x"/],
  ["a trace for standard output", ["--allocator", "tlsf", "--trace", "-"], /--trace: a file is needed/],
  ["a folder that is not there", ["--allocator", "tlsf", "--json", "/nowhere/w.json"], /cannot be written/],
])(
  "%s is refused",
  (_what, args, message) => {
    const { status, stdout, stderr } = heapsoak("worst", "--live", "4", "--largest", "2", ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
  },
  20_000,
);
