import { meanOf } from "../../statistics/moments.ts";
import { type BlockClass, rowsOf } from "./block-class.ts";
import { sizeBins } from "./dependence.ts";
import { countDraw, drawMean, type FittedDraw, sizeDraw, timeDraw } from "./draw.ts";
import type { Family } from "./followers.ts";
import { interleavedWith } from "./interleaved.ts";
import { type FittedSize, type JointDraw, type JointDraws, jointDraws } from "./joint.ts";
import { lifetimeOf } from "./lifetime.ts";
import type { FittedStep } from "./model.ts";
import { type Retention, retentionOf } from "./retention.ts";
import { gapsOf } from "./starts.ts";
import { at, sorted } from "./statistics.ts";
import { countsBy, startAt } from "./windows.ts";

/** Windows without exactly one of a kind that do not matter. */
const EXCEPTIONS_RATIO = 0.02;
const WINDOWS_LEAST = 2;
/** What is freed this shortly before the next start is freed by it, so often at least. */
const REPLACED_US = 5;
const REPLACED_LEAST = 4;
/** Waits shorter than this are none. */
const WAIT_US = 2;

/** The steps of a family, and what a start of it takes. */
export interface Script {
  readonly steps: readonly FittedStep[];
  /** From the start to the last step, one for each start; waits of repeated parts included as they were. */
  readonly spanUs: Float64Array;
  /** Whether it was always over before it started again. */
  readonly isExclusive: boolean;
}

/** One thing that happens in each start: something, at a time of its own in each of them. */
interface Event {
  /** Whose birth it is. */
  readonly born?: BlockClass;
  /** What happens with each step of its growth. */
  readonly between?: readonly FittedStep[];
  readonly steps: readonly FittedStep[];
  /** Begin and end behind the start, by start; NaN where it did not happen. */
  readonly fromUs: Float64Array;
  readonly toUs: Float64Array;
}

/** The steps of one start of the family, in the order of what usually happens first. `keeps`: none frees by a step. */
export function scriptOf(family: Family, keeps = false, known: JointDraws = new Map()): Script {
  const leader = family.blocks;
  const joint = jointDraws(family, known);
  const members = membersOf(family);
  const events: Event[] = [];
  const releases: Event[] = [];
  const containers = members.map(({ blocks }) => blocks).filter(({ growth }) => growth);
  const parts = members.flatMap(({ family: own }) => own.filter((child) => !isAlways(leader, child.blocks)));
  const between = parts.flatMap((part) => {
    const interleaved = interleavedWith(leader, part.blocks, containers);
    return interleaved ? [{ part, ...interleaved }] : [];
  });
  for (const { blocks } of members) {
    const retention = retentionOf(blocks);
    const isHeld = retention.kind === "single" && !keeps && addRelease(leader, blocks, releases);
    const inner = between.filter(({ container }) => container === blocks);
    const steps = inner.map(({ part, ratio }): FittedStep => {
      return { step: "chance", ratio, steps: partScript(leader, part, joint).steps };
    });
    events.push(birthEvent(leader, blocks, isHeld ? { kind: "single" } : letGo(retention), joint, steps));
  }
  for (const part of parts) {
    const isBetween = between.find((interleaved) => interleaved.part === part)?.isBetween;
    if (!isBetween || isBetween.includes(0)) events.push(partEvent(leader, part, joint, isBetween));
  }
  const script = joinEvents(leader, events, releases, joint);
  const drawn = [...new Set(joint.values())].filter((draw) => ![...known.values()].includes(draw));
  return { ...script, steps: [...drawn.map((draw) => ({ step: "draw", joint: draw }) as const), ...script.steps] };
}

interface Member {
  readonly blocks: BlockClass;
  /** Those that follow it. */
  readonly family: readonly Family[];
}

/** The leader and all that come once in each start, whoever they follow. */
function membersOf(family: Family): Member[] {
  const members: Member[] = [];
  const add = (own: Family) => {
    members.push({ blocks: own.blocks, family: own.children });
    for (const child of own.children) if (isAlways(family.blocks, child.blocks)) add(child);
  };
  add(family);
  return members;
}

/** A single block is freed by a step only where the step's place is known; else after a time of its own. */
function letGo(retention: Retention): Retention {
  return retention.kind === "single" ? { kind: "free" } : retention;
}

