import { expect, test } from "vitest";
import { replayTrace } from "../../src/trace/replay.ts";
import { verifyTrace } from "../../src/trace/verify.ts";
import type { FakeBoard } from "../support/fake-board.ts";
import { recorded } from "../support/recorded.ts";

/** Sizes of all remainders, with holes that are too small to be split, and at last a heap that is full. */
function fill(board: FakeBoard): void {
  const live: number[] = [];
  for (let i = 0; i < 800; i++) {
    const address = board.allocate(1 + ((i * 37) % 211));
    if (address !== 0) live.push(address);
    if (i % 3 === 2) board.release(live.splice((i * 13) % live.length, 1)[0] ?? 0);
  }
}

test.each([
  ["withHeader", "freertos-heap2"],
  ["withHeader", "freertos-heap4"],
  ["withHeader", "freertos-heap5"],
  ["block", "freertos-heap2"],
  ["block", "freertos-heap4"],
  ["block", "freertos-heap5"],
] as const)(
  "a recording whose sizes are told as %s by %s replays to the same places",
  async (sizeMeaning, allocator) => {
    const { text, path, summary } = await recorded(fill, { board: { allocator, sizeMeaning } });
    expect(text).toContain(`\n# size_meaning=${sizeMeaning}\n# size_header=8\n`);
    expect(summary.refused).toBeGreaterThan(20);
    const result = await verifyTrace(path);
    expect(result).toMatchObject({ mismatches: 0, notCompared: 0, recording: { gaps: 0 } });
    expect(result.operations).toBeGreaterThan(900);
  },
);

test("sizes that were told with a header are those of the requests, rounded up", async () => {
  const board = { allocator: "freertos-heap4", sizeMeaning: "withHeader" } as const;
  const { text, path } = await recorded((fake) => [1, 8, 9, 100].forEach((bytes) => void fake.allocate(bytes)), {
    board,
  });
  expect(text.match(/^a \d+ \d+/gm)).toEqual(["a 0 8", "a 1 8", "a 2 16", "a 3 104"]);
  expect((await replayTrace(path, { allocators: ["tlsf"] }))[0]).toMatchObject({ operations: 4 });
});
