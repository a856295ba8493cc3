import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allocators as ALLOCATORS } from "../../src/allocators/catalogue.ts";
import { replayText } from "../../src/report/replay-text.ts";
import { type ReplayRequest, replayTrace } from "../../src/trace/replay.ts";
import type { AtEnd } from "../../src/trace/replay-passes.ts";
import type { ReplayResult } from "../../src/trace/replay-result.ts";
import { temporaryFolder } from "../support/traces.ts";

const { write } = temporaryFolder();
const SEED = 20261121;
const ON_HEAP4: ReplayRequest = { allocators: ["freertos-heap4"], heapBytes: 1024 };
/** Leaves 100 bytes live and frees the rest. */
const LEAKY = "a 0 100\na 1 20\nf 1\n";
/** Frees all, from several holes. */
const TIDY = "a 0 100\na 1 20\na 2 50\nf 1\nf 0\nf 2\n";

let files = 0;
async function replay(lines: string, request: ReplayRequest): Promise<ReplayResult> {
  const [result] = await replayTrace(write(`passes-${files++}.trace`, lines), { ...ON_HEAP4, ...request });
  if (!result) throw new Error("no result");
  return result;
}

describe("the passes of a repeated replay", () => {
  test("are told with a few rows, at the ends", async () => {
    const { history } = await replay(LEAKY, { repeat: 7 });
    expect(history.rows.map(({ pass }) => pass)).toEqual([1, 2, 3, 5, 7]);
    expect(history.rows.map(({ liveBlocks }) => liveBlocks)).toEqual([1, 2, 3, 5, 7]);
    const [first, second] = history.rows;
    expect((first?.freeBytes ?? 0) - (second?.freeBytes ?? 0)).toBe(112);
    expect(history).toMatchObject({ atEnd: "keep", firstRefusal: undefined, cycle: undefined });
  });

  test("name the first one with a refusal, also where it is no row of its own otherwise", async () => {
    // 1,024 bytes less 16 of bookkeeping hold nine blocks of 112: the tenth pass has no room for its second request.
    const { history } = await replay(LEAKY, { repeat: 9 });
    expect(history.firstRefusal).toEqual({ pass: 9, failedRequests: 1 });
    const { history: other } = await replay("a 0 200\n", { repeat: 20 });
    expect(other.firstRefusal).toEqual({ pass: 5, failedRequests: 1 });
    expect((await replay("a 0 244\n", { repeat: 20 })).history.rows.map(({ pass }) => pass)).toEqual([
      1, 2, 3, 4, 5, 10, 20,
    ]);
  });

  test("count a refusal in a pass that a fault ends", async () => {
    const { history, fault } = await replay("a 0 100\na 1 5000\nf 0\nf 0\n", { repeat: 3 });
    expect(fault).toMatchObject({ line: 4 });
    expect(history).toMatchObject({ rows: [], firstRefusal: { pass: 1, failedRequests: 1 }, cycle: undefined });
  });

  test("last as long as the trace's times say, over all its boots", async () => {
    const timed = "a 0 8 t=1000\nf 0 t=5000\n! boot t=0\na 0 8 t=100\nf 0 t=1100\n";
    expect((await replay(timed, {})).passUs).toBe(5000);
    expect((await replay(timed.replace("! boot t=0\n", ""), {})).passUs).toBe(5000);
    expect((await replay(LEAKY, {})).passUs).toBeUndefined();
    expect((await replay("a 0 8 t=5\nf 0 t=x9\na 1 8 ticks=9 at=5\n", {})).passUs).toBeUndefined();
  });
});