/** Time behind the start; of what falls at one instant the order, as a part of a microsecond. */
function offsetOf(leader: BlockClass, start: number, us: number, order: number): number {
  const place = Math.min(9999, order - (leader.bornOrder[start] ?? 0));
  return us - (leader.bornUs[start] ?? 0) + place * 1e-4;
}

function isAlways(leader: BlockClass, blocks: BlockClass): boolean {
  if (leader === blocks) return true;
  const counts = countsBy(leader, blocks);
  const others = counts.reduce((sum, count) => sum + (count === 1 ? 0 : 1), 0);
  // The last start may be cut off.
  return counts.length >= WINDOWS_LEAST && others <= 1 + EXCEPTIONS_RATIO * counts.length;
}

function birthEvent(
  leader: BlockClass,
  blocks: BlockClass,
  retention: Retention,
  joint: JointDraws,
  between: readonly FittedStep[],
): Event {
  const fromUs = new Float64Array(leader.rows.length).fill(Number.NaN);
  for (let i = 0; i < blocks.rows.length; i++) {
    const start = startAt(leader, blocks.bornOrder[i] ?? 0);
    if (start >= 0) fromUs[start] = offsetOf(leader, start, blocks.bornUs[i] ?? 0, blocks.bornOrder[i] ?? 0);
  }
  const toUs = blocks.growth ? grownUs(leader, blocks, fromUs) : fromUs;
  return { born: blocks, between, steps: requestSteps(blocks, retention, joint.get(blocks), between), fromUs, toUs };
}

/** When the containers had grown, by start. */
function grownUs(leader: BlockClass, blocks: BlockClass, fromUs: Float64Array): Float64Array {
  const toUs = fromUs.slice();
  const { reachedUs, reachedOrder } = blocks.growth ?? {};
  blocks.bornOrder.forEach((order, index) => {
    const start = startAt(leader, order);
    if (start >= 0) toUs[start] = offsetOf(leader, start, reachedUs?.[index] ?? 0, reachedOrder?.[index] ?? 0);
  });
  return toUs;
}

/** An event for the class's frees, unless they fall anyhow; whether it was added. */
function addRelease(leader: BlockClass, blocks: BlockClass, releases: Event[]): boolean {
  const fromUs = new Float64Array(leader.rows.length).fill(Number.NaN);
  let twice = 0;
  for (let i = 0; i < blocks.rows.length; i++) {
    if (!Number.isFinite(blocks.diedOrder[i])) continue;
    const start = startAt(leader, blocks.diedOrder[i] ?? 0);
    if (!Number.isNaN(fromUs[start])) twice++;
    fromUs[start] = offsetOf(leader, start, blocks.diedUs[i] ?? 0, blocks.diedOrder[i] ?? 0);
  }
  if (twice > EXCEPTIONS_RATIO * leader.rows.length || leader.rows.length < WINDOWS_LEAST) return false;
  releases.push({ steps: [{ step: "free", blocks }], fromUs, toUs: fromUs });
  return true;
}

/** Allocate, and what becomes of the block. `between`: what happens with each step of its growth. */
function requestSteps(
  blocks: BlockClass,
  retention: Retention,
  joint: JointDraw | undefined,
  between: readonly FittedStep[] = [],
): FittedStep[] {
  const whole = madeSteps(blocks, joint, between);
  if (retention.kind === "single") return whole;
  if (retention.kind === "none") return [...whole, { step: "free", blocks }];
  if (retention.kind === "forever") return [...whole, { step: "leak", blocks }];
  if (retention.kind === "cache") return [...whole, { step: "cache", blocks, cache: retention.cache }];
  if (retention.kind === "queue") return [...whole, { step: "send", blocks, queue: retention.queue }];
  const all = Uint32Array.from(blocks.rows.keys());
  const byCase = joint?.lives.get(blocks);
  if (joint && byCase) return [...whole, ...byCase.map((bin, index) => inCase(blocks, bin, joint, index))];
  if (blocks.growth || joint?.sizes.has(blocks)) return [...whole, keepStep(blocks, all)];
  const bins = sizeBins(blocks);
  const branches = bins.map((bin) => ({ weight: bin.length, steps: keptSteps(blocks, bin) }));
  return branches.length === 1 ? (branches[0]?.steps ?? []) : [{ step: "choose", options: branches }];
}

