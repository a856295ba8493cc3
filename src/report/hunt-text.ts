import { formatBytes } from "../quantities.ts";
import type { HuntFind, HuntRecord } from "../risk/hunt/record.ts";
import type { OutcomeFailure } from "../risk/run/outcome.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { simulatedInstant } from "./simulated-time.ts";
import { formatCount } from "./table.ts";

/** Branches that are listed of a recipe; the record has all. */
const BRANCHES_SHOWN = 6;

/** What a hunt has found, beside the run as written, and how to repeat it. */
export function huntText(record: HuntRecord, paint: Paint = plainPaint): string {
  const { goal, found, plain, seed, horizonUs } = record;
  const lines = [
    paint.strong(huntHeadline(record)),
    "",
    `as written, seed ${seed}: ${huntOutcome(plain, record)}`,
    found
      ? paint.bad(`found: ${huntOutcome(found, record)}`)
      : `found: nothing ${goal === "failure" ? "earlier" : "larger"}`,
    ...(found ? recipeLines(found) : []),
    "",
    huntEffort(record),
    ...(found || plain.failure ? [] : [`That no failure was found in ${formatDuration(horizonUs)} proves nothing.`]),
  ];
  return `${lines.join("\n")}\n`;
}

export function huntHeadline({ scenario, goal, heap, allocator, arenaBytes, horizonUs }: HuntRecord): string {
  const what = goal === "failure" ? "the earliest failure" : "the largest need";
  const where = `heap ${heap} (${allocator}, ${formatBytes(arenaBytes)}) on ${scenario.device}`;
  return `${scenario.title}: hunt for ${what} of ${where} within ${formatDuration(horizonUs)}`;
}

export function huntOutcome(find: HuntFind, record: HuntRecord): string {
  return record.goal === "failure" ? failureWords(find.failure, find.recipe.endUs) : needWords(find, record);
}

function failureWords(failure: OutcomeFailure | null, endUs: number): string {
  if (!failure) return `no failure in ${formatDuration(endUs)}`;
  const { kind, atUs, task, step, requestBytes, freeBytes, largestFreeBytes } = failure;
  const who = task === null ? "" : ` in ${task}`;
  const at = step === null ? "" : ` (${step})`;
  const request = requestBytes
    ? `: ${formatCount(requestBytes)} bytes refused with ${formatCount(freeBytes ?? 0)} free, ${formatCount(largestFreeBytes ?? 0)} at most in one request`
    : "";
  return `${kind} after ${formatDuration(atUs)} (${simulatedInstant(atUs)})${who}${at}${request}`;
}

function needWords({ neededBytes, needsMore }: HuntFind, { arenaBytes }: HuntRecord): string {
  const bytes = neededBytes ?? 0;
  if (needsMore) return `needs more than ${formatCount(bytes)} bytes, the largest heap there is room for`;
  const share =
    bytes > arenaBytes ? `more than the ${formatCount(arenaBytes)} there are` : `of ${formatCount(arenaBytes)}`;
  return `needs a heap of ${formatCount(bytes)} bytes, ${share}`;
}

export function recipeLines({ recipe: { seed, phasesUs, branches, endUs } }: HuntFind): string[] {
  const phases = Object.entries(phasesUs).map(([name, us]) => `${name} ${formatDuration(us)}`);
  const shown = branches.slice(0, BRANCHES_SHOWN).map(([atUs, branch]) => `${branch} at ${formatDuration(atUs)}`);
  const more = branches.length > shown.length ? `, and ${branches.length - shown.length} more` : "";
  return [
    `  seed ${seed}, up to ${formatDuration(endUs)}`,
    ...(phases.length > 0 ? [`  first starts later than written: ${phases.join(", ")}`] : []),
    ...(shown.length > 0 ? [`  fresh randomness: branch ${shown.join(", ")}${more}`] : []),
  ];
}

export function huntEffort({ branches, heapsSeen, spentSteps, budgetSteps, phaseVariants }: HuntRecord): string {
  const variants = phaseVariants > 1 ? ` from ${phaseVariants} ways of starting` : "";
  const spent = `${formatCount(spentSteps)} of ${formatCount(budgetSteps)} steps`;
  return `${formatCount(branches)} branches${variants}, ${formatCount(heapsSeen)} different heaps, ${spent}`;
}
