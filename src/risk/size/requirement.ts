/** What a size has to show: of so many runs, so many may fail. */
import { HeapsoakError } from "../../errors.ts";
import { upperBound } from "../statistics/clopper-pearson.ts";

export interface Requirement {
  /** The chance of failure within the horizon must be shown to be at most this, 0 to 1. */
  readonly risk: number;
  /** How often what is shown may be relied on, 0 to 1. */
  readonly confidence: number;
  /** Runs of a size. */
  readonly runs: number;
  /** The most of them that may fail, so that the one-sided upper bound is at most `risk`. */
  readonly failuresMost: number;
}

const RUNS_MOST = 1_000_000;

/**
 * The requirement with the fewest runs that can show it, none of which may fail, or with the runs given. More runs let
 * a few fail, and find a size nearer to the smallest. Throws `bad-argument`.
 */
export function requirementOf(risk: number, confidence: number, runs?: number): Requirement {
  const fewest = fewestRuns(risk, confidence);
  if (runs !== undefined && runs < fewest) {
    throw new HeapsoakError(
      "bad-argument",
      `${runs} runs cannot show a risk that small: it takes ${fewest} at least.`,
      {
        hint: "Take more runs, a larger risk or a lower confidence.",
      },
    );
  }
  const taken = runs ?? fewest;
  return { risk, confidence, runs: taken, failuresMost: failuresMost(risk, confidence, taken) };
}

/** The least risk, to two digits, that so many runs can show. */
export function riskWithin(runs: number, confidence: number): number {
  return Number(upperBound(0, Math.max(1, runs), confidence).toPrecision(2));
}

function fewestRuns(risk: number, confidence: number): number {
  const suffices = (runs: number) => upperBound(0, runs, confidence) <= risk;
  if (!suffices(RUNS_MOST)) {
    throw new HeapsoakError("bad-argument", `To show a risk of ${risk} takes more than ${RUNS_MOST} runs of a size.`, {
      hint: "Ask for a larger risk; `heapsoak risk --method splitting` measures small ones of a single size.",
    });
  }
  let [few, enough] = [0, RUNS_MOST];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (suffices(middle)) enough = middle;
    else few = middle;
  }
  return enough;
}

function failuresMost(risk: number, confidence: number, runs: number): number {
  let failures = 0;
  while (upperBound(failures + 1, runs, confidence) <= risk) failures++;
  return failures;
}
