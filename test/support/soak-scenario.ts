import { layOut } from "../../src/scenario/layout.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";
import type { CompiledScenario } from "../../src/soak/compiled.ts";
import { compileScenario } from "../../src/soak/compiler.ts";
import { type BatchEnd, SoakMachine } from "../../src/wasm/soak-machine.ts";

/** A scenario on an STM32F407 with a 16-KiB heap called `main`, from the lines that matter. */
export function soakScenario(lines: string, heap = "{ allocator: freertos-heap4, size: 16 KiB }"): Promise<Scenario> {
  const head = ["heapsoak: 1", "title: test", "why: test", "device: stm32f407vg", "uptime: 1 h"];
  const text = [...head, ...(lines.includes("heaps:") ? [] : [`heaps: { main: ${heap} }`]), lines].join("\n");
  return parseScenario(text, "test.yaml");
}

/** The same, compiled. */
export async function compiledSoak(lines: string): Promise<CompiledScenario> {
  return compileScenario(await soakScenario(lines));
}

export interface MachineOptions {
  readonly build?: "release" | "debug";
  readonly seed?: bigint;
  readonly heap?: string;
}

/** A prepared machine for the scenario. */
export async function soakMachine(lines: string, { build, seed, heap }: MachineOptions = {}): Promise<SoakMachine> {
  const scenario = await soakScenario(lines, heap);
  const machine = new SoakMachine({
    scenario,
    compiled: compileScenario(scenario),
    layout: layOut(scenario, build ? { build } : {}),
    ...(seed !== undefined && { seed }),
  });
  machine.prepare();
  return machine;
}

/** Runs until the horizon or a failure, `budget` instructions a batch. */
export function runToEnd(machine: SoakMachine, budget = 100_000): BatchEnd {
  for (;;) {
    const end = machine.advance(budget);
    if (end === "horizon" || end === "failed") return end;
    if (end === "stack-overrun") machine.takeOverrun();
  }
}
