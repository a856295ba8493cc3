import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { SAMPLES } from "../support/imported.ts";
import { temporaryFolder } from "../support/traces.ts";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const { folder, write } = temporaryFolder();
const LOG = join(SAMPLES, "mbed.log");

function heapsoak(args: readonly string[], input?: Buffer) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    timeout: 120_000,
    ...(input && { input }),
  });
  return { status, stdout, stderr };
}

/** Runs what must be refused, and returns the message. */
function refused(...args: string[]): string {
  const { status, stdout, stderr } = heapsoak(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).not.toMatch(/^ +at |[^\P{Cc}\n\t]/mu);
  return stderr;
}

test("a log from standard input becomes a compressed trace that replays take", () => {
  const out = join(folder, "out.trace.gz");
  const { status, stdout } = heapsoak(["import", "-", "--out", out], readFileSync(LOG));
  expect(status).toBe(0);
  expect(stdout).toContain("8 operations of standard input");
  expect(gunzipSync(readFileSync(out)).toString()).toMatch(/^# imported=mbed\n/);
  expect(heapsoak(["replay", out, "--allocator", "tlsf", "--heap-size", "16KiB"]).status).toBe(0);
});

test("the figures are written as JSON", () => {
  const out = join(folder, "json.trace");
  const { stdout } = heapsoak(["import", LOG, "--out", out, "--json", "-"]);
  expect(JSON.parse(stdout)).toMatchObject({
    format: "heapsoak.import",
    version: 1,
    log: { format: "mbed", allocations: 5, frees: 2, reallocations: 1, refused: 1, boots: 1 },
  });
});

test("what is refused leaves neither a file nor a piece of one, and what was there before", {
  timeout: 120_000,
}, () => {
  const bad = write("bad.log", "hello\u001b[31m\u0007\n");
  const out = write("kept.trace", "before");
  const names = readdirSync(folder);
  expect(refused("import", bad, "--out", out)).toMatch(/any format \(mbed, .*\n {4}hello/s);
  expect(refused("import", join(folder, "none"), "--out", out)).toContain("there is no such file");
  expect(refused("import", LOG, "--out", out, "--heap", "12")).toContain("--heap");
  expect(refused("import", LOG, "--out", out, "--format", "\u001b[31m")).toContain("\\x1b");
  expect(refused("import", LOG, "--out", join(folder, "none", "x.trace"))).toContain("cannot be written");
  expect(readFileSync(out, "utf8")).toBe("before");
  expect(readdirSync(folder)).toEqual(names);
});

test("a log is not overwritten by its trace, nor the trace by its figures", () => {
  const log = write("same.log", readFileSync(LOG));
  expect(refused("import", log, "--out", log)).toContain("another file than the log");
  expect(refused("import", log, "--out", join(folder, "a"), "--json", join(folder, "a"))).toContain("--json");
});

test("a full disk is said", () => {
  const big = join(folder, "big.log");
  writeFileSync(big, "#m:0x1000;0x1-8\n#f:0x0;0x1-0x1000\n".repeat(200_000));
  const said = spawnSync(
    "/bin/sh",
    [
      "-c",
      `ulimit -f 100; trap '' XFSZ; exec "$0" "$@"`,
      process.execPath,
      MAIN,
      "import",
      big,
      "--out",
      join(folder, "full.trace"),
    ],
    { encoding: "utf8" },
  );
  expect(said.stderr).toContain("cannot be written (EFBIG)");
  expect(said.status).toBe(2);
  expect(readdirSync(folder).filter((name) => name.includes("full.trace"))).toEqual([]);
});
