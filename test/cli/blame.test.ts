import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { BlameRecord } from "../../src/risk/blame/record.ts";
import { temporaryFolder } from "../support/traces.ts";
import { WORN_TASKS } from "../support/worn-heap.ts";

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const { folder, write } = temporaryFolder();

const WORN = `heapsoak: 1
title: A note between two buffers
why: test
device: { id: test, core: cortex-m3, banks: { ram: { at: 0x20000000, size: 16384 } } }
uptime: 1 min
heaps: { main: { allocator: freertos-heap4, size: 1000, onAllocationFailure: crash } }
${WORN_TASKS}`;

function heapsoak(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("heapsoak blame", () => {
  test("names the block in the way, with its task, step and age, and writes the record", () => {
    write("worn.yaml", WORN);
    const { stdout, stderr } = heapsoak("blame", "worn.yaml", "--json", "blame.json");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^ {2}pinned +by 1 block of 48 B: without it [\d,]+ B fit, tried$/m);
    expect(stdout).toMatch(/48 B {2}2 s old {2}tasks\.setup\.do\[1\] allocate note/);
    const record = JSON.parse(readFileSync(join(folder, "blame.json"), "utf8")) as BlameRecord;
    expect(record).toMatchObject({ format: "heapsoak.blame", version: 1, heap: "main" });
    expect(record.moment?.set?.pins).toHaveLength(1);
  });

  test("measures what helps, on the same seeds before and after", () => {
    write("worn.yaml", WORN);
    const { stdout } = heapsoak("blame", "worn.yaml", "--remedies", "--runs", "3");
    expect(stdout).toMatch(/^ {2}as it is +3 of 3 /m);
    expect(stdout).toMatch(/ 0 of 3 .*helps/);
  });

  test.each<[string, string[], string]>([
    ["a scenario that is not there", ["nowhere.yaml"], "nowhere.yaml"],
    ["a heap that is not there", ["worn.yaml", "--heap", "other"], 'no heap "other"'],
    ["a moment behind the end", ["worn.yaml", "--at", "50s", "--request", "8"], "--at"],
    ["no runs", ["worn.yaml", "--remedies", "--runs", "0"], "--runs"],
  ])("refuses %s", (_, args, message) => {
    write("worn.yaml", WORN);
    const { status, stderr } = heapsoak("blame", ...args);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(2);
  });
});
