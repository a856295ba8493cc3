import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { Ending, NO_BLOCK } from "../../src/fit/history/block-table.ts";
import { NameTable } from "../../src/fit/history/name-table.ts";
import { historyOf } from "./model-traces.ts";

describe("the history of a trace", () => {
  test("tells each block's birth, end, site and task", async () => {
    const { blocks, sites, tasks, durationUs, timed } = await historyOf(
      "! task task=7 text=mqtt task\na 1 48 t=100 at=send.c:12 task=7\na 2 64 t=200\nf 1 t=300 task=7\n",
    );
    expect(timed).toBe(true);
    expect(durationUs).toBe(300);
    expect(blocks.count).toBe(2);
    expect([...blocks.bornUs.subarray(0, 2)]).toEqual([100, 200]);
    expect([...blocks.diedUs.subarray(0, 2)]).toEqual([300, Number.POSITIVE_INFINITY]);
    expect(sites[blocks.site[0] ?? 0]).toBe("send.c:12");
    expect(tasks[blocks.task[0] ?? 0]).toBe("mqtt task");
    expect(blocks.freedBy[0]).toBe(blocks.task[0]);
    expect(blocks.site[1]).toBe(0);
  });

  test("numbers the operations of a trace without times, and says so", async () => {
    const { timed, durationUs, remarks } = await historyOf("a 1 8\na 2 8\nf 1\n");
    expect(timed).toBe(false);
    expect(durationUs).toBe(2000);
    expect(remarks.join()).toContain("no times");
  });

  test("ends blocks at a boot without saying that they were freed, and goes on with the time", async () => {
    const { blocks, startsUs, durationUs } = await historyOf("a 1 8 t=500\n! boot t=0\na 1 8 t=20\nf 1 t=30\n");
    expect(blocks.ending[0]).toBe(Ending.Reset);
    expect(blocks.ending[1]).toBe(Ending.Freed);
    expect(startsUs).toEqual([0, 500]);
    expect(blocks.bornUs[1]).toBe(520);
    expect(durationUs).toBe(530);
  });

  test("links a reallocated block to the one before", async () => {
    const { blocks } = await historyOf("a 1 8 t=1\nr 1 16 t=2\nr 1 32 -1 t=3\nf 1 t=4\n");
    expect(blocks.count).toBe(2);
    expect([blocks.previous[0], blocks.previous[1]]).toEqual([NO_BLOCK, 0]);
    expect(blocks.ending[0]).toBe(Ending.Reallocated);
    expect(blocks.diedUs[1]).toBe(4);
  });

  test("lets no clock go back", async () => {
    const { blocks, remarks } = await historyOf("a 1 8 t=100\na 2 8 t=40\nf 2 t=90\nf 1 t=200\n");
    expect([...blocks.bornUs.subarray(0, 2)]).toEqual([100, 100]);
    expect(remarks.join()).toContain("2 times lie before");
  });

  test("begins a clock of the day with the log", async () => {
    const { originUs, durationUs, blocks } = await historyOf("a 1 8 t=1700000000000\nf 1 t=1700000000500\n");
    expect(originUs).toBe(1_700_000_000_000);
    expect(durationUs).toBe(500);
    expect(blocks.bornUs[0]).toBe(0);
  });

  test("says which refused reallocations it leaves out", async () => {
    const { refused, remarks } = await historyOf("a 1 8 t=1\nr 1 900 -1 t=2\na 2 999 -1 t=3\nf 1 t=4\n");
    expect(refused).toBe(2);
    expect(remarks).toContain("1 refused reallocation is left out: the old block stays.");
    expect(remarks.join()).toContain("1 request was refused");
  });

  test("counts refused requests, unmatched frees and gaps", async () => {
    const history = await historyOf("a 1 9 -1 t=1\nf 1 t=2\nf 9 t=3\n! gap frames=3 certain=1\na 2 4294967295 t=4\n");
    expect(history).toMatchObject({ refused: 1, unmatchedFrees: 1, gaps: 1 });
    expect([...history.blocks.requestBytes.subarray(0, history.blocks.count)]).toEqual([9, 4_294_967_295]);
    expect([...history.blocks.ending.subarray(0, 2)]).toEqual([Ending.Refused, Ending.Live]);
    expect(history.remarks).toContain("Operations are missing at 1 place: blocks freed there seem to live on.");
    expect(history.remarks).toContain("1 free is of a block born before the trace, and left out.");
  });

  test.each<[number, string]>([
    [1, "once"],
    [2, "twice"],
    [3, "3 times"],
  ])("that boots %i times more says so as people do", async (boots, words) => {
    const { remarks } = await historyOf(`a 1 8 t=1\n${"! boot\na 1 8 t=1\n".repeat(boots)}`);
    expect(remarks.join()).toContain(`The device started anew ${words}: `);
  });

  test("takes times that not all operations have", async () => {
    const { blocks } = await historyOf("a 1 8\nf 1\na 2 8 t=70\na 3 8\n");
    expect([...blocks.bornUs.subarray(0, 3)]).toEqual([0, 70, 70]);
    expect(blocks.diedUs[0]).toBe(0);
  });

  test("is read from gzip", async () => {
    expect((await historyOf(gzipSync("a 1 8 t=1\n"))).blocks.count).toBe(1);
  });

  test.each(["", "# only=header\n", "a 1\n", "a 1 8 t=\n", "\0\0\0", "x".repeat(10_000)])(
    "refuses %j with the line",
    async (text) => {
      await expect(historyOf(text)).rejects.toThrow(HeapsoakError);
    },
  );

  test("of any bytes is a history or a refusal", { timeout: 120_000 }, async () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "a 1 8 t=5 at=x",
        "f 1 t=9",
        "r 1 20",
        "! boot",
        "! gap frames=1 certain=0",
        "z 2 8 8 task=1",
        "f 2",
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), async (lines) => {
        try {
          const { blocks } = await historyOf(lines.join("\n"));
          for (let i = 0; i < blocks.count; i++) {
            expect(blocks.diedUs[i] ?? 0).toBeGreaterThanOrEqual(blocks.bornUs[i] ?? 0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(HeapsoakError);
        }
      }),
      { numRuns: 200, seed: 20261121 },
    );
  });
});

test("a name table tells many names apart, however it grows", () => {
  const table = new NameTable();
  const names = Array.from({ length: 5000 }, (_, i) => Buffer.from(`site-${i}`));
  const indices = names.map((name) => table.indexOf(name, 0, name.length));
  expect(new Set(indices).size).toBe(5000);
  expect(names.map((name) => table.indexOf(name, 0, name.length))).toEqual(indices);
  expect(table.names[indices[77] ?? 0]).toBe("site-77");
});