/** What becomes of it in one of the cases in which it was drawn. */
function inCase(blocks: BlockClass, bin: Uint32Array, joint: JointDraw, index: number): FittedStep {
  const meanBytes = meanOf(Float64Array.from(bin, (own) => blocks.requestBytes[own] ?? 0));
  const ratio = bin.length / blocks.rows.length;
  const steps = bin.length > 0 ? [keepStep(blocks, bin)] : [];
  return { step: "in-case", joint, index, ratio, meanBytes, steps };
}

function keptSteps(blocks: BlockClass, bin: Uint32Array): FittedStep[] {
  const sizes = Float64Array.from(bin, (index) => blocks.requestBytes[index] ?? 0);
  return [{ step: "allocate", blocks, size: sizeDraw(sizes) }, keepStep(blocks, bin)];
}

/** Lives of containers count from when they have grown. */
function keepStep(blocks: BlockClass, all: Uint32Array): FittedStep {
  const bin = all.filter((index) => blocks.isRefused[index] === 0);
  const from = blocks.growth?.reachedUs ?? blocks.bornUs;
  const us = Float64Array.from(bin, (index) => (blocks.seenUs[index] ?? 0) - (from[index] ?? 0));
  const isEnded = Uint8Array.from(bin, (index) => (Number.isFinite(blocks.diedUs[index]) ? 1 : 0));
  return { step: "keep", blocks, lifetime: lifetimeOf({ us, isEnded }) };
}

/** One request, or the steps in which a container grows. */
function madeSteps(blocks: BlockClass, joint: JointDraw | undefined, between: readonly FittedStep[]): FittedStep[] {
  const { growth } = blocks;
  const size: FittedSize = joint?.sizes.get(blocks) ?? sizeDraw(blocks.requestBytes);
  if (!growth) return [{ step: "allocate", blocks, size }];
  const { policy, times } = growth;
  const wait: FittedStep[] = drawMean(growth.wait) < WAIT_US ? [] : [{ step: "wait", us: growth.wait }];
  const grow = (by: FittedDraw): FittedStep => ({ step: "grow", blocks, by, policy });
  const repeated: FittedStep = { step: "repeat", count: times, steps: [...wait, grow(growth.by), ...between] };
  return growth.isEven ? [repeated] : [grow(growth.first), repeated];
}

/** What a class does that comes several times or not at all: by itself, in a `repeat` or on a `chance`. */
function partEvent(leader: BlockClass, family: Family, joint: JointDraws, isLeftOut?: Uint8Array): Event {
  const blocks = isLeftOut ? rowsOf(family.blocks, (index) => isLeftOut[index] === 0) : family.blocks;
  const starts = leader.rows.length;
  const counts = countsBy(leader, blocks);
  const fromUs = new Float64Array(starts).fill(Number.NaN);
  const toUs = new Float64Array(starts).fill(Number.NaN);
  const gaps: number[] = [];
  const script = partScript(leader, family, joint);
  for (let i = 0; i < blocks.rows.length; i++) {
    const start = startAt(leader, blocks.bornOrder[i] ?? 0);
    if (start < 0) continue;
    const us = offsetOf(leader, start, blocks.bornUs[i] ?? 0, blocks.bornOrder[i] ?? 0);
    if (Number.isNaN(fromUs[start])) fromUs[start] = us;
    else gaps.push(us - (toUs[start] ?? 0));
    toUs[start] = us;
  }
  const spans = sorted(script.spanUs);
  const wait = pauseSteps(gaps, meanOf(spans));
  const inner = [...script.steps, ...wait];
  const pause = gaps.length > 0 ? meanOf(gaps) : meanOf(spans);
  for (let start = 0; start < starts; start++) toUs[start] = (toUs[start] ?? 0) + pause;
  return { steps: [partStep(counts, gaps.length > 0 ? inner : script.steps)], fromUs, toUs };
}

/** A part's steps end before its whole starts again, or let go of blocks without waiting for it. */
function partScript(leader: BlockClass, family: Family, joint: JointDraws): Script {
  const script = scriptOf(family, false, joint);
  const replacing = replacingSteps(family.blocks, script);
  if (replacing) return { ...script, steps: replacing, spanUs: new Float64Array(script.spanUs.length) };
  const long = at(sorted(script.spanUs), 1 - EXCEPTIONS_RATIO);
  return long > at(sorted(gapsOf(leader.bornUs)), EXCEPTIONS_RATIO) ? scriptOf(family, true, joint) : script;
}

