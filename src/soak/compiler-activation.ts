/** When a task or an interrupt starts, as the words of its context. */
import { ActivationKind, OverrunPolicy } from "../../assembly/soak/context-map.ts";
import { meanOf } from "../scenario/draws.ts";
import type { Draw, InterruptModel, TaskModel } from "../scenario/model.ts";
import type { CompiledContext, DrawnAmount } from "./compiled.ts";
import { constantValue, descriptor } from "./compiler-amounts.ts";
import type { ImageBuilder, Label } from "./compiler-image.ts";
import type { ProgramNumbers } from "./compiler-numbers.ts";
import type { Indices } from "./compiler-steps.ts";

/** The part of a context that says when it starts. */
export type CompiledActivation = Pick<
  CompiledContext,
  | "activation"
  | "overrun"
  | "periodUs"
  | "firstDelayUs"
  | "randomStart"
  | "jitter"
  | "gap"
  | "jitterSite"
  | "startSite"
  | "hourly"
  | "onMode"
>;

/** The same, to be read once the image is finished. */
export type OpenActivation = () => CompiledActivation;

type Runnable = TaskModel | InterruptModel;

const OVERRUN = {
  "catch-up": OverrunPolicy.CatchUp,
  skip: OverrunPolicy.Skip,
  queue: OverrunPolicy.Queue,
} as const satisfies Record<TaskModel["overrun"], OverrunPolicy>;

/** What `every: 1 s` and its kin say. Interrupts merge arrivals while one is pending: the same as catching up. */
export function activationOf(
  source: Runnable,
  image: ImageBuilder,
  numbers: ProgramNumbers,
  indices: Indices,
): OpenActivation {
  const { activation, start, hourly } = source;
  const timing = timingOf(source, image, numbers);
  const jitter = activation.kind === "every" ? activation.jitter : 0;
  const randomStart = start.kind === "random";
  const fixed: Omit<CompiledActivation, "gap"> = {
    activation: timing.kind,
    overrun: "overrun" in source ? OVERRUN[source.overrun] : OverrunPolicy.CatchUp,
    periodUs: timing.periodUs,
    firstDelayUs: (start.kind === "after" ? Math.round(start.us) : 0) + timing.atUs,
    randomStart,
    jitter,
    jitterSite: jitter > 0 ? numbers.site("jitter") : 0,
    startSite: randomStart ? numbers.site("start") : 0,
    hourly,
    onMode: activation.kind === "on" ? indices.mode(activation.mode) : -1,
  };
  return () => ({ ...fixed, gap: placed(timing.gap) });
}

/** A descriptor whose place is known when the image is finished. */
interface OpenGap {
  readonly label: Label;
  readonly site: number;
}

interface Timing {
  readonly kind: ActivationKind;
  /** The period or the usual gap: where a random start may fall. */
  readonly periodUs: number;
  readonly atUs: number;
  readonly gap?: OpenGap;
}

function timingOf({ activation }: Runnable, image: ImageBuilder, numbers: ProgramNumbers): Timing {
  switch (activation.kind) {
    case "every":
      return everyOf(activation.gapUs, image, numbers);
    case "poisson":
      return gapsOf({ kind: "exponential", mean: 1e6 / activation.perSecond }, "poisson", image, numbers);
    case "at":
      return { kind: ActivationKind.Once, periodUs: 0, atUs: Math.round(activation.atUs) };
    case "on":
      return { kind: ActivationKind.OnMode, periodUs: 0, atUs: 0 };
    case "loop":
      return { kind: ActivationKind.Loop, periodUs: 0, atUs: 0 };
    case "spawned":
      return { kind: ActivationKind.Spawned, periodUs: 0, atUs: 0 };
  }
}

/** A constant period is a grid. */
function everyOf(gapUs: Draw, image: ImageBuilder, numbers: ProgramNumbers): Timing {
  const periodUs = constantValue(gapUs);
  if (periodUs !== undefined) return { kind: ActivationKind.Periodic, periodUs, atUs: 0 };
  return gapsOf(gapUs, "every", image, numbers);
}

function gapsOf(draw: Draw, path: string, image: ImageBuilder, numbers: ProgramNumbers): Timing {
  const gap = { label: descriptor(image, draw, "time"), site: numbers.site(path) };
  return { kind: ActivationKind.Gaps, periodUs: Math.round(usualValue(draw)), atUs: 0, gap };
}

/** The mean, or where a few large draws make most of it, the median or the least value. */
function usualValue(draw: Draw): number {
  if (draw.kind === "lognormal") return draw.median;
  return draw.kind === "pareto" ? draw.least : meanOf(draw);
}

function placed(gap: OpenGap | undefined): DrawnAmount | undefined {
  return gap && { draw: gap.label.position ?? 0, site: gap.site };
}
