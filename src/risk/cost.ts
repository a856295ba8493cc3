/** What a campaign will cost, from a few short runs of it. */
import { HeapsoakError } from "../errors.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { CampaignPlan } from "./plan.ts";
import type { Cell } from "./run/cell.ts";
import { CellRunner } from "./run/cell-runner.ts";
import { confidenceSequence } from "./statistics/confidence-sequence.ts";

/** Processor time of a campaign on this machine. */
export interface CostEstimate {
  readonly cells: number;
  /** Of each cell, at most. */
  readonly runs: number;
  readonly horizonUs: number;
  readonly stepsPerRun: number;
  readonly nsPerStep: number;
  /** Of all runs, if those that fail early do so no more often than in the pilot. */
  readonly cpuUs: number;
}

/** Cells that are tried; the others are taken to lie between them. */
const PILOT_CELLS_MOST = 8;
const PILOT_RUNS = 2;
/** What a refusal recommends is not to be refused by the next pilot, which comes to another figure. */
const RESERVE = 0.2;
const ROUNDING = 0.05;

/** Processor microseconds of this process, from any origin. */
export type CpuClock = () => number;

const processClock: CpuClock = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** Tries some cells of the plan for a moment each. */
export function estimateCost(plan: CampaignPlan, clock: CpuClock = processClock): CostEstimate {
  const tried = pilotCells(plan.cells).map((cell) => pilot(cell, plan.baseSeed, clock));
  const mean = (of: (pilot: Pilot) => number) => tried.reduce((sum, one) => sum + of(one), 0) / tried.length;
  const [stepsPerRun, usPerRun] = [mean((one) => one.stepsPerRun), mean((one) => one.usPerRun)];
  const { runs, horizonUs } = plan;
  return {
    cells: plan.cells.length,
    runs,
    horizonUs,
    stepsPerRun: Math.round(stepsPerRun),
    nsPerStep: (usPerRun * 1000) / Math.max(1, stepsPerRun),
    cpuUs: Math.round(usPerRun * runs * plan.cells.length),
  };
}

/** Throws `bad-argument` where the campaign is estimated to cost more, with what would be affordable. */
export function refuseCostly({ cpuUs, cells, runs, horizonUs }: CostEstimate, cpuUsMost: number): void {
  if (cpuUs <= cpuUsMost) return;
  const share = cpuUsMost / cpuUs;
  const fewer = Math.floor(runs * share);
  const shorter = Math.floor(horizonUs * share * (1 - ROUNDING));
  const ways = [
    `--max-cpu ${formatTime(cpuUs * (1 + RESERVE))}`,
    ...(fewer >= 1 ? [`--runs ${fewer}`] : []),
    ...(shorter >= 1 ? [`--horizon ${formatTime(shorter)}`] : []),
    ...(cells > 1 ? ["fewer allocators or sizes"] : []),
  ];
  throw new HeapsoakError(
    "bad-argument",
    `The campaign would take about ${formatDuration(roundedUs(cpuUs))} of processor time; --max-cpu allows ${formatDuration(cpuUsMost)}.`,
    { hint: `Affordable: ${ways.join(", or ")}.` },
  );
}

/** Runs after which the interval of any probability is within ± `precision`, if the campaign may stop early. */
export function runsForPrecision(precision: number): number {
  let [few, many] = [1, 2];
  while (!suffices(many, precision)) [few, many] = [many, many * 2];
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (suffices(middle, precision)) many = middle;
    else few = middle;
  }
  return many;
}

/** One half is the probability that takes the most runs. */
function suffices(runs: number, precision: number): boolean {
  const [low, high] = confidenceSequence(Math.floor(runs / 2), runs);
  return (high - low) / 2 <= precision;
}

interface Pilot {
  readonly stepsPerRun: number;
  readonly usPerRun: number;
}

function pilotCells(cells: readonly Cell[]): Cell[] {
  if (cells.length <= PILOT_CELLS_MOST) return [...cells];
  const step = (cells.length - 1) / (PILOT_CELLS_MOST - 1);
  return Array.from({ length: PILOT_CELLS_MOST }, (_, i) => cells[Math.round(i * step)]).filter(
    (cell) => cell !== undefined,
  );
}

/** The first batch of each run; what is missing to the horizon is taken to be like it. */
function pilot(cell: Cell, baseSeed: bigint, clock: CpuClock): Pilot {
  const runner = new CellRunner(cell);
  runner.advance(); // not counted: the first batch of a process also compiles it
  let [steps, us] = [0, 0];
  for (let run = 0; run < PILOT_RUNS; run++) {
    const beforeUs = clock();
    runner.start(BigInt.asUintN(64, baseSeed + BigInt(run)));
    const ended = runner.advance();
    const tookUs = clock() - beforeUs;
    const share = ended ? 1 : cell.horizonUs / Math.max(1, runner.machine.nowUs);
    steps += runner.machine.steps * share;
    us += tookUs * share;
  }
  return { stepsPerRun: steps / PILOT_RUNS, usPerRun: us / PILOT_RUNS };
}

/** As an option takes it. */
function formatTime(us: number): string {
  return formatDuration(roundedUs(us)).replaceAll(" ", "");
}

/** Two digits, from a minute on whole minutes. */
function roundedUs(us: number): number {
  const twoDigits = Math.round(Number(us.toPrecision(2)));
  return twoDigits < 60e6 ? twoDigits : Math.ceil(twoDigits / 60e6) * 60e6;
}
