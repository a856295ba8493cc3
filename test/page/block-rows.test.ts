import { describe, expect, test } from "vitest";
import { AddressSpace } from "../../src/page/address-space.ts";
import { blockClasses } from "../../src/page/block-classes.ts";
import { BlockRows } from "../../src/page/block-rows.ts";
import { columnAt } from "../../src/page/heap-columns.ts";
import type { PageRun } from "../../src/report/html/page-data.ts";

const SECOND_US = 1e6;

/** A heap in two regions; blocks as [address, bytes, site, first, last]. */
function heap(...blocks: [address: number, bytes: number, site: number, first: number, last: number][]) {
  const column = (index: number) => blocks.map((block) => block[index] ?? 0);
  const run: PageRun = {
    name: "run",
    simulatedUs: 3 * SECOND_US,
    failure: null,
    historyAtUs: [SECOND_US, 2 * SECOND_US, 3 * SECOND_US],
    sites: [
      { task: "uplink", step: "tasks.uplink.do[0] allocate packet" },
      { task: null, step: null },
    ],
    heaps: [],
  };
  const space = new AddressSpace([
    { low: 0x1000, bytes: 0x100 },
    { low: 0x8000, bytes: 0x100 },
  ]);
  const rows = new BlockRows(
    run,
    {
      address: column(0),
      bytes: column(1),
      requestBytes: column(1).map((bytes) => bytes - 8),
      site: column(2),
      ageUs: blocks.map(() => SECOND_US / 2),
      first: column(3),
      last: column(4),
      leaked: [0],
    },
    space,
  );
  return { rows, space };
}

describe("addresses of several regions", () => {
  test("are put end to end, and found again", () => {
    const { space } = heap();
    expect(space.bytes).toBe(0x200);
    expect(space.offsetOf(0x8010)).toBe(0x110);
    expect(space.addressOf(0x110)).toBe(0x8010);
    expect(space.offsetOf(0x7fff)).toBeUndefined();
  });
});

describe("the blocks of a heap over time", () => {
  test("a moment stands for the time since the one before", () => {
    const ends = [1, 2, 3];
    expect([0, 0.5, 1, 1.5, 3, 9].map((us) => columnAt(ends, us))).toEqual([0, 0, 0, 1, 2, 2]);
  });

  test("a block is told with its owner, place, size and life", () => {
    const { rows } = heap([0x1020, 40, 0, 0, 1]);
    expect(rows.partAt(1, 0x30, 0)).toEqual({
      offset: 0x20,
      bytes: 40,
      fromUs: 0,
      toUs: 2 * SECOND_US,
      text:
        "tasks.uplink.do[0] allocate packet · 40 B at 0x00001020 · 32 B requested · " +
        "allocated day 1, 00:00:00.500000 · lived at least 1.5 s · leaked: nobody will free it",
    });
  });

  test("what lies between blocks ends where the region ends", () => {
    const { rows } = heap([0x10c0, 0x20, 0, 0, 2], [0x8040, 0x20, 1, 0, 2]);
    expect(rows.partAt(0, 0xf0, 0)).toMatchObject({ offset: 0xe0, bytes: 0x20 });
    expect(rows.partAt(0, 0x110, 0)).toMatchObject({ offset: 0x100, bytes: 0x40 });
  });

  test("a block that is gone, or not there yet, is not found", () => {
    const { rows } = heap([0x1000, 0x100, 0, 1, 1]);
    expect([0, 1, 2].map((column) => rows.partAt(column, 8, 0).text.startsWith("No block"))).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("a thin block is found near it, and only as near as asked for", () => {
    const { rows } = heap([0x1020, 4, 1, 0, 2]);
    expect(rows.partAt(0, 0x2a, 8).text).toMatch(/^the kernel · 4 B/);
    expect(rows.partAt(0, 0x2a, 2).text).toMatch(/^No block/);
  });

  test("a block outside the heap's regions is not drawn, and disturbs nothing", () => {
    const { rows } = heap([0x5000, 64, 0, 0, 2]);
    expect(rows.partAt(0, 8, 1000)).toMatchObject({ offset: 0, bytes: 0x100 });
  });

  test("the largest gap lies within a region", () => {
    expect(heap([0x1000, 0xf0, 0, 0, 2], [0x8030, 0xd0, 0, 0, 2]).rows.largestGap(2)).toEqual({
      offset: 0x100,
      bytes: 0x30,
    });
    expect(heap().rows.largestGap(0)).toEqual({ offset: 0, bytes: 0x100 });
  });
});

describe("colours of blocks", () => {
  test("by owner: the same owner has the same colour, wherever it holds more", () => {
    const first = blockClasses(heap([0x1000, 8, 0, 0, 2], [0x1010, 80, 1, 0, 2]).rows, "owner");
    const second = blockClasses(heap([0x1000, 80, 0, 0, 2], [0x1080, 8, 1, 0, 2]).rows, "owner");
    const colours = (classes: typeof first) => classes.map(({ label, color }) => [label, color]);
    expect(colours(first)).toEqual([
      ["tasks.uplink.do[0] allocate packet", "--series-1"],
      ["the kernel", "--series-2"],
    ]);
    expect(colours(second)).toEqual(colours(first));
  });

  test("by size: every block is in the class of its size", () => {
    const classes = blockClasses(heap([0x1000, 31, 0, 0, 0], [0x1020, 32, 0, 0, 0]).rows, "size");
    expect(classes.map(({ rows }) => [...rows])).toEqual([[0], [1], [], [], [], []]);
    expect(classes.map(({ label }) => label).slice(0, 2)).toEqual(["under 32 B", "under 128 B"]);
  });
});
