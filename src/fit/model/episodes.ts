import { meanOf } from "../../statistics/moments.ts";
import { timeDraw } from "./draw.ts";
import type { FittedActivity, FittedEpisodes, FittedStep, Rounds } from "./model.ts";
import { waitSteps } from "./script.ts";
import { gapsOf } from "./starts.ts";
import { at, firstAbove, sorted } from "./statistics.ts";

/** As many are needed before tasks that start together are said to do so for one reason. */
const EPISODES_LEAST = 6;
/** Nearly all starts must have one of the other's close to it: within so much of the shorter gaps. */
const TOGETHER_RATIO = 0.95;
const CLOSE_RATIO = 0.2;
/** A gap that one in ten stays below. */
const SHORT_GAP = 0.1;
/** A mode lasts no longer than this, and no longer than a part of the shorter gaps. */
const DWELL_US = 1e6;
const DWELL_RATIO = 0.02;

/** Who lets go when a mode ends does so within this of the others. */
const ENDS_US = 10_000;

interface Shared {
  readonly activities: readonly FittedActivity[];
  readonly episodes?: FittedEpisodes;
}

/**
 * Activities that nearly always start together, and not by a clock, as what tasks do when a mode is entered; they are
 * over long before the next time, or hold something until all of them let go at once. A scenario has one set of
 * modes: of several such groups the largest gets it.
 */
export function withEpisodes(activities: readonly FittedActivity[]): Shared {
  const candidates = activities.filter(mayShare);
  const groups = candidates.map((leader) => candidates.filter((other) => areTogether(leader, other)));
  const largest = groups.reduce((best, group) => (group.length > best.length ? group : best), []);
  const [leader] = largest;
  if (largest.length < 2 || !leader?.rounds) return { activities };
  const startsUs = earliest(leader.rounds, largest);
  return {
    activities: activities.map((activity) => (largest.includes(activity) ? onEntry(activity, startsUs) : activity)),
    episodes: episodesOf(leader, startsUs),
  };
}

/** Without an end that anything waits for it only has to be short. */
function episodesOf(leader: FittedActivity, startsUs: Float64Array): FittedEpisodes {
  const gaps = gapsOf(startsUs);
  const endsUs = endsOf(leader);
  const shortUs = Math.max(1, Math.round(Math.min(DWELL_US, DWELL_RATIO * at(sorted(gaps), SHORT_GAP))));
  const lasts = gaps.map((_, index) => (isHeld(leader) ? (endsUs[index] ?? 0) - (startsUs[index] ?? 0) : shortUs));
  const pauses = gaps.map((us, index) => Math.max(1, us - (lasts[index] ?? 0)));
  return { pause: timeDraw(pauses), lasts: timeDraw(lasts) };
}

function mayShare(activity: FittedActivity): boolean {
  const { start, rounds } = activity;
  if (!rounds || rounds.startsUs.length < EPISODES_LEAST) return false;
  if (start.kind === "at" || (start.kind === "every" && start.gap.kind === "constant")) return false;
  if (start.kind === "poisson" && start.hourly) return false;
  return isShort(rounds) || isHeld(activity);
}

function isShort({ startsUs, spanUs }: Rounds): boolean {
  return at(sorted(spanUs), TOGETHER_RATIO) < at(sorted(gapsOf(startsUs)), SHORT_GAP);
}

/** Whether it takes most of the time, and ends with frees behind a wait. */
function isHeld({ rounds }: FittedActivity): boolean {
  if (!rounds || isShort(rounds) || lastWait(rounds.steps) < 0) return false;
  const overlapping = gapsOf(rounds.startsUs).filter((gap, index) => gap < (rounds.spanUs[index] ?? 0));
  return overlapping.length <= (1 - TOGETHER_RATIO) * rounds.spanUs.length;
}

/** The place of the wait in front of the last frees, or -1. */
function lastWait(steps: readonly FittedStep[]): number {
  let end = steps.length;
  while (end > 0 && steps[end - 1]?.step === "free") end--;
  return end < steps.length && steps[end - 1]?.step === "wait" ? end - 1 : -1;
}

function endsOf({ rounds }: FittedActivity): Float64Array {
  return rounds ? rounds.startsUs.map((us, index) => us + (rounds.spanUs[index] ?? 0)) : new Float64Array();
}

/** Whether each start of one has one of the other's close to it, and the other way round; so the ends, if they are held to. */
function areTogether(one: FittedActivity, other: FittedActivity): boolean {
  if (!one.rounds || !other.rounds || isHeld(one) !== isHeld(other)) return false;
  const closeUs = CLOSE_RATIO * at(sorted(gapsOf(one.rounds.startsUs)), SHORT_GAP);
  const [starts, others] = [one.rounds.startsUs, other.rounds.startsUs];
  if (!isCovered(starts, others, closeUs) || !isCovered(others, starts, closeUs)) return false;
  return !isHeld(one) || isCovered(endsOf(one), endsOf(other).sort(), ENDS_US);
}

function isCovered(timesUs: Float64Array, byUs: Float64Array, closeUs: number): boolean {
  const near = timesUs.filter((us) => Math.abs(nearest(byUs, us) - us) <= closeUs);
  return near.length >= TOGETHER_RATIO * timesUs.length;
}

function nearest(timesUs: Float64Array, us: number): number {
  const behind = firstAbove(timesUs, us);
  const before = timesUs[behind - 1] ?? Number.NEGATIVE_INFINITY;
  const after = timesUs[behind] ?? Number.POSITIVE_INFINITY;
  return us - before <= after - us ? before : after;
}

/** When each episode began: with the first of the group that started then. */
function earliest({ startsUs }: Rounds, group: readonly FittedActivity[]): Float64Array {
  const closeUs = CLOSE_RATIO * at(sorted(gapsOf(startsUs)), SHORT_GAP);
  return startsUs.map((us) => {
    const others = group.map((other) => nearest(other.rounds?.startsUs ?? startsUs, us));
    return Math.min(us, ...others.filter((otherUs) => Math.abs(otherUs - us) <= closeUs));
  });
}

/** What the activity does when the mode is entered: as late as it was then. */
function onEntry(activity: FittedActivity, startsUs: Float64Array): FittedActivity {
  const { rounds } = activity;
  if (!rounds) return activity;
  const mean = meanOf(gapsOf(startsUs));
  const delays = [...rounds.startsUs].map((us) => us - (startsUs[firstAbove(startsUs, us) - 1] ?? us));
  const wait = waitSteps(delays.filter((us) => us < CLOSE_RATIO * mean));
  const steps = isHeld(activity) ? rounds.steps.with(lastWait(rounds.steps), { step: "until-pause" }) : rounds.steps;
  return { ...activity, start: { kind: "mode" }, steps: [...wait, ...steps] };
}
