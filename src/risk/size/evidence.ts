/** What the runs of a search say of sizes. */
import { clopperPearson, upperBound } from "../statistics/clopper-pearson.ts";
import { rounded, roundedInterval } from "../statistics/rounding.ts";
import type { MonotonicityRecord, SizeEvidence } from "./record.ts";
import type { Requirement } from "./requirement.ts";
import type { Trials } from "./trials.ts";

const EXAMPLES_MOST = 3;

/** What is known of a size; null where it was not tried, or the allocator cannot start in it. */
export function evidenceOf(trials: Trials, size: number, confidence: number): SizeEvidence | null {
  const { failed, failures, kinds } = trials.at(size);
  const runs = failed.size;
  if (runs === 0) return null;
  return {
    heapBytes: trials.grid.bytes(size),
    runs,
    failures,
    kinds,
    probability: rounded(failures / runs),
    interval: roundedInterval(clopperPearson(failures, runs)),
    upperBound: rounded(upperBound(failures, runs, confidence)),
  };
}

/** Whether failure was monotone in size over all that was tried. */
export function monotonicityOf(
  trials: Trials,
  { runs, failuresMost }: Requirement,
  found: number | undefined,
): MonotonicityRecord {
  const spans = [...spansOf(trials)];
  const odd = spans.filter(([, { survives, fails }]) => survives < fails);
  const widest = odd.toSorted(([, a], [, b]) => b.fails - b.survives - (a.fails - a.survives));
  const bytes = (size: number) => trials.grid.bytes(size);
  const smaller = trials.sizes.filter(({ size, failed, failures }) => {
    return size < (found ?? 0) && failed.size >= runs && failures <= failuresMost;
  });
  const larger = trials.sizes.filter(
    ({ size, failures }) => size > (found ?? trials.grid.last) && failures > failuresMost,
  );
  return {
    monotone: odd.length === 0,
    sizesTried: trials.sizes.filter(({ failed }) => failed.size > 0).length,
    seedsCompared: spans.filter(([, { sizes }]) => sizes > 1).length,
    seedsNotMonotone: odd.length,
    examples: widest.slice(0, EXAMPLES_MOST).map(([run, { survives, fails }]) => {
      return { seed: String(trials.seed(run)), survivesBytes: bytes(survives), failsBytes: bytes(fails) };
    }),
    smallerMeet: smaller.map(({ size }) => bytes(size)),
    largerFail: larger.map(({ size }) => bytes(size)),
  };
}

interface Span {
  /** The smallest size in which it survived. */
  survives: number;
  /** The largest in which it failed. */
  fails: number;
  sizes: number;
}

function spansOf(trials: Trials): Map<number, Span> {
  const spans = new Map<number, Span>();
  for (const { size, failed } of trials.sizes) {
    for (const [run, hasFailed] of failed) {
      const span = spans.get(run) ?? { survives: Number.POSITIVE_INFINITY, fails: 0, sizes: 0 };
      span.sizes++;
      if (hasFailed) span.fails = Math.max(span.fails, size);
      else span.survives = Math.min(span.survives, size);
      spans.set(run, span);
    }
  }
  return spans;
}
