/** What a search will take, from a few runs; and what would be affordable where that is too much. */
import { HeapsoakError } from "../../errors.ts";
import { formatCount } from "../../report/table.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { type Requirement, riskWithin } from "./requirement.ts";
import { BAND_RUNS_LEAST } from "./search.ts";
import type { SizeGrid } from "./size-grid.ts";

export interface SizeCost {
  /** Runs of the search, of all allocators. */
  readonly runs: number;
  readonly cpuUs: number;
  /** Runs of every size of the grids with every seed. */
  readonly gridRuns: number;
}

export interface CostLimits {
  readonly runsMost?: number | undefined;
  readonly cpuMostUs?: number | undefined;
}

/** The confirmed size and its neighbours with all seeds; half the seeds once more, since the last new size comes late. */
const FULL_SIZES = 3.5;

/**
 * Runs that a search of that grid is expected to take: all seeds a few times, and for each new size on the way, as
 * many as records among so many seeds, some halvings of the grid.
 */
export function expectedRuns({ runs, failuresMost }: Requirement, { last }: SizeGrid): number {
  const front = failuresMost + 1;
  const records = 1 + Math.log(runs / front);
  return Math.ceil(FULL_SIZES * runs + Math.max(runs, BAND_RUNS_LEAST) + front * records * (1 + Math.log2(last)));
}

/** What the searches of all allocators take, given the processor time of one run of each. */
export function costOf(requirement: Requirement, searches: readonly { grid: SizeGrid; runCpuUs: number }[]): SizeCost {
  const each = searches.map(({ grid, runCpuUs }) => {
    const runs = expectedRuns(requirement, grid);
    return { runs, cpuUs: runs * runCpuUs, gridRuns: requirement.runs * grid.last };
  });
  const sum = (of: (cost: SizeCost) => number) => each.reduce((total, cost) => total + of(cost), 0);
  return { runs: sum(({ runs }) => runs), cpuUs: sum(({ cpuUs }) => cpuUs), gridRuns: sum(({ gridRuns }) => gridRuns) };
}

/** `about 4,321 runs, 12 min of processor time; every size of the grid would take 1,234,567 runs`. */
export function costText({ runs, cpuUs, gridRuns }: SizeCost): string {
  const grid = `every size of the grid would take ${formatCount(gridRuns)} runs`;
  return `about ${formatCount(runs)} runs, ${roughly(cpuUs)} of processor time; ${grid}`;
}

/** Throws `bad-argument` with what would be affordable where the cost is above a limit. */
export function refuseCost(
  cost: SizeCost,
  { runsMost = Number.POSITIVE_INFINITY, cpuMostUs = Number.POSITIVE_INFINITY }: CostLimits,
  { requirement, horizonUs }: { requirement: Requirement; horizonUs: number },
): void {
  const share = Math.min(1, runsMost / cost.runs, cpuMostUs / Math.max(1, cost.cpuUs));
  if (share >= 1) return;
  const limit = runsMost / cost.runs === share ? `${formatCount(runsMost)} runs` : formatDuration(cpuMostUs);
  const risk = riskWithin(Math.floor(requirement.runs * share), requirement.confidence);
  const byHorizon = runsMost / cost.runs === share ? "" : `a horizon of ${roughly(horizonUs * share)}, `;
  throw new HeapsoakError("bad-argument", `The search would take ${costText(cost)}: more than ${limit}.`, {
    hint: `Affordable would be ${byHorizon}a risk of ${percent(risk)}, or fewer allocators; or raise the limit.`,
  });
}

/** A time to about two digits. */
function roughly(us: number): string {
  if (us < 1e6) return "less than a second";
  const unit = [86_400e6, 3600e6, 60e6, 1e6].find((candidate) => us >= 2 * candidate) ?? 1e6;
  return formatDuration(Math.max(1, Math.floor(us / unit)) * unit);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
