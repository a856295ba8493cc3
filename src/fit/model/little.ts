import { meanOf } from "../../statistics/moments.ts";
import type { BlockClass } from "./block-class.ts";
import { drawMean, type FittedDraw } from "./draw.ts";
import type { FittedActivity, FittedStep, LiveBytes } from "./model.ts";

/**
 * Mean live bytes as the trace had them until `untilUs`, and as the model makes them: arrivals times mean of size
 * times life (J. D. C. Little, 1961), of which only what falls into the time counts. Blocks whose life the steps
 * themselves make, and leaked ones, live as long as those of the trace.
 */
export function liveBytesOf(activities: readonly FittedActivity[], untilUs: number): LiveBytes {
  const classes = activities.flatMap((activity) => activity.classes);
  const traceMean = classes.reduce((sum, blocks) => sum + byteTime(blocks), 0) / untilUs;
  const kept = new Map<BlockClass, number>();
  for (const { steps, starts } of activities) addKept(kept, steps, starts, untilUs);
  const modelled = classes.reduce((sum, blocks) => sum + (kept.get(blocks) ?? byteTime(blocks)), 0);
  return { traceMean, modelMean: modelled / untilUs };
}

/** Bytes times microseconds. */
function byteTime({ requestBytes, seenUs, bornUs }: BlockClass): number {
  let sum = 0;
  for (let i = 0; i < bornUs.length; i++) sum += (requestBytes[i] ?? 0) * ((seenUs[i] ?? 0) - (bornUs[i] ?? 0));
  return sum;
}

function addKept(
  kept: Map<BlockClass, number>,
  steps: readonly FittedStep[],
  times: number,
  untilUs: number,
  bytesBefore = 0,
): void {
  let bytes = bytesBefore;
  for (const step of steps) {
    if (step.step === "allocate") bytes = step.size.kind === "sampled" ? step.size.mean : drawMean(step.size);
    else if (step.step === "in-case") addKept(kept, step.steps, times * step.ratio, untilUs, step.meanBytes);
    else if (step.step === "keep") {
      if (step.blocks.growth) bytes = meanOf(step.blocks.requestBytes);
      const { draw, leakRatio } = step.lifetime;
      const us = (1 - leakRatio) * seenMean(draw, untilUs) + (leakRatio * untilUs) / 2;
      kept.set(step.blocks, (kept.get(step.blocks) ?? 0) + times * grantedRatio(step.blocks) * bytes * us);
    } else if (step.step === "repeat") addKept(kept, step.steps, times * drawMean(step.count), untilUs);
    else if (step.step === "chance") addKept(kept, step.steps, times * step.ratio, untilUs);
    else if (step.step === "choose") {
      const total = step.options.reduce((sum, { weight }) => sum + weight, 0);
      for (const option of step.options) addKept(kept, option.steps, (times * option.weight) / total, untilUs);
    }
  }
}

function grantedRatio({ isRefused }: BlockClass): number {
  return 1 - meanOf(isRefused);
}

/** Mean of what is seen of lives that begin anywhere in the time. */
function seenMean(draw: FittedDraw, untilUs: number): number {
  const seen = (us: number) => (us < untilUs ? us - (us * us) / (2 * untilUs) : untilUs / 2);
  if (draw.kind === "exponential") {
    return draw.mean * (1 - (draw.mean / untilUs) * (1 - Math.exp(-untilUs / draw.mean)));
  }
  if (draw.kind === "table") {
    const total = draw.weights.reduce((sum, weight) => sum + weight, 0);
    return draw.values.reduce((sum, us, index) => sum + seen(us) * (draw.weights[index] ?? 0), 0) / total;
  }
  return seen(drawMean(draw));
}
