import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { HeapsoakError } from "../../src/errors.ts";
import { type ReplayRequest, replayTrace } from "../../src/trace/replay.ts";
import { AT_END } from "../../src/trace/replay-passes.ts";
import type { ReplayResult } from "../../src/trace/replay-result.ts";
import { randomTrace, temporaryFolder } from "../support/traces.ts";

const { write } = temporaryFolder();
const ON_HEAP4: ReplayRequest = { allocators: ["freertos-heap4"], heapBytes: 1024 };

let files = 0;
async function replay(lines: string, request: ReplayRequest = ON_HEAP4): Promise<ReplayResult> {
  const [result] = await replayTrace(write(`${files++}.trace`, lines), request);
  if (!result) throw new Error("no result");
  return result;
}

describe("a replay", () => {
  test("takes allocator, size and place from the header", async () => {
    const result = await replay(
      "# allocator=freertos-heap4-mis4\n# heap_size=2048\n# base_misalignment=4\na 0 22 12\n",
      {},
    );
    expect(result).toMatchObject({
      allocator: "freertos-heap4",
      regions: [{ low: 0x2001_0004, bytes: 2048 }],
      operations: 1,
    });
    expect(result.counters).toMatchObject({ requests: 1, liveBlocks: 1, failedRequests: 0 });
  });

  test("without a header lies at the start of the device's RAM, behind the allocator's state", async () => {
    const result = await replay("a 0 22 0\n", { ...ON_HEAP4, device: findDevice("stm32f407vg") });
    expect(result).toMatchObject({
      device: "stm32f407vg",
      stateAddress: 0x2000_0000,
      regions: [{ low: 0x2000_0020, bytes: 1024 }],
    });
  });

  test("takes exact regions", async () => {
    const result = await replay("a 0 22 0\n", {
      allocators: ["freertos-heap4"],
      regions: [{ low: 0x2000_4000, bytes: 512 }],
    });
    expect(result.regions).toEqual([{ low: 0x2000_4000, bytes: 512 }]);
  });

  test("asks for what neither header nor request says", async () => {
    await expect(replay("a 0 22 0\n", {})).rejects.toThrow('the header has no line "# allocator=…".');
    await expect(replay("a 0 22 0\n", { allocators: ["tlsf"] })).rejects.toThrow(
      'the header has no line "# heap_size=…".',
    );
  });

  test("finds the same whether the trace is compressed or not, and every time", async () => {
    const text = randomTrace(30_000);
    const plain = await replay(text, {});
    const [compressed] = await replayTrace(write("same.trace.gz", gzipSync(text)));
    expect(compressed).toEqual(plain);
  });

  test("gives each of several allocators a device of its own", async () => {
    const path = write("side.trace", randomTrace(5000));
    const names = ["freertos-heap4", "bump"];
    const together = await replayTrace(path, { allocators: names });
    const alone = await Promise.all(names.map(async (name) => (await replayTrace(path, { allocators: [name] }))[0]));
    expect(together).toEqual(alone);
    expect(together[1]?.counters.failedRequests).toBeGreaterThan(0);
  });

  test("hands an option to the allocators that have it, and refuses one that none has", async () => {
    const path = write("option.trace", "a 0 1 0\na 1 1 0\n");
    const [bump, heap4] = await replayTrace(path, {
      allocators: ["bump", "freertos-heap4"],
      heapBytes: 1024,
      options: { alignment: 64 },
    });
    expect([bump?.options, heap4?.options]).toEqual([{ alignment: 64 }, {}]);
    await expect(replay("a 0 1 0\n", { ...ON_HEAP4, options: { alignmnt: 64 } })).rejects.toMatchObject({
      code: "unknown-option",
    });
  });
});

