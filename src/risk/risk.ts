/** How likely a scenario fails within a horizon, for every allocator and size of a grid. */
import { HeapsoakError } from "../errors.ts";
import { type FitProgress, fitTrace } from "../fit/fit.ts";
import { loadScenario, parseScenario, type ScenarioOptions } from "../scenario/load.ts";
import { TIME_MOST_US } from "../scenario/quantities.ts";
import { drawsAnything } from "../soak/periodic.ts";
import { buildRiskRecord, type RiskQuestion } from "./build-record.ts";
import { runsForPrecision } from "./cost.ts";
import { type GridRequest, gridOf, type ScenarioSource } from "./grid.ts";
import { executeInProcess } from "./in-process.ts";
import { type Executor, planOf } from "./plan.ts";
import type { RiskRecord } from "./record.ts";
import { Tally } from "./tally.ts";

export interface RiskRequest extends GridRequest {
  /** Further changes to the scenario. */
  readonly changes?: Omit<ScenarioOptions, "allocator" | "heapSize">;
  /** The seed of the first run; the scenario's by default. */
  readonly baseSeed?: bigint;
  /** Runs of each cell, at most with `precision`; 300 by default, which tells a risk below 1 % from more. */
  readonly runs?: number;
  /** Half the width of the interval at which a cell has had enough runs, above 0 and below 0.5. */
  readonly precision?: number;
  /** The risk that is accepted, above 0 and below 1. */
  readonly maxRisk?: number;
}

/** A trace to which a scenario is fitted first. */
export interface TraceRequest {
  readonly trace: string;
  /** Go on where the fitted scenario does not behave as the trace does. */
  readonly evenIfItDoesNotFit?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FitProgress) => void;
}

/** How a campaign is run. None of it changes the record of one that is not interrupted. */
export interface CampaignOptions {
  /** Who runs it; this thread by default. */
  readonly executor?: Executor;
  readonly signal?: AbortSignal;
  /** Called after each outcome. */
  readonly onProgress?: (tally: Tally) => void;
}

export const RUNS_DEFAULT = 300;
/** More runs than a campaign keeps in memory. */
export const RUNS_MOST = 1_000_000;

/** A campaign of a scenario file. Throws what is wrong with scenario, grid or numbers. */
export async function planRisk(file: string, request: RiskRequest): Promise<RiskQuestion> {
  const { changes } = request;
  return questionOf((options) => loadScenario(file, { ...changes, ...options }), request, null);
}

/**
 * A campaign of the scenario that is fitted to a trace. Throws as `fitTrace` and `planRisk`, and `bad-trace` where the
 * scenario does not fit: what it would say is not about the trace's firmware.
 */
export async function planRiskOfTrace(trace: TraceRequest, request: RiskRequest): Promise<RiskQuestion> {
  const { device } = request.changes ?? {};
  const { signal, onProgress } = trace;
  const { record, scenario } = await fitTrace({
    trace: trace.trace,
    ...(device !== undefined && { device }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  const { verdict, reasons } = record.evaluation;
  if (verdict === "does-not-fit" && !trace.evenIfItDoesNotFit) {
    const reason = reasons[0] === undefined ? "" : ` (${reasons[0]})`;
    throw new HeapsoakError(
      "bad-trace",
      `${trace.trace}: a scenario fitted to it does not behave as the trace does${reason}.`,
      { hint: "`heapsoak fit` shows by which figures; --even-if-it-does-not-fit goes on all the same." },
    );
  }
  const fit = { trace: record.trace.name, verdict };
  const { changes } = request;
  return questionOf(
    (options) => parseScenario(scenario, `${trace.trace} (fitted)`, { ...changes, ...options }),
    request,
    fit,
  );
}

/** Runs the campaign to its record, or to that of what was run before the signal. */
export async function runRisk(question: RiskQuestion, options: CampaignOptions = {}): Promise<RiskRecord> {
  const { executor = executeInProcess, signal = new AbortController().signal, onProgress } = options;
  const tally = new Tally(question.plan);
  const sink = {
    report: (...outcome: Parameters<Tally["report"]>) => {
      tally.report(...outcome);
      onProgress?.(tally);
    },
    needs: (cell: number, run: number) => tally.needs(cell, run),
  };
  await executor(question.plan, sink, signal);
  return buildRiskRecord(question, tally);
}

async function questionOf(source: ScenarioSource, request: RiskRequest, fit: RiskRecord["fit"]): Promise<RiskQuestion> {
  refuseBadNumbers(request);
  const { cells, refused } = await gridOf(source, request);
  const [first] = cells;
  if (!first) throw new HeapsoakError("bad-argument", "There is nothing to run.");
  const { scenario, horizonUs, failOn } = first;
  const drawsNothing = !drawsAnything(scenario);
  const { precision = null, maxRisk = null } = request;
  const plan = planOf({
    cells,
    baseSeed: request.baseSeed ?? scenario.seed,
    runs: drawsNothing ? 1 : runsOf(request),
    horizonUs,
    failOn,
    precision: drawsNothing ? null : precision,
  });
  return { plan, refused, maxRisk, fit, drawsNothing };
}

function runsOf({ runs, precision }: RiskRequest): number {
  return runs ?? (precision === undefined ? RUNS_DEFAULT : Math.min(RUNS_MOST, runsForPrecision(precision)));
}

function refuseBadNumbers({ runs, precision, maxRisk, horizonUs }: RiskRequest): void {
  const refuse = (what: string, got: number, expected: string) => {
    throw new HeapsoakError("bad-argument", `${what}: got ${got}, expected ${expected}.`);
  };
  const isWhole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;
  if (runs !== undefined && !isWhole(runs, RUNS_MOST)) refuse("runs", runs, `a whole number from 1 to ${RUNS_MOST}`);
  if (precision !== undefined && !(precision > 0 && precision < 0.5)) {
    refuse("precision", precision, "a share above 0 and below 0.5");
  }
  if (maxRisk !== undefined && !(maxRisk > 0 && maxRisk < 1)) refuse("maxRisk", maxRisk, "a share above 0 and below 1");
  if (horizonUs !== undefined && !isWhole(horizonUs, TIME_MOST_US)) {
    refuse("horizonUs", horizonUs, "whole microseconds from 1 to 285 years");
  }
}
