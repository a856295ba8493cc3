import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type InputFile, initScenario } from "../../src/init/init.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import { soak } from "../../src/soak/soak.ts";
import { AGENT } from "./support/firmware.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-init-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RTOS = fileURLToPath(new URL("rtos-firmware", import.meta.url));
const MPS2 = join(AGENT, "mps2-an385");

const read = (path: string): InputFile => ({ name: path, bytes: readFileSync(path) });

/** Builds a firmware, and returns its ELF file and map. */
function built(source: string, name: string, settings: readonly string[] = []): { elf: InputFile; map: InputFile } {
  const build = join(folder, name);
  execFileSync("make", ["--silent", "-C", source, ...settings, `BUILD=${build}`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { elf: read(join(build, "firmware.elf")), map: read(join(build, "firmware.map")) };
}

/** Address and bytes of a symbol, as binutils has them. */
function symbolOf(elf: InputFile, name: string): [number, number] {
  const line = execFileSync("arm-none-eabi-nm", ["-S", elf.name], { encoding: "utf8" })
    .split("\n")
    .find((candidate) => candidate.endsWith(` ${name}`));
  const [low = "", bytes = ""] = line?.split(" ") ?? [];
  return [Number.parseInt(low, 16), Number.parseInt(bytes, 16)];
}

test("a FreeRTOS-like firmware becomes a scenario with its memory, stacks, tasks and guard, which runs", async () => {
  const { elf, map } = built(RTOS, "rtos");
  const config = read(join(RTOS, "FreeRTOSConfig.h"));
  const { text, record } = await initScenario({ elf, map, configs: [config], out: "rtos.yaml" });
  const scenario = await parseScenario(text, "rtos.yaml");
  const [heapAt, heapBytes] = symbolOf(elf, "ucHeap");
  expect(scenario.heaps).toMatchObject([
    { name: "main", allocator: "freertos-heap4", parts: [{ at: heapAt, bytes: heapBytes }] },
  ]);
  expect(scenario.interruptStack).toMatchObject({ sizeBytes: 1024, at: symbolOf(elf, "_sstack")[0] });
  const tasks = new Map(scenario.tasks.map((task) => [task.name, task]));
  expect(tasks.get("sensor")?.stack).toMatchObject({
    sizeBytes: 640,
    at: symbolOf(elf, "uxSensorStack")[0],
    guards: [{ kind: "freertos-2" }],
  });
  for (const [name, bytes] of [
    ["control", 512],
    ["link", 384],
    ["report", 768],
  ] as const) {
    expect(tasks.get(name)).toMatchObject({ stack: { sizeBytes: bytes }, activation: { kind: "spawned" } });
  }
  expect(record.givenUp).toEqual([]);
  const run = await soak(scenario).record;
  expect(run.verdict).toBe("pass");
  expect(run.heaps.main?.failedRequests).toBe(0);
});

test.each(["newlib-nano", "newlib"])(
  "a bare-metal firmware with %s becomes a scenario on its main stack",
  async (libc) => {
    const { elf, map } = built(MPS2, libc, [`LIBC=${libc}`, "WORKLOAD=on"]);
    for (const source of [{ elf, map }, { map }]) {
      const { text } = await initScenario({ ...source, device: "mps2-an385", out: "bare.yaml" });
      const scenario = await parseScenario(text, "bare.yaml");
      expect(scenario.heaps).toMatchObject([
        { allocator: libc, parts: [{ at: symbolOf(elf, "_heap_low")[0], bytes: 65536 }] },
      ]);
      expect(scenario.tasks).toMatchObject([
        { name: "main", stack: { sizeBytes: 4096, at: symbolOf(elf, "_stack_low")[0] } },
      ]);
    }
  },
);

test("a stripped firmware needs its allocator named", async () => {
  const { elf } = built(RTOS, "rtos-stripped");
  const name = join(folder, "stripped.elf");
  execFileSync("arm-none-eabi-strip", ["-o", name, elf.name]);
  const stripped = { elf: read(name), device: "mps2-an385", out: "stripped.yaml" };
  await expect(initScenario(stripped)).rejects.toThrow("no symbols");
  const [low, bytes] = symbolOf(elf, "ucHeap");
  const { text } = await initScenario({ ...stripped, allocator: "heap_4", heap: { low, bytes } });
  expect((await parseScenario(text, "stripped.yaml")).heaps).toMatchObject([{ parts: [{ at: low, bytes }] }]);
});
