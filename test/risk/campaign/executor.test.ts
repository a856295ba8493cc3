import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type CampaignOptions, type CampaignProgress, campaignExecutor } from "../../../src/risk/campaign/executor.ts";
import { mergeResults } from "../../../src/risk/campaign/merge.ts";
import { readResultsOf, resultsPath } from "../../../src/risk/campaign/results-file.ts";
import { executeInProcess } from "../../../src/risk/in-process.ts";
import type { CampaignPlan, CampaignSink } from "../../../src/risk/plan.ts";
import type { RunOutcome } from "../../../src/risk/run/outcome.ts";
import { smallPlan } from "./plan.ts";

const THREAD = new URL("../../../dist/src/risk/campaign/thread.js", import.meta.url);
const DYING = new URL("dying-thread.mjs", import.meta.url);

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "heapsoak-campaign-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Keeps what is reported, and when it has enough. */
class Kept implements CampaignSink {
  readonly outcomes = new Map<string, RunOutcome>();
  readonly #runs: number;
  readonly #each: (() => void) | undefined;

  constructor(plan: CampaignPlan, each?: () => void) {
    this.#runs = plan.runs;
    this.#each = each;
  }

  report(cell: number, run: number, outcome: RunOutcome): void {
    if (this.outcomes.has(`${cell} ${run}`)) throw new Error(`run ${run} of cell ${cell} is reported twice`);
    this.outcomes.set(`${cell} ${run}`, outcome);
    this.#each?.();
  }

  needs(_cell: number, run: number): boolean {
    return run < this.#runs;
  }

  get sorted(): [string, RunOutcome][] {
    return [...this.outcomes].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

async function run(plan: CampaignPlan, options: Partial<CampaignOptions> = {}, each?: (abort: () => void) => void) {
  const controller = new AbortController();
  const sink = new Kept(plan, each && (() => each(() => controller.abort())));
  const told: string[] = [];
  const tell = (remark: string) => told.push(remark);
  const executor = campaignExecutor({ jobs: 2, tell, threadProgram: THREAD, ...options });
  await executor(plan, sink, controller.signal);
  return { sink, told };
}

async function inProcess(plan: CampaignPlan): Promise<[string, RunOutcome][]> {
  const sink = new Kept(plan);
  await executeInProcess(plan, sink, new AbortController().signal);
  return sink.sorted;
}

test("threads, parts and what was resumed come to the outcomes of one thread", async () => {
  const plan = await smallPlan();
  const expected = await inProcess(plan);
  expect(expected).toHaveLength(24);
  expect((await run(plan)).sink.sorted).toEqual(expected);

  const parts = [0, 1, 2].map((index) => ({ shard: { index, count: 3 }, out: join(folder, `part${index}`) }));
  for (const part of parts) await run(plan, part);
  const merged = mergeResults(parts.map(({ out }) => out));
  expect(merged.plan).toEqual(plan);
  expect([...merged.runs].map(({ cell, run, outcome }) => [`${cell} ${run}`, outcome]).sort()).toEqual(expected.sort());

  const whole = await run(plan, { out: parts[0]?.out ?? "" });
  expect(whole.sink.sorted).toEqual(expected);
});

test("an interrupted campaign leaves what is finished, and goes on from there", async () => {
  const plan = await smallPlan();
  const out = join(folder, "out");
  let reports = 0;
  const first = await run(plan, { out }, (abort) => {
    if (++reports === 5) abort();
  });
  expect(first.sink.outcomes.size).toBeLessThan(24);
  expect(readResultsOf(out).store.count).toBe(first.sink.outcomes.size);
  const progress: CampaignProgress[] = [];
  const second = await run(plan, { out, progress: (now) => progress.push(now) });
  expect(second.sink.sorted).toEqual(await inProcess(plan));
  expect(progress[0]?.earlier).toBe(first.sink.outcomes.size);
  expect(progress.at(-1)).toMatchObject({ finished: 24, left: 0 });
  expect(readFileSync(resultsPath(out), "utf8").match(/"cell":/g)).toHaveLength(24);
});

test("a worker that dies is told, and its runs are run again", async () => {
  const plan = await smallPlan();
  vi.stubEnv("HEAPSOAK_TEST_DIED", join(folder, "died"));
  const { sink, told } = await run(plan, { threadProgram: DYING });
  expect(sink.sorted).toEqual(await inProcess(plan));
  expect(told.length).toBeGreaterThan(0);
  expect(told[0]).toMatch(/^a worker is gone \(it ended with exit code 7\); its run \d+ is run again\.$/);
});

test("runs that take one worker after the other end the campaign", async () => {
  await expect(run(await smallPlan(), { threadProgram: DYING })).rejects.toThrow(/3 workers have come to their end/);
});

test("parts of different campaigns are not merged", async () => {
  const [one, other] = [join(folder, "one"), join(folder, "other")];
  await run(await smallPlan({ runs: 1 }), { out: one });
  await run(await smallPlan({ runs: 1, baseSeed: 8n }), { out: other });
  expect(() => mergeResults([one, other])).toThrow(/seeds from 8 on, not from 7/);
  expect(() => mergeResults([one, join(folder, "none")])).toThrow(/cannot be read \(ENOENT\)/);
});
