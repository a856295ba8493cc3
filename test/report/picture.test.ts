import { describe, expect, test } from "vitest";
import { type HeapBlock, heapMap, heapPicture } from "../../src/index.ts";

/** Blocks one behind the other: `l16` live, `f16` free, `b8` bookkeeping, `u100` untouched. */
function blocks(sketch: string): HeapBlock[] {
  const states = { l: "live", f: "free", b: "bookkeeping", u: "untouched" } as const;
  let address = 0x2000_0000;
  return sketch.split(" ").map((word) => {
    const bytes = Number(word.slice(1));
    const block = {
      address,
      bytes,
      payload: address,
      requestBytes: bytes,
      state: states[word[0] as keyof typeof states],
    };
    address += bytes;
    return block;
  });
}

describe("the picture of a heap", () => {
  test("shows live blocks as sizes, holes in brackets, the untouched rest with an ellipsis", () => {
    expect(heapPicture(blocks("l16 f64 l40 u8192"))).toBe("16 [64] 40 [8192…]");
  });

  test("folds runs of equal blocks", () => {
    expect(heapPicture(blocks("l24 l24 l24 f8 f8 l16"))).toBe("3×24 2×[8] 16");
  });

  test("leaves out bookkeeping unless asked", () => {
    expect(heapPicture(blocks("b8 l16 b8"))).toBe("16");
    expect(heapPicture(blocks("b8 l16 b8"), { bookkeeping: true })).toBe("(8) 16 (8)");
  });

  test("puts labels in front of live blocks only", () => {
    expect(heapPicture(blocks("l5 f3"), { label: () => "A:" })).toBe("A:5 [3]");
  });

  test("leaves out the middle of a long heap and says how many it left out", () => {
    const picture = heapPicture(blocks(Array.from({ length: 200 }, (_, i) => `l${i + 1}`).join(" ")), { width: 80 });
    expect(picture.length).toBeLessThanOrEqual(80);
    expect(picture).toMatch(/^1 2 3 .* … \d+ more … .*199 200$/);
  });

  test("of nothing is empty", () => {
    expect(heapPicture([])).toBe("");
    expect(heapMap([], 10)).toBe("");
  });
});

describe("the map of a heap", () => {
  test("is to scale: live, free, both and bookkeeping", () => {
    expect(heapMap(blocks("b8 l16 f16 l4 f4"), 6)).toBe("-##..+");
  });

  test("shows a small live block within a large hole", () => {
    expect(heapMap(blocks("f500 l50 f450"), 10)).toBe(".....+....");
  });
});
