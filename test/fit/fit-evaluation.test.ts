import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Evaluation, evaluate } from "../../src/fit/evaluation/evaluate.ts";
import type { EvaluationPlace } from "../../src/fit/evaluation/replayed.ts";
import { readHistory } from "../../src/fit/history/history.ts";
import type { Random } from "../../src/statistics/random.ts";
import {
  blocksOf,
  exponential,
  POISSON,
  type Process,
  scenarioWith,
  traceOfBlocks,
  traceOfRun,
} from "../support/fit-traces.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-fit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PLACE: EvaluationPlace = { allocator: "newlib-nano", heapBytes: 16_384 };
let files = 0;

async function evaluated(trace: string, scenario: string, { fitted = true, place = PLACE } = {}): Promise<Evaluation> {
  const file = join(folder, `${files++}.trace`);
  writeFileSync(file, trace);
  const history = await readHistory(file);
  const splitUs = Math.floor(history.durationUs / 2);
  return evaluate({ trace: file, history, splitUs, scenario, place, fitted });
}

function figure({ figures }: Evaluation, name: string) {
  const found = figures.find((one) => one.name === name);
  if (!found) throw new RangeError(`no figure ${name}`);
  return found;
}

const SECONDS = 600;

/** Requests as POISSON's `net` makes them. */
const PLAIN: Process = {
  perSecond: () => 20,
  requestBytes: (_, random) => 16 + random.next() * 184,
  lifeUs: (_, random) => exponential(random) * 500_000,
};
const PLAIN_SCENARIO = scenarioWith(`tasks:
  net: { poisson: 20 /s, do: [ { allocate: it, size: { uniform: [16, 200] } }, { keep: it, for: { exponential: 500 ms } } ] }
`);

/** On average as PLAIN, but either hardly anything or twice as much for half a minute. */
const RESTLESS_SCENARIO = scenarioWith(`modes:
  calm: { for: { exponential: 30 s }, then: busy }
  busy: { for: { exponential: 30 s }, then: calm }
tasks:
  net: { loop: true, do: [ { until: busy }, { wait: { exponential: 25 ms } }, { allocate: it, size: { uniform: [16, 200] } }, { keep: it, for: { exponential: 500 ms } } ] }
`);

