import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const BLINKER = fileURLToPath(new URL("scenarios/blinker.yaml", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "heapsoak-bad-"));
const pipe = join(folder, "pipe");
beforeAll(() => {
  execFileSync("mkfifo", [pipe]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What heapsoak says; it must have ended by itself. */
function refused(...args: string[]): string {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    timeout: 120_000,
  });
  expect({ status, signal, stdout }).toEqual({ status: 2, signal: null, stdout: "" });
  expect(stderr).not.toMatch(/^ +at |[^\P{Cc}\n\t]/mu);
  return stderr;
}

describe("a pipe that nobody writes to", () => {
  test.each([
    ["a scenario", ["check", pipe]],
    ["a device", ["run", BLINKER, "--quiet", "--device", pipe]],
    ["a checkpoint", ["run", BLINKER, "--quiet", "--resume", pipe]],
  ])("is refused as %s instead of waited for", (_what, args) => {
    expect(refused(...args)).toContain(`${pipe}: not a plain file.`);
  });

  test("is not replaced by a checkpoint", () => {
    expect(refused("run", BLINKER, "--quiet", "--checkpoint", pipe)).toContain("not a plain file");
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    expect(readdirSync(folder)).toEqual(["pipe"]);
  });
});

test.each([
  ["a command", ["\u001b[31m"]],
  ["an option", ["run", "--\u001b[31m"]],
  ["a file", ["run", "\u001b[31m"]],
  ["a setting", ["run", BLINKER, "--set", "\u001b[31m=1"]],
  ["a heap", ["run", BLINKER, "--heap-size", "\u009b31m=1KiB"]],
])("control characters in the name of %s do not reach the terminal", (_what, args) => {
  expect(refused(...args)).toMatch(/\\x(1b|9b)/);
});

test("a path longer than any file's is refused", () => {
  expect(refused("run", "a".repeat(50_000))).toMatch(/^heapsoak: a{60}…: cannot be read \(ENAMETOOLONG\)\.\n$/);
});

test("a candidate of a comparison is named once", () => {
  const said = refused("compare", BLINKER, "--allocators", "tlsf,bump,tlsf");
  expect(said).toBe('heapsoak: --allocators: "tlsf" is given twice.\n');
});
