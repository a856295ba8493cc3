import { expect, test } from "vitest";
import { parseScenario } from "../../src/scenario/load.ts";
import { soak } from "../../src/soak/soak.ts";

const LEAKING = `heapsoak: 1
title: test
why: test
device: stm32f407vg
uptime: 1 h
heaps:
  main:
    allocator: freertos-heap4
    size: 4 KiB
tasks:
  logger:
    priority: 1
    stack: { size: 512 }
    every: 1 s
    do:
      - allocate: note
        size: 24
      - leak: note
expect:
  - heap: main
    leaks: { below: 1 }
    minimumFree: { atLeast: 1 KiB }
  - survives: 1 h
`;

test("a record says at which lines the failing step and the expectations stand", async () => {
  const record = await soak(await parseScenario(LEAKING, "test.yaml")).record;
  expect(record.failure).toMatchObject({ step: "tasks.logger.do[0] allocate note", line: 16 });
  expect(record.expectations.map(({ line }) => line)).toEqual([20, 20, 23]);
});

test("a setting leaves the step where the file has it", async () => {
  const set = { "tasks.logger.do.0.size": "100", "expect.1.survives": "2 h" };
  const record = await soak(await parseScenario(LEAKING, "test.yaml", { set })).record;
  expect(record.failure).toMatchObject({ requestBytes: 100, line: 16 });
  expect(record.expectations.at(-1)).toMatchObject({ text: "survives: 2 h", line: 23 });
});

test("what the kernel does itself stands at no line", async () => {
  const overrun = LEAKING.replace(/ {4}do:[\s\S]*expect:/, "    do: [ { work: 2 s } ]\n    overrun: queue\nexpect:");
  const record = await soak(await parseScenario(overrun, "test.yaml")).record;
  expect(record.failure).toMatchObject({ kind: "overload", step: null, line: null });
});

test("lines move with a comment, the digest does not", async () => {
  const [one, other] = await Promise.all(
    [LEAKING, `# a comment\n${LEAKING}`].map(async (text) => soak(await parseScenario(text, "test.yaml")).record),
  );
  expect(other?.failure?.line).toBe(17);
  expect(other?.digest).toBe(one?.digest);
});
