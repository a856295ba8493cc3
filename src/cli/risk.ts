import { Command, Option } from "commander";
import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import type { FitProgress } from "../fit/fit.ts";
import { formatBytes } from "../quantities.ts";
import { riskText } from "../report/risk-text.ts";
import { formatCount } from "../report/table.ts";
import type { RiskQuestion } from "../risk/build-record.ts";
import { type CostEstimate, estimateCost, refuseCostly } from "../risk/cost.ts";
import { parseAllocators, parseHeapSizes } from "../risk/grid.ts";
import type { RiskCell, RiskRecord } from "../risk/record.ts";
import { planRisk, planRiskOfTrace, type RiskRequest, RUNS_DEFAULT, RUNS_MOST } from "../risk/risk.ts";
import type { FailOn } from "../risk/run/cell.ts";
import { runsOfSplitting, type SplitMethod, splitRareCells } from "../risk/splitting/split-cells.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { collect, parseCount } from "./arguments.ts";
import { addCampaignOptions, type CampaignFlags, campaignOptions, shardText } from "./campaign-options.ts";
import { runCampaign } from "./campaign-run.ts";
import { paintFor } from "./colors.ts";
import { findScenario } from "./find-scenario.ts";
import { interruptible } from "./interruption.ts";
import { LiveLine } from "./live-line.ts";
import { refuseOutputs, reportStream, withHtmlOption, writeOutputs } from "./record-outputs.ts";
import { EXIT_CODES } from "./run.ts";
import { parseSeed, parseTimeOption, scenarioOptions } from "./scenario-options.ts";
import { isTraceFile } from "./trace-file.ts";

interface RiskOptions extends CampaignFlags {
  readonly horizon?: string;
  readonly runs?: string;
  readonly precision?: string;
  readonly allocators?: string;
  readonly heapSizes?: string;
  readonly heap?: string;
  readonly failOn: FailOn;
  readonly maxRisk?: string;
  readonly seed?: string;
  readonly device?: string;
  readonly set?: string[];
  readonly evenIfItDoesNotFit?: boolean;
  readonly method: "runs" | SplitMethod;
  readonly maxCpu: string;
  readonly quiet?: boolean;
}

const MAX_CPU = "1 h";

const EXAMPLES = `
Every cell of the grid (an allocator on a size) is run with the same seeds, so that differences between cells are not
chance's. A run fails by whatever "heapsoak run" calls a failure; with --fail-on request already by the first request
that the heap refuses, even if the firmware copes. Where no run fails the report gives the bound below which the risk
is with 95 %: 299 runs without a failure say "below 1 %", no more.

With --precision a cell has had enough runs when its 95 % interval is that narrow to either side; the interval is then
one that allows for stopping (a confidence sequence).

Examples:
  $ heapsoak risk mqtt-tls --horizon 2d
  Which allocator on which size?
    $ heapsoak risk mqtt-tls --horizon 2d --allocators freertos-heap4,tlsf --heap-sizes 36KiB..44KiB/2KiB
  In CI: at most one device in a hundred may fail within a month:
    $ heapsoak risk gateway.yaml --horizon 30d --max-risk 1% --json risk.json
  A long one, to be continued by the same command:
    $ heapsoak risk mqtt-tls --runs 3000 --max-cpu 10h --jobs 8 --out month
  On many machines (heapsoak worker --queue … on each), or in parts for a batch system (then: heapsoak merge):
    $ heapsoak risk mqtt-tls --runs 3000 --max-cpu 10h --queue redis://build-server
    $ heapsoak risk mqtt-tls --runs 3000 --max-cpu 10h --shard 1/8 --out part1
  Rare failures, by splitting the runs that come near one:
    $ heapsoak risk mqtt-tls --horizon 12h --runs 400 --method auto
  What a recorded device will come to:
    $ heapsoak risk day.trace.gz --horizon 1y --runs 100

What the figures mean and where they come from is in docs/statistics.md of this package.

Exit codes: 0 the risk of a cell is below --max-risk with 95 % (or none was given), 1 that of every cell is above it,
2 bad input, 3 undecided, or interrupted.`;

