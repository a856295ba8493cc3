import type { BlockClass } from "./block-class.ts";
import type { FittedDraw } from "./draw.ts";
import type { GrowthPolicy } from "./growth.ts";
import type { FittedSize, JointDraw } from "./joint.ts";
import type { FittedLifetime } from "./lifetime.ts";
import type { FittedQueue } from "./queue.ts";
import type { FittedCache } from "./retention.ts";

/** What an activity does, in the words of scenarios. */
export type FittedStep =
  | { readonly step: "allocate"; readonly blocks: BlockClass; readonly size: FittedSize }
  /** The sizes that blocks of this start have together. */
  | { readonly step: "draw"; readonly joint: JointDraw }
  /** Only where the draw was by this case: of all blocks the `ratio`, of so many bytes on average. */
  | {
      readonly step: "in-case";
      readonly joint: JointDraw;
      readonly index: number;
      readonly ratio: number;
      readonly meanBytes: number;
      readonly steps: readonly FittedStep[];
    }
  /** As the class's containers grow; the first step by `by` where there was none. */
  | { readonly step: "grow"; readonly blocks: BlockClass; readonly by: FittedDraw; readonly policy: GrowthPolicy }
  | { readonly step: "free" | "leak"; readonly blocks: BlockClass }
  | { readonly step: "keep"; readonly blocks: BlockClass; readonly lifetime: FittedLifetime }
  | { readonly step: "cache"; readonly blocks: BlockClass; readonly cache: FittedCache }
  /** To a task that serves the queue. */
  | { readonly step: "send"; readonly blocks: BlockClass; readonly queue: FittedQueue }
  | { readonly step: "wait"; readonly us: FittedDraw }
  /** For the end of the episode. */
  | { readonly step: "until-pause" }
  | { readonly step: "repeat"; readonly count: FittedDraw; readonly steps: readonly FittedStep[] }
  | { readonly step: "chance"; readonly ratio: number; readonly steps: readonly FittedStep[] }
  | {
      readonly step: "choose";
      readonly options: readonly { readonly weight: number; readonly steps: readonly FittedStep[] }[];
    };

/** When an activity starts. */
export type FittedStart =
  | { readonly kind: "at"; readonly atUs: number }
  | { readonly kind: "every"; readonly gap: FittedDraw; readonly jitterRatio: number; readonly firstUs: number }
  | { readonly kind: "poisson"; readonly perSecond: number; readonly hourly?: readonly number[] }
  /** Again as soon as it ends; its waits make the gaps. */
  | { readonly kind: "loop" }
  /** When an episode begins. */
  | { readonly kind: "mode" };

/** What activities that start together wait for: it begins, lasts for a while, and comes back after a pause. */
export interface FittedEpisodes {
  readonly pause: FittedDraw;
  readonly lasts: FittedDraw;
}

/** Every start that was seen, what it took, and what it did, without a wait for the next one. */
export interface Rounds {
  readonly startsUs: Float64Array;
  readonly spanUs: Float64Array;
  readonly steps: readonly FittedStep[];
}

/** Steps that happen together, as one task of a scenario. */
export interface FittedActivity {
  readonly start: FittedStart;
  readonly steps: readonly FittedStep[];
  /** The class that begins it, and all that take part. */
  readonly leader: BlockClass;
  readonly classes: readonly BlockClass[];
  /** How often it was seen to start; a part of a round at the end of the trace counts as such. */
  readonly starts: number;
  /** Missing where the activity is not one thing that starts time after time. */
  readonly rounds?: Rounds;
}

/** A workload: what a scenario can be made of. */
export interface FittedModel {
  /** The time that was looked at. */
  readonly untilUs: number;
  readonly activities: readonly FittedActivity[];
  readonly live: LiveBytes;
  /** Missing where no activities start together. */
  readonly episodes?: FittedEpisodes;
  /** What a user must know of the model, in sentences. */
  readonly remarks: readonly string[];
}

/** Mean live bytes over the time that was looked at, as the trace had them and as the model should (Little's law). */
export interface LiveBytes {
  readonly traceMean: number;
  readonly modelMean: number;
}
