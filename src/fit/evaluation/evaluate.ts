/** The test of a fit: the trace's second half replayed, against runs of the scenario over the same time. */
import { basename } from "node:path";
import { HeapsoakError } from "../../errors.ts";
import { parseScenario } from "../../scenario/load.ts";
import type { Scenario } from "../../scenario/model.ts";
import type { TraceHistory } from "../history/history.ts";
import { sampleTimes } from "./heap-samples.ts";
import { type FigureRecord, judge } from "./judge.ts";
import { operationTimes, positionsAt } from "./operation-times.ts";
import { type EvaluationPlace, replayWindows } from "./replayed.ts";
import { type EarlyEnd, type SoakedWindow, type Stretch, soakWindow } from "./soaked.ts";

/** Runs of the scenario: enough to tell chance, few enough to wait for. */
export const RUNS = 16;
/** More boots in the second half than this are not followed: the window ends with so many. */
export const STRETCHES_MOST = 64;
/** Fewer requests in either half say nothing of the rest. */
export const REQUESTS_LEAST = 50;

/** A scenario that asks so many times as often as the trace is not run to its end. */
const REQUESTS_RATIO_MOST = 10;

export type EvaluationVerdict = "fits" | "does-not-fit" | "undecided";

export interface Evaluation {
  readonly verdict: EvaluationVerdict;
  /** Why it is not "fits", in sentences; the first is the weightiest. */
  readonly reasons: readonly string[];
  readonly splitUs: number;
  /** Where the compared window ends; before the trace does where it boots too often. */
  readonly endUs: number;
  /** Stretches between boots from the split on: compared, and all that there are. */
  readonly stretches: readonly [number, number];
  readonly looks: number;
  readonly figures: readonly FigureRecord[];
  readonly runs: readonly EvaluatedRun[];
  /** Requests of the trace in its first and second half. */
  readonly requests: readonly [number, number];
}

export interface EvaluatedRun {
  readonly seed: number;
  readonly failure: EarlyEnd | null;
}

