/** What a visit (a block or list node looked at) costs on a board: cycles = base + slope × visits, fitted per verb. */
import type { VERBS } from "../wire/protocol.ts";

/** The line through the operations of one verb. */
export interface CalibrationLine {
  readonly verb: keyof typeof VERBS;
  /** Operations that were measured. */
  readonly operations: number;
  /** Ticks of the counter for an operation without visits. */
  readonly baseCycles: number;
  /** Ticks a visit. 0 where all operations had equally many. */
  readonly cyclesPerVisit: number;
  /** Standard deviation of what the line leaves over. */
  readonly residualCycles: number;
  /** How far from the line 99 of 100 operations stay. */
  readonly residualP99Cycles: number;
  /** Share of the cycles' variance that the line explains, 0..1; 1 where there is none. */
  readonly explainedRatio: number;
  readonly maximumVisits: number;
  readonly maximumCycles: number;
}

/** How cycles follow from visits on this board. */
export interface Calibration {
  /** Ticks a second of the board's counter. */
  readonly cycleHz: number;
  readonly lines: readonly CalibrationLine[];
}

/** A fit that explains less is no basis for a prediction … */
export const POOR_FIT_RATIO = 0.8;
/** … unless what it leaves over is small beside what an operation costs. */
const SMALL_RESIDUAL_RATIO = 0.1;
/** Fewer operations are not fitted. */
const OPERATIONS_LEAST = 10;

type Verb = keyof typeof VERBS;

/** Collects pairs of visits and cycles. A wrapped or missing count (0) is left out. */
export class Calibrator {
  readonly #pairs = new Map<Verb, number[]>();

  add(verb: Verb, visits: number, cycles: number): void {
    if (cycles === 0) return;
    const pairs = this.#pairs.get(verb) ?? [];
    pairs.push(visits, cycles);
    this.#pairs.set(verb, pairs);
  }

  /** Least squares for each verb; undefined where the board does not count. */
  fit(cycleHz: number): Calibration | undefined {
    const lines = [...this.#pairs].flatMap(([verb, pairs]) => {
      return pairs.length >= 2 * OPERATIONS_LEAST ? [fitLine(verb, pairs)] : [];
    });
    return cycleHz === 0 || lines.length === 0 ? undefined : { cycleHz, lines };
  }
}

/** Whether cycles cannot be told from visits: the line explains little, and what it leaves over is not small. */
export function isPoorFit({
  explainedRatio,
  residualCycles,
  baseCycles,
  cyclesPerVisit,
  maximumVisits,
}: CalibrationLine): boolean {
  const typicalCycles = baseCycles + (cyclesPerVisit * maximumVisits) / 2;
  return explainedRatio < POOR_FIT_RATIO && residualCycles > SMALL_RESIDUAL_RATIO * typicalCycles;
}

/** `pairs`: visits and cycles in turn. */
function fitLine(verb: Verb, pairs: readonly number[]): CalibrationLine {
  const operations = pairs.length / 2;
  const visits = pairs.filter((_, index) => index % 2 === 0);
  const cycles = pairs.filter((_, index) => index % 2 === 1);
  const meanVisits = mean(visits);
  const meanCycles = mean(cycles);
  const spread = sum(visits, (x) => (x - meanVisits) ** 2);
  const product = sum(visits, (x, index) => (x - meanVisits) * ((cycles[index] ?? 0) - meanCycles));
  const cyclesPerVisit = spread === 0 ? 0 : product / spread;
  const baseCycles = meanCycles - cyclesPerVisit * meanVisits;
  const residuals = visits.map((x, index) => (cycles[index] ?? 0) - baseCycles - cyclesPerVisit * x);
  const left = sum(residuals, (r) => r * r);
  const total = sum(cycles, (y) => (y - meanCycles) ** 2);
  return {
    verb,
    operations,
    baseCycles: rounded(baseCycles),
    cyclesPerVisit: rounded(cyclesPerVisit),
    residualCycles: rounded(Math.sqrt(left / Math.max(1, operations - 2))),
    residualP99Cycles: rounded(quantile(residuals.map(Math.abs), 0.99)),
    explainedRatio: total === 0 ? 1 : rounded(Math.max(0, 1 - left / total)),
    maximumVisits: most(visits),
    maximumCycles: most(cycles),
  };
}

function mean(values: readonly number[]): number {
  return sum(values, (value) => value) / values.length;
}

function sum(values: readonly number[], term: (value: number, index: number) => number): number {
  return values.reduce((total, value, index) => total + term(value, index), 0);
}

function most(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, value), 0);
}

/** The least value that `share` of them do not exceed. */
function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** To a thousandth: further digits are noise, and would differ where sums are taken in another order. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