describe("the evaluation of a scenario", { timeout: 120_000 }, () => {
  test("says that it fits the traces of its own runs", async () => {
    const evaluation = await evaluated(await traceOfRun(POISSON, 900, 101), POISSON, { fitted: false });
    expect(evaluation.reasons).toEqual([]);
    expect(evaluation.verdict).toBe("fits");
    expect(Math.abs(figure(evaluation, "mean live bytes").differenceRatio)).toBeLessThan(0.02);
    expect(Math.abs(figure(evaluation, "mean largest free block").differenceRatio)).toBeLessThan(0.1);
  });

  test("needs no chance where there is none", async () => {
    const sensor = scenarioWith(
      "tasks: { sensor: { every: 100 ms, do: [ { allocate: it, size: 48 }, { keep: it, for: 250 ms } ] } }",
    );
    const evaluation = await evaluated(await traceOfRun(sensor, 30, 1), sensor);
    expect(evaluation.verdict).toBe("fits");
    expect(
      evaluation.figures.every(
        ({ differenceRatio, chanceRatio }) => Math.abs(differenceRatio) < 0.001 && chanceRatio < 0.001,
      ),
    ).toBe(true);
    const other = await evaluated(await traceOfRun(sensor, 30, 1), sensor.replace("size: 48", "size: 56"));
    expect(other.verdict).toBe("does-not-fit");
    expect(other.reasons[0]).toMatch(/^Mean live bytes: 14 % above the trace's \(tolerance 2\.0 %\)\.$/);
  });

  test("says of another scenario that it does not fit, by which figures and how much", async () => {
    const trace = await traceOfRun(POISSON, SECONDS, 104);
    const evaluation = await evaluated(trace, POISSON.replace("exponential: 500 ms", "exponential: 600 ms"));
    expect(evaluation.verdict).toBe("does-not-fit");
    expect(evaluation.reasons[0]).toMatch(/^Mean live bytes: 1\d % above the trace's \(/);
  });

  test("cannot tell of a minute, and not of a few requests", async () => {
    const minute = await evaluated(await traceOfRun(POISSON, 60, 105), POISSON);
    expect(minute.verdict).toBe("undecided");
    expect(minute.reasons[0]).toMatch(
      /^Mean live bytes: chance moves it by \d+ % from run to run\. A longer trace may tell\.$/,
    );
    const blink = await evaluated("a 0 5 t=0\nf 0 t=5\na 1 5 t=100\nf 1 t=105\n", PLAIN_SCENARIO);
    expect(blink.verdict).toBe("undecided");
    expect(blink.runs).toEqual([]);
    expect(blink.reasons[0]).toMatch(/^The halves of the trace hold 1 and 1 requests/);
  });

  test.each<[string, Partial<Process>]>([
    ["a rate that drifts", { perSecond: (at) => 15 + (10 * at) / SECONDS }],
    ["lives that change once", { lifeUs: (at, random) => exponential(random) * (at < 400 ? 500_000 : 620_000) }],
    ["sizes with a long memory", { requestBytes: longMemory() }],
    ["lives that are regular where they should be drawn", { lifeUs: (at) => (at % 20 < 10 ? 1_000 : 1_000_000) }],
  ])("does not pass %s for what it foretells", async (_, different) => {
    const blocks = blocksOf({ ...PLAIN, ...different }, SECONDS, 7);
    const evaluation = await evaluated(traceOfBlocks(blocks, SECONDS * 1e6), PLAIN_SCENARIO);
    expect(evaluation.verdict).toBe("does-not-fit");
    expect(evaluation.reasons.length).toBeGreaterThan(0);
  });

  test("passes the same trace without such a structure", async () => {
    const plain = await evaluated(traceOfBlocks(blocksOf(PLAIN, SECONDS, 7), SECONDS * 1e6), PLAIN_SCENARIO);
    expect(plain.verdict).not.toBe("does-not-fit");
  });

  test("does not pass a scenario for undecided that swings far more than the trace", async () => {
    const trace = traceOfBlocks(blocksOf(PLAIN, SECONDS, 7), SECONDS * 1e6);
    const evaluation = await evaluated(trace, RESTLESS_SCENARIO);
    expect(evaluation.verdict).toBe("does-not-fit");
    expect(evaluation.reasons.join("\n")).toMatch(
      /^Mean live bytes: the scenario swings more than the trace, [\d.]+ times as far\.$/m,
    );
    expect(figure(evaluation, "mean live bytes")).toMatchObject({ verdict: "wilder" });
  });

  test("follows 64 boots and says how many there are", async () => {
    const part = "a 0 50 t=0\na 1 60 t=1000000\nf 0 t=2000000\n";
    // One that fails at once is not run through all of them, sixteen times.
    const crashes = PLAIN_SCENARIO.replace("drop", "crash").replace("[16, 200]", "[17000, 18000]");
    const evaluation = await evaluated(Array.from({ length: 200 }, () => part).join("! boot\n"), crashes);
    expect(evaluation.stretches).toEqual([64, 100]);
    expect(evaluation.endUs - evaluation.splitUs).toBeLessThan(0.7 * evaluation.splitUs);
  });

  test("counts the requests that fail", async () => {
    const place = { allocator: "newlib-nano", heapBytes: 2048 };
    const trace = traceOfBlocks(blocksOf(PLAIN, SECONDS, 7), SECONDS * 1e6, "");
    const evaluation = await evaluated(trace, PLAIN_SCENARIO, { place });
    const failed = figure(evaluation, "failed requests");
    expect(failed.trace).toBeGreaterThan(30);
    expect(failed.verdict).toBe("within");
    expect(Math.abs((failed.trace ?? 0) - failed.scenario)).toBeLessThan((failed.trace ?? 0) / 3);
  });

  test("starts anew where the device booted", async () => {
    const boots = (text: string) => `${text}! boot\n`;
    const part = await traceOfRun(POISSON, 50, 5);
    const records = part.replace(/^#.*\n/gm, "");
    const trace = boots(part) + [1, 2].map(() => boots(records)).join("") + records;
    const evaluation = await evaluated(trace, POISSON);
    expect(evaluation.looks).toBe(4096);
    expect(evaluation.stretches).toEqual([2, 2]);
    expect(figure(evaluation, "mean live bytes").verdict).not.toBe("beyond");
    expect(figure(evaluation, "slow swings of live bytes").verdict).toBe("within");
  });

  test("counts a scenario that fails against it", async () => {
    const crashes = PLAIN_SCENARIO.replace("onAllocationFailure: drop", "onAllocationFailure: crash");
    const place = { allocator: "newlib-nano", heapBytes: 2048 };
    const trace = traceOfBlocks(blocksOf(PLAIN, SECONDS, 7), SECONDS * 1e6, "");
    const evaluation = await evaluated(trace, crashes, { place });
    expect(evaluation.verdict).toBe("does-not-fit");
    expect(evaluation.reasons[0]).toBe("16 of 16 runs of the scenario failed (crash), where the trace goes on.");
  });

  test("does not wait for a scenario that asks far more often than the trace", async () => {
    const busy = PLAIN_SCENARIO.replace("20 /s", "2000 /s").replace("500 ms", "1 ms");
    const evaluation = await evaluated(traceOfBlocks(blocksOf(PLAIN, SECONDS, 7), SECONDS * 1e6), busy);
    expect(evaluation.verdict).toBe("does-not-fit");
    expect(evaluation.reasons[0]).toBe("The scenario asks more than 10 times as often as the trace.");
    expect(evaluation.runs).toHaveLength(1);
  });

  test("gives the same result every time", async () => {
    const trace = await traceOfRun(POISSON, 30, 9);
    expect(await evaluated(trace, POISSON)).toEqual(await evaluated(trace, POISSON));
  });
});

/** Sizes that stay near the one before for a minute; evenly spread in the long run. */
function longMemory(): Process["requestBytes"] {
  let bytes = 108;
  return (_, random: Random) => {
    if (random.next() < 0.001) bytes = 16 + random.next() * 184;
    return bytes;
  };
}