export interface EvaluationRequest {
  /** The trace's file, which `history` was read from: it is read once more. */
  readonly trace: string;
  readonly history: TraceHistory;
  readonly splitUs: number;
  /** The scenario's text; its first heap is compared. */
  readonly scenario: string;
  /** The device it runs on, as `resolveDevice` takes it; the scenario's own by default. */
  readonly device?: string;
  readonly place: EvaluationPlace;
  /** Whether the scenario was fitted on the first half, whose own chance then counts, too; true by default. */
  readonly fitted?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

export type EvaluationProgress =
  | { readonly phase: "replaying" }
  | { readonly phase: "running"; readonly run: number; readonly runs: number };

/**
 * Runs the scenario from the trace's last boot before the split, so that it warms up for as long as the device had,
 * and compares it with the trace from the split on. Throws `bad-trace`, and what `parseScenario` throws.
 */
export async function evaluate(request: EvaluationRequest): Promise<Evaluation> {
  const { trace, history, splitUs, place, fitted = true } = request;
  const all = stretchesOf(history, splitUs);
  const stretches = all.slice(0, STRETCHES_MOST);
  const endUs = stretches.at(-1)?.endUs ?? history.durationUs;
  const times = [sampleTimes(0, splitUs), sampleTimes(splitUs, endUs)] as const;
  const operations = operationTimes(history);
  request.onProgress?.({ phase: "replaying" });
  const [firstHalf, second] = await replayWindows(
    trace,
    place,
    times.map((window) => positionsAt(window, operations)),
  );
  if (!firstHalf || !second) throw new RangeError("a replay of two windows gives two");
  const requests = [firstHalf.requests, second.requests] as const;
  const requestsMost = REQUESTS_RATIO_MOST * (firstHalf.requests + second.requests);
  const looks = stretches.map((stretch) => ({ ...looksIn(stretch, times[1], splitUs), requestsMost }));
  const scenario = await scenarioFor(request);
  const windows = areFew(requests) ? [] : await soakAll(scenario, looks, request);
  const whole = windows.filter(({ failure }) => !failure).map(({ samples }) => samples);
  const fittedShare = fitted ? (endUs - splitUs) / splitUs : 0;
  const figures = whole.length < 2 ? [] : judge({ firstHalf, trace: second, runs: whole, fittedShare });
  const runs = windows.map(({ failure }, seed): EvaluatedRun => ({ seed, failure: failure ?? null }));
  return {
    ...verdictOf(figures, runs, requests),
    splitUs,
    endUs,
    stretches: [stretches.length, all.length],
    looks: second.count,
    figures,
    runs,
    requests,
  };
}

async function scenarioFor({ scenario, place, history, device }: EvaluationRequest): Promise<Scenario> {
  const title = `scenario for ${basename(history.name)}`;
  const on = device !== undefined && { device };
  const loaded = await parseScenario(scenario, title, { ...on });
  const name = loaded.heaps[0]?.name ?? "";
  return parseScenario(scenario, title, {
    ...on,
    allocator: { [name]: place.allocator },
    heapSize: { [name]: String(place.heapBytes) },
  });
}

/** Time of the trace from a boot to the next, as far as it lies behind the split. */
interface TraceStretch {
  readonly bootUs: number;
  readonly fromUs: number;
  readonly endUs: number;
}

function stretchesOf({ startsUs, durationUs }: TraceHistory, splitUs: number): TraceStretch[] {
  return startsUs
    .map((bootUs, index) => ({
      bootUs,
      fromUs: Math.max(bootUs, splitUs),
      endUs: startsUs[index + 1] ?? durationUs,
    }))
    .filter(({ fromUs, endUs }) => endUs > fromUs);
}

function looksIn(
  { bootUs, fromUs, endUs }: TraceStretch,
  times: Float64Array,
  splitUs: number,
): Omit<Stretch, "requestsMost"> {
  const looksUs = [...times].filter((us) => us > bootUs || bootUs === 0).filter((us) => us >= fromUs && us < endUs);
  return { countFromUs: Math.max(0, splitUs - bootUs), looksUs: looksUs.map((us) => us - bootUs) };
}

/** A turn of the event loop between the runs lets an interruption in. */
async function soakAll(scenario: Scenario, stretches: readonly Stretch[], { signal, onProgress }: EvaluationRequest) {
  const windows: SoakedWindow[] = [];
  for (let seed = 0; seed < RUNS; seed++) {
    if (signal?.aborted) throw new HeapsoakError("bad-argument", "The fit was interrupted; nothing was written.");
    onProgress?.({ phase: "running", run: seed + 1, runs: RUNS });
    const window = soakWindow(scenario, stretches, seed + 1);
    windows.push(window);
    if (window.failure?.kind === "too-many-requests") break;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return windows;
}

function areFew(requests: readonly [number, number]): boolean {
  return Math.min(...requests) < REQUESTS_LEAST;
}

function verdictOf(
  figures: readonly FigureRecord[],
  runs: readonly EvaluatedRun[],
  requests: readonly [number, number],
): Pick<Evaluation, "verdict" | "reasons"> {
  const failed = runs.filter(({ failure }) => failure !== null);
  const isBusy = failed.some(({ failure }) => failure?.kind === "too-many-requests");
  const beyond = figures.filter(({ verdict }) => verdict === "beyond");
  const wilder = figures.filter(({ verdict }) => verdict === "wilder");
  const untold = figures.filter(({ verdict }) => verdict === "untold");
  const few = areFew(requests);
  const reasons = [
    few &&
      `The halves of the trace hold ${requests.join(" and ")} requests; at least ${REQUESTS_LEAST} in each can tell.`,
    isBusy && `The scenario asks more than ${REQUESTS_RATIO_MOST} times as often as the trace.`,
    failed.length > 0 &&
      !isBusy &&
      `${failed.length} of ${runs.length} runs of the scenario failed (${[...new Set(failed.map(({ failure }) => failure?.kind))].join(", ")}), where the trace goes on.`,
    ...(few ? [] : [...beyond.map(beyondText), ...wilder.map(wilderText)]),
    ...untold.map(untoldText),
  ].filter((reason) => reason !== false);
  if (few) return { verdict: "undecided", reasons };
  if (failed.length + beyond.length + wilder.length > 0) return { verdict: "does-not-fit", reasons };
  return { verdict: untold.length > 0 ? "undecided" : "fits", reasons };
}

function beyondText({ name, trace, differenceRatio, toleranceRatio, chanceRatio }: FigureRecord): string {
  const by = percent(Math.abs(differenceRatio));
  const way = trace === null ? "apart" : differenceRatio > 0 ? "above the trace's" : "below the trace's";
  const allowed =
    chanceRatio > toleranceRatio ? `chance explains ${percent(chanceRatio)}` : `tolerance ${percent(toleranceRatio)}`;
  return `${capitalised(name)}: ${by} ${way} (${allowed}).`;
}

function wilderText({ name, swingsRatio }: FigureRecord): string {
  return `${capitalised(name)}: the scenario swings more than the trace, ${(swingsRatio ?? 0).toFixed(1)} times as far.`;
}

function untoldText({ name, chanceRatio }: FigureRecord): string {
  return `${capitalised(name)}: chance moves it by ${percent(chanceRatio)} from run to run. A longer trace may tell.`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)} %`;
}
