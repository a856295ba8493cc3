import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { coreFrames } from "../../src/device/frames.ts";
import { readCompilerFiles } from "../../src/firmware-stack/compiler-files.ts";
import { analyseProgram } from "../../src/firmware-stack/program.ts";
import { stackRecord } from "../../src/firmware-stack/stack-record.ts";
import { readElf } from "../../src/image/elf.ts";
import { AGENT } from "./support/firmware.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-stack-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CORES = ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m33"];
const LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os"];
const BUILDS = CORES.flatMap((core) => LEVELS.map((level) => [core, level] as const));
/** libgcc's stand-in for tbb pushes up to two registers on top of its caller's frame: GCC does not count them. */
const CASE_CALL_BYTES = 8;

/** The example's ELF file, beside what GCC says of its stacks. */
function built(core: string, level: string): string {
  const build = join(folder, `${core}${level}`);
  const settings = [`CPU=-mcpu=${core} -mthumb`, `MACROS=-fstack-usage -fcallgraph-info=su ${level} -Wno-error`];
  const where = join(AGENT, "mps2-an385");
  execFileSync("make", ["--silent", "-C", where, "WORKLOAD=on", ...settings, `BUILD=${build}`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return build;
}

test.each(BUILDS)("frames from the code of %s at %s are GCC's, for every function", async (core, level) => {
  const build = built(core, level);
  const elf = readElf(readFileSync(join(build, "firmware.elf")), "firmware.elf");
  const files = await readCompilerFiles(build);
  const { comparison } = analyseProgram({ elf, files, entries: [], calls: new Map() });
  console.log(`${core} ${level}: ${comparison?.equal} of ${comparison?.compared} frames are GCC's`);
  expect(comparison?.compared).toBeGreaterThan(30);
  for (const { codeBytes, compilerBytes } of comparison?.different ?? []) {
    expect(core).toBe("cortex-m0");
    expect(codeBytes - compilerBytes).toBe(CASE_CALL_BYTES);
  }
  expect(comparison?.different.length).toBeLessThanOrEqual(1);
});

test("the example's stacks are bounded but for its calls through pointers", () => {
  const elf = readElf(readFileSync(join(built("cortex-m3", "-Os"), "firmware.elf")), "firmware.elf");
  const program = analyseProgram({ elf, entries: [], calls: new Map() });
  const frames = coreFrames({ core: "armv7-m", coreName: "Cortex-M3" });
  const record = stackRecord(program, { elf: "firmware.elf", coreName: "Cortex-M3", frames, limits: new Map() });
  expect(record.entries.map(({ name, kind }) => [name, kind])).toEqual([
    ["reset", "reset"],
    ["main", "main"],
  ]);
  expect(record.interrupts.map(({ name, trap, bounded }) => [name, trap, bounded])).toEqual([
    ["stop", true, true],
    ["systick_interrupt", false, true],
    ["uart0_receive_interrupt", false, true],
  ]);
  expect(new Set(record.unknowns.map(({ kind }) => kind))).toEqual(new Set(["indirect-call"]));
  expect(record.mainStack.bytes).toBeGreaterThan(300);
});
