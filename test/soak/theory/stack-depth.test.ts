import { describe, expect, test } from "vitest";
import { parseScenario } from "../../../src/scenario/load.ts";
import type { StackRecordOfRun } from "../../../src/soak/record.ts";
import { soak } from "../../../src/soak/soak.ts";

interface Core {
  readonly device: string;
  readonly allocator: string;
  /** Bytes of an exception frame, what the stack pointer is aligned to before it, and the kernel's saved context. */
  readonly exceptionBytes: number;
  readonly alignmentBytes: number;
  readonly contextBytes: number;
}

const cores: Core[] = [
  { device: "stm32f407vg", allocator: "freertos-heap4", exceptionBytes: 32, alignmentBytes: 8, contextBytes: 36 },
  { device: "rp2040", allocator: "freertos-heap4", exceptionBytes: 32, alignmentBytes: 8, contextBytes: 32 },
  { device: "atmega2560", allocator: "avr-libc", exceptionBytes: 3, alignmentBytes: 1, contextBytes: 33 },
  { device: "esp32-c3", allocator: "freertos-heap4", exceptionBytes: 160, alignmentBytes: 16, contextBytes: 0 },
];

async function stacksOf({ device, allocator }: Core, lines: string): Promise<Record<string, StackRecordOfRun>> {
  const head = ["heapsoak: 1", "title: theory", "why: test", `device: ${device}`, "uptime: 1 min"];
  const heap = `heaps: { main: { allocator: ${allocator}, size: 1 KiB } }`;
  const record = await soak(await parseScenario([...head, heap, lines].join("\n"), "theory.yaml")).record;
  expect(record.failure).toBeNull();
  return record.stacks;
}

describe.each(cores)("on a $device", (core) => {
  const { device, exceptionBytes, alignmentBytes, contextBytes } = core;
  /** Depth behind an exception that is taken at `depth`. */
  const interruptedAt = (depth: number) => Math.ceil(depth / alignmentBytes) * alignmentBytes + exceptionBytes;

  test("the depth of nested interrupts is the sum of frames, exception frames and padding", async () => {
    // Each of the three is interrupted in its deepest call, but for the last.
    const { interrupts } = await stacksOf(
      core,
      `stacks: { interrupts: { size: 1 KiB, guard: { kind: none } } }
tasks: { t: { priority: 1, stack: { size: 512, guard: { kind: none } }, at: 0 s, do: [{ work: 1 s }] } }
interrupts:
  low: { priority: 1, every: 10 s, start: 1 s, frame: 40, do: [{ call: f, frame: 4, do: [{ work: 3 s }] }] }
  middle: { priority: 2, every: 10 s, start: 2 s, frame: 50, do: [{ call: g, frame: 3, do: [{ call: h, frame: 7, do: [{ work: 2 s }] }] }] }
  high: { priority: 3, every: 10 s, start: 3 s, frame: 24, do: [{ work: 1 s }] }`,
    );
    const depth = interruptedAt(interruptedAt(40 + 4) + 50 + 3 + 7) + 24;
    expect(interrupts).toMatchObject({ observedBytes: depth, worstCaseBytes: interruptedAt(depth) });
  });

  test("interrupts one after the other, or merged, are as deep as the deepest of them", async () => {
    const { interrupts } = await stacksOf(
      core,
      `stacks: { interrupts: { size: 1 KiB, guard: { kind: none } } }
tasks: { t: { priority: 1, stack: { size: 512, guard: { kind: none } }, at: 0 s, do: [{ work: 1 s }] } }
interrupts:
  one: { priority: 1, every: 10 s, start: 1 s, frame: 44, do: [{ work: 3 s }] }
  other: { priority: 1, every: 10 s, start: 2 s, frame: 60, do: [{ work: 1 s }] }`,
    );
    expect(interrupts).toMatchObject({ observedBytes: 60, worstCaseBytes: interruptedAt(60) });
  });

  test("a task's depth is its calls, and when it is interrupted or preempted what is saved there", async () => {
    const stack = "stack: { size: 512, guard: { kind: none } }";
    const calls = (us: string) =>
      `do: [{ call: f, frame: 70, do: [{ call: g, frame: 30, do: [{ work: ${us} }] }, { call: h, frame: 12, do: [{ work: 1 us }] }] }]`;
    const stacks = await stacksOf(
      core,
      `stacks: { interrupts: { size: 256, guard: { kind: none } } }
tasks:
  alone: { priority: 5, ${stack}, every: 10 s, start: 8 s, ${calls("1 ms")} }
  interrupted: { priority: 3, ${stack}, every: 10 s, start: 5 s, ${calls("1 s")} }
  preempted: { priority: 1, ${stack}, every: 10 s, ${calls("2 s")} }
  urgent: { priority: 4, ${stack}, every: 10 s, start: 1 s, do: [{ call: u, frame: 8, do: [{ work: 1 ms }] }] }
interrupts: { tick: { priority: 1, every: 10 s, start: 5500 ms, frame: 16, do: [{ work: 1 us }] } }`,
    );
    const wholeFrame = (bytes: number) => (device.startsWith("atmega") ? bytes : Math.ceil(bytes / 4) * 4);
    const depth = wholeFrame(70) + wholeFrame(30);
    const worst = interruptedAt(depth) + contextBytes;
    const asleep = interruptedAt(0) + contextBytes;
    expect(stacks.alone).toMatchObject({ observedBytes: Math.max(depth, asleep), worstCaseBytes: worst });
    expect(stacks.interrupted).toMatchObject({ observedBytes: interruptedAt(depth), worstCaseBytes: worst });
    expect(stacks.preempted).toMatchObject({ observedBytes: worst, worstCaseBytes: worst });
    expect(stacks.interrupts).toMatchObject({ observedBytes: 16 });
  });
});

test("a preempted task with floating-point state saves 72 bytes more of it in the frame and 64 in the context", async () => {
  const stack = "stack: { size: 512, guard: { kind: none } }";
  const [core] = cores;
  if (!core) throw new Error("there is no first core");
  const stacks = await stacksOf(
    core,
    `tasks:
  maths: { priority: 1, fpu: true, ${stack}, every: 10 s, do: [{ call: f, frame: 100, do: [{ work: 2 s }] }] }
  urgent: { priority: 2, ${stack}, every: 10 s, start: 1 s, do: [{ work: 1 ms }] }`,
  );
  const depth = 100 + 4 + (32 + 72) + (36 + 64);
  expect(stacks.maths).toMatchObject({ observedBytes: depth, worstCaseBytes: depth });
});
