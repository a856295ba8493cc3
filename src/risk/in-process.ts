/** Runs a plan in this thread, cell by cell. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { CampaignPlan, CampaignSink, Executor } from "./plan.ts";
import { seedOfRun } from "./plan.ts";
import type { Cell } from "./run/cell.ts";
import { CellRunner } from "./run/cell-runner.ts";
import type { RunOutcome } from "./run/outcome.ts";

/** Signals and progress wait no longer. */
const TURN_MS = 50;

export const executeInProcess: Executor = async (plan, sink, signal) => {
  const turn = new Turn(signal);
  for (const [index, cell] of plan.cells.entries()) {
    await runCell(plan, { cell, index }, sink, turn);
    if (signal.aborted) return;
  }
};

async function runCell(
  plan: CampaignPlan,
  { cell, index }: { cell: Cell; index: number },
  sink: CampaignSink,
  turn: Turn,
): Promise<void> {
  const runner = new CellRunner(cell);
  for (let run = 0; run < plan.runs && sink.needs(index, run); run++) {
    const outcome = await runOne(runner, seedOfRun(plan, run), turn);
    if (!outcome) return;
    sink.report(index, run, outcome);
  }
}

/** Undefined: interrupted. */
async function runOne(runner: CellRunner, seed: bigint, turn: Turn): Promise<RunOutcome | undefined> {
  runner.start(seed);
  for (let ended = false; !ended; ) {
    ended = runner.advance();
    if (await turn.interrupts()) return undefined;
  }
  return runner.outcome();
}

/** Lets the event loop turn now and then, and says whether the work is to end. */
class Turn {
  readonly #signal: AbortSignal;
  #lastMs = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async interrupts(): Promise<boolean> {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs >= TURN_MS) {
      this.#lastMs = nowMs;
      await nextTurn();
    }
    return this.#signal.aborted;
  }
}
