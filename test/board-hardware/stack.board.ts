import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { coreFrames } from "../../src/device/frames.ts";
import { readCompilerFiles } from "../../src/firmware-stack/compiler-files.ts";
import { analyseProgram } from "../../src/firmware-stack/program.ts";
import { stackRecord } from "../../src/firmware-stack/stack-record.ts";
import { readElf } from "../../src/image/elf.ts";
import { AGENT } from "./support/firmware.ts";
import { leashed } from "./support/leash.ts";
import { FULL } from "./support/sizes.ts";
import { until } from "./support/wait.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-stack-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CORES = ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m33"];
/** Three suffice in CI: -O1 and -O3 build frames in no other way. */
const LEVELS = FULL ? ["-O0", "-O1", "-O2", "-O3", "-Os"] : ["-O0", "-O2", "-Os"];
const BUILDS = CORES.flatMap((core) => LEVELS.map((level) => [core, level] as const));
/** libgcc's stand-in for tbb pushes up to two registers on top of its caller's frame: GCC does not count them. */
const CASE_CALL_BYTES = 8;

const M3 = { core: "armv7-m", coreName: "Cortex-M3" } as const;

/** The example's ELF file, beside what GCC says of its stacks. */
function built(core: string, level: string): string {
  const settings = [`CPU=-mcpu=${core} -mthumb`, `MACROS=-fstack-usage -fcallgraph-info=su ${level} -Wno-error`];
  return make(join(AGENT, "mps2-an385"), `${core}${level}`, ["WORKLOAD=on", ...settings]);
}

function make(where: string, name: string, settings: readonly string[]): string {
  const build = join(folder, name);
  execFileSync("make", ["--silent", "-C", where, ...settings, `BUILD=${build}`], {
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
  const frames = coreFrames(M3);
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

describe("a kernel with four tasks, calls through pointers and two priorities of interrupts", () => {
  const RTOS = fileURLToPath(new URL("rtos-firmware/", import.meta.url));
  const HANDLERS = [
    ["SVC_Handler", 0],
    ["PendSV_Handler", 7 << 5],
    ["SysTick_Handler", 7 << 5],
    ["TIMER0_Handler", 5 << 5],
    ["TIMER1_Handler", 2 << 5],
  ] as const;
  const SECONDS = 10;
  /** What interrupts did not happen to hit in that time: frames and contexts at the deepest calls. */
  const MISSED_BYTES = 96;
  /** All handlers at once on the deepest call after reset, which this kernel has left when its interrupts begin. */
  const MAIN_STACK_MOST = 3;

  /** Bytes of each stack that were ever used, by the paint that is left, as the firmware prints them. */
  async function marksOf(elf: string): Promise<Map<string, number>> {
    const machine = await leashed("qemu-system-arm", [
      ...["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "stdio"],
      ...["-icount", "shift=5,sleep=off", "-kernel", elf],
    ]);
    onTestFinished(() => machine.kill());
    const page = await until(`second ${SECONDS}`, () => {
      return new RegExp(`second ${SECONDS - 1}\\r\\n([^]*)second ${SECONDS}\\r`).exec(machine.printed.out)?.[1];
    });
    return new Map(
      [...page.matchAll(/stack (\S+) size=\d+ used=(\d+)/g)].map(([, name = "", bytes]) => [name, Number(bytes)]),
    );
  }

  test.each(LEVELS)("at %s stays within its bounds, and near them", async (level) => {
    const build = make(RTOS, `rtos${level}`, [`LEVEL=${level}`]);
    const elf = readElf(readFileSync(join(build, "firmware.elf")), "firmware.elf");
    const handlers = HANDLERS.map(([name, priority]) => ({ function: name, priority }));
    const program = analyseProgram({
      elf,
      files: await readCompilerFiles(build),
      entries: [],
      handlers,
      calls: new Map([["vControlTask", ["vRampUp", "vHold"]]]),
    });
    // Its assembly pushes two registers, which the compiler does not see.
    expect(program.comparison?.different).toEqual([{ function: "PendSV_Handler", compilerBytes: 0, codeBytes: 8 }]);
    const record = stackRecord(program, { elf: "", coreName: "Cortex-M3", frames: coreFrames(M3), limits: new Map() });
    expect(record).toMatchObject({ verdict: "pass", unknowns: [], notes: [] });
    const bounds = new Map(record.entries.map(({ name, bytes }) => [name, bytes]));
    bounds.set("MSP", record.mainStack.bytes);
    const marks = await marksOf(join(build, "firmware.elf"));
    expect([...marks.keys()].sort()).toEqual(["IDLE", "MSP", "control", "link", "report", "sensor"]);
    for (const [name, used] of marks) {
      const bound = bounds.get(name) ?? 0;
      console.log(`${level} ${name}: ${used} B used, at most ${bound} B`);
      expect(used, name).toBeLessThanOrEqual(bound);
      expect(bound, name).toBeLessThanOrEqual(name === "MSP" ? used * MAIN_STACK_MOST : used + MISSED_BYTES);
    }
  });

  test("with a recursion has one figure that is a lower bound, and says why", () => {
    const build = make(RTOS, "rtos-recursion", ["RECURSION=on", "LEVEL=-O1 -fno-optimize-sibling-calls"]);
    const elf = readElf(readFileSync(join(build, "firmware.elf")), "firmware.elf");
    const program = analyseProgram({ elf, entries: [], handlers: [], calls: new Map() });
    const record = stackRecord(program, { elf: "", coreName: "Cortex-M3", frames: coreFrames(M3), limits: new Map() });
    expect(record.entries.filter(({ bounded }) => !bounded).map(({ name }) => name)).toEqual(["control", "report"]);
    expect(record.unknowns).toMatchObject([
      { function: "vControlTask", kind: "indirect-call" },
      { function: "print_number", kind: "recursion", text: "calls itself: print_number → print_number" },
    ]);
  });
});
