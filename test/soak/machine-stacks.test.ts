import { describe, expect, test } from "vitest";
import type { SoakMachine } from "../../src/wasm/soak-machine.ts";
import { runToEnd, soakMachine } from "../support/soak-scenario.ts";

/** Deepest stack pointer of the stack called `name`, in bytes. */
function observed(machine: SoakMachine, name: string): number | undefined {
  const stack = machine.stacks.find((candidate) => candidate.name === name);
  return stack && machine.stackState(stack).observedBytes;
}

describe("stack marks", () => {
  test("are the sum of the nested frames, and of the exception frame where an interrupt falls on them", async () => {
    const task =
      "t: { priority: 1, stack: { size: 1 KiB }, every: 10 s, do: [{ call: f, frame: 96, do: [{ call: g, frame: 64, do: [{ work: 2 s }] }] }] }";
    const quiet = await soakMachine(`tasks: { ${task} }`);
    runToEnd(quiet);
    expect(observed(quiet, "t")).toBe(96 + 64);
    const interrupted = await soakMachine(`stacks: { interrupts: { size: 1 KiB } }
tasks: { ${task} }
interrupts: { i: { priority: 1, every: 1.5 s, frame: 48, do: [{ work: 1 ms }] } }`);
    runToEnd(interrupted);
    expect(observed(interrupted, "t")).toBe(96 + 64 + 32);
    expect(observed(interrupted, "interrupts")).toBe(48);
  });

  test("of nested interrupts are the sum of handlers and exception frames", async () => {
    const machine = await soakMachine(`stacks: { interrupts: { size: 1 KiB } }
tasks: { t: { priority: 1, stack: { size: 1 KiB }, at: 0 s, do: [{ work: 1 s }] } }
interrupts:
  low: { priority: 1, every: 10 s, start: 1 s, frame: 40, do: [{ work: 3 s }] }
  middle: { priority: 2, every: 10 s, start: 2 s, frame: 56, do: [{ work: 2 s }] }
  high: { priority: 3, every: 10 s, start: 3 s, frame: 24, do: [{ work: 1 s }] }`);
    runToEnd(machine);
    expect(observed(machine, "interrupts")).toBe(40 + 32 + 56 + 32 + 24);
  });

  test("hold the saved context of a task that a more urgent one preempts", async () => {
    const machine = await soakMachine(`tasks:
  low: { priority: 1, stack: { size: 1 KiB }, every: 10 s, do: [{ call: f, frame: 80, do: [{ work: 2 s }] }] }
  high: { priority: 2, stack: { size: 1 KiB }, every: 10 s, start: 1 s, do: [{ call: g, frame: 16, do: [{ work: 1 ms }] }] }`);
    runToEnd(machine);
    // Cortex-M4F: 32 bytes of exception frame and 36 of saved registers.
    expect(observed(machine, "low")).toBe(80 + 32 + 36);
  });

  test("count every level of a recursion", async () => {
    const machine = await soakMachine(
      "tasks: { t: { priority: 1, stack: { size: 4 KiB }, every: 10 s, do: [{ recurse: r, frame: 48, depth: 20, do: [{ work: 1 us }] }] } }",
    );
    runToEnd(machine);
    expect(observed(machine, "t")).toBe(48 * 20);
    expect(machine.failure()).toBeUndefined();
  });
});

describe("an overflow", () => {
  const overflowing = (guard: string) =>
    soakMachine(`tasks:
  victim: { priority: 1, stack: { size: 1 KiB }, every: 1 s, do: [{ call: v, frame: 64, do: [{ work: 600 ms }] }] }
  deep: { priority: 2, stack: { size: 512${guard} }, every: 10 s, start: 5500 ms, do: [{ recurse: r, frame: 64, depth: 12, do: [{ work: 1 us }] }] }`);

  test("stops the batch once for the host to look, then goes on", async () => {
    const machine = await overflowing("");
    let end = machine.advance(1e6);
    expect(end).toBe("stack-overrun");
    expect(machine.nowUs).toBeGreaterThanOrEqual(5.5e6);
    const stack = machine.takeOverrun();
    expect(stack?.name).toBe("deep");
    end = machine.advance(1e6);
    expect(end).not.toBe("stack-overrun");
    expect(stack && machine.stackState(stack).overrun).toBe("written");
  });

  test("is caught by a protected region at once", async () => {
    const machine = await overflowing(", guard: { kind: mpu, bytes: 32 }");
    expect(runToEnd(machine)).toBe("failed");
    expect(machine.failure()).toMatchObject({ kind: "stack-overflow", halted: true, context: 1 });
    expect(machine.failure()?.atUs).toBeLessThan(5.6e6);
  });
});
