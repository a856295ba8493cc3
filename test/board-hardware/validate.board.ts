import { expect, test } from "vitest";
import { temporaryFolder } from "../support/traces.ts";
import { ALLOCATORS, firmware } from "./support/firmware.ts";
import { randomOperations } from "./support/operations.ts";
import { validate } from "./support/validation.ts";
import { VirtualBoard } from "./support/virtual-board.ts";

const OPERATIONS = 20_000;
/** Some more: a free of what was refused is no operation. */
const RECORDS = 20_500;
const HEAP_BYTES = 32_768;
const { folder, write } = temporaryFolder();

/** The trace for an allocator, as a file. */
function operationsFor(allocator: string, operations = RECORDS): string {
  return write(`${allocator}-${operations}.trace`, randomOperations(operations, { allocator, heapBytes: HEAP_BYTES }));
}

test.each(ALLOCATORS)(
  "20,000 operations on a board with %s are placed as in the emulator, and RAM is equal byte for byte",
  async (allocator) => {
    const board = await VirtualBoard.running({ firmware: firmware({ allocator, heapBytes: HEAP_BYTES }) });
    const startMs = performance.now();
    const { code, text, record } = await (
      await validate(board.path, operationsFor(allocator), folder, "--operations", `${RECORDS}`)
    ).finished();
    console.log(`${allocator}: ${((performance.now() - startMs) / 1000).toFixed(1)} s\n${text}`);
    expect(code).toBe(0);
    expect(record).toMatchObject({
      verdict: "equal",
      allocator,
      emulatedAs: allocator,
      start: "fresh",
      heap: { bytes: HEAP_BYTES },
      ram: { bytes: HEAP_BYTES, equal: true },
      firstDifference: null,
      line: { lost: 0, corrupt: 0 },
    });
    expect(record?.operations).toBeGreaterThanOrEqual(OPERATIONS);
    expect(record?.compared.placements).toBeGreaterThan(9000);
    expect(record?.compared.refusals).toBeGreaterThan(10);
    expect(record?.buildId).toMatch(/^[0-9a-f]{8,}/);
  },
);

test("what a shipped scenario asks of its heap is placed on the board as in the emulator", async () => {
  const board = await VirtualBoard.running({ firmware: firmware({}) });
  const { code, text, record } = await (
    await validate(board.path, "mqtt-tls", folder, "--operations", "3000")
  ).finished();
  console.log(text);
  expect(code).toBe(0);
  expect(record).toMatchObject({ verdict: "equal", operations: 3000, ram: { equal: true } });
});

test("a second validation goes on from the heap as the first one left it", async () => {
  const board = await VirtualBoard.running({ firmware: firmware({ heapBytes: HEAP_BYTES }) });
  const trace = operationsFor("newlib-nano", 1000);
  expect((await (await validate(board.path, trace, folder)).finished()).record?.verdict).toBe("equal");
  const { text, record } = await (await validate(board.path, trace, folder, "--no-restart")).finished();
  console.log(text);
  expect(record).toMatchObject({ verdict: "equal", start: "adopted", ram: { equal: true } });
});

test("a board whose allocator is not the one it is compared with fails, with the first difference", async () => {
  const board = await VirtualBoard.running({ firmware: firmware({ heapBytes: HEAP_BYTES }) });
  const { code, text, record } = await (
    await validate(board.path, operationsFor("newlib-nano"), folder, "--allocator", "picolibc")
  ).finished();
  console.log(text);
  expect(code).toBe(1);
  expect(record?.verdict).toBe("different");
  expect(record?.firstDifference?.operation).toBeLessThan(OPERATIONS);
});

test("where the board's counter counts instructions, visits tell what an operation of newlib-nano costs", async () => {
  // 2^7 ns an instruction at 25 MHz: 3.2 ticks of the counter.
  const board = await VirtualBoard.running({ firmware: firmware({ heapBytes: HEAP_BYTES }), icountShift: 7 });
  const { text, record } = await (await validate(board.path, operationsFor("newlib-nano", 3000), folder)).finished();
  console.log(text);
  expect(record?.calibration?.cycleHz).toBe(25_000_000);
  for (const verb of ["allocate", "release"]) {
    const line = record?.calibration?.lines.find((one) => one.verb === verb);
    expect(line?.explainedRatio).toBeGreaterThan(0.9);
    expect(line?.cyclesPerVisit).toBeGreaterThan(3.2);
  }
});
