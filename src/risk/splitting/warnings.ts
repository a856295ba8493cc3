/** What makes an estimate by splitting worth less than it looks. */
import type { Pilot } from "./levels.ts";
import type { Replication, Stage } from "./replication.ts";
import type { SplittingLevel } from "./splitting.ts";

/** A level that so few of the trials enter is too far from the one before. */
const LEVEL_SHARE_LEAST = 0.02;
/** Failures that descend from fewer runs than these, in a replication, are one story told again and again. */
export const ANCESTORS_LEAST = 5;
/** Failures that skip more levels than these at one go, as a share of all. */
const JUMPS_MOST = 0.5;
const LEVELS_SKIPPED = 2;

/** One sentence each; none where the levels do what they are for. */
export function warningsOf(
  pilot: Pilot,
  replications: readonly Replication[],
  levels: readonly SplittingLevel[],
): string[] {
  const hits = replications.filter(({ probability }) => probability > 0);
  const warnings = [
    ...withoutFailure(pilot, replications.length - hits.length, replications.length),
    ...levels.flatMap(tooFar),
  ];
  if (hits.length === 0) return warnings;
  return [...warnings, ...fewAncestors(hits), ...jumps(hits)];
}

function withoutFailure({ thresholds, sawFailure }: Pilot, missed: number, count: number): string[] {
  if (missed === 0) return [];
  if (missed < count) {
    return [`${missed} of ${count} replications saw no failure: more trials a level would tell more.`];
  }
  if (sawFailure) return ["No trial failed but in the pilot: more trials a level would tell more."];
  const last = thresholds.at(-1);
  const where = last === undefined ? "no level was found" : `no trial rose above level ${last}`;
  return [`No trial failed, and ${where}: the probability is only known to lie below the bound.`];
}

function tooFar({ threshold, probability, trials }: SplittingLevel, index: number): string[] {
  if (trials === 0 || probability === 0 || probability >= LEVEL_SHARE_LEAST) return [];
  const share = `${(100 * probability).toPrecision(2)} %`;
  const what = threshold === null ? "failed" : `entered level ${index + 1} (${threshold})`;
  return [`Only ${share} of the trials before it ${what}: too few to begin the next level with.`];
}

function fewAncestors(hits: readonly Replication[]): string[] {
  const mean = hits.reduce((sum, { stages }) => sum + (stages.at(-1)?.ancestors ?? 0), 0) / hits.length;
  if (mean >= ANCESTORS_LEAST) return [];
  const runs = hits[0]?.stages[0]?.trials ?? 0;
  return [
    `The failures of a replication descend from ${mean.toPrecision(2)} of its ${runs} runs on average: too few to tell how much estimates vary.`,
  ];
}

/** Importance that does not lead up to failures leaves them as rare in the trials as they are in runs. */
function jumps(hits: readonly Replication[]): string[] {
  const jumped = hits.reduce((sum, { stages }) => sum + jumpedShare(stages), 0);
  const all = hits.reduce((sum, { probability }) => sum + probability, 0);
  if (jumped <= JUMPS_MOST * all) return [];
  const share = `${Math.min(100, Math.round((100 * jumped) / all))} %`;
  return [
    `${share} of the failures skipped more than ${LEVELS_SKIPPED} levels at one go: the importance does not lead up to them.`,
  ];
}

/** The probability of the failures that entered so many levels at once, by failing. */
function jumpedShare(stages: readonly Stage[]): number {
  let reach = 1;
  let sum = 0;
  for (const { trials, entered, failed } of stages.slice(0, -1 - LEVELS_SKIPPED)) {
    sum += (reach * failed) / trials;
    reach *= entered / trials;
  }
  return sum;
}
