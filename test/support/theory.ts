/** Runs that are looked at again and again on their way, for the tests of theory. */
import { layOut } from "../../src/scenario/layout.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import { compileScenario } from "../../src/soak/compiler.ts";
import { SoakMachine } from "../../src/wasm/soak-machine.ts";
import type { HeapFigures } from "../../src/wasm/soak-readers.ts";
import { runToEnd } from "./soak-scenario.ts";

/** Longer than any test's run: no telemetry sample falls into it. */
const NEVER_US = 1e15;

export interface TheoryOptions {
  /** An STM32F407 by default. */
  readonly device?: string;
  readonly seed?: bigint;
}

/** A prepared machine for the scenario's lines. */
export async function theoryMachine(lines: string, { device, seed }: TheoryOptions = {}): Promise<SoakMachine> {
  const head = ["heapsoak: 1", "title: theory", "why: test", `device: ${device ?? "stm32f407vg"}`, "uptime: 285 y"];
  const scenario = await parseScenario([...head, lines].join("\n"), "theory.yaml");
  const machine = new SoakMachine({
    scenario,
    compiled: compileScenario(scenario),
    layout: layOut(scenario, {}),
    seed: seed ?? 1n,
    sampleGapUs: NEVER_US,
  });
  machine.prepare();
  return machine;
}

/** Goes on to `us`; a run that ends before is an error. */
export function goTo(machine: SoakMachine, us: number): void {
  machine.setHorizon(us);
  const end = runToEnd(machine, 10_000_000);
  if (end !== "horizon") throw new Error(`the run ended at ${machine.nowUs} us: ${machine.failure()?.kind}`);
}

/** The first heap's figures at `count` moments `gapUs` apart, the first one `gapUs` from now. */
export function figuresEvery(machine: SoakMachine, gapUs: number, count: number): HeapFigures[] {
  const startUs = machine.nowUs;
  return Array.from({ length: count }, (_, index) => {
    goTo(machine, startUs + (index + 1) * gapUs);
    return machine.heapFigures(0);
  });
}
