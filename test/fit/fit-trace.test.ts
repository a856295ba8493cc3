/** From a trace to the verdict, the whole way. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Fit, fitTrace } from "../../src/fit/fit.ts";
import type { Random } from "../../src/statistics/random.ts";
import { blocksOf, exponential, type Process, scenarioWith, traceOfBlocks, traceOfRun } from "../support/fit-traces.ts";

const folder = mkdtempSync(join(tmpdir(), "heapsoak-fit-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function fitOf(text: string): Promise<Fit> {
  const trace = join(folder, "day.trace");
  writeFileSync(trace, text);
  return fitTrace({ trace });
}

function figure({ record }: Fit, name: string) {
  const found = record.evaluation.figures.find((one) => one.name === name);
  if (!found) throw new RangeError(`no figure ${name}`);
  return found;
}

const SECONDS = 600;
const PLAIN: Process = {
  perSecond: () => 20,
  requestBytes: (_, random) => 16 + random.next() * 184,
  lifeUs: (_, random) => exponential(random) * 500_000,
};

describe("a trace with a structure that no fitted scenario has", { timeout: 120_000 }, () => {
  test.each<[string, Partial<Process>]>([
    ["a rate that drifts", { perSecond: (at) => 15 + (15 * at) / SECONDS }],
    ["lives that change once, late", { lifeUs: (at, random) => exponential(random) * (at < 400 ? 500_000 : 700_000) }],
    ["sizes with a long memory", { requestBytes: longMemory() }],
  ])("does not fit: %s", async (_, different) => {
    const fit = await fitOf(traceOfBlocks(blocksOf({ ...PLAIN, ...different }, SECONDS, 7), SECONDS * 1e6));
    expect(fit.record.evaluation.reasons.join(" ")).toMatch(/\d %/);
    expect(fit.record.evaluation.verdict).toBe("does-not-fit");
  });

  test("does not fit: a comb that frees every other block, once", async () => {
    const fit = await fitOf(traceOfBlocks(comb(), SECONDS * 1e6));
    expect(fit.record.evaluation.verdict).toBe("does-not-fit");
  });
});

describe("a trace with refused requests", { timeout: 120_000 }, () => {
  /** Peaks are refused: some per cent of all requests. */
  const TIGHT = scenarioWith(`tasks:
  net: { poisson: 20 /s, do: [ { allocate: it, size: { uniform: [16, 200] } }, { keep: it, for: { exponential: 500 ms } } ] }
`).replace("size: 16 KiB", "size: 1900");

  test("fits where the heap is too small for its peaks, with as many refused", async () => {
    const fit = await fitOf(await traceOfRun(TIGHT, 3600, 11));
    const failed = figure(fit, "failed requests");
    expect(fit.record.trace.refused).toBeGreaterThan(0.01 * fit.record.trace.operations);
    expect(failed.scenario / (failed.trace ?? 0)).toBeGreaterThan(0.85);
    expect(failed.scenario / (failed.trace ?? 0)).toBeLessThan(1.15);
    expect(Math.abs(figure(fit, "mean live bytes").differenceRatio)).toBeLessThan(0.02);
    expect(Math.abs(figure(fit, "mean largest free block").differenceRatio)).toBeLessThan(0.1);
    expect(fit.record.evaluation.verdict).toBe("fits");
    expect(fit.record.remarks.join()).toMatch(
      /\d requests were refused: the scenario makes them as it makes the others\./,
    );
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

/** Short lives, and in the second half blocks of which every other one goes at once. */
function comb() {
  const fromUs = (SECONDS * 1e6 * 2) / 3;
  const teeth = Array.from({ length: 60 }, (_, tooth) => ({
    bornUs: fromUs + tooth * 1000,
    diedUs: tooth % 2 === 0 ? fromUs + 100_000 : SECONDS * 2e6,
    requestBytes: 100,
  }));
  return [...blocksOf(PLAIN, SECONDS, 7), ...teeth];
}
