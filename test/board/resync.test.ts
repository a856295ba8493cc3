import { describe, expect, test } from "vitest";
import { BoardCommander } from "../../src/board/commands/commander.ts";
import { linkOver } from "../../src/board/link/stream-link.ts";
import { Holders } from "../../src/board/twin/holders.ts";
import { resynchronise } from "../../src/board/twin/resync.ts";
import { Twin } from "../../src/board/twin/twin.ts";
import { firmwareLife } from "../support/board-life.ts";
import { FakeBoard } from "../support/fake-board.ts";

/** A board that is listened to from its boot on, and its firmware. */
async function watched(allocator: string) {
  const board = new FakeBoard({ allocator, ringBytes: 8192 });
  const link = linkOver(board.stream);
  const twin = new Twin();
  const holders = new Holders();
  link.subscribe((items) => {
    for (const item of items) {
      twin.apply(item);
      holders.apply(item, 0);
    }
  });
  const commander = new BoardCommander(link);
  board.boot();
  await commander.identify();
  // FreeRTOS's firmware never calls memalign or realloc.
  const life = firmwareLife(
    {
      allocate: (bytes, alignment = 0) =>
        alignment === 0 ? board.allocate(bytes) : board.allocateAligned(alignment, bytes),
      reallocate: (address, bytes) => board.reallocate(address, bytes),
      release: (address) => board.release(address),
    },
    3,
    { moves: board.heap.allocator.reallocates },
  );
  const live = async (events: number) => {
    for (let event = 0; event < events; event++) life.next();
    await settled();
  };
  return { board, link, twin, holders, commander, live };
}

/** Everything that is on its way has arrived. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe.each(["newlib-nano", "newlib", "freertos-heap4"])(
  "a board with %s that was missed for a while",
  (allocator) => {
    test("is followed again without a difference once its memory was read back", async () => {
      const { board, link, twin, holders, commander, live } = await watched(allocator);
      await live(600);
      expect(twin.state).toBe("synchronised");
      board.line.spoilNext("drop", { count: 9 });
      await live(100);
      expect(twin.state).toBe("unsynchronised");
      const before = twin.comparisons.placements;

      expect(await resynchronise(twin, commander)).toEqual({ synchronised: true });
      const { heap } = twin;
      if (!heap) throw new Error("no heap");
      holders.reconcile(heap.blocks(), (payload) => heap.usableBytes(payload), 0);
      await live(1500);

      expect(twin.state).toBe("synchronised");
      expect(twin.comparisons.differences).toBe(0);
      expect(twin.comparisons.placements).toBeGreaterThan(before + 600);
      expect(heap.summary()).toEqual(board.heap.summary());
      expect([...holders.blocks()].length).toBe(board.heap.summary().liveBlocks);
      await link.close();
    });
  },
);

test("memory that changed while it was read is read again", async () => {
  const { board, link, twin, commander, live } = await watched("newlib-nano");
  await live(50);
  twin.apply({ kind: "gap", frames: 1, certain: true });
  let readings = 0;
  const result = await resynchronise(twin, {
    statics: () => commander.statics(),
    readMemory: async (address, bytes) => {
      const image = await commander.readMemory(address, bytes);
      if (++readings === 1) board.allocate(24);
      return image;
    },
  });
  expect(result).toEqual({ synchronised: true });
  expect(readings).toBe(2);
  await live(300);
  expect(twin.comparisons.differences).toBe(0);
  expect(twin.state).toBe("synchronised");
  await link.close();
});

test("a heap that is never quiet is given up after ten readings, and the reason says so", async () => {
  const { board, link, twin, commander } = await watched("newlib-nano");
  twin.apply({ kind: "gap", frames: 1, certain: true });
  let readings = 0;
  const result = await resynchronise(twin, {
    statics: () => commander.statics(),
    readMemory: (address, bytes) => {
      readings++;
      board.allocate(24);
      return commander.readMemory(address, bytes);
    },
  });
  expect(result).toEqual({ synchronised: false, why: expect.stringContaining("never quiet") });
  expect(readings).toBe(10);
  expect(twin.state).toBe("unsynchronised");
  await link.close();
});

test("a board that may not be read says so", async () => {
  const board = new FakeBoard({ commandBytes: 0 });
  const link = linkOver(board.stream);
  const twin = new Twin();
  link.subscribe((items) => {
    for (const item of items) twin.apply(item);
  });
  const commander = new BoardCommander(link);
  board.boot();
  await commander.identify();
  twin.apply({ kind: "gap", frames: 1, certain: true });
  expect(await resynchronise(twin, commander)).toEqual({
    synchronised: false,
    why: expect.stringContaining("takes no commands"),
  });
  await link.close();
});

test("without a board there is nothing to read", async () => {
  const reader = { statics: async () => [], readMemory: async () => new Uint8Array() };
  expect(await resynchronise(new Twin(), reader)).toMatchObject({ synchronised: false });
});
