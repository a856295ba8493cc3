/** Multilevel splitting for the cells of a campaign whose failures are too rare for its runs. */
import { Worker } from "node:worker_threads";
import { HeapsoakError } from "../../errors.ts";
import type { RiskQuestion } from "../build-record.ts";
import type { RiskCell, RiskRecord } from "../record.ts";
import { judgeCells, recommend } from "../verdict.ts";
import type { SplitReply, SplitTask } from "./split-protocol.ts";
import type { SplittingEstimate } from "./splitting.ts";

/** `auto`: the cells without a failed run; `splitting`: all. */
export type SplitMethod = "auto" | "splitting";

export interface SplitOptions {
  readonly method: SplitMethod;
  readonly signal: AbortSignal;
  /** Called after each replication of a cell. */
  readonly onProgress?: (cell: RiskCell, done: number, of: number) => void;
}

const PROGRAM = new URL("./split-thread.js", import.meta.url);
/** Replications of an estimate, and trials of each level in one at least. */
const REPLICATIONS = 20;
const EFFORT_LEAST = 100;
/** A risk of one in a million has about so many levels. */
const LEVELS = 9;

/** Runs that splitting one cell costs at most, for a risk down to one in a million. */
export function runsOfSplitting(runs: number): number {
  return LEVELS * REPLICATIONS * effortOf(runs);
}

/**
 * The record with the estimates of splitting in place of those of its runs, which stay beside them. Where splitting
 * saw no failure either, the bound of the runs stays. Interrupted: the record as it was, undecided.
 */
export async function splitRareCells(
  question: RiskQuestion,
  record: RiskRecord,
  { method, signal, onProgress }: SplitOptions,
): Promise<RiskRecord> {
  const cells: RiskCell[] = [];
  for (const cell of record.cells) {
    const planned = question.plan.cells.find(
      ({ allocator, heapBytes }) => allocator === cell.allocator && heapBytes === cell.arenaBytes,
    );
    const wanted = planned && cell.intervalMethod !== "exact" && (method === "splitting" || cell.failures === 0);
    if (!wanted) {
      cells.push(cell);
      continue;
    }
    const task = { cell: planned, seed: question.plan.baseSeed, effort: effortOf(question.plan.runs) };
    const estimate = await splitInThread(task, signal, (done, of) => onProgress?.(cell, done, of));
    if (!estimate) return { ...record, complete: false, verdict: "undecided", recommended: null };
    cells.push(withEstimate(cell, estimate));
  }
  return judged({ ...record, cells });
}

/** As many trials a level, in all replications together, as the cell has runs, but enough to mean something. */
function effortOf(runs: number): number {
  return Math.max(EFFORT_LEAST, Math.ceil(runs / REPLICATIONS));
}

function withEstimate(cell: RiskCell, estimate: SplittingEstimate): RiskCell {
  if (estimate.probability === 0 || estimate.warnings.length > 0) return { ...cell, splitting: estimate };
  const { probability, interval, upperBound95 } = estimate;
  return {
    ...cell,
    probability,
    interval,
    upperBound95,
    method: "splitting",
    intervalMethod: "replications",
    splitting: estimate,
  };
}

function judged(record: RiskRecord): RiskRecord {
  const { cells, maxRisk, complete } = record;
  if (maxRisk === null) return record;
  const verdict = complete ? judgeCells(cells, maxRisk) : "undecided";
  return { ...record, verdict, recommended: recommend(cells, maxRisk) };
}

/** Undefined: interrupted. Throws what `splitCell` throws. */
function splitInThread(
  task: SplitTask,
  signal: AbortSignal,
  onReplication: (done: number, of: number) => void,
): Promise<SplittingEstimate | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve(undefined);
    const worker = new Worker(PROGRAM, { workerData: task });
    const stop = () => {
      void worker.terminate();
      resolve(undefined);
    };
    signal.addEventListener("abort", stop, { once: true });
    worker.on("error", reject);
    worker.on("exit", () => {
      signal.removeEventListener("abort", stop);
      reject(new Error("The splitting thread ended without an estimate."));
    });
    worker.on("message", (reply: SplitReply) => {
      if (reply.kind === "replication") onReplication(reply.done, reply.of);
      else if (reply.kind === "estimate") resolve(reply.estimate);
      else reject(new HeapsoakError(reply.code, reply.message, reply.hint === undefined ? {} : { hint: reply.hint }));
    });
  });
}
