import type {
  AllocatorSize,
  MonotonicityRecord,
  SearchedAllocator,
  SizeEvidence,
  SizeRecord,
  StackSize,
} from "../risk/size/record.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { formatCount, type TableRow, tableLines } from "./table.ts";
import { wrapped } from "./wrapped.ts";

const WIDTH = 112;
const SIZES_LISTED = 4;
export const STOPPED = { interrupted: "by an interruption", runs: "by --max-runs", cpu: "by --max-cpu" } as const;

/** The page of `heapsoak size`: a pure function of the record. */
export function sizeText(record: SizeRecord, paint: Paint = plainPaint): string {
  const searched = record.allocators.filter((one) => one.verdict !== "refused");
  const sections = [
    heading(record, paint),
    sizeTable(record.allocators),
    boundTable(searched, paint),
    searched.flatMap((one) => sizeRemarks(one, record).flatMap((line) => indented(`${one.allocator}: ${line}`))),
    record.allocators.flatMap((one) => ("reason" in one ? indented(`${one.allocator}: refused: ${one.reason}`) : [])),
    stackLines(record.stacks, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function heading(record: SizeRecord, paint: Paint): string[] {
  const { scenario, heap, nowBytes, baseSeed } = record;
  const lines = [
    paint.strong(`${scenario.title}: the smallest heap ${heap} on ${scenario.device}`),
    `  for ${sizeCriterion(record)}`,
    `  seeds from ${baseSeed}, the same for every size and allocator; the heap now: ${formatCount(nowBytes)} B`,
  ];
  if (record.stopped !== null) lines.push(paint.bad(`  ended early ${STOPPED[record.stopped]}`));
  return lines.flatMap((line, index) => (index === 0 ? [line] : indented(line)));
}

/** Which risk is meant, and when a size meets it. */
export function sizeCriterion({ horizonUs, failOn, risk, confidence, runs, failuresMost }: SizeRecord): string {
  const what = failOn === "request" ? "a refused request" : "a failure";
  const may = failuresMost === 0 ? "none of them fails" : `at most ${formatCount(failuresMost)} of them fail`;
  const wanted = `a risk of ${what} of at most ${share(risk)} within ${formatDuration(horizonUs)}, at ${share(confidence)} confidence`;
  return `${wanted}: a size meets it where, of ${formatCount(runs)} runs, ${may}`;
}

export const SIZE_HEADS = [
  "SMALLEST",
  "STEADY FROM",
  "OVER PEAK",
  "FAILED",
  "RISK BELOW",
  "ONE STEP LESS",
  "ONE MORE",
  "RUNS",
  "GRID'S RUNS",
];

function sizeTable(allocators: readonly AllocatorSize[]): string[] {
  return tableLines(SIZE_HEADS, allocators.map(sizeRow));
}

export function sizeRow(one: AllocatorSize): TableRow {
  if (one.verdict === "refused") return { title: one.allocator, cells: ["refused"] };
  const { heapBytes, steadyBytes, at, below, above, peakLiveBytes, runsTaken, gridRuns } = one;
  const over = heapBytes !== null && peakLiveBytes ? share(heapBytes / peakLiveBytes - 1) : "";
  const cost = [formatCount(runsTaken), formatCount(gridRuns)];
  const smallest = heapBytes === null ? one.verdict : `${formatCount(heapBytes)} B`;
  const steady = steadyBytes === null ? "" : `${formatCount(steadyBytes)} B`;
  const neighbours = at ? [neighbour(below), neighbour(above)] : ["", ""];
  const cells = [smallest, steady, over, ratio(at), at ? share(at.upperBound) : "", ...neighbours];
  return { title: one.allocator, cells: [...cells, ...cost] };
}

/** `3 of 299`. */
function ratio(evidence: SizeEvidence | null): string {
  return evidence ? `${formatCount(evidence.failures)} of ${formatCount(evidence.runs)}` : "";
}

function neighbour(evidence: SizeEvidence | null): string {
  return evidence ? `${ratio(evidence)} fail` : "not tried";
}

export const BOUND_HEADS = ["PEAK LIVE", "LARGEST BLOCK", "ANY ALLOCATOR: AT LEAST", "ITS POLICY: AT MOST"];

function boundTable(searched: readonly SearchedAllocator[], paint: Paint): string[] {
  const rows = boundRows(searched);
  return rows.length === 0 ? [] : [paint.strong(BOUND_TITLE), ...tableLines(BOUND_HEADS, rows)];
}

export const BOUND_TITLE = "what would hold for any workload with that peak and that largest block, headers included";

/** The bounds of the allocators whose peak is known. */
export function boundRows(searched: readonly SearchedAllocator[]): TableRow[] {
  return searched.flatMap(({ allocator, peakLiveBytes, largestBlockBytes, unavoidable, policy }): TableRow[] => {
    if (unavoidable === null) return [];
    const bytes = [peakLiveBytes, largestBlockBytes, unavoidable.bytes].map((value) => `${formatCount(value ?? 0)} B`);
    const most = policy?.bytes === null || !policy ? "no known bound" : `${formatCount(policy.bytes)} B`;
    return [{ title: allocator, cells: [...bytes, most] }];
  });
}

/** What is to be known of an allocator beside its figures. */
export function sizeRemarks(one: SearchedAllocator, { risk }: SizeRecord): string[] {
  return [verdictRemark(one, share(risk)), ...monotonicityRemarks(one), steadyRemark(one)].filter(
    (line) => line !== "",
  );
}

export function verdictRemark(one: SearchedAllocator, risk: string): string {
  const most = `${formatCount(one.mostBytes)} B, the most that the device holds`;
  if (one.verdict === "none") {
    const seen = one.most && one.most.failures > 0 ? `; ${kindsRemark("there", one.most)}` : "";
    return `no size up to ${most}, meets a risk of ${risk}${seen}`;
  }
  if (one.verdict !== "undecided") return "";
  const refuted = one.refutedBytes
    ? `the largest size refuted is ${formatCount(one.refutedBytes)} B`
    : "no size is refuted";
  const open = one.candidateBytes === null ? "" : `; ${formatCount(one.candidateBytes)} B is not so far`;
  return `undecided: ${refuted}${open}`;
}

function kindsRemark(where: string, { kinds, failures, runs }: SizeEvidence): string {
  const listed = Object.entries(kinds).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  return `${where}, ${formatCount(failures)} of ${formatCount(runs)} runs fail: ${listed.join(", ")}`;
}

function monotonicityRemarks({ verdict, monotone: record }: SearchedAllocator): string[] {
  const { monotone, sizesTried, seedsCompared, seedsNotMonotone, examples, smallerMeet, largerFail } = record;
  if (seedsCompared === 0 || (monotone && verdict !== "found")) return [];
  const over = `over ${formatCount(sizesTried)} sizes tried`;
  const lines = monotone
    ? [`failure was monotone in size: no seed failed in a larger heap than one it survived in, ${over}`]
    : [
        `failure was not monotone in size: ${formatCount(seedsNotMonotone)} of ${formatCount(seedsCompared)} seeds ` +
          `failed in a larger heap than one they survived in, ${over}; ${exampleText(examples)}`,
      ];
  if (smallerMeet.length > 0) lines.push(`smaller sizes meet it too, below some that do not: ${sizeList(smallerMeet)}`);
  if (largerFail.length > 0) lines.push(`larger sizes do not meet it: ${sizeList(largerFail)}`);
  return lines;
}

/** `1,024 B, 1,032 B`, or `9 sizes from 1,024 B to 2,048 B`; they ascend. */
function sizeList(sizes: readonly number[]): string {
  const shown = sizes.map((bytes) => `${formatCount(bytes)} B`);
  if (sizes.length <= SIZES_LISTED) return shown.join(", ");
  return `${formatCount(sizes.length)} of those tried from ${shown[0]} to ${shown.at(-1)}`;
}

/** The size to take where the smallest one was luck. */
function steadyRemark({ heapBytes, steadyBytes }: SearchedAllocator): string {
  if (heapBytes === null || steadyBytes === heapBytes) return "";
  if (steadyBytes === null) return "no size was found above which larger ones meet it, too";
  return `from ${formatCount(steadyBytes)} B on, runs spread over sizes up to a quarter larger meet it, too: take that one`;
}

function exampleText(examples: MonotonicityRecord["examples"]): string {
  return examples
    .map(({ seed, survivesBytes, failsBytes }) => {
      return `seed ${seed} survives with ${formatCount(survivesBytes)} B and fails with ${formatCount(failsBytes)} B`;
    })
    .join(", ");
}

export const STACK_HEADS = ["NOW", "SEEN", "WORST CASE", "GUARDS", "RECOMMENDED"];

function stackLines(stacks: readonly StackSize[], paint: Paint): string[] {
  if (stacks.length === 0) return [];
  return [paint.strong(`stacks: ${STACK_TITLE}`), ...tableLines(STACK_HEADS, stacks.map(stackRow))];
}

export const STACK_TITLE = "the deepest seen in all runs, and the worst case of the program with an interrupt on top";

export function stackRow(stack: StackSize): TableRow {
  const { name, sizeBytes, observedBytes, worstCaseBytes, guardBytes, recommendedBytes } = stack;
  const worst = worstCaseBytes === null ? "no bound" : formatCount(worstCaseBytes);
  const cells = [formatCount(sizeBytes), formatCount(observedBytes), worst, formatCount(guardBytes)];
  return { title: name, cells: [...cells, `${formatCount(recommendedBytes)} B`] };
}

/** A share of 1 in percent, with three significant digits at most: `1 %`, `0.982 %`, `76.2 %`. */
export function share(value: number): string {
  return `${Number((value * 100).toPrecision(3))} %`;
}

/** Wrapped, with what follows the first line set in by four more. */
function indented(text: string): string[] {
  const margin = /^ */.exec(text)?.[0] ?? "";
  return wrapped(text, WIDTH - 4).map((line, index) => (index === 0 ? margin + line : `${margin}    ${line}`));
}
