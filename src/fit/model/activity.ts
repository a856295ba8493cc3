import { meanOf } from "../../statistics/moments.ts";
import type { BlockClass } from "./block-class.ts";
import { type Bursts, burstsOf } from "./bursts.ts";
import { countDraw, tableOf } from "./draw.ts";
import type { Family } from "./followers.ts";
import type { FittedActivity, FittedStart, FittedStep, Rounds } from "./model.ts";
import { type Phases, phasesOf } from "./phases.ts";
import { retentionOf } from "./retention.ts";
import { replacingSteps, type Script, scriptOf, waitSteps } from "./script.ts";
import { gapsOf, startOf } from "./starts.ts";

/** Blocks that come this early and stay belong to the start-up. */
const EARLY_RATIO = 0.02;
/** A script that takes less of its gaps than this leaves the starts alone. */
const BUSY_RATIO = 0.02;

/** The families as activities; blocks of the start-up in one of their own. `span`: what was looked at. */
export function activitiesOf(families: readonly Family[], untilUs: number): FittedActivity[] {
  const early = families.filter((family) => isStartUp(family, untilUs));
  const others = families.filter((family) => !early.includes(family));
  return [...startUp(early), ...others.map((family) => activityOf(family, untilUs))];
}

/** All that the family holds. */
export function classesIn({ blocks, children }: Family): BlockClass[] {
  return [blocks, ...children.flatMap(classesIn)];
}

function isStartUp(family: Family, untilUs: number): boolean {
  return classesIn(family).every((blocks) => {
    const last = blocks.bornUs.at(-1) ?? 0;
    const isEarly = last <= EARLY_RATIO * untilUs || blocks.rows.length <= 2;
    return isEarly && retentionOf(blocks).kind === "forever";
  });
}

/** Every block that stays, in the order in which they came. */
function startUp(families: readonly Family[]): FittedActivity[] {
  const classes = families.flatMap(classesIn);
  const births = classes
    .flatMap((blocks) => Array.from(blocks.rows, (_, index) => ({ blocks, index })))
    .sort((a, b) => (a.blocks.bornOrder[a.index] ?? 0) - (b.blocks.bornOrder[b.index] ?? 0));
  const [first] = births;
  if (first === undefined) return [];
  const firstUs = first.blocks.bornUs[first.index] ?? 0;
  let reachedUs = firstUs;
  const steps = births.flatMap(({ blocks, index }): FittedStep[] => {
    const us = blocks.bornUs[index] ?? 0;
    const wait = waitSteps([us - reachedUs]);
    reachedUs = us;
    const size = { kind: "constant", value: blocks.requestBytes[index] ?? 0 } as const;
    const request = [...wait, { step: "allocate", blocks, size } as const];
    if (blocks.isRefused[index] === 1) return [...request, { step: "free", blocks }];
    return blocks.rows.length > 1 ? [...request, { step: "leak", blocks }] : request;
  });
  return [{ start: { kind: "at", atUs: firstUs }, steps, leader: first.blocks, classes, starts: 1 }];
}

function activityOf(family: Family, untilUs: number): FittedActivity {
  const leader = family.blocks;
  const script = scriptOf(family);
  const common = { leader, classes: classesIn(family), starts: leader.rows.length };
  if (leader.rows.length > 1 && leader.bornUs.at(-1) === leader.bornUs[0])
    return { ...common, ...atOnce(leader, script) };
  const bursts = burstsOf(leader);
  if (bursts) return { ...common, ...burstActivity(bursts, script, untilUs) };
  const start = startOf(leader.bornUs, untilUs);
  const gaps = gapsOf(leader.bornUs);
  const replacing = replacingSteps(leader, script);
  if (replacing) return { ...common, start, steps: replacing };
  const phases = start.kind === "every" && start.gap.kind === "table" ? phasesOf(gaps) : undefined;
  if (phases) return { ...common, ...phaseActivity(phases, script, leader) };
  const rounds = { startsUs: leader.bornUs, spanUs: script.spanUs, steps: script.steps };
  return { ...common, ...alternating(start, rounds, gaps), rounds };
}

/** As often at one rate as that was seen to last, then at the other. */
function phaseActivity({ busy, quiet }: Phases, { steps, spanUs }: Script, { rows }: BlockClass) {
  const span = meanOf(spanUs);
  const parts = [busy, quiet].map(({ counts, gapsUs }): FittedStep => {
    const pause = waitSteps(gapsUs.map((gap) => Math.max(0, gap - span)));
    return { step: "repeat", count: tableOf(counts), steps: [...steps, ...pause] };
  });
  const starts = rows.length / (meanOf(busy.counts) + meanOf(quiet.counts));
  return { start: { kind: "loop" } as const, steps: parts, starts };
}

/** All starts at one instant. */
function atOnce({ bornUs, rows }: BlockClass, { steps }: Script): Pick<FittedActivity, "start" | "steps" | "starts"> {
  const count = { kind: "constant", value: rows.length } as const;
  return { start: { kind: "at", atUs: bornUs[0] ?? 0 }, steps: [{ step: "repeat", count, steps }], starts: 1 };
}

/** Steps that take much of the time between starts make the gaps themselves, unless a clock does. */
function alternating(
  start: FittedStart,
  { steps, spanUs }: Rounds,
  gaps: Float64Array,
): { start: FittedStart; steps: readonly FittedStep[] } {
  const isBusy = meanOf(spanUs) > BUSY_RATIO * meanOf(gaps);
  if (!isBusy || gaps.length < 2 || isPeriodic(start)) return { start, steps };
  const rests = gaps.map((gap, index) => Math.max(0, gap - (spanUs[index] ?? 0)));
  return { start: { kind: "loop" }, steps: [...steps, ...waitSteps(rests)] };
}

/** Several starts soon after each other as one. */
function burstActivity(bursts: Bursts, script: Script, untilUs: number) {
  const pause = waitSteps(bursts.innerGapsUs.map((gap) => Math.max(0, gap - meanOf(script.spanUs))));
  const repeat: FittedStep = { step: "repeat", count: countDraw(bursts.counts), steps: [...script.steps, ...pause] };
  const start = startOf(bursts.firstUs, untilUs);
  const rounds = { startsUs: bursts.firstUs, spanUs: bursts.spanUs, steps: [repeat] };
  return { ...alternating(start, rounds, gapsOf(bursts.firstUs)), starts: bursts.firstUs.length, rounds };
}

function isPeriodic(start: FittedStart): boolean {
  return start.kind === "every" && start.gap.kind === "constant";
}
