import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type ProtectedRun, stackTable } from "../../src/report/stack-table.ts";
import { loadScenario } from "../../src/scenario/load.ts";
import type { Guard } from "../../src/scenario/model.ts";
import type { RunRecord, StackOverflowRecord } from "../../src/soak/record.ts";
import { soak } from "../../src/soak/soak.ts";

const FOLDER = join(import.meta.dirname, "../../firmware-scenarios/stacks");
const MINUTE_US = 60e6;
/** The first message, which steps over the end; the second one, which fills its buffer; the request behind the hole. */
const [FIRST, SECOND, WALK] = [10, 20, 25];

const runs = new Map<string, RunRecord>();
const table: ProtectedRun[] = [];

beforeAll(async () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.startsWith("overflow-"))) {
    const scenario = await loadScenario(join(FOLDER, file));
    const guard = scenario.tasks.find(({ name }) => name === "command")?.stack.guards[0];
    const run = await soak(scenario).record;
    runs.set(guard?.kind ?? "none", run);
    table.push({ protection: protectionOf(guard), stack: "command", run });
  }
}, 60_000);

function protectionOf(guard: Guard | undefined): string {
  if (!guard) return "none";
  return "bytes" in guard ? `${guard.kind} ${guard.bytes} B` : guard.kind;
}

function overflowUnder(protection: string): StackOverflowRecord {
  const overflow = runs.get(protection)?.stacks.command?.overflow;
  if (!overflow) throw new Error(`no overflow under ${protection}`);
  return overflow;
}

function noticedAtMinute({ atUs, detectedAfterUs }: StackOverflowRecord): number {
  return Math.floor((atUs + (detectedAfterUs ?? Number.POSITIVE_INFINITY)) / MINUTE_US);
}

describe("one overflow under every protection", () => {
  test("every kind of guard is shown", () => {
    expect([...runs.keys()].sort()).toEqual([
      "freertos-1",
      "freertos-2",
      "limit-register",
      "mpu",
      "none",
      "probe",
      "segmented",
      "stack-below-data",
      "stack-protector",
      "watchpoint",
      "zephyr-sentinel",
    ]);
  });

  test.each(["none", "freertos-1", "stack-protector"])("%s: the heap faults minutes later in another task", (kind) => {
    const overflow = overflowUnder(kind);
    expect(overflow.detectedBy).toBe("fault in heap walk (allocate changes)");
    expect(noticedAtMinute(overflow)).toBe(WALK);
    expect(overflow.overwrote).toContainEqual(expect.stringMatching(/^heap main/));
    expect(runs.get(kind)?.failure).toMatchObject({ kind: "fault", task: "sync", heap: "main" });
  });

  test.each([
    ["freertos-2", "freertos-2 pattern at switch-out"],
    ["zephyr-sentinel", "zephyr-sentinel word at switch-out or interrupt exit"],
    ["watchpoint", "watchpoint (DebugMonitor, DWTTRAP)"],
    ["mpu", "mpu guard (MemManage, MMFAR valid)"],
  ])("%s is stepped over by the first message and notices the second", (kind, by) => {
    const overflow = overflowUnder(kind);
    expect(overflow.detectedBy).toBe(by);
    expect(Math.floor(overflow.atUs / MINUTE_US)).toBe(FIRST);
    expect(noticedAtMinute(overflow)).toBe(SECOND);
    expect(overflow.bytesBeyond).toBeGreaterThan(2400);
  });

  test("the sentinel is looked at sooner than the pattern: an interrupt is enough", () => {
    const [sentinel, pattern] = [overflowUnder("zephyr-sentinel"), overflowUnder("freertos-2")];
    expect(sentinel.detectedAfterUs).toBeLessThan(pattern.detectedAfterUs ?? 0);
  });

  test.each(["limit-register", "probe"])("%s catches the first message before anything is overwritten", (kind) => {
    expect(overflowUnder(kind)).toMatchObject({ detectedAfterUs: 0, bytesBeyond: 0, overwrote: [] });
  });

  test("below the data the first store past the RAM's end faults", () => {
    const detectedBy = "bus fault on the stack's own store (call decode)";
    expect(overflowUnder("stack-below-data")).toMatchObject({ detectedBy, detectedAfterUs: 0, overwrote: [] });
    expect(runs.get("stack-below-data")?.failure).toMatchObject({ kind: "fault", heap: null });
  });

  test("a segmented stack overwrites nothing, until the heap refuses it a stacklet", () => {
    const overflow = overflowUnder("segmented");
    expect(overflow).toMatchObject({ detectedBy: "no memory for a stacklet", bytesBeyond: 0, overwrote: [] });
    expect(runs.get("segmented")?.heaps.main?.failedRequests).toBe(1);
    expect(runs.get("segmented")?.failure).toMatchObject({
      heap: "main",
      requestBytes: expect.any(Number),
      freeBytes: runs.get("segmented")?.heaps.main?.freeBytes,
      message: expect.stringMatching(/^no memory for a stacklet: request of [\d,]+ B refused/),
    });
    expect(Math.floor(overflow.atUs / MINUTE_US)).toBe(50);
  });

  test("the table shows them side by side", async () => {
    await expect(`${stackTable(table).join("\n")}\n`).toMatchFileSnapshot("stack-protections.txt");
  });
});
