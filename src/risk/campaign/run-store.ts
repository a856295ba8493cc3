import { HeapsoakError } from "../../errors.ts";
import type { RunOutcome } from "../run/outcome.ts";
import { exactJson } from "./exact-json.ts";
import type { FinishedRun } from "./result-lines.ts";

/** The finished runs of a campaign. Each has one outcome, however often it was run. */
export class RunStore {
  readonly #cells: Map<number, RunOutcome>[];
  #count = 0;

  constructor(cells: number) {
    this.#cells = Array.from({ length: cells }, () => new Map<number, RunOutcome>());
  }

  get count(): number {
    return this.#count;
  }

  get(cell: number, run: number): RunOutcome | undefined {
    return this.#cells[cell]?.get(run);
  }

  /** Cell by cell, in the order in which they came. */
  *all(): Generator<FinishedRun> {
    for (const [cell, runs] of this.#cells.entries()) {
      for (const [run, outcome] of runs) yield { cell, run, outcome };
    }
  }

  /** Keeps the outcome; false where it was known. Throws `bad-results` for a cell that is not there, or another outcome. */
  add({ cell, run, outcome }: FinishedRun, source: string): boolean {
    const runs = this.#cells[cell];
    if (!runs)
      throw new HeapsoakError("bad-results", `${source}: a run of cell ${cell}; there are ${this.#cells.length}.`);
    const known = runs.get(run);
    if (known === undefined) {
      runs.set(run, outcome);
      this.#count++;
      return true;
    }
    if (exactJson(known) === exactJson(outcome)) return false;
    throw new HeapsoakError("bad-results", `${source}: run ${run} of cell ${cell} has two different outcomes.`, {
      hint: "A run has one outcome on every machine. Start the campaign anew in an empty folder, and please report it.",
    });
  }
}
