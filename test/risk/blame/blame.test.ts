import { describe, expect, test } from "vitest";
import { blameText } from "../../../src/report/blame-text.ts";
import { measureRemedies } from "../../../src/risk/blame/measure.ts";
import type { BlameRecord } from "../../../src/risk/blame/record.ts";
import { remediesFor } from "../../../src/risk/blame/remedies.ts";
import { blameScenario } from "../../../src/risk/blame/scenario-blame.ts";
import { blameTrace } from "../../../src/risk/blame/trace-blame.ts";
import { parseScenario } from "../../../src/scenario/load.ts";
import type { Settings } from "../../../src/scenario/settings.ts";
import { soak } from "../../../src/soak/soak.ts";
import { temporaryFolder } from "../../support/traces.ts";

const { write } = temporaryFolder();

/**
 * Two blocks of a buffer's size fit between small ones; a note of 32 bytes that is kept for hours lies where the second
 * buffer went, once it was freed, and the next time it is refused.
 */
const PINNED = `
heapsoak: 1
title: A note in the way
why: test
device: stm32f407vg
uptime: 1 h
heaps: { main: { allocator: freertos-heap4, size: 1 KiB, region: sram } }
stacks: { region: ccm }
caches: { notes: { slots: 1, evict: oldest } }
tasks:
  notes:
    priority: 3
    stack: { size: 512 B }
    every: 10 s
    start: 15 s
    do:
      - { allocate: note, size: 32 }
      - { cache: note, in: notes }
  buffers:
    priority: 2
    stack: { size: 512 B }
    every: 60 s
    do:
      - { allocate: left, size: 200 }
      - { wait: 14 s }
      - { free: left }
      - { wait: 20 s }
      - { allocate: buffer, size: 936 }
      - { free: buffer }
`;

/** The same note, but the firmware copes. */
const COPES = PINNED.replace("priority: 2\n", "priority: 2\n    onAllocationFailure: drop\n");

const scenarioOf = (text: string, set: Settings = {}) => parseScenario(text, "pinned.yaml", { set });

describe("blame in a scenario", () => {
  test("names the block whose release makes the refused request fit, its step and its age", async () => {
    const { record } = blameScenario(await scenarioOf(PINNED));
    expect(record.moment).toMatchObject({
      kind: "failure",
      atUs: 34e6,
      requestBytes: 936,
      by: { task: "buffers", step: "tasks.buffers.do[4] allocate buffer" },
    });
    const run = await soak(await scenarioOf(PINNED)).record;
    expect(record.moment).toMatchObject({
      atUs: run.failure?.atUs,
      freeBytes: run.failure?.freeBytes,
      largestFreeBytes: run.failure?.largestFreeBytes,
    });
    const pins = record.moment?.set?.pins ?? [];
    expect(pins.map(({ task, step, bytes, owner }) => [task, step, bytes, owner])).toEqual([
      ["notes", "tasks.notes.do[0] allocate note", 40, "cache"],
    ]);
    expect(pins[0]?.ageUs).toBe(9e6);
    expect(record.moment?.set?.largestFreeBytes).toBeGreaterThanOrEqual(936);
  });

  test("finds the first refused request where the firmware copes", async () => {
    const { record } = blameScenario(await scenarioOf(COPES));
    expect(record.moment).toMatchObject({ kind: "refused", atUs: 34e6, requestBytes: 936 });
    expect(record.moment?.set?.pins[0]?.task).toBe("notes");
    expect(record.wholeRun).toMatchObject({ samples: 1, refused: 1 });
  });

  test("looks at any time and any request", async () => {
    const { record } = blameScenario(await scenarioOf(COPES), { atUs: 20e6, requestBytes: 900 });
    expect(record.moment).toMatchObject({ kind: "asked", atUs: 20e6 });
    expect(record.moment?.set?.pins).toHaveLength(0);
    expect(blameText(record)).toContain("900 B would have fitted");
    expect(record.wholeRun?.samples).toBe(256);
  });

  test("says so where nothing is refused, or not by a request", async () => {
    const { record } = blameScenario(await scenarioOf(PINNED, { "heaps.main.size": "4 KiB" }));
    expect(record.moment).toBeNull();
    expect(blameText(record)).toContain("no request was refused");
    const late = await scenarioOf(PINNED);
    expect(() => blameScenario(late, { atUs: 3600e6, requestBytes: 8 })).toThrow(/ends before that time/);
    expect(() => blameScenario(late, { heap: "other" })).toThrow(/no heap "other"/);
  });

  test("gives the same record twice, and with the machine used before", async () => {
    const scenario = await scenarioOf(COPES);
    expect(blameScenario(scenario).record).toEqual(blameScenario(scenario).record);
  });
});

