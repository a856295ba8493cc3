import { describe, expect, test } from "vitest";
import { parseScenario } from "../../src/scenario/load.ts";
import { memoryOfRun } from "../../src/soak/memory-of-run.ts";
import { soak } from "../../src/soak/soak.ts";
import { scenarioOf } from "../support/run-scenarios.ts";

const CROWD = `uptime: 1 s
static: { sram: 4 KiB }
heaps:
  main: { allocator: freertos-heap4, size: 16 KiB }
  fast: { allocator: bump, size: 1 KiB, region: ccm }
stacks: { interrupts: { size: 1 KiB } }
tasks:
  worker: { priority: 1, stack: { size: 512 }, instances: 2, every: 1 s, do: [ { work: 1 us } ] }
  starter: { priority: 2, stack: { size: 512 }, at: 10 ms, do: [ { spawn: child, from: main } ] }
  child: { priority: 1, stack: { size: 512 }, do: [ { work: 1 us } ] }`;

describe("the memory of a run", () => {
  test("is the device's RAM in address order, with everything that has a place of its own", async () => {
    const { memory } = await soak(await scenarioOf(CROWD)).record;
    const lines = memory?.ranges.map(({ use, name, low, bytes }) => `${low.toString(16)} ${bytes} ${use} ${name}`);
    expect(memory?.banks.map(({ name }) => name)).toEqual(["CCM", "SRAM", "BKPSRAM"]);
    expect(lines).toEqual([
      "10000000 4 static fast: allocator state",
      "10000008 1024 heap fast",
      "20000000 4096 static static data",
      "20001000 28 static main: allocator state",
      "20001020 16384 heap main",
      "2001f600 512 task-stack starter",
      "2001f800 512 task-stack worker#2",
      "2001fa00 512 task-stack worker#1",
      "2001fc00 1024 main-stack interrupts",
    ]);
  });

  test("names what the ROM takes, and leaves aliases out", async () => {
    const text = ["heapsoak: 1", "title: t", "why: t", "device: esp32", "uptime: 1 s"];
    const heap = "heaps: { main: { allocator: tlsf, size: 16 KiB } }";
    const task = "tasks: { t: { priority: 1, stack: { size: 4 KiB }, every: 1 s, do: [ { work: 1 us } ] } }";
    const { banks, ranges } = memoryOfRun(await parseScenario([...text, heap, task].join("\n"), "test.yaml"));
    expect(ranges.some(({ use }) => use === "taken")).toBe(true);
    for (const { low, bytes } of ranges) {
      const holding = banks.filter((bank) => low >= bank.low && low + bytes <= bank.low + bank.bytes);
      expect(holding).toHaveLength(1);
    }
    expect(banks).toEqual(banks.toSorted((a, b) => a.low - b.low));
    const ends = ranges.map(({ low, bytes }) => low + bytes);
    expect(ranges.slice(1).every(({ low }, index) => low >= (ends[index] ?? 0))).toBe(true);
  });
});
