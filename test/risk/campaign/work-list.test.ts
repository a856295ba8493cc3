import fc from "fast-check";
import { expect, test } from "vitest";
import { isInShard, parseShard, runsInShard, WHOLE } from "../../../src/risk/campaign/shard.ts";
import { type Chunk, WorkList } from "../../../src/risk/campaign/work-list.ts";
import { smallPlan } from "./plan.ts";

async function listOf(runs: number, options: Partial<ConstructorParameters<typeof WorkList>[0]> = {}) {
  const plan = await smallPlan({ runs });
  const sink = { needs: (_: number, run: number) => run < runs };
  return new WorkList({ plan, sink, shard: WHOLE, isKnown: () => false, chunkMs: 100, ...options });
}

function drain(list: WorkList, msOfRun = 10): Chunk[] {
  const chunks: Chunk[] = [];
  for (let chunk = list.next(2); chunk; chunk = list.next(2, chunk.cell)) {
    chunks.push(chunk);
    list.timed(chunk, msOfRun * chunk.runs.length);
    for (const _ of chunk.runs) list.count(chunk.cell);
  }
  return chunks;
}

function sorted(chunks: readonly Chunk[], cell: number): number[] {
  return chunks.filter((chunk) => chunk.cell === cell).flatMap(({ runs }) => runs);
}

test("every run is handed out once, in order, and chunks last as long as they are to", async () => {
  const list = await listOf(300);
  const chunks = drain(list);
  for (const cell of [0, 1]) expect(sorted(chunks, cell)).toEqual(Array.from({ length: 300 }, (_, run) => run));
  expect(Math.max(...chunks.map(({ runs }) => runs.length))).toBe(10);
  expect(chunks[0]?.runs).toEqual([0]); // nothing is known of the cell
  expect(chunks.at(-1)?.runs.length).toBeLessThan(4); // nobody is left with much at the end
  expect(list.leftRuns).toBe(0);
});

test("finished runs are left out, also those in front", async () => {
  const known = new Set([0, 1, 2, 5, 299]);
  const chunks = drain(await listOf(300, { isKnown: (cell, run) => cell === 0 && known.has(run) }));
  expect(sorted(chunks, 0)).toEqual(Array.from({ length: 300 }, (_, run) => run).filter((run) => !known.has(run)));
  expect(sorted(chunks, 1)).toHaveLength(300);
});

test("what a dead worker had is handed out again, as far as it is still needed", async () => {
  let enough = 1000;
  const list = await listOf(1000, { sink: { needs: (_, run) => run < enough } });
  const lost = { cell: 1, runs: [4, 5, 6] };
  list.giveBack(lost);
  expect(list.next(2)).toEqual(lost);
  list.giveBack(lost);
  enough = 6;
  expect(list.next(2)).toEqual({ cell: 1, runs: [4, 5] });
});

test("a cell that has enough gets no more runs", async () => {
  const list = await listOf(1000, { sink: { needs: (cell, run) => run < (cell === 0 ? 20 : 1000) } });
  const chunks = drain(list);
  expect(Math.max(...sorted(chunks, 0))).toBe(19);
  expect(sorted(chunks, 1)).toHaveLength(1000);
});

test("shards share the runs out evenly, without overlap or gap", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(50), fc.nat(200), (count, cell, runs) => {
      const shards = Array.from({ length: count }, (_, index) => ({ index, count }));
      const sizes = shards.map((shard) => runsInShard(shard, cell, runs));
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(runs);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (let run = 0; run < runs; run++)
        expect(shards.filter((shard) => isInShard(shard, cell, run))).toHaveLength(1);
      const own = shards.map((shard) => Array.from({ length: runs }, (_, run) => isInShard(shard, cell, run)));
      expect(own.map((runs) => runs.filter(Boolean).length)).toEqual(sizes);
    }),
    { numRuns: 60, seed: 1 },
  );
});

test.each(["", "1", "0/2", "3/2", "1/0", "-1/2", "1/1000000", "1.5/2", "a/b"])("--shard %j is refused", (text) => {
  expect(() => parseShard(text)).toThrow(/--shard: got/);
});
