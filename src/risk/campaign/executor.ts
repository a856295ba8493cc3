import type { CampaignPlan, CampaignSink, Executor } from "../plan.ts";
import type { RunOutcome } from "../run/outcome.ts";
import { threadSetup } from "./cell-thread.ts";
import { type CampaignIdentity, identityOf } from "./identity.ts";
import { Lanes } from "./lanes.ts";
import { type PackedCells, packCells } from "./packed-cells.ts";
import type { FinishedRun } from "./result-lines.ts";
import { ResultsFile } from "./results-file.ts";
import { RunStore } from "./run-store.ts";
import { type Shard, WHOLE } from "./shard.ts";
import { WorkList } from "./work-list.ts";

/** How far a campaign is. */
export interface CampaignProgress {
  readonly finished: number;
  /** Those of them that an earlier campaign had finished. */
  readonly earlier: number;
  /** Runs that are left, at most; with a precision it may have enough before. */
  readonly left: number;
  readonly failures: number;
  /** Wall time that is left, at most; undefined while nothing is known. */
  readonly leftMs: number | undefined;
  readonly workers: number;
}

export interface CampaignOptions {
  /** Worker threads. */
  readonly jobs: number;
  /** Folder to keep finished runs in, and to take those from that are there. */
  readonly out?: string;
  /** Only this part of the runs; the sink is then left with gaps. */
  readonly shard?: Shard;
  /** Hands the runs to the workers of a queue instead of threads. */
  readonly queue?: QueueRunner;
  /** What else the record is made from, as plain data: kept for whoever has only the folder. */
  readonly question?: unknown;
  /** What the user is to know, a line each. */
  readonly tell: (remark: string) => void;
  readonly progress?: (progress: CampaignProgress) => void;
  /** The threads' program; heapsoak's own by default. */
  readonly threadProgram?: URL;
}

/** The work of a campaign, for whoever has it done somewhere else. */
export interface QueuedWork {
  readonly cells: PackedCells;
  readonly identity: CampaignIdentity;
  readonly list: WorkList;
  /** Whether delivered runs are kept on this machine. */
  readonly keepsRuns: boolean;
  readonly deliver: (runs: readonly FinishedRun[]) => void;
  /** How many workers there are now. */
  readonly setWorkers: (count: number) => void;
  readonly signal: AbortSignal;
}

/** Resolves when the work is done or the signal has come. */
export type QueueRunner = (work: QueuedWork) => Promise<void>;

/** Worker time of a chunk: what a kill can cost each worker. */
const CHUNK_MS = 250;
/** And where it goes over a network. */
const QUEUED_CHUNK_MS = 1000;

/**
 * Runs a campaign on worker threads or a queue, and keeps what is finished. Throws what its workers refuse to do,
 * and of the folder `bad-results`, `results-busy`, `cannot-write`, `cannot-read`.
 */
export function campaignExecutor(options: CampaignOptions): Executor {
  return async (plan, sink, signal) => {
    const campaign = new RunningCampaign(plan, sink, options);
    try {
      await campaign.run(signal);
    } finally {
      campaign.close();
    }
  };
}

class RunningCampaign {
  readonly #plan: CampaignPlan;
  readonly #sink: CampaignSink;
  readonly #options: CampaignOptions;
  readonly #cells: PackedCells;
  readonly #identity: CampaignIdentity;
  readonly #file: ResultsFile | undefined;
  readonly #store: RunStore;
  readonly #work: WorkList;
  #earlier = 0;
  #finished = 0;
  #failures = 0;
  #workers: number;

  constructor(plan: CampaignPlan, sink: CampaignSink, options: CampaignOptions) {
    this.#plan = plan;
    this.#sink = sink;
    this.#options = options;
    this.#workers = options.queue ? 0 : options.jobs;
    this.#cells = packCells(plan.cells);
    this.#identity = identityOf(this.#cells, plan.baseSeed);
    this.#file = options.out === undefined ? undefined : this.#openFile(options.out);
    this.#store = this.#file?.store ?? new RunStore(plan.cells.length);
    this.#work = new WorkList({
      plan,
      sink,
      shard: options.shard ?? WHOLE,
      isKnown: (cell, run) => this.#store.get(cell, run) !== undefined,
      chunkMs: options.queue ? QUEUED_CHUNK_MS : CHUNK_MS,
    });
    this.#reportEarlier();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#showProgress();
    const { queue, jobs, tell, threadProgram } = this.#options;
    if (queue) {
      await queue({
        cells: this.#cells,
        identity: this.#identity,
        list: this.#work,
        keepsRuns: this.#file !== undefined,
        deliver: (runs) => this.#deliver(runs),
        setWorkers: (count) => this.#setWorkers(count),
        signal,
      });
      return;
    }
    await new Lanes({
      setup: threadSetup(this.#cells, this.#plan.baseSeed),
      jobs,
      work: this.#work,
      deliver: ({ cell, runs }, { outcomes }) => this.#deliver(finishedRuns(cell, runs, outcomes)),
      tell,
      signal,
      ...(threadProgram && { program: threadProgram }),
    }).run();
  }

  close(): void {
    this.#file?.close();
  }

  #openFile(folder: string): ResultsFile {
    const { runs, precision } = this.#plan;
    const file = new ResultsFile(folder, {
      identity: this.#identity,
      wanted: { runs, precision, question: this.#options.question ?? null },
      cells: this.#cells,
    });
    if (file.damagedLines > 0) {
      this.#options.tell(`${file.path}: ${file.damagedLines} damaged lines are left out; their runs are run again.`);
    }
    return file;
  }

  #reportEarlier(): void {
    for (const run of this.#store.all()) this.#report(run);
    this.#earlier = this.#finished;
  }

  /** On the disk first: what the sink has seen is not lost. */
  #deliver(runs: readonly FinishedRun[]): void {
    for (const run of this.#file ? this.#file.append(runs) : this.#added(runs)) this.#report(run);
    this.#showProgress();
  }

  #added(runs: readonly FinishedRun[]): readonly FinishedRun[] {
    return runs.filter((run) => this.#store.add(run, "The workers"));
  }

  /** Runs beyond the plan are those of an earlier, larger one. */
  #report({ cell, run, outcome }: FinishedRun): void {
    if (run >= this.#plan.runs) return;
    this.#sink.report(cell, run, outcome);
    this.#work.count(cell);
    this.#finished++;
    if (outcome.failure) this.#failures++;
  }

  #setWorkers(count: number): void {
    this.#workers = count;
    this.#showProgress();
  }

  #showProgress(): void {
    const { leftMs, leftRuns } = this.#work;
    this.#options.progress?.({
      finished: this.#finished,
      earlier: this.#earlier,
      left: leftRuns,
      failures: this.#failures,
      leftMs: leftMs === undefined || this.#workers === 0 ? undefined : leftMs / this.#workers,
      workers: this.#workers,
    });
  }
}

function finishedRuns(cell: number, runs: readonly number[], outcomes: readonly RunOutcome[]): FinishedRun[] {
  return runs.flatMap((run, index) => {
    const outcome = outcomes[index];
    return outcome ? [{ cell, run, outcome }] : [];
  });
}
