import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/traces.ts";
import { AGENT, ALLOCATORS, firmware } from "./support/firmware.ts";

const FUZZ = fileURLToPath(new URL("agent-fuzz.c", import.meta.url));
const { folder } = temporaryFolder();

/** The project's goal. */
const RAM_BYTES_MOST = 128;
const STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/** What a program says of its failure, and its exit code. */
function ran(command: string, args: readonly string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return { code: status, said: `${stdout}${stderr}` };
}

describe("the board agent", () => {
  test.each(["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m33"])(
    "compiles without a warning for %s, with and without commands",
    (cpu) => {
      for (const commands of [0, 1]) {
        for (const level of ["-Os", "-O2", "-O0"]) {
          const flags = [`-mcpu=${cpu}`, "-mthumb", level, ...STRICT, `-DHEAPSOAK_COMMANDS=${commands}`];
          const source = ["-c", join(AGENT, "heapsoak_agent.c"), "-o", join(folder, "agent.o")];
          expect(ran("arm-none-eabi-gcc", [...flags, ...source])).toEqual({ code: 0, said: "" });
        }
      }
    },
  );

  test("takes at most 128 bytes of RAM besides the user's buffer", () => {
    for (const allocator of ALLOCATORS) {
      const elf = firmware({ allocator, workload: "on" });
      const object = join(elf, "..", "heapsoak_agent.o");
      const [, figures = ""] = ran("arm-none-eabi-size", [object]).said.trim().split("\n");
      const [text = 0, data = 0, bss = 0] = figures.trim().split(/\s+/).map(Number);
      console.log(`${allocator}: agent's object ${text} bytes of code, ${data + bss} bytes of RAM`);
      expect(text).toBeGreaterThan(0);
      expect(data + bss).toBeGreaterThan(0);
      expect(data + bss).toBeLessThanOrEqual(RAM_BYTES_MOST);
    }
  });

  test("withstands random bytes and commands under the sanitizers", { timeout: 300_000 }, () => {
    const program = join(folder, "agent-fuzz");
    const flags = [
      "-g",
      "-O1",
      "-std=gnu99",
      "-fsanitize=address,undefined",
      "-fno-sanitize-recover=all",
      `-I${AGENT}`,
    ];
    expect(ran("cc", [...flags, FUZZ, "-o", program])).toEqual({ code: 0, said: "" });
    const { code, said } = ran(program, []);
    console.log(said);
    expect(code).toBe(0);
  });
});

/** Another release of the compiler counts a little differently. */
const INSTRUCTIONS_APART = 10;
const CODE_APART_RATIO = 0.05;

test("the agent's README states its size and its instructions as measured here", () => {
  const build = join(folder, "measure");
  const { code, said } = ran("make", ["--silent", "-C", join(AGENT, "mps2-an385"), `BUILD=${build}`, "measure"]);
  expect(code, said).toBe(0);
  console.log(said);
  const readme = readFileSync(join(AGENT, "README.md"), "utf8");

  const sizes = [...said.matchAll(/^ *(\d+)\s+(\d+)\s+(\d+)\s.*\.o$/gm)].map(([, text, data, bss]) => {
    return { codeBytes: Number(text), ramBytes: Number(data) + Number(bss) };
  });
  const stated = [...readme.matchAll(/^\| (?:with commands|reports only).* \| ([\d,]+) \| ([\d,]+) \|$/gm)];
  expect(sizes).toHaveLength(2);
  expect(stated).toHaveLength(2);
  sizes.forEach(({ codeBytes, ramBytes }, row) => {
    expect(ramBytes).toBeLessThanOrEqual(RAM_BYTES_MOST);
    expect(ramBytes).toBe(numberOf(stated[row]?.[2]));
    expect(Math.abs(codeBytes / numberOf(stated[row]?.[1]) - 1)).toBeLessThan(CODE_APART_RATIO);
  });

  for (const row of MEASURED) {
    const measured = new RegExp(`^${row}.*?(\\d+)$`, "m").exec(said)?.[1];
    const claimed = new RegExp(`^\\| ${row}.* \\| ([\\d,]+) \\|$`, "m").exec(readme)?.[1];
    expect(Math.abs(numberOf(measured) - numberOf(claimed)), row).toBeLessThanOrEqual(INSTRUCTIONS_APART);
  }
});

/** How a row begins, in the output as in the README. */
const MEASURED = [
  "allocate event",
  "release event",
  "reallocate event",
  "refused request",
  "event for which the ring has no room",
  "log text of 25 characters",
  "longest section with interrupts masked",
] as const;

function numberOf(text: string | undefined): number {
  return Number(text?.replaceAll(",", ""));
}
