/**
 * Places the levels by pilot runs: from the entrances of one level, trials to the horizon; the next level is where a
 * wanted share of them came to. The pilot's trials choose the levels only; no estimate uses them again, which would
 * bias it towards the luck they had.
 */
import type { Random } from "../../statistics/random.ts";
import { type Entrance, Entrances } from "./entrances.ts";
import type { Trials } from "./trials.ts";

/** What the pilot came to. */
export interface Pilot {
  /** Ascending. The last stage leads from the last level to failure. */
  readonly thresholds: readonly number[];
  /** Whether a trial of the last stage failed; otherwise the levels lead nowhere yet. */
  readonly sawFailure: boolean;
  /** Mean instructions and events of a run from time 0. */
  readonly stepsOfRun: number;
}

export interface PilotOptions {
  /** Trials of each stage. */
  readonly trials: number;
  /** Share of a stage's trials that should enter the next level. */
  readonly share: number;
  /** States kept of a level. */
  readonly capacity: number;
  readonly random: Random;
}

/** A trial of the pilot, to be made again. */
interface PilotTrial {
  readonly from: Entrance;
  readonly branch: number;
  /** The greatest importance it had; infinite where it failed. */
  readonly most: number;
}

/** A level of lower probability than this cannot be told from none with so few trials. */
const HITS_LEAST = 3;
const LEVELS_MOST = 200;
/** Nothing is higher: a trial that watches it runs on to its end. */
const NO_LEVEL = Number.POSITIVE_INFINITY;
const START: Entrance = { state: "start", ancestor: 0 };

/** A pilot that gets nowhere says so in what it returns. */
export function placeLevels(trials: Trials, options: PilotOptions): Pilot {
  const thresholds: number[] = [];
  let pools: [Entrances, Entrances] = [entrancesOf(options), entrancesOf(options)];
  const before = trials.steps;
  let stage = tryAll(trials, [START], [options.trials]);
  const stepsOfRun = (trials.steps - before) / options.trials;
  while (thresholds.length < LEVELS_MOST) {
    const next = nextLevel(stage, thresholds.at(-1) ?? Number.NEGATIVE_INFINITY, options.share);
    if (next === NO_LEVEL || next === undefined) break;
    thresholds.push(next);
    const [from, to] = pools;
    enterAgain(trials, stage, next, to);
    pools = [to, from];
    if (to.all.every(({ state }) => state === "failed")) break;
    stage = tryAll(trials, to.all, to.share(options.trials));
  }
  return { thresholds, sawFailure: stage.some(({ most }) => most === NO_LEVEL), stepsOfRun };
}

function entrancesOf({ capacity, random }: PilotOptions): Entrances {
  return new Entrances(capacity, random);
}

/** Runs each entrance's share of trials to failure or horizon. */
function tryAll(trials: Trials, entrances: readonly Entrance[], shares: readonly number[]): PilotTrial[] {
  return entrances.flatMap((from, index) =>
    Array.from({ length: shares[index] ?? 0 }, (): PilotTrial => {
      if (from.state === "failed") return { from, branch: 0, most: NO_LEVEL };
      const branch = trials.nextBranch();
      const end = trials.run(from.state, branch, NO_LEVEL);
      return { from, branch, most: end === "failed" ? NO_LEVEL : trials.importance.most };
    }),
  );
}

/** The importance whose share of trials comes nearest to the wanted one, as a ratio; undefined where none rises. */
function nextLevel(stage: readonly PilotTrial[], current: number, share: number): number | undefined {
  const descending = stage.map(({ most }) => most).sort((a, b) => b - a);
  let best: { level: number; distance: number } | undefined;
  for (const [index, level] of descending.entries()) {
    const hits = index + 1;
    if (level <= current) break;
    if (descending[hits] === level || hits < HITS_LEAST) continue;
    const ratio = hits / descending.length / share;
    const distance = Math.max(ratio, 1 / ratio);
    if (!best || distance < best.distance) best = { level, distance };
  }
  const highest = descending[0] ?? current;
  return best?.level ?? (highest > current ? highest : undefined);
}

/** The trials that came to the level are made again up to there, and their states kept. */
function enterAgain(trials: Trials, stage: readonly PilotTrial[], level: number, to: Entrances): void {
  to.clear();
  for (const { from, branch, most } of stage) {
    if (most < level) continue;
    const hasFailed = from.state === "failed" || trials.run(from.state, branch, level) === "failed";
    to.add(trials.machine, from.ancestor, hasFailed);
  }
}