/** `heapsoak risk`: how likely a scenario fails within a horizon. */
export function riskCommand(): Command {
  const command = new Command("risk")
    .summary("how likely a scenario fails, by when, and on which allocator and size")
    .description(
      "Runs a scenario with many seeds on every allocator and size of a grid: how likely it fails, and when.",
    )
    .argument("<scenario | trace>", "a file, a folder with one, or the name of a shipped scenario; or a recorded trace")
    .option("--horizon <time>", "simulated time within which a failure counts, such as 30d; the scenario's by default")
    .option("--runs <n>", `runs of each cell; ${RUNS_DEFAULT} by default, at most so many with --precision`)
    .option("--precision <share>", "run each cell until its interval is within this to either side, such as 1%")
    .option("--allocators <a,b,c>", "the allocators (see: heapsoak allocators); the scenario's by default")
    .option("--heap-sizes <sizes>", "36KiB,40KiB or 32KiB..48KiB/4KiB; the scenario's by default")
    .option("--heap <name>", "the heap that changes; the first by default")
    .addOption(
      new Option("--fail-on <what>", "what counts: the run's failure, or a refused request of the heap")
        .choices(["failure", "request"])
        .default("failure"),
    )
    .addOption(
      new Option("--method <how>", "auto: rare failures by splitting, where no run failed; splitting: for every cell")
        .choices(["runs", "auto", "splitting"])
        .default("runs"),
    )
    .option("--max-risk <share>", "the risk that is accepted, such as 1% or 0.001")
    .option("--seed <n>", "seed of the first run, then counting up; the scenario's by default")
    .option("--device <id>", "another device (see: heapsoak devices), or a device file, linker script or ELF")
    .option("--set <path=value>", "change any value of the scenario; repeatable", collect)
    .option("--even-if-it-does-not-fit", "of a trace: go on where the fitted scenario does not behave as it does")
    .option("--max-cpu <time>", "processor time that the campaign may take; refused if it needs more", MAX_CPU);
  const running = addCampaignOptions(command).option(
    "--json <file>",
    "write the record; - for standard output, everything else then goes to stderr",
  );
  return withHtmlOption(running)
    .option("--quiet", "no cost and no progress, only the report")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(argument: string, options: RiskOptions): Promise<void> {
  const request = requestOf(options);
  const maxCpuUs = parseTimeOption(options.maxCpu, "--max-cpu");
  refuseSplittingParts(options);
  const campaign = campaignOptions(options, { precision: options.precision !== undefined });
  await refuseOutputs(options);
  const line = options.quiet ? undefined : new LiveLine(process.stderr);
  const { record, progress } = await interruptible(
    async (signal) => {
      const question = await questionOf(argument, options, request, signal, line);
      line?.clear();
      const estimate = costOf(question, options);
      if (!options.quiet) process.stderr.write(costText(estimate));
      refuseCostly(estimate, maxCpuUs);
      const end = await runCampaign(question, { ...campaign, signal, line });
      return { ...end, record: await withSplitting(question, end.record, options, { signal, line }) };
    },
    () => line?.clear(),
  ).finally(() => line?.clear());
  if (campaign.shard && campaign.out !== undefined && progress) {
    process.exitCode = progress.left > 0 ? EXIT_CODES.undecided : EXIT_CODES.pass;
    process.stdout.write(shardText(campaign.shard, campaign.out, progress));
    return;
  }
  process.exitCode = EXIT_CODES[record.verdict];
  const out = reportStream(options);
  out.write(riskText(record, paintFor(out)));
  await writeOutputs(options, { name: baseName(argument), record });
}

async function questionOf(
  argument: string,
  { evenIfItDoesNotFit = false }: RiskOptions,
  request: RiskRequest,
  signal: AbortSignal,
  line: LiveLine | undefined,
): Promise<RiskQuestion> {
  if (!isTraceFile(argument)) {
    if (!evenIfItDoesNotFit) return planRisk(findScenario(argument), request);
    throw new HeapsoakError("bad-argument", "--even-if-it-does-not-fit is about traces, and this is a scenario.");
  }
  const onProgress = (progress: FitProgress) => line?.update(() => fitProgressText(progress));
  return planRiskOfTrace({ trace: argument, evenIfItDoesNotFit, signal, onProgress }, request);
}

function requestOf(options: RiskOptions): RiskRequest {
  const { horizon, runs, precision, allocators, heapSizes, heap, failOn, maxRisk, seed, device, set } = options;
  return {
    failOn,
    changes: scenarioOptions({ ...(device !== undefined && { device }), ...(set && { set }) }),
    ...(horizon !== undefined && { horizonUs: parseTimeOption(horizon, "--horizon") }),
    ...(runs !== undefined && { runs: parseCount(runs, "--runs", 1, RUNS_MOST) }),
    ...(precision !== undefined && { precision: parseShare(precision, "--precision", 0.5) }),
    ...(allocators !== undefined && { allocators: parseAllocators(allocators) }),
    ...(heapSizes !== undefined && { heapSizes: parseHeapSizes(heapSizes) }),
    ...(heap !== undefined && { heap }),
    ...(maxRisk !== undefined && { maxRisk: parseShare(maxRisk, "--max-risk", 1) }),
    ...(seed !== undefined && { baseSeed: parseSeed(seed) }),
  };
}

/** `0.01` or `1%`, above 0 and below `most`. Throws `bad-argument`. */
function parseShare(text: string, flag: string, most: number): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?(?:e-?\d{1,3})?)\s*(%?)$/i.exec(text.trim()) ?? [];
  const share = Number(number ?? Number.NaN) / (percent ? 100 : 1);
  if (share > 0 && share < most) return share;
  throw new HeapsoakError("bad-argument", `${flag}: got "${text}", expected a share above 0 and below ${most}.`, {
    hint: `For example: ${flag} 1% or ${flag} 0.01.`,
  });
}

