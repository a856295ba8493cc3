/** The report of a campaign: a pure function of its record. */
import { formatBytes } from "../quantities.ts";
import type { CellName, Monotony, PairedDifference, RiskCell, RiskRecord } from "../risk/record.ts";
import type { Least } from "../risk/tally.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { counted } from "../soak/figures.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatProbability } from "./probability-text.ts";
import { survivalLines } from "./survival-plot.ts";
import { formatCount, type TableRow, tableLines } from "./table.ts";

export const RISK_HEADS = [
  "SIZE",
  "RUNS",
  "FAILED",
  "RISK (95 %)",
  "HALF FAIL BY",
  "COMMONEST",
  "LEAST FREE",
  "LEAST LARGEST FREE",
];
/** Real differences that are spelled out. */
const DIFFERENCES_SHOWN = 12;

export function riskText(record: RiskRecord, paint: Paint = plainPaint): string {
  const sections = [
    [paint.strong(riskHeadline(record)), ...riskRemarks(record)],
    tableLines(RISK_HEADS, record.cells.map(riskRow)),
    noFailureLines(record.cells),
    splittingLines(record.cells),
    refusedLines(record),
    survivalLines(record, paint.glyphs.blocks),
    record.paired.length > 0 ? pairedLines(record.paired) : [],
    record.monotone.length > 0 ? record.monotone.map(monotonyLine) : [],
    [...earliestLines(record), ...marginLines(record.cells)],
    [...riskConclusion(record), riskCostLine(record)],
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

export function riskHeadline({ scenario, horizonUs, failOn, cells, seeds }: RiskRecord): string {
  const what = failOn === "request" ? "a refused request" : "a failure";
  const heap = cells[0]?.heap ?? "";
  const last = BigInt.asUintN(64, BigInt(seeds.first) + BigInt(seeds.most - 1));
  const drawn = seeds.most === 1 ? `seed ${seeds.first}` : `seeds ${seeds.first} to ${last}`;
  return `Risk of ${what} within ${formatDuration(horizonUs)}: ${scenario.title}, heap ${heap} on ${scenario.device}, ${drawn}`;
}

export function riskRemarks({ complete, fit, drawsNothing, precision }: RiskRecord): string[] {
  return [
    ...(complete ? [] : ["Interrupted: these are the runs that were made."]),
    ...(fit ? [`Fitted to ${fit.trace}, verdict of the fit: ${fit.verdict.toUpperCase().replaceAll("-", " ")}.`] : []),
    ...(drawsNothing ? ["The scenario draws nothing at random: every run is the same, and one is all there is."] : []),
    ...(precision === null
      ? []
      : [`Each cell was run until its interval was within ±${formatProbability(precision)}, or for all its runs.`]),
  ];
}

export function riskRow(cell: RiskCell): TableRow {
  const { allocator, heap, arenaBytes, runs, failures, kinds, margins, medianTimeToFailureUs } = cell;
  const own = margins.heaps[heap];
  const [commonest] = Object.entries(kinds);
  return {
    title: allocator,
    cells: [
      formatBytes(arenaBytes),
      formatCount(runs),
      formatCount(failures),
      riskWords(cell),
      medianTimeToFailureUs === null ? "" : formatDuration(medianTimeToFailureUs),
      commonest && kindText(commonest, failures),
      own && leastText(own.leastFree),
      own && leastText(own.leastLargestFree),
    ],
  };
}

export function riskWords({
  failures,
  probability,
  interval: [low, high],
  upperBound95,
  intervalMethod,
}: RiskCell): string {
  if (intervalMethod === "exact") return failures > 0 ? "always" : "none";
  if (probability === 0) return `below ${formatProbability(upperBound95)}`;
  return `${formatProbability(probability)} (${formatProbability(low)} to ${formatProbability(high)})`;
}

function kindText([kind, count]: [string, number], failures: number): string {
  return count === failures ? kind : `${kind} ${Math.round((100 * count) / failures)} %`;
}

function leastText({ bytes, seed }: Least): string {
  return `${formatCount(bytes)} B (seed ${seed})`;
}

export function noFailureLines(cells: readonly RiskCell[]): string[] {
  const without = cells.filter(({ probability, intervalMethod }) => probability === 0 && intervalMethod !== "exact");
  if (without.length === 0) return [];
  return ['"below": no run failed, which is no proof that none can; with 95 % the risk is below the figure.'];
}

/** What splitting saw, and its warnings. */
export function splittingLines(cells: readonly RiskCell[]): string[] {
  return cells.flatMap((cell) => {
    const { splitting } = cell;
    if (!splitting) return [];
    const {
      probability,
      levels,
      trials,
      warnings,
      workNormalisedVariance: own,
      plainWorkNormalisedVariance: plain,
    } = splitting;
    const estimate = `splitting estimates ${formatProbability(probability)}`;
    const used = cell.method === "splitting" ? estimate : `${estimate}, which is not relied on`;
    const seen = probability > 0 ? used : "splitting saw no failure either";
    const gain =
      own !== null && own > 0 && plain !== null
        ? `, ${formatCount(Math.round(plain / own))} × the worth of plain runs`
        : "";
    const line = `${cellName(cell)}: ${seen} (${counted(levels.length, "level")}, ${counted(trials, "trial")}${gain}).`;
    return [line, ...warnings.map((warning) => `  ${warning}`)];
  });
}

export function refusedLines({ refused }: RiskRecord): string[] {
  return refused.map(
    ({ allocator, arenaBytes, reason }) => `${allocator} ${formatBytes(arenaBytes)} not run: ${reason}`,
  );
}

export function pairedLines(paired: readonly PairedDifference[]): string[] {
  const real = paired.filter(({ better }) => better !== null);
  const lines = real.slice(0, DIFFERENCES_SHOWN).map(differenceLine);
  const more = real.length - lines.length;
  if (more > 0) lines.push(`… and ${more} more pairs with a real difference.`);
  const open = paired.length - real.length;
  if (open > 0) lines.push(`${counted(open, "pair")} of ${paired.length}: no difference that chance does not explain.`);
  return [
    "On the same seeds (McNemar's exact test, 95 % for all pairs together):",
    ...lines.map((line) => `  ${line}`),
  ];
}

function differenceLine({
  first,
  second,
  onlyFirstFailed,
  onlySecondFailed,
  runs,
  adjustedP,
  better,
}: PairedDifference): string {
  const [winner, loser] = better === "first" ? [first, second] : [second, first];
  const [wins, losses] = better === "first" ? [onlySecondFailed, onlyFirstFailed] : [onlyFirstFailed, onlySecondFailed];
  const counts = `of ${formatCount(runs)} seeds, ${formatCount(wins)} failed on the other alone, ${formatCount(losses)} on it alone`;
  return `${cellName(winner)} fails less than ${cellName(loser)}: ${counts} (p ${chanceText(adjustedP)})`;
}

function chanceText(p: number): string {
  if (p < 1e-4) return "< 0.0001";
  return `= ${Number(p.toPrecision(2))}`;
}

export function cellName({ allocator, arenaBytes }: CellName): string {
  return `${allocator} ${formatBytes(arenaBytes)}`;
}

export function monotonyLine({ allocator, holds, rises }: Monotony): string {
  if (holds) return `${allocator}: no larger heap failed more often than the next smaller one.`;
  const steps = rises.map(({ fromBytes, toBytes, onlySmallerFailed, onlyLargerFailed, isReal }) => {
    const why = isReal ? "more than chance explains" : "within chance";
    const counts = `${onlyLargerFailed} seeds failed on the larger alone, ${onlySmallerFailed} on the smaller`;
    return `${formatBytes(fromBytes)} to ${formatBytes(toBytes)} (${counts}: ${why})`;
  });
  return `${allocator}: not monotone, a larger heap failed more often: ${steps.join("; ")}.`;
}

/** The stack of which the smallest share was left in any run of any cell. */
export function marginLines(cells: readonly RiskCell[]): string[] {
  const stacks = cells.flatMap((cell) =>
    Object.entries(cell.margins.stacks).map(([name, { sizeBytes, headroom }]) => ({ name, sizeBytes, headroom, cell })),
  );
  const [tightest] = stacks.sort((a, b) => a.headroom.bytes * b.sizeBytes - b.headroom.bytes * a.sizeBytes);
  if (!tightest) return [];
  const { name, sizeBytes, headroom, cell } = tightest;
  const size = `of ${formatCount(sizeBytes)} B`;
  const left =
    headroom.bytes < 0
      ? `overrun by ${formatCount(-headroom.bytes)} B ${size}`
      : `${formatCount(headroom.bytes)} ${size} never used`;
  return [`Tightest stack in any run: ${name}, ${left} (seed ${headroom.seed}, ${cellName(cell)}).`];
}

/** The failure that came first of all, with what it asked for. */
export function earliestLines({ cells, failOn }: RiskRecord): string[] {
  const [first] = cells
    .flatMap((cell) => (cell.earliest ? [{ cell, failure: cell.earliest }] : []))
    .sort((a, b) => a.failure.atUs - b.failure.atUs);
  if (!first) return [];
  const { atUs, seed, step, requestBytes, freeBytes, largestFreeBytes } = first.failure;
  const what = failOn === "request" ? "refused request" : "failure";
  const where = step === null ? "" : ` at ${step}`;
  const why =
    requestBytes === null
      ? ""
      : `: ${formatCount(requestBytes)} B wanted, ${formatCount(freeBytes ?? 0)} B free, at most ${formatCount(largestFreeBytes ?? 0)} B at once`;
  return [
    `Earliest ${what}: after ${formatDuration(atUs)} with seed ${seed} on ${cellName(first.cell)}${where}${why}.`,
  ];
}

export function riskConclusion({ maxRisk, recommended, cells, complete, verdict }: RiskRecord): string[] {
  if (maxRisk === null) {
    const failed = cells.some(({ failures }) => failures > 0);
    return failed ? [] : [complete ? "No run failed." : "No run failed so far."];
  }
  const risk = formatProbability(maxRisk);
  if (recommended) {
    const which = `${cellName(recommended)} is the smallest heap whose risk is below ${risk} with 95 %`;
    return [`${which}, as is that of every larger one of its allocator here.`];
  }
  if (!complete) return [`UNDECIDED  The campaign was interrupted before any heap could be told to be below ${risk}.`];
  if (verdict === "fail") return [`FAIL  Every heap's risk is above ${risk} with 95 %.`];
  return [`UNDECIDED  No heap can be told to be below ${risk}: more runs would tell.`];
}

export function riskCostLine({ cost, provenance }: RiskRecord): string {
  const { runs, steps, simulatedUs } = cost;
  const work = `${counted(runs, "run")}, ${formatDuration(Math.round(simulatedUs))} simulated in ${formatSteps(steps)} steps`;
  return `${work}  (heapsoak ${provenance.heapsoak}, plan ${provenance.plan.slice(0, 12)})`;
}

function formatSteps(steps: number): string {
  if (steps >= 1e9) return `${(steps / 1e9).toFixed(1)} billion`;
  return steps >= 1e6 ? `${(steps / 1e6).toFixed(1)} million` : formatCount(steps);
}
