import { expect, test } from "vitest";
import { coreFrames } from "../../src/device/frames.ts";
import { analyseProgram } from "../../src/firmware-stack/program.ts";
import { raisedScenario, stackLines } from "../../src/firmware-stack/scenario-stacks.ts";
import { stackRecord } from "../../src/firmware-stack/stack-record.ts";
import { readElf } from "../../src/image/elf.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import { LOOP, PUSH_R4_LR, thumbProgram } from "./thumb-program.ts";

const TEXT = `heapsoak: 1
title: Two tasks
why: The stacks are to hold what the firmware needs.
device: stm32f103c8
uptime: 1 h
seed: 1
heaps:
  main: { allocator: newlib-nano, size: 4 KiB }
stacks: { interrupts: { size: 1 KiB } }
tasks:
  sensor: # reads
    stack: { size: 512 B, guard: { kind: freertos-2 } }
    every: 1 s
    do: [{ work: 1 ms }]
  uplink:
    stack: { size: 1 KiB }
    every: 1 s
    do: [{ work: 1 ms }]
  idle:
    every: 1 s
    do: [{ work: 1 ms }]
interrupts:
  tick: { every: 10 ms, do: [{ work: 1 us }] }
`;

/** Tasks with frames of 8 and 16 bytes less than 600 and of 8 bytes. */
function recordOfTasks() {
  const elf = readElf(
    thumbProgram([
      { name: "start", code: [LOOP] },
      { name: "sensorTask", code: [PUSH_R4_LR, 0xf5ad, 0x7d16, LOOP] }, // sub.w sp, #600
      { name: "uplinkTask", code: [PUSH_R4_LR, LOOP] },
    ]),
  );
  const entries = ["sensor", "uplink"].map((name) => ({ name, function: `${name}Task` }));
  const frames = coreFrames({ core: "armv7-m", coreName: "Cortex-M3" });
  const program = analyseProgram({ elf, entries, calls: new Map() });
  return stackRecord(program, { elf: "app.elf", coreName: "Cortex-M3", frames, limits: new Map() });
}

test("stacks that are too small are enlarged, the others stay as they are written", async () => {
  const scenario = await parseScenario(TEXT, "two.yaml");
  const raised = raisedScenario(TEXT, scenario, recordOfTasks());
  expect(raised).toContain(
    "# heapsoak stack: sensorTask needs 680 B\n    stack: { size: 680, guard: { kind: freertos-2 } }",
  );
  expect(raised).toContain("# heapsoak stack: uplinkTask needs 80 B\n    stack: { size: 1 KiB }");
  expect(raised).toContain("# reads");
  expect(raisedScenario(raised, scenario, recordOfTasks())).toBe(raised);
  const read = await parseScenario(raised, "raised.yaml");
  expect(read.tasks.map(({ stack }) => stack.sizeBytes).slice(0, 2)).toEqual([680, 1024]);
});

test("the lines say what is too small and which tasks have no entry point", async () => {
  const lines = stackLines(await parseScenario(TEXT, "two.yaml"), recordOfTasks());
  expect(lines).toEqual([
    "stacks of the scenario:",
    "  tasks.sensor.stack.size: 680  # heapsoak stack: sensorTask needs 680 B, was 512: TOO SMALL",
    "  tasks.uplink.stack.size: 1024  # heapsoak stack: uplinkTask needs 80 B",
    "  stacks.interrupts.size: 1024  # heapsoak stack: main stack needs 0 B",
    "  # no entry point is known for: idle (say --entry TASK=FUNCTION)",
  ]);
});
