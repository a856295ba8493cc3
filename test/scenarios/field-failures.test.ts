import { describe, expect, it } from "vitest";
import type { ScenarioOptions } from "../../src/scenario/load.ts";
import { loadScenario } from "../../src/scenario/load.ts";
import type { RunRecord } from "../../src/soak/record.ts";
import { soak } from "../../src/soak/soak.ts";
import { shippedScenario } from "../support/shipped-scenarios.ts";

const HOUR_US = 3600e6;
const DAY_US = 24 * HOUR_US;

describe("a ring of ten slots (OpenEVSE, firmware pull request 1190)", () => {
  it("takes the largest block from about 51 KB below 10 KB within 14 hours while free memory stays flat", async () => {
    const record = await run("field-failures/uncleared-ring.yaml");
    expect(usual(record, "largestFreeBytes", 0, 15 * 60e6)).toBeGreaterThan(48_000);
    expect(usual(record, "largestFreeBytes", 12 * HOUR_US, 14 * HOUR_US)).toBeLessThan(10_000);
    const freeBefore = usual(record, "freeBytes", 0, 15 * 60e6);
    const freeAfter = usual(record, "freeBytes", 12 * HOUR_US, 14 * HOUR_US);
    expect(freeAfter / freeBefore).toBeGreaterThan(0.93);
    expect(record.tasks.poll?.activations).toBeGreaterThan(60_000); // 1.3 a second
  });

  it("leaves it flat once its slots are cleared", async () => {
    const record = await run("field-failures/cleared-ring.yaml");
    for (let hour = 0; hour < 14; hour += 2) {
      expect(usual(record, "largestFreeBytes", hour * HOUR_US, (hour + 2) * HOUR_US)).toBeGreaterThan(50_000);
    }
  });
});

it("2,312 bytes are refused with about 25 KB free (ESPresense)", async () => {
  const { failure } = await run("field-failures/refused-2312.yaml");
  expect(failure).toMatchObject({ kind: "crash", task: "wifi", requestBytes: 2312 });
  expect(failure?.freeBytes).toBeGreaterThan(24_000);
  expect(failure?.freeBytes).toBeLessThan(27_000);
  expect(failure?.largestFreeBytes).toBeLessThan(2312);
});

describe("a slow leak", () => {
  it("is found by the drift of free memory weeks before the device fails, with the step", async () => {
    const { failure, heaps, tasks } = await run("field-failures/slow-leak.yaml");
    expect(failure).toBeNull();
    expect(heaps.main?.drift).toMatchObject({ shrinking: true });
    // One header of 64 bytes, 72 with its block's own, in 4,000 requests: 8,640 a day.
    const leakedADay = 72 * 8640 * 0.00025;
    expect(heaps.main?.drift?.low).toBeLessThan(-leakedADay);
    expect(heaps.main?.drift?.high).toBeGreaterThan(-1.5 * leakedADay);
    expect(heaps.main?.drift?.exhaustionUs).toBeGreaterThan(60 * DAY_US);
    expect(heaps.main?.holders[0]).toMatchObject({ task: "client", leaked: true });
    expect(heaps.main?.holders[0]?.step).toContain("allocate header");
    expect(tasks.client?.leakStep).toContain("leak header");
  });

  it("leaves no drift behind once it is mended", async () => {
    const { heaps } = await run("field-failures/slow-leak.yaml", { set: { "tasks.client.do[1].do[5].chance": 0 } });
    expect(heaps.main?.drift?.shrinking).toBe(false);
  });
});

describe("MQTT over TLS with a heap that is 2 KiB too small", () => {
  it("passes a day on the bench", async () => {
    const { failure, verdict, heaps } = await run("connected/mqtt-tls-too-small.yaml", { uptime: "1 d" });
    expect(failure).toBeNull();
    expect(verdict).toBe("undecided");
    expect(heaps.main?.failedRequests).toBe(0);
  });

  it("stops in the second week, with more than twice as many bytes free as it asks for", async () => {
    const { failure } = await run("connected/mqtt-tls-too-small.yaml");
    expect(failure).toMatchObject({ kind: "crash", task: "connection", requestBytes: 16_717 });
    expect(failure?.atUs).toBeGreaterThan(7 * DAY_US);
    expect(failure?.atUs).toBeLessThan(14 * DAY_US);
    expect(failure?.freeBytes).toBeGreaterThan(2 * 16_717);
  });
});

async function run(name: string, options: ScenarioOptions = {}): Promise<RunRecord> {
  return soak(await loadScenario(shippedScenario(name), options)).record;
}

/** The median of a figure of heap main between two times, as samples at the ends of windows show it. */
function usual(
  { heaps }: RunRecord,
  figure: "freeBytes" | "largestFreeBytes",
  fromUs: number,
  untilUs: number,
): number {
  const series = heaps.main?.series;
  if (!series) throw new Error("the record has no heap main");
  const inside = series[figure].last.filter((_, row) => {
    const atUs = series.atUs[row] ?? -1;
    return atUs > fromUs && atUs <= untilUs;
  });
  return inside.toSorted((a, b) => a - b)[inside.length >> 1] ?? Number.NaN;
}
