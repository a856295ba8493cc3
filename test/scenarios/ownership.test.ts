import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadScenario } from "../../src/scenario/load.ts";
import type { HeapRecordOfRun } from "../../src/soak/record.ts";
import { soak } from "../../src/soak/soak.ts";

const FOLDER = join(import.meta.dirname, "../../firmware-scenarios/ownership");
const heaps = new Map<string, HeapRecordOfRun>();

/** The heap of one of the four, without the cycle where `acyclic`: it would decide everything. */
async function heapUnder(ownership: string, acyclic = false): Promise<HeapRecordOfRun> {
  const file = join(FOLDER, `ownership-${ownership}.yaml`);
  const { mutant } = await loadScenario(file);
  const scenario = await loadScenario(file, { ...(acyclic && mutant && { set: mutant }), uptime: "1 d" });
  const heap = (await soak(scenario).record).heaps.main;
  if (!heap) throw new Error(`${file} has no heap main`);
  return heap;
}

beforeAll(async () => {
  for (const ownership of ["manual", "raii", "counted", "traced"]) heaps.set(ownership, await heapUnder(ownership));
  heaps.set("counted, acyclic", await heapUnder("counted", true));
}, 60_000);

function heap(ownership: string): HeapRecordOfRun {
  const found = heaps.get(ownership);
  if (!found) throw new Error(`nothing ran under ${ownership}`);
  return found;
}

/** Blocks and references looked at while a request waits. */
function longestPause({ visits, collections }: HeapRecordOfRun): number {
  return Math.max(visits.max, collections?.longestVisits ?? 0);
}

describe("one firmware, four ways to own memory", () => {
  test("by hand leaves more than by scope: nothing is held until a scope ends", () => {
    expect(heap("manual").minimumFreeBytes).toBeGreaterThan(heap("raii").minimumFreeBytes);
  });

  test("shared owners need no copies, which outweighs the counts in every block", () => {
    expect(heap("counted, acyclic").minimumFreeBytes).toBeGreaterThan(heap("manual").minimumFreeBytes);
    expect(heap("counted, acyclic").requests).toBeLessThan(heap("manual").requests);
  });

  test("a cycle keeps counted blocks alive until a request is refused", () => {
    expect(heap("counted").failedRequests).toBe(1);
    expect(heap("counted, acyclic").failedRequests).toBe(0);
  });

  test("the collector runs the heap full and gives cycles back", () => {
    const { minimumFreeBytes, collections, failedRequests } = heap("traced");
    expect(minimumFreeBytes).toBeLessThan(512);
    expect(collections?.count).toBeGreaterThan(1000);
    expect(failedRequests).toBe(0);
  });

  test("its pause is many times the longest of the others", () => {
    const others = ["manual", "raii", "counted"].map((ownership) => longestPause(heap(ownership)));
    expect(longestPause(heap("traced"))).toBeGreaterThan(10 * Math.max(...others));
  });
});
