import { expect, test } from "vitest";
import { LiveBlocks } from "../../src/trace/live-blocks.ts";

function three(): LiveBlocks {
  const blocks = new LiveBlocks();
  for (const id of [0, 1, 2]) blocks.add(id, 0x1000 + id * 64, 40);
  return blocks;
}

test("a block is known by its address until it is freed, and its id for a while after", () => {
  const blocks = three();
  expect(blocks.idAt(0x1040)).toBe(1);
  expect(blocks.free(0x1040)).toBe(1);
  expect(blocks.free(0x1040)).toBeUndefined();
  expect(blocks.freedAt(0x1040)).toBe(1);
  expect(blocks).toMatchObject({ count: 2, requestedBytes: 80 });
});

test("without a gap nothing is taken for lost", () => {
  expect(three().freeLostUnder(0x1000, 1000)).toEqual([]);
});

test("behind a gap the blocks that a new one lies over are freed, and no others", () => {
  const blocks = three();
  blocks.gap();
  blocks.add(3, 0x2000, 40);
  expect(blocks.freeLostUnder(0x1020, 40)).toEqual([0, 1]);
  expect(blocks.freeLostUnder(0x2000, 40)).toEqual([]);
  expect(blocks.count).toBe(2);
});

test("a boot forgets all", () => {
  const blocks = three();
  blocks.gap();
  blocks.clear();
  expect(blocks.freeLostUnder(0x1000, 1000)).toEqual([]);
  expect(blocks).toMatchObject({ count: 0, requestedBytes: 0 });
});
