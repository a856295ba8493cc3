import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/traces.ts";

/** The built command line: `npm run build` makes it. */
const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const { folder, write } = temporaryFolder();

function heapsoak(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Small blocks of which every other one is freed, some traffic, and at the end a request for half of what is free. */
function failing(blocks: number): string {
  const lines = ["# allocator=freertos-heap4", "# heap_size=6144"];
  for (let id = 0; id < blocks; id++) lines.push(`a ${id} ${96 + ((id * 37) % 64)}`);
  for (let id = 0; id < blocks; id += 2) lines.push(`f ${id}`);
  for (let id = blocks; id < 3 * blocks; id++) lines.push(`a ${id} 48`, `f ${id}`);
  return `${[...lines, `a ${3 * blocks} 2000`].join("\n")}\n`;
}

describe("heapsoak shrink", () => {
  test("leaves a few calls of hundreds, as pictures, as a trace that still fails, and as C", () => {
    write("long.trace", failing(38));
    const { status, stdout } = heapsoak("shrink", "long.trace", "--out", "short.trace", "--c", "short.c");
    expect(status).toBe(0);
    const [, left = ""] = /^long\.trace: [\d,]+ operations shrunk to (\d+), on 6 KiB/.exec(stdout) ?? [];
    expect(Number(left)).toBeLessThan(12);
    expect(stdout).toMatch(/= allocate 2,000 B REFUSED/);
    expect(readFileSync(join(folder, "short.trace"), "utf8").match(/^[afrz] /gm)).toHaveLength(Number(left));
    expect(readFileSync(join(folder, "short.c"), "utf8")).toContain("HEAP_ALLOCATE(2000u)");
    const replayed = heapsoak("replay", "short.trace");
    expect(replayed.stdout).toMatch(/^failed requests +1$/m);
    expect(replayed.stdout).toMatch(/2,000 bytes refused by fragmentation/);
  });

  test.each<[string, string, string[], string]>([
    [
      "a trace that does not fail",
      "# allocator=tlsf\n# heap_size=8192\na 0 8\nf 0\n",
      [],
      "none of its 2 operations fails",
    ],
    ["garbage", "\u0000\u0001garbage", [], "unknown record"],
    ["an allocator that is not known", failing(38), ["--allocator", "heap_9"], 'no allocator "heap_9"'],
    ["its own trace as output", failing(38), ["--out", "bad.trace"], "other than the trace"],
    ["no replays at all", failing(38), ["--max-replays", "0"], "--max-replays"],
  ])("refuses %s, and writes nothing", (_, content, args, message) => {
    write("bad.trace", content);
    const { status, stderr } = heapsoak("shrink", "bad.trace", "--c", "bad.c", ...args);
    expect(stderr.toLowerCase()).toContain(message.toLowerCase());
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(2);
    expect(existsSync(join(folder, "bad.c"))).toBe(false);
    expect(readFileSync(join(folder, "bad.trace"), "utf8")).toBe(content);
  });
});