function refuseSplittingParts({ method, shard }: RiskOptions): void {
  if (method === "runs" || shard === undefined) return;
  throw new HeapsoakError("bad-argument", `--method ${method} works on whole cells, and --shard makes parts of them.`);
}

/** With splitting, that of every cell for risks down to one in a million. */
function costOf({ plan }: RiskQuestion, { method }: RiskOptions): CostEstimate {
  const estimate = estimateCost(plan);
  if (method === "runs") return estimate;
  return { ...estimate, cpuUs: Math.round(estimate.cpuUs * (1 + runsOfSplitting(plan.runs) / plan.runs)) };
}

async function withSplitting(
  question: RiskQuestion,
  record: RiskRecord,
  { method }: RiskOptions,
  { signal, line }: { signal: AbortSignal; line: LiveLine | undefined },
): Promise<RiskRecord> {
  if (method === "runs" || !record.complete) return record;
  const onProgress = ({ allocator, arenaBytes }: RiskCell, done: number, of: number) =>
    line?.update(() => `splitting ${allocator} ${formatBytes(arenaBytes)}: replication ${done} of ${of}`);
  return splitRareCells(question, record, { method, signal, onProgress });
}

function costText({ cells, runs, horizonUs, stepsPerRun, nsPerStep, cpuUs }: CostEstimate): string {
  const what = `${formatCount(cells)} ${cells === 1 ? "cell" : "cells"} × ${formatCount(runs)} ${runs === 1 ? "run" : "runs"} × ${formatDuration(horizonUs)}`;
  const each = `${formatCount(stepsPerRun)} steps a run at ${nsPerStep.toFixed(0)} ns`;
  return `${what}: about ${formatDuration(Math.round(Number(cpuUs.toPrecision(2))))} of processor time at most (${each})\n`;
}

function fitProgressText(progress: FitProgress): string {
  return progress.phase === "running" ? `fit: run ${progress.run} of ${progress.runs}` : `fit: ${progress.phase} …`;
}
