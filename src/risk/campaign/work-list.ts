import type { CampaignPlan, CampaignSink } from "../plan.ts";
import { isInShard, runsInShard, type Shard } from "./shard.ts";

/** Runs of one cell for one worker to do in one go. */
export interface Chunk {
  readonly cell: number;
  /** Their numbers, ascending. */
  readonly runs: readonly number[];
}

/** What the runs of a cell have cost so far. */
interface CellPace {
  /** The first run that has not been handed out. */
  next: number;
  finished: number;
  timedRuns: number;
  timedMs: number;
  /** Chunks in a row that its last worker has had. */
  stint: number;
}

export interface WorkOptions {
  readonly plan: CampaignPlan;
  readonly sink: Pick<CampaignSink, "needs">;
  readonly shard: Shard;
  /** Runs that are finished already. */
  readonly isKnown: (cell: number, run: number) => boolean;
  /** Worker time of a chunk: long beside handing it over, short beside what may be lost with a worker. */
  readonly chunkMs: number;
}

/** At the end the chunks become smaller, so that no worker is left with a large one. */
const CHUNKS_LEFT_EACH = 3;
const CHUNK_RUNS_MOST = 4096;
/** A worker stays with a cell, which it has laid out, for so many chunks. */
const STINT_CHUNKS = 8;

/** The runs of a campaign that are still to be done, handed out in chunks. */
export class WorkList {
  readonly #options: WorkOptions;
  readonly #cells: CellPace[];
  readonly #returned: Chunk[] = [];

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#cells = options.plan.cells.map(() => ({ next: 0, finished: 0, timedRuns: 0, timedMs: 0, stint: 0 }));
  }

  /** The next chunk for one of `workers`, of the cell it had before if that is not far ahead; undefined if none is left. */
  next(workers: number, before?: number): Chunk | undefined {
    const returned = this.#nextReturned();
    if (returned) return returned;
    for (let cell = this.#choose(before); cell !== undefined; cell = this.#choose(undefined)) {
      const runs = this.#take(cell, this.#chunkRuns(cell, workers));
      if (runs.length > 0) return { cell, runs };
    }
    return undefined;
  }

  /** The chunk has come to nothing: somebody else gets it. */
  giveBack(chunk: Chunk): void {
    this.#returned.push(chunk);
  }

  /** Learns from a finished chunk what a run of its cell takes. */
  timed({ cell, runs }: Chunk, ms: number): void {
    const pace = this.#cells[cell];
    if (!pace) return;
    pace.timedRuns += runs.length;
    pace.timedMs += ms;
  }

  /** One more run of the cell is finished, now or in an earlier campaign. */
  count(cell: number): void {
    const pace = this.#cells[cell];
    if (pace) pace.finished++;
  }

  /** Runs that are left, at most. */
  get leftRuns(): number {
    return this.#cells.reduce((sum, _, cell) => sum + this.#leftOf(cell), 0);
  }

  /** Worker time that is left, at most; undefined while nothing is known. */
  get leftMs(): number | undefined {
    const usual = this.#usualMs();
    if (usual === undefined) return undefined;
    return this.#cells.reduce((sum, pace, cell) => sum + this.#leftOf(cell) * (msOfRun(pace) ?? usual), 0);
  }

  #leftOf(cell: number): number {
    const { plan, sink, shard } = this.#options;
    const pace = this.#cells[cell];
    if (!pace || !sink.needs(cell, Math.min(pace.next, plan.runs - 1))) return 0;
    return Math.max(runsInShard(shard, cell, plan.runs) - pace.finished, 0);
  }

  #usualMs(): number | undefined {
    const runs = this.#cells.reduce((sum, { timedRuns }) => sum + timedRuns, 0);
    return runs === 0 ? undefined : this.#cells.reduce((sum, { timedMs }) => sum + timedMs, 0) / runs;
  }

  #nextReturned(): Chunk | undefined {
    for (let chunk = this.#returned.shift(); chunk; chunk = this.#returned.shift()) {
      const { cell } = chunk;
      const runs = chunk.runs.filter((run) => this.#isWanted(cell, run));
      if (runs.length > 0) return { cell, runs };
    }
    return undefined;
  }

  /** The cell it had before, or the one that is least far. */
  #choose(before: number | undefined): number | undefined {
    const same = before === undefined ? undefined : this.#cells[before];
    if (before !== undefined && same && this.#isOpen(before) && ++same.stint < STINT_CHUNKS) return before;
    let chosen: number | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [cell, { next }] of this.#cells.entries()) {
      if (next >= least || !this.#isOpen(cell)) continue;
      [chosen, least] = [cell, next];
    }
    const pace = chosen === undefined ? undefined : this.#cells[chosen];
    if (pace) pace.stint = 0;
    return chosen;
  }

  #isOpen(cell: number): boolean {
    const pace = this.#cells[cell];
    if (!pace) return false;
    const { plan, sink } = this.#options;
    while (pace.next < plan.runs && !this.#isOwn(cell, pace.next)) pace.next++;
    return pace.next < plan.runs && sink.needs(cell, pace.next);
  }

  /** Whether the run is this campaign's to do, if anybody needs it. */
  #isOwn(cell: number, run: number): boolean {
    return isInShard(this.#options.shard, cell, run) && !this.#options.isKnown(cell, run);
  }

  #isWanted(cell: number, run: number): boolean {
    return !this.#options.isKnown(cell, run) && this.#options.sink.needs(cell, run);
  }

  /** Runs of a chunk: one where nothing is known of the cell. */
  #chunkRuns(cell: number, workers: number): number {
    const ms = msOfRun(this.#cells[cell]);
    if (ms === undefined) return 1;
    const share = (this.leftMs ?? 0) / (CHUNKS_LEFT_EACH * workers);
    const runs = Math.floor(Math.min(this.#options.chunkMs, share) / Math.max(ms, 1e-3));
    return Math.min(Math.max(runs, 1), CHUNK_RUNS_MOST);
  }

  #take(cell: number, most: number): number[] {
    const { plan, sink } = this.#options;
    const pace = this.#cells[cell];
    const runs: number[] = [];
    if (!pace) return runs;
    while (runs.length < most && pace.next < plan.runs) {
      const run = pace.next++;
      if (!this.#isOwn(cell, run)) continue;
      if (!sink.needs(cell, run)) {
        pace.next = plan.runs; // nor any run behind it
        break;
      }
      runs.push(run);
    }
    return runs;
  }
}

function msOfRun(pace: CellPace | undefined): number | undefined {
  return pace && pace.timedRuns > 0 ? pace.timedMs / pace.timedRuns : undefined;
}
