/** What of risk campaigns and size searches can be compared. */
import type { RiskCell, RiskRecord } from "../../risk/record.ts";
import type { OutcomeFailureKind } from "../../risk/run/outcome.ts";
import type { AllocatorSize, SizeRecord } from "../../risk/size/record.ts";
import { clopperPearson } from "../../risk/statistics/clopper-pearson.ts";
import { confidenceSequence } from "../../risk/statistics/confidence-sequence.ts";
import { rounded, roundedInterval } from "../../risk/statistics/rounding.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import { formatProbability } from "../probability-text.ts";
import { cellName } from "../risk-text.ts";
import { formatCount } from "../table.ts";
import { VERDICTS } from "../verdict-of.ts";
import type { Interval } from "./diff-record.ts";
import { type Figure, figuresOf, RUNS, refusedSubject, type Statement, type Subject } from "./figures.ts";
import { BADNESS } from "./run-subjects.ts";

/** The campaign, and a subject a cell. `kinds`: of failures, whose chances are compared one by one. */
export function riskSubjects(record: RiskRecord, kinds: ReadonlySet<OutcomeFailureKind>): Subject[] {
  const { cells, refused, verdict } = record;
  // Undecided is no evidence against a cell: fewer runs, or worse luck, make a pass undecided.
  const statement: Statement = { name: "verdict", text: verdict, badness: verdict === "fail" ? 2 : 0 };
  return [
    { title: "", facts: riskFacts(record), statements: [statement], figures: [] },
    ...cells.map((cell) => cellSubject(cell, kinds)),
    ...refused.map((cell) => refusedSubject(cellName(cell), cell.reason)),
  ];
}

/** The kinds of failures in any cell. */
export function kindsOf({ cells }: RiskRecord): OutcomeFailureKind[] {
  return cells.flatMap(({ kinds }) => Object.keys(kinds) as OutcomeFailureKind[]);
}

function riskFacts({ provenance, scenario, horizonUs, failOn, seeds, maxRisk }: RiskRecord): Record<string, string> {
  return {
    ...sharedFacts(scenario, provenance, horizonUs, failOn),
    plan: provenance.plan.slice(0, 12),
    "first seed": seeds.first,
    "accepted risk": maxRisk === null ? "none" : formatProbability(maxRisk),
  };
}

function sharedFacts(
  scenario: RiskRecord["scenario"],
  provenance: { readonly heapsoak: string; readonly core: string },
  horizonUs: number,
  failOn: string,
): Record<string, string> {
  return {
    title: scenario.title,
    device: scenario.device,
    horizon: formatDuration(horizonUs),
    "what counts as failure": failOn,
    "version of heapsoak": provenance.heapsoak,
    core: provenance.core.slice(0, 12),
  };
}

function cellSubject(cell: RiskCell, kinds: ReadonlySet<OutcomeFailureKind>): Subject {
  const { probability, interval, medianTimeToFailureUs, runs, margins } = cell;
  const figures = [
    ...figuresOf("", { probability: { value: probability, interval }, medianTimeToFailureUs }),
    ...[...kinds].flatMap((kind) => kindFigure(cell, kind)),
    ...Object.entries(margins.heaps).flatMap(([name, { leastFree, leastLargestFree }]) =>
      figuresOf(`heaps.${name}`, { leastFreeBytes: leastFree.bytes, leastLargestFreeBytes: leastLargestFree.bytes }),
    ),
    ...Object.entries(margins.stacks).flatMap(([name, { headroom }]) =>
      figuresOf(`stacks.${name}`, { leastHeadroomBytes: headroom.bytes }),
    ),
  ];
  return { title: cellName(cell), facts: { "number of runs": formatCount(runs) }, statements: [RUNS], figures };
}

/** The share of the plain runs that failed so, by the cell's own kind of interval. */
function kindFigure({ kinds, runs, intervalMethod }: RiskCell, kind: OutcomeFailureKind): Figure[] {
  if (runs === 0) return [];
  const failures = kinds[kind] ?? 0;
  const value = failures / runs;
  const interval: Interval =
    intervalMethod === "exact"
      ? [value, value]
      : intervalMethod === "confidence-sequence"
        ? confidenceSequence(failures, runs)
        : clopperPearson(failures, runs);
  return figuresOf(`failures.${kind}`, {
    kindProbability: { value: rounded(value), interval: roundedInterval(interval) },
  });
}

/** The search, a subject an allocator, and the stacks as figures of the search. */
export function sizeSubjects(record: SizeRecord): Subject[] {
  const { scenario, provenance, horizonUs, failOn, allocators, stacks } = record;
  const facts = {
    ...sharedFacts(scenario, provenance, horizonUs, failOn),
    scenario: provenance.scenario.slice(0, 12),
    heap: record.heap,
    "accepted risk": formatProbability(record.risk),
    confidence: formatProbability(record.confidence),
    "first seed": record.baseSeed,
    "runs of a size": formatCount(record.runs),
  };
  const figures = stacks.flatMap(({ name, observedBytes, worstCaseBytes, recommendedBytes }) =>
    figuresOf(`stacks.${name}`, { observedBytes, worstCaseBytes, recommendedBytes }),
  );
  return [{ title: "", facts, statements: [], figures }, ...allocators.map(sizedSubject)];
}

function sizedSubject(sized: AllocatorSize): Subject {
  if (sized.verdict === "refused") return refusedSubject(sized.allocator, sized.reason);
  const { allocator, verdict, heapBytes, peakLiveBytes } = sized;
  const statement: Statement = { name: "search", text: verdict, badness: BADNESS[VERDICTS.size[verdict]] };
  return {
    title: allocator,
    facts: {},
    statements: [RUNS, statement],
    figures: figuresOf("", { heapBytes, peakLiveBytes }),
  };
}