/** Where what is freed at the end is freed just before the next start: freed at the beginning, and held in between. */
export function replacingSteps(leader: BlockClass, { steps, spanUs }: Script): FittedStep[] | undefined {
  const rests = gapsOf(leader.bornUs).map((gap, index) => Math.max(0, gap - (spanUs[index] ?? 0)));
  if (rests.length < REPLACED_LEAST || at(sorted(rests), 0.95) > REPLACED_US) return undefined;
  let end = steps.length;
  while (end > 0 && steps[end - 1]?.step === "free") end--;
  const frees = steps.slice(end);
  return [...frees, ...steps.slice(0, steps[end - 1]?.step === "wait" ? end - 1 : end)];
}

function pauseSteps(gaps: readonly number[], spanUs: number): FittedStep[] {
  if (gaps.length === 0) return [];
  const rest = gaps.map((gap) => Math.max(0, gap - spanUs));
  return waitSteps(rest);
}

function partStep(counts: Float64Array, steps: readonly FittedStep[]): FittedStep {
  const most = counts.reduce((high, count) => Math.max(high, count), 0);
  if (most <= 1) return { step: "chance", ratio: meanOf(counts), steps };
  return { step: "repeat", count: countDraw(counts), steps };
}

/** The events in order, with the waits between them. */
function joinEvents(leader: BlockClass, events: Event[], releases: Event[], joint: JointDraws): Script {
  const kept = releases.filter((release) => isOrderly(release, events));
  const orphans = releases.filter((release) => !kept.includes(release));
  const all = [...events.map((event) => withoutRelease(event, orphans, joint)), ...kept];
  const order = all
    .map((event) => ({ event, us: at(sorted(event.fromUs.filter((us) => !Number.isNaN(us))), 0.5) }))
    .sort((a, b) => a.us - b.us)
    .map(({ event }) => event);
  const steps: FittedStep[] = [];
  const reached = new Float64Array(leader.rows.length);
  for (const event of order) {
    const gaps: number[] = [];
    for (let start = 0; start < reached.length; start++) {
      const from = event.fromUs[start] ?? Number.NaN;
      if (Number.isNaN(from)) continue;
      gaps.push(Math.max(0, Math.round(from - (reached[start] ?? 0))));
      reached[start] = Math.max(reached[start] ?? 0, event.toUs[start] ?? 0);
    }
    steps.push(...waitSteps(gaps), ...event.steps);
  }
  const ends = reached.map((us, start) => us + (leader.bornUs[start] ?? 0));
  let over = 0;
  for (let start = 0; start + 1 < ends.length; start++) {
    if ((ends[start] ?? 0) > (leader.bornUs[start + 1] ?? 0)) over++;
  }
  return { steps, spanUs: reached, isExclusive: over <= EXCEPTIONS_RATIO * ends.length };
}

/** Whether a release falls behind or before each birth in nearly all starts: only then has it a place. */
function isOrderly(release: Event, events: readonly Event[]): boolean {
  return events.every((event) => {
    let before = 0;
    let behind = 0;
    for (let start = 0; start < release.fromUs.length; start++) {
      const difference = (release.fromUs[start] ?? Number.NaN) - (event.fromUs[start] ?? Number.NaN);
      if (difference < -WAIT_US) before++;
      else if (difference > WAIT_US) behind++;
    }
    return Math.min(before, behind) <= EXCEPTIONS_RATIO * (before + behind) + 1;
  });
}

/** The event, its block let go after a time of its own where its release has no place among the steps. */
function withoutRelease(event: Event, orphans: readonly Event[], joint: JointDraws): Event {
  const { born, between } = event;
  const isOrphan = orphans.some(({ steps: [step] }) => step?.step === "free" && step.blocks === born);
  return born && isOrphan ? { ...event, steps: requestSteps(born, { kind: "free" }, joint.get(born), between) } : event;
}

/** A wait as the gaps were; none where they are next to nothing. */
export function waitSteps(gaps: ArrayLike<number>): FittedStep[] {
  const us: FittedDraw = timeDraw(gaps);
  return drawMean(us) < WAIT_US ? [] : [{ step: "wait", us }];
}
