import { expect, test } from "vitest";
import { soak } from "../../src/soak/soak.ts";
import { scenarioOf } from "../support/run-scenarios.ts";

test("a pool of the smallest blocks can be filled to the last, and then refuses", async () => {
  const scenario = await scenarioOf(`uptime: 2 s
heaps: { pool: { allocator: fixed-pool, size: 6 KiB, options: { blockBytes: 4 } } }
tasks:
  taker:
    priority: 1
    stack: { size: 512 }
    every: 1 ms
    do: [ { allocate: block, size: 4 }, { keep: block, for: 1 h } ]
expect: [ { survives: 2 s } ]`);
  const { failure, heaps } = await soak(scenario).record;
  expect(failure).toMatchObject({ kind: "crash", atUs: 1_536_000, requestBytes: 4, freeBytes: 0 });
  expect(heaps.pool).toMatchObject({ liveBlocks: 1536, requests: 1537, failedRequests: 1 });
});