describe("the worst moment", () => {
  test("is the first failure by fragmentation, with the heap as it was behind it", async () => {
    // Of 48 free bytes in two holes none serves 40: [24] 24 [24] and no rest.
    const result = await replay("a 0 16 0\na 1 16 0\na 2 16 0\nf 0\nf 2\na 3 40 0\na 4 5000 0\n", {
      allocators: ["freertos-heap4"],
      heapBytes: 80,
    });
    expect(result.worst).toMatchObject({ kind: "fragmentation", operation: 6, line: 6, requestBytes: 40 });
    expect(result.worst?.state.picture).toBe("[24] 24 [24]");
    expect(result.counters).toMatchObject({ failedRequests: 2, fragmentationFailures: 1 });
  });

  test("is the first failed request when none failed by fragmentation", async () => {
    const result = await replay("a 0 100 0\na 1 5000 0\na 2 6000 0\nf 0\n");
    expect(result.worst).toMatchObject({ kind: "failed", operation: 2, requestBytes: 5000 });
    expect(result.worst?.state.summary?.liveBlocks).toBe(1);
  });

  test("is otherwise where the largest possible request was smallest", async () => {
    const grow = Array.from({ length: 300 }, (_, id) => `a ${id} 16 0\n`).join("");
    const shrink = Array.from({ length: 300 }, (_, id) => `f ${id}\n`).join("");
    const result = await replay(grow + shrink, { allocators: ["freertos-heap4"], heapBytes: 16384 });
    expect(result.worst).toMatchObject({ kind: "least-free", operation: 256, requestBytes: 0 });
    expect(result.worst?.state.summary).toMatchObject({
      liveBlocks: 256,
      largestFreeBytes: result.minimumLargestFreeBytes,
    });
    expect(result.end.summary?.liveBlocks).toBe(0);
  });

  test("is found in a batch far from the end, and the end is reported as the end", async () => {
    const calm = Array.from({ length: 100_000 }, (_, i) => `a ${i + 10} 8 0\nf ${i + 10}\n`).join("");
    const result = await replay(`a 0 5000 0\n${calm}a 1 300 0\n`);
    expect(result.worst).toMatchObject({ kind: "failed", operation: 1, line: 1 });
    expect(result.worst?.state.summary?.liveBlocks).toBe(0);
    expect(result.end.summary?.liveBlocks).toBe(1);
    expect(result.counters.frees).toBe(100_000);
  });
});

describe("misuse in a trace", () => {
  test("a second free is replayed as the double free it is", async () => {
    const lines = "a 0 16 0\na 1 16 0\nf 0\nf 0\na 2 16 0\n";
    const stopped = await replay(lines);
    expect(stopped.counters.doubleFrees).toBe(1);
    expect(stopped.fault).toMatchObject({ kind: "assertion", operation: 4, line: 4 });
    expect(stopped.operations).toBe(4);
    const went = await replay(lines, { ...ON_HEAP4, assertionsStop: false });
    expect(went.fault).toBeUndefined();
    expect(went).toMatchObject({ operations: 5, counters: { doubleFrees: 1, requests: 3 } });
  });

  test("frees of unknown ids are counted and skipped", async () => {
    const result = await replay("f 5\na 0 16 0\nf 6\nf 0\n");
    expect(result).toMatchObject({
      unknownIds: 2,
      operations: 4,
      counters: { frees: 1, doubleFrees: 0, wildFrees: 0 },
    });
  });

  test("a reallocation of an unknown id is counted and taken as an allocation", async () => {
    const result = await replay("r 5 16 0\nf 5\n");
    expect(result).toMatchObject({ unknownIds: 1, counters: { requests: 1, frees: 1, liveBlocks: 0 } });
  });

  test("an id used twice is counted and its old block stays live", async () => {
    const result = await replay("a 0 16 0\na 0 24 0\nf 0\n");
    expect(result.reusedIds).toBe(1);
    expect(result.leaks).toMatchObject({ blocks: 1, requestBytes: 16, first: [{ id: 0, requestBytes: 16 }] });
  });

  test("an id used twice because its first request was refused is no misuse", async () => {
    const result = await replay("a 0 5000 -1\na 0 24 0\nf 0\n");
    expect(result).toMatchObject({ reusedIds: 0, leaks: { blocks: 0 } });
  });

  test("blocks live at the end are listed with their ids, addresses and bytes", async () => {
    const result = await replay("a 7 100 0\na 3 50 0\na 5 10 0\nf 5\n");
    expect(result.leaks).toMatchObject({ blocks: 2, requestBytes: 150 });
    expect(result.leaks.first.map(({ id, requestBytes }) => [id, requestBytes])).toEqual([
      [3, 50],
      [7, 100],
    ]);
  });

  test("freeing what was refused does nothing, as free(NULL)", async () => {
    const result = await replay("a 0 5000 -1\nf 0\nf 0\n");
    expect(result.counters).toMatchObject({ frees: 0, doubleFrees: 0, failedRequests: 1 });
  });

  test("metadata that leads out of the heap is found, and the replay goes on as the board would", async () => {
    // In TLSF without its assertions a block freed twice is taken twice; its lists then lead anywhere.
    const lines = "a 0 100 0\na 1 100 0\na 2 40 0\nf 1\nf 1\na 3 30 0\na 4 30 0\nf 0\nr 3 0 0\nz 9 64 100 0\nf 2\n";
    const result = await replay(lines, { allocators: ["tlsf"], heapBytes: 6000, assertionsStop: false, repeat: 50 });
    expect(result.leftHeap).toMatchObject({ kind: "left-heap" });
    expect(result.leftHeap?.operation).toBeGreaterThan(11);
    expect(result.fault).toMatchObject({
      kind: "unmapped",
      registers: expect.arrayContaining([expect.objectContaining({ name: "CFSR" })]),
    });
    expect(result.fault?.operation).toBeGreaterThanOrEqual(result.leftHeap?.operation ?? 0);
    expect(result.operations).toBe(result.fault?.operation);
    expect(result.inconsistency).toBeDefined();
  });
});

