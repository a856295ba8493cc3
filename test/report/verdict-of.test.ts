import { expect, test } from "vitest";
import { verdictOf } from "../../src/report/verdict-of.ts";
import type { AllocatorSize } from "../../src/risk/size/record.ts";
import { sizeRecord } from "./formats/sample-records.ts";

const refused: AllocatorSize = { allocator: "bump", verdict: "refused", reason: "It never frees." };

function sizesOf(...verdicts: readonly ("found" | "none" | "undecided")[]): AllocatorSize[] {
  const searched = sizeRecord().allocators.find((one) => one.verdict === "found");
  return verdicts.map((verdict) => ({ ...searched, verdict }) as AllocatorSize);
}

test.each([
  ["pass", sizesOf("none", "found")],
  ["undecided", sizesOf("none", "undecided")],
  ["fail", sizesOf("none")],
])("a search for a size ends as %s by its best allocator, whatever refused to run", (verdict, allocators) => {
  expect(verdictOf({ ...sizeRecord(), allocators })).toBe(verdict);
  expect(verdictOf({ ...sizeRecord(), allocators: [refused, ...allocators] })).toBe(verdict);
});

test("a search in which all allocators refused to run is undecided", () => {
  expect(verdictOf({ ...sizeRecord(), allocators: [refused] })).toBe("undecided");
});
