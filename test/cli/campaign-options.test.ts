import { expect, test } from "vitest";
import { campaignLine } from "../../src/cli/campaign-line.ts";
import { campaignOptions, shardText } from "../../src/cli/campaign-options.ts";

const whole = { precision: false };

test.each([
  [{ shard: "1/2" }, whole, /but not where they go/],
  [{ shard: "1/2", out: "x" }, { precision: true }, /--shard does not go with --precision/],
  [{ shard: "1/2", out: "x", json: "y" }, whole, /--shard does not go with --json/],
  [{ shard: "1/2", out: "x", queue: "redis://h" }, whole, /--shard does not go with --queue/],
  [{ jobs: "2", queue: "redis://h" }, whole, /--jobs does not go with --queue/],
  [{ jobs: "0" }, whole, /--jobs: got "0"/],
  [{ out: "" }, whole, /--out: expected a folder/],
  [{ queue: "h:6379" }, whole, /--queue: got "h:6379", expected redis:/],
])("%j is refused", (flags, precision, message) => {
  expect(() => campaignOptions(flags, precision)).toThrow(message);
});

test("a part of a campaign says how far it is", () => {
  const progress = { finished: 350, earlier: 0, left: 0, failures: 3, leftMs: 0, workers: 2 };
  expect(shardText({ index: 0, count: 2 }, "part1", progress)).toBe(
    "Part 1 of 2 is done: 350 runs are in part1.\nWhen all parts are: heapsoak merge DIR… with the 2 folders.\n",
  );
  expect(shardText({ index: 0, count: 2 }, "part1", { ...progress, left: 1000 })).toMatch(/1,000 are left/);
});

test("progress counts what was there before, but not into the speed", () => {
  const progress = { finished: 412, earlier: 118, left: 1588, failures: 31, leftMs: 28_100, workers: 2 };
  expect(campaignLine(progress, 10_000)).toBe(
    "412 of 2,000 runs (118 from before), 31 failed, 29 runs/s on 2 workers, ETA 29 s",
  );
});
