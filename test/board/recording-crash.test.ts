import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openTrace } from "../../src/trace/reader.ts";
import { replayTrace } from "../../src/trace/replay.ts";
import { temporaryFolder } from "../support/traces.ts";

const { folder } = temporaryFolder();
const CHILD = fileURLToPath(new URL("../support/recording-child.mjs", import.meta.url));

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Operations that the file holds. */
async function operationsIn(path: string): Promise<number> {
  const trace = await openTrace(path);
  let operations = 0;
  for await (const { count } of trace.batches()) operations += count;
  return operations;
}

test("a recording is readable after kill -9", { timeout: 120_000 }, async () => {
  const path = join(folder, "killed.trace");
  const child = spawn(process.execPath, [CHILD, path], { stdio: "ignore" });
  while (sizeOf(path) < 50_000) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await operationsIn(path)).toBeGreaterThan(1000);
  expect((await replayTrace(path))[0]?.operations).toBeGreaterThan(1000);
});

test.skipIf(process.platform === "win32")(
  "a recording that may not grow ends with a whole line and exit code 2",
  { timeout: 120_000 },
  async () => {
    const path = join(folder, "limited.trace");
    // 64 blocks of 512 or 1024 bytes, as the shell counts.
    const shell = spawnSync("sh", ["-c", 'ulimit -f 64; exec "$0" "$@"', process.execPath, CHILD, path], {
      encoding: "utf8",
    });
    expect(shell.stderr).toContain("cannot-write");
    expect(shell.stderr).toContain("the file may not grow");
    expect(shell.status).toBe(2);
    const text = readFileSync(path, "utf8");
    expect(text.length).toBeGreaterThan(30_000);
    expect(text.endsWith("\n")).toBe(true);
    expect(await operationsIn(path)).toBeGreaterThan(500);
  },
);
