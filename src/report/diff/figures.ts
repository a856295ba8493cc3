/** The figures that `heapsoak diff` compares: what each means, which way is better, and how much worse it may become. */
import type { Interval, Threshold } from "./diff-record.ts";

export type FigureUnit = "bytes" | "time" | "count" | "ratio" | "visits" | "cycles" | "bytes-a-day";

export interface FigureKind {
  readonly unit: FigureUnit;
  readonly better: "more" | "less";
  /** Null: told, and judged only where the user gives a threshold. */
  readonly threshold: Threshold | null;
  readonly meaning: string;
}

const USUAL: Threshold = { share: 0.05 };
const NONE_MORE: Threshold = { amount: 0 };

const more = (unit: FigureUnit, threshold: Threshold | null, meaning: string): FigureKind => {
  return { unit, better: "more", threshold, meaning };
};
const less = (unit: FigureUnit, threshold: Threshold | null, meaning: string): FigureKind => {
  return { unit, better: "less", threshold, meaning };
};

/**
 * By the last word of a figure's name. What a heap happens to look like at the end of a run, and the least of a reserve
 * over the runs of a campaign, say little beside the rest and are not judged unless asked for.
 */
export const FIGURES = {
  failedAtUs: more("time", USUAL, "how long a run lasted that failed"),
  reboots: less("count", NONE_MORE, "reboots"),
  failedRequests: less("count", NONE_MORE, "requests refused, of a heap or a task"),
  fragmentationFailures: less("count", NONE_MORE, "those of a heap for which enough was free"),
  peakLiveBytes: less("bytes", USUAL, "most bytes live at once"),
  minimumFreeBytes: more("bytes", USUAL, "least free memory"),
  minimumLargestFreeBytes: more("bytes", USUAL, "least that the largest possible request came down to"),
  lossBytesPerDay: less("bytes-a-day", USUAL, "how fast free memory shrinks, by its trend"),
  visitsP99: less("visits", USUAL, "visits of an operation, 99th percentile"),
  visitsMax: less("visits", USUAL, "visits of the worst operation"),
  longestCollectionVisits: less("visits", USUAL, "visits of the longest garbage collection"),
  freeBytes: more("bytes", null, "free memory at the end"),
  largestFreeBytes: more("bytes", null, "largest possible request at the end"),
  holes: less("count", null, "holes at the end"),
  externalFragmentationRatio: less("ratio", null, "external fragmentation at the end"),
  internalFragmentationRatio: less("ratio", null, "internal fragmentation at the end"),
  skipped: less("count", USUAL, "activations that a task skipped"),
  leaks: less("count", NONE_MORE, "blocks that a task leaked"),
  observedBytes: less("bytes", null, "deepest stack pointer seen"),
  worstCaseBytes: less("bytes", NONE_MORE, "deepest path of a stack"),
  headroomBytes: more("bytes", NONE_MORE, "size of a stack less its worst case"),
  probability: less("ratio", USUAL, "chance of a failure within the horizon, with its interval"),
  kindProbability: less("ratio", USUAL, "the same of one kind of failure"),
  medianTimeToFailureUs: more("time", null, "by when half of the runs have failed"),
  leastFreeBytes: more("bytes", null, "least free memory in any run"),
  leastLargestFreeBytes: more("bytes", null, "least that the largest possible request came down to in any run"),
  leastHeadroomBytes: more("bytes", null, "least headroom of a stack in any run"),
  heapBytes: less("bytes", USUAL, "smallest size that meets the risk"),
  recommendedBytes: less("bytes", NONE_MORE, "size that a stack should have"),
  boundBytes: less("bytes", NONE_MORE, "bound of a program's stack"),
  cyclesPerVisit: less("cycles", null, "cycles of the board for a visit, by the fitted line"),
  maximumCycles: less("cycles", USUAL, "cycles of the board's slowest operation"),
} as const satisfies Record<string, FigureKind>;

export type FigureName = keyof typeof FIGURES;

/** The figure's own name: `minimumFreeBytes` of `heaps.main.minimumFreeBytes`. */
export function figureWord(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** Whose figure it is: `heaps.main` of `heaps.main.minimumFreeBytes`; empty: the subject's own. */
export function ownerOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}

/** A figure that is an estimate from a sample has its 95 % interval. */
export interface Figure {
  readonly name: string;
  readonly kind: FigureKind;
  readonly value: number;
  readonly interval: Interval | null;
}

/** What a record says in words, and how bad that is. Only what has become worse by this is worse. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly badness: 0 | 1 | 2;
}

/** A thing that a record is about, and all that can be compared of it. */
export interface Subject {
  /** Empty where the record is about one. */
  readonly title: string;
  /** What was run: where these differ, the comparison is not between like and like. */
  readonly facts: Readonly<Record<string, string>>;
  readonly statements: readonly Statement[];
  readonly figures: readonly Figure[];
}

type FigureValue = number | { readonly value: number; readonly interval: Interval } | null | undefined;

/** The figures of an owner (`heaps.main`, or nothing); values that are not known are left out. */
export function figuresOf(owner: string, values: Partial<Record<FigureName, FigureValue>>): Figure[] {
  return Object.entries(values).flatMap(([word, value]) => {
    if (value === null || value === undefined) return [];
    const named = { name: owner === "" ? word : `${owner}.${word}`, kind: FIGURES[word as FigureName] };
    return [typeof value === "number" ? { ...named, value, interval: null } : { ...named, ...value }];
  });
}

/** Of a configuration that the device and the allocator take. */
export const RUNS: Statement = { name: "runs", text: "yes", badness: 0 };

/** Of one that they refuse. */
export function refusedSubject(title: string, reason: string): Subject {
  return { title, facts: {}, statements: [{ ...RUNS, text: `refused: ${reason}`, badness: 2 }], figures: [] };
}
