import { HeapsoakError } from "../../errors.ts";

/** One of `count` parts of a campaign: the runs of which the number, counted on by one from cell to cell, leaves `index`. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

const SHARDS_MOST = 100_000;

/** All runs. */
export const WHOLE: Shard = { index: 0, count: 1 };

/** `2/8`, counted from 1. Throws `bad-argument`. */
export function parseShard(text: string): Shard {
  const [, index = "", count = ""] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index) - 1, count: Number(count) };
  if (shard.index >= 0 && shard.index < shard.count && shard.count <= SHARDS_MOST) return shard;
  throw new HeapsoakError("bad-argument", `--shard: got "${text}", expected I/N, such as 1/8 up to 8/8.`);
}

/** Whether the shard has the run. */
export function isInShard({ index, count }: Shard, cell: number, run: number): boolean {
  return (run + cell) % count === index;
}

/** How many of the first `runs` runs of the cell the shard has. */
export function runsInShard({ index, count }: Shard, cell: number, runs: number): number {
  const first = (((index - cell) % count) + count) % count;
  return first < runs ? Math.floor((runs - 1 - first) / count) + 1 : 0;
}