describe("blame in a trace", () => {
  test("of a run names the same blocks as in the run itself", async () => {
    const scenario = await scenarioOf(PINNED);
    const lines: string[] = [];
    await soak(scenario, { trace: { write: async (text) => void lines.push(text) } }).record;
    const record = await blameTrace(write("run.trace", lines.join("")));
    const inRun = blameScenario(scenario).record;
    expect(record.moment?.set?.pins.map(({ bytes, ageUs }) => [bytes, ageUs])).toEqual(
      inRun.moment?.set?.pins.map(({ bytes, ageUs }) => [bytes, ageUs]),
    );
    expect(record.moment?.set?.pins[0]).toMatchObject({ task: "notes", step: "tasks.notes.do[0]" });
    expect(record.moment).toMatchObject({ requestBytes: 936, atUs: 34e6 });
  });

  test("looks behind any operation", async () => {
    const header = "# allocator=first-fit\n# heap_size=256\n# option_headerBytes=0\n";
    const path = write("at.trace", `${header}a 0 64\na 1 64\na 2 64\nf 0\nf 2\n`);
    const record = await blameTrace(path, { operation: 5, requestBytes: 200 });
    expect(record.moment?.set).toMatchObject({
      releasedBytes: 64,
      largestFreeBytes: 256,
      pins: [{ ageOperations: 4 }],
    });
    await expect(blameTrace(path, { operation: 6 })).rejects.toMatchObject({ code: "bad-argument" });
    await expect(blameTrace(path)).rejects.toMatchObject({
      code: "bad-argument",
      hint: expect.stringContaining("--request"),
    });
  });
});

describe("remedies", () => {
  test("move the note to a pool, the buffer to a static one, and change allocator and size", async () => {
    const { record, run, census, askingStep } = blameScenario(await scenarioOf(PINNED));
    const remedies = remediesFor(record, run, census, askingStep);
    expect(remedies.map(({ kind }) => kind)).toEqual(["pool", "static", "allocator", "allocator", "size", "size"]);
    expect(remedies[0]?.set).toEqual({
      "heaps.pinned-pool": { allocator: "fixed-pool", size: 64, region: "sram", options: { blockBytes: 32 } },
      "heaps.main.size": 944,
      "tasks.notes.do[0].heap": "pinned-pool",
    });
    expect(remedies[1]?.set).toEqual({ "tasks.buffers.do[4]": { free: "buffer" }, "heaps.main.size": 88 });
  });

  test("are measured on the same seeds: what helps, what does not, what cannot be run", async () => {
    const { record } = blameScenario(await scenarioOf(PINNED));
    const remedy = (title: string, set: Settings) => ({ kind: "size" as const, title, set });
    const remedies = await measureRemedies({
      remedies: [
        remedy("larger", { "heaps.main.size": 2048 }),
        remedy("no larger", { "heaps.main.size": 1024 }),
        remedy("impossible", { "heaps.main.size": "4 MiB" }),
      ],
      load: (one) => scenarioOf(PINNED, one?.set),
      heap: "main",
      runs: 4,
      baseSeed: 1n,
      horizonUs: 120e6,
      failOn: "failure",
    });
    expect(remedies.before).toMatchObject({ failures: 4, runs: 4, probability: 1 });
    const [larger, same, impossible] = remedies.tried;
    expect(larger).toMatchObject({ mended: 4, broken: 0, risk: { failures: 0, upperBound95: expect.any(Number) } });
    expect(same).toMatchObject({ mended: 0, broken: 0, risk: { failures: 4, upperBound95: null } });
    expect(impossible).toMatchObject({ risk: null, problem: expect.stringContaining("pinned.yaml") });
    const shown: BlameRecord = { ...record, remedies };
    await expect(blameText(shown)).toMatchFileSnapshot("golden/blame.txt");
  });
});
