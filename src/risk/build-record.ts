/** The record of a campaign from its plan and what its runs have come to. */
import type { Scenario } from "../scenario/model.ts";
import { packageVersion } from "../version.ts";
import { coreDigest } from "../wasm/module.ts";
import type { RefusedCell } from "./grid.ts";
import { monotonyOf, pairedDifferences } from "./pairs.ts";
import type { CampaignPlan } from "./plan.ts";
import { RISK_FORMAT, RISK_VERSION, type RiskCell, type RiskRecord } from "./record.ts";
import type { Cell } from "./run/cell.ts";
import { kaplanMeier, medianSurvivalUs, type SurvivalPoint, thinned } from "./statistics/kaplan-meier.ts";
import { rounded, roundedInterval } from "./statistics/rounding.ts";
import type { CellTally, Tally } from "./tally.ts";
import { judgeCells, recommend } from "./verdict.ts";

/** What is asked of a campaign besides its runs. */
export interface RiskQuestion {
  readonly plan: CampaignPlan;
  readonly refused: readonly RefusedCell[];
  readonly maxRisk: number | null;
  readonly fit: RiskRecord["fit"];
  readonly drawsNothing: boolean;
}

const SURVIVAL_POINTS_MOST = 64;

/** The record as the tally stands: final, or partial where the campaign was interrupted. */
export function buildRiskRecord(question: RiskQuestion, tally: Tally): RiskRecord {
  const { plan, maxRisk, fit, drawsNothing, refused } = question;
  const counted = plan.cells.map((cell, index) => ({ cell, tally: tally.cells[index] })).filter(hasRuns);
  const cells = counted.map(({ cell, tally: own }) => cellRecord(cell, own, question));
  const paired = pairedDifferences(
    counted.map(({ cell, tally: own }) => ({ allocator: cell.allocator, arenaBytes: cell.heapBytes, tally: own })),
  );
  return {
    format: RISK_FORMAT,
    version: RISK_VERSION,
    provenance: { heapsoak: packageVersion(), core: coreDigest(), plan: plan.identity },
    scenario: scenarioOf(plan),
    fit,
    horizonUs: plan.horizonUs,
    failOn: plan.failOn,
    seeds: { first: String(plan.baseSeed), most: plan.runs },
    precision: plan.precision,
    maxRisk,
    verdict: verdictOf(cells, tally.isComplete, maxRisk),
    complete: tally.isComplete,
    drawsNothing,
    cells,
    refused,
    paired,
    monotone: monotonyOf(paired),
    recommended: maxRisk === null ? null : recommend(cells, maxRisk),
    cost: costOf(tally),
  };
}

function hasRuns(counted: { cell: Cell; tally: CellTally | undefined }): counted is { cell: Cell; tally: CellTally } {
  return counted.tally !== undefined && counted.tally.runs > 0;
}

function verdictOf(cells: readonly RiskCell[], complete: boolean, maxRisk: number | null): RiskRecord["verdict"] {
  if (!complete) return "undecided";
  return maxRisk === null ? "pass" : judgeCells(cells, maxRisk);
}

function scenarioOf({ cells }: CampaignPlan): RiskRecord["scenario"] {
  const { title = "", file = "", device } = cells[0]?.scenario ?? {};
  return { title, path: file, device: device?.id ?? "" };
}

function cellRecord(
  { scenario, allocator, heap, heapBytes }: Cell,
  tally: CellTally,
  question: RiskQuestion,
): RiskCell {
  const { runs, failures, steps, earliest = null } = tally;
  const survival = kaplanMeier(tally.lifetimes);
  const probability = rounded(failures / runs);
  return {
    allocator,
    heap,
    arenaBytes: heapBytes,
    runs,
    failures,
    probability,
    ...boundsOf(tally, question, probability),
    method: "runs",
    medianTimeToFailureUs: medianSurvivalUs(survival),
    kinds: Object.fromEntries([...tally.kinds].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    earliest,
    survival: thinned(survival, SURVIVAL_POINTS_MOST).map(roundedPoint),
    margins: marginsOf(tally, scenario),
    steps,
  };
}

/** Where nothing is drawn, one run is the whole truth. */
function boundsOf(
  tally: CellTally,
  { plan, drawsNothing }: RiskQuestion,
  probability: number,
): Pick<RiskCell, "interval" | "upperBound95" | "intervalMethod"> {
  if (drawsNothing) return { interval: [probability, probability], upperBound95: probability, intervalMethod: "exact" };
  const intervalMethod = plan.precision === null ? "clopper-pearson" : "confidence-sequence";
  return { interval: roundedInterval(tally.interval), upperBound95: rounded(tally.upperBound95), intervalMethod };
}

function roundedPoint({ atUs, surviving, low, high }: SurvivalPoint): SurvivalPoint {
  return { atUs, surviving: rounded(surviving), low: rounded(low), high: rounded(high) };
}

function marginsOf({ leastFree, leastLargestFree, leastHeadroom }: CellTally, scenario: Scenario): RiskCell["margins"] {
  const none = { bytes: 0, seed: "" };
  return {
    heaps: Object.fromEntries(
      [...leastFree].map(([name, least]) => [
        name,
        { leastFree: least, leastLargestFree: leastLargestFree.get(name) ?? none },
      ]),
    ),
    stacks: Object.fromEntries(
      [...leastHeadroom].map(([name, headroom]) => [name, { sizeBytes: stackBytes(scenario, name), headroom }]),
    ),
  };
}

/** Instances of a task are called `name#1` and so on; what is no task's is the main stack. */
function stackBytes({ tasks, interruptStack }: Scenario, stack: string): number {
  const task = tasks.find(({ name }) => stack === name || stack.startsWith(`${name}#`));
  return task?.stack.sizeBytes ?? interruptStack?.sizeBytes ?? 0;
}

function costOf({ cells }: Tally): RiskRecord["cost"] {
  const sum = (of: (tally: CellTally) => number) => cells.reduce((total, tally) => total + of(tally), 0);
  return {
    runs: sum(({ runs }) => runs),
    steps: sum(({ steps }) => steps),
    simulatedUs: sum((cell) => cell.simulatedUs),
  };
}
