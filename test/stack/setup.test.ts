import { expect, test } from "vitest";
import { ContextField } from "../../assembly/soak/context-map.ts";
import { SOAK, SoakField } from "../../assembly/soak-map.ts";
import { StackField, StackGuard } from "../../assembly/stack/stack-map.ts";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import type { PlacedStack } from "../../src/scenario/layout.ts";
import type { Guard, Scenario, TaskModel } from "../../src/scenario/model.ts";
import { stackSetups } from "../../src/soak/stack-setup.ts";
import { Engine } from "../../src/wasm/engine.ts";
import { EngineRecord } from "../../src/wasm/engine-record.ts";
import { layStacks } from "../../src/wasm/soak-stacks.ts";
import { TEST_BANKS } from "../support/stack-core.ts";

function task(name: string, instances: number, spawned: boolean, guards: readonly Guard[]): TaskModel {
  const activation = spawned ? { kind: "spawned" as const } : { kind: "loop" as const };
  const runnable = { name, path: [], priority: 1, activation, start: { kind: "after" as const, us: 0 } };
  return { ...runnable, fpu: false, steps: [], stack: { sizeBytes: 512, guards }, instances, overrun: "skip" };
}

test("every context of a task has a stack of its own, and the kernel's records lead to it", () => {
  const guards: Guard[] = [{ kind: "mpu", bytes: 64 }, { kind: "freertos-2" }];
  const scenario = {
    device: findDevice("stm32f407vg"),
    heaps: [{ name: "dma" }, { name: "main" }],
    interruptStack: { sizeBytes: 1024, guards: [] },
    interrupts: [{ priority: 1 }, { priority: 1 }, { priority: 4 }],
    tasks: [
      task("sensor", 2, false, guards),
      task("worker", 1, true, [{ kind: "segmented", heap: "main", stackletBytes: 256 }]),
    ],
  } as unknown as Scenario;
  const at = (name: string, task: string | undefined, instance: number, low: number): PlacedStack => {
    return { name, task, instance, low, bytes: 512 };
  };
  const placed = [
    at("interrupts", undefined, 0, 0x2001_f000),
    at("sensor#1", "sensor", 0, 0x2001_e000),
    at("sensor#2", "sensor", 1, 0x2001_d000),
  ];
  const { frames, main, tasks } = stackSetups(scenario, placed);
  expect(tasks.map(({ name, setup }) => [name, setup.base, setup.fromHeap])).toEqual([
    ["sensor#1", 0x2001_e000, false],
    ["sensor#2", 0x2001_d000, false],
    ["worker", 0, true],
  ]);
  const engine = new Engine(TEST_BANKS, { unalignedFaults: false });
  const contexts = tasks.map(() => new EngineRecord(engine, engine.allocatePool(ContextField.Length * 4)));
  const setups = { frames, main: main?.setup, tasks: tasks.map(({ setup }) => setup) };
  const laid = layStacks(engine, new EngineRecord(engine, SOAK), contexts, setups);
  const [first, , worker] = laid.tasks.map((address) => new EngineRecord(engine, address));
  expect(contexts.map((context) => context.get(ContextField.Stack))).toEqual(laid.tasks);
  expect(engine.word(SOAK + SoakField.MainStack * 4)).toBe(laid.main);
  expect(engine.word(SOAK + SoakField.ContextFpuBytes * 4)).toBe(100);
  expect(engine.word(laid.main + StackField.ExceptionsMost * 4)).toBe(2);
  expect(first?.get(StackField.Guards)).toBe(StackGuard.Mpu | StackGuard.Freertos2);
  expect([first?.get(StackField.GuardBytes), first?.get(StackField.GuardAlignment)]).toEqual([64, 64]);
  expect(worker?.get(StackField.StackletHeap)).toBe(1);
  expect(worker?.get(StackField.StackletReserve)).toBe(32 + 8 + 36);
});
