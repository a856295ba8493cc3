import { HeapsoakError } from "../../errors.ts";
import { type BlockTable, Ending } from "../history/block-table.ts";
import type { TraceHistory } from "../history/history.ts";
import { counted } from "../wording.ts";
import { activitiesOf } from "./activity.ts";
import { classesOf } from "./block-class.ts";
import { withEpisodes } from "./episodes.ts";
import { familiesOf } from "./followers.ts";
import { splitGroups } from "./groups.ts";
import { liveBytesOf } from "./little.ts";
import type { FittedModel } from "./model.ts";
import { withSharedHolders } from "./shared.ts";

/** What of a history is fitted. */
export interface FitOptions {
  /** Only what happened before this time is looked at. */
  readonly untilUs: number;
}

/** Mean live bytes of model and trace that differ by more than this are said. */
const LIVE_RATIO = 0.02;

/**
 * The workload behind a trace's blocks: which are asked for together, when, how large, for how long, and how they
 * leave. Throws `bad-trace` where no block is born before `untilUs`.
 */
export function fitModel(history: TraceHistory, { untilUs }: FitOptions): FittedModel {
  const classes = splitGroups(withSharedHolders(classesOf(history, untilUs)));
  if (classes.length === 0 || untilUs <= 0) {
    throw new HeapsoakError("bad-trace", `${history.name}: no block is allocated in the time that is to be fitted.`);
  }
  const { activities, episodes } = withEpisodes(activitiesOf(familiesOf(classes, untilUs), untilUs));
  const live = liveBytesOf(activities, untilUs);
  const off = live.traceMean > 0 ? live.modelMean / live.traceMean - 1 : 0;
  const reallocated = classes.reduce((sum, { reallocations }) => sum + reallocations, 0);
  const leftOut =
    refusedUntil(history.blocks, untilUs) - classes.reduce((sum, { isRefused }) => sum + total(isRefused), 0);
  const remarks = [
    reallocated > 0 &&
      `${counted(reallocated, "reallocation is", "reallocations are")} written as a block that goes when another comes.`,
    leftOut > 0 && `${counted(leftOut, "refused request", "refused requests")} of containers that grow: left out.`,
    Math.abs(off) > LIVE_RATIO &&
      `By the fitted rates, sizes and lives ${percent(off)} live bytes are expected than the trace has on average.`,
  ].filter((remark) => remark !== false);
  return { untilUs, activities, live, remarks, ...(episodes && { episodes }) };
}

function refusedUntil({ count, ending, bornUs }: BlockTable, untilUs: number): number {
  let refused = 0;
  for (let row = 0; row < count; row++) {
    if (ending[row] === Ending.Refused && (bornUs[row] ?? 0) < untilUs) refused++;
  }
  return refused;
}

function total(marks: Uint8Array): number {
  return marks.reduce((sum, mark) => sum + mark, 0);
}

function percent(ratio: number): string {
  return `${(Math.abs(ratio) * 100).toFixed(1)} % ${ratio > 0 ? "more" : "fewer"}`;
}