describe("that a heap repeats itself", () => {
  test("is proved where what is freed leaves the memory as it was", async () => {
    const { history } = await replay(TIDY, { repeat: 8 });
    expect(history.cycle).toEqual({ from: 1, every: 1, failedRequests: 0 });
  });

  test("is proved where the heap is full, with what is refused in each turn", async () => {
    const { history } = await replay(LEAKY, { repeat: 40 });
    expect(history.cycle).toEqual({ from: 16, every: 1, failedRequests: 2 });
  });

  test("is not proved where nothing has come back yet", async () => {
    expect((await replay(LEAKY, { repeat: 4 })).history.cycle).toBeUndefined();
    expect((await replay(TIDY, { repeat: 1 })).history.cycle).toBeUndefined();
  });

  test.each(ALLOCATORS.map(({ name }) => name))(
    "is proved of %s, freed or full, whatever it counts of itself",
    async (name) => {
      const request = { allocators: [name], heapBytes: 8192, repeat: 140 };
      const { history } = await replay("a 0 100\na 1 20\na 2 50\nf 1\nf 0\nf 2\na 3 9000\n", request);
      expect(history.cycle?.every).toBe(1);
    },
  );

  test("takes the bytes of dead memory into account", async () => {
    // A bump heap never takes anything back: its pointer alone differs until it is full.
    const request = { allocators: ["bump"], heapBytes: 256 };
    const { history } = await replay("a 0 8\nf 0\n", { ...request, repeat: 8 });
    expect(history.cycle).toBeUndefined();
    const full = await replay("a 0 8\nf 0\n", { ...request, repeat: 200 });
    expect(full.history.cycle).toMatchObject({ every: 1, failedRequests: 1 });
  });

  test("is not claimed behind metadata that has left the heap", async () => {
    const lines = "a 0 100\na 1 100\na 2 40\nf 1\nf 1\na 3 30\na 4 30\nf 0\nr 3 0\nz 9 64 100\nf 2\n";
    const broken = { allocators: ["tlsf"], heapBytes: 6000, assertionsStop: false };
    const result = await replay(lines, { ...broken, repeat: 50 });
    expect(result.leftHeap).toBeDefined();
    expect(result.history.cycle).toBeUndefined();
  });

  test("holds: any number of passes further on, whole turns apart, the heap is the same", async () => {
    const record = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 200 })).map(([id, n]) => `a ${id} ${n}`) },
      { weight: 3, arbitrary: fc.nat(9).map((id) => `f ${id}`) },
      fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 200 })).map(([id, n]) => `r ${id} ${n}`),
    );
    const property = fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 30 }),
      fc.constantFrom<AtEnd>("keep", "release", "reboot"),
      fc.constantFrom("freertos-heap4", "freertos-heap2", "newlib-nano", "tlsf", "umm-bestfit"),
      fc.nat(5),
      async (records, atEnd, allocator, further) => {
        const request = { allocators: [allocator], heapBytes: 8192, atEnd, assertionsStop: false };
        const lines = `${records.join("\n")}\n`;
        const { history, leftHeap, fault } = await replay(lines, { ...request, repeat: 24 });
        if (!history.cycle || leftHeap || fault) return;
        const { from, every, failedRequests } = history.cycle;
        const pass = Math.max(1, from) + further;
        const one = await replay(lines, { ...request, repeat: pass });
        const other = await replay(lines, { ...request, repeat: pass + every });
        expect(other.end).toEqual(one.end);
        expect(other.counters.failedRequests - one.counters.failedRequests).toBe(failedRequests);
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 40 });
  }, 60_000);
});

describe("blocks that are live at a pass's end", () => {
  test("stay, are released, or are gone with a reboot before the next pass", async () => {
    const ends = (["keep", "release", "reboot"] as const).map((atEnd) => replay(LEAKY, { repeat: 5, atEnd }));
    const [kept, released, rebooted] = await Promise.all(ends);
    expect(kept?.counters).toMatchObject({ liveBlocks: 5, frees: 5 });
    expect(released?.counters).toMatchObject({ liveBlocks: 0, frees: 10 });
    expect(rebooted?.counters).toMatchObject({ liveBlocks: 1, frees: 5 });
    expect(rebooted?.history.rows.map(({ liveBlocks }) => liveBlocks)).toEqual([1, 1, 1, 1]);
    expect(rebooted?.history.cycle).toEqual({ from: 1, every: 1, failedRequests: 0 });
  });
});

describe("the report of a repeated replay", () => {
  const day = LEAKY.replace("a 0 100", "a 0 100 t=0").replace("f 1", "f 1 t=86400000000");

  test("says when the first refusal comes, by the trace's times", async () => {
    const text = replayText("day.trace", [await replay(day, { repeat: 12 })]);
    expect(text).toContain("freertos-heap4 at the end of passes (what is live stays)");
    expect(text).toMatch(/pass 9 is the first with a refusal: 1 request, between 8 d and 9 d after the start/);
    expect(text).toContain("not proved");
  });

  test("says whether it goes on for ever", async () => {
    const tidy = replayText("x", [await replay(TIDY, { repeat: 3 })]);
    expect(tidy).toContain("from pass 1 on the heap is the same after every pass, byte for byte; the trace can be");
    expect(tidy).toContain("no request is refused");
    const full = replayText("x", [await replay(LEAKY, { repeat: 40 })]);
    expect(full).toContain("so it goes on for ever, with 2 refused in each pass");
  });

  test("says that the trace itself boots", async () => {
    const text = "# imported=mbed\n! boot line=1\na 0 100\n";
    expect(replayText("x", [await replay(text, { repeat: 3 })])).toContain("the trace itself boots in each pass");
  });

  test("says nothing of passes where there is one", async () => {
    expect(replayText("x", [await replay(TIDY, {})])).not.toContain("pass");
  });
});