describe("repeating", () => {
  const LEAKY = "a 0 100 0\na 1 20 0\nf 1\n";

  test("keeps what is live at a pass's end, and its ids are new in each pass", async () => {
    const result = await replay(LEAKY, { ...ON_HEAP4, repeat: 5 });
    expect(result).toMatchObject({ passes: 5, operations: 15, reusedIds: 0, leaks: { blocks: 5 } });
    expect(result.counters.doubleFrees).toBe(0);
  });

  test("goes on until the heap is full", async () => {
    const result = await replay(LEAKY, { ...ON_HEAP4, repeat: 20 });
    expect(result.counters.failedRequests).toBeGreaterThan(0);
    expect(result.worst).toMatchObject({ kind: "failed", line: 2, requestBytes: 20 });
  });

  test("releases what is live when asked to", async () => {
    const result = await replay(LEAKY, { ...ON_HEAP4, repeat: 20, atEnd: "release" });
    expect(result).toMatchObject({ leaks: { blocks: 0 }, counters: { failedRequests: 0, frees: 40, liveBlocks: 0 } });
  });

  test("is refused for standard input", async () => {
    await expect(replayTrace("-", { ...ON_HEAP4, repeat: 2 })).rejects.toThrow("Standard input can be read only once");
  });
});

test("any valid records end in a result or a clear error, quickly", async () => {
  const id = fc.integer({ min: 0, max: 12 });
  const bytes = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff),
  );
  const record = fc.oneof(
    fc.tuple(id, bytes).map(([a, b]) => `a ${a} ${b} 0`),
    id.map((a) => `f ${a}`),
    fc.tuple(id, bytes).map(([a, b]) => `r ${a} ${b} 0`),
    fc.tuple(id, fc.constantFrom(1, 8, 64, 0x8000_0000), bytes).map(([a, b, c]) => `z ${a} ${b} ${c} 0`),
  );
  const request = fc.record({
    assertionsStop: fc.boolean(),
    repeat: fc.integer({ min: 1, max: 3 }),
    atEnd: fc.constantFrom(...AT_END),
  });
  const allocators = fc.constantFrom("freertos-heap4", "bump", "tlsf", "o1heap", "threadx-byte");
  const property = fc.asyncProperty(
    fc.array(record, { minLength: 1, maxLength: 80 }),
    request,
    allocators,
    async (records, how, allocator) => {
      try {
        const result = await replay(`${records.join("\n")}\n`, { ...how, allocators: [allocator], heapBytes: 4096 });
        expect(result.operations).toBeLessThanOrEqual(records.length * how.repeat);
      } catch (error) {
        if (!(error instanceof HeapsoakError)) throw error;
      }
    },
  );
  await fc.assert(property, { seed: 20261121, numRuns: 150 });
}, 60_000);
