/** The worker thread of a campaign: runs chunks of cells on the modules that the main thread has compiled. */
import { parentPort, workerData } from "node:worker_threads";
import { HeapsoakError } from "../../errors.ts";
import { adoptModules } from "../../wasm/module.ts";
import { seedOfRun } from "../plan.ts";
import type { Cell } from "../run/cell.ts";
import { CellRunner } from "../run/cell-runner.ts";
import { unpackCells } from "./packed-cells.ts";
import type { ThreadReply, ThreadRequest, ThreadSetup } from "./thread-protocol.ts";

/** Cells that stay laid out; each takes a few megabytes. */
const RUNNERS_MOST = 8;

class CellRunners {
  readonly #cells: readonly Cell[];
  /** Those used last stand last. */
  readonly #runners = new Map<number, CellRunner>();

  constructor(cells: readonly Cell[]) {
    this.#cells = cells;
  }

  of(index: number): CellRunner {
    const cell = this.#cells[index];
    if (!cell) throw new RangeError(`There is no cell ${index}.`);
    const runner = this.#runners.get(index) ?? this.#make(cell);
    this.#runners.delete(index);
    this.#runners.set(index, runner);
    return runner;
  }

  #make(cell: Cell): CellRunner {
    const [oldest] = this.#runners.keys();
    if (oldest !== undefined && this.#runners.size >= RUNNERS_MOST) this.#runners.delete(oldest);
    return new CellRunner(cell);
  }
}

const { modules, core, cells, baseSeed } = workerData as ThreadSetup;
adoptModules(modules, core);
const runners = new CellRunners(unpackCells(cells));

parentPort?.on("message", (request: ThreadRequest) => parentPort?.postMessage(replyTo(request)));

function replyTo({ cell, runs }: ThreadRequest): ThreadReply {
  try {
    const startMs = performance.now();
    const runner = runners.of(cell);
    const outcomes = runs.map((run) => runner.run(seedOfRun({ baseSeed }, run)));
    return { kind: "outcomes", outcomes, ms: performance.now() - startMs };
  } catch (error) {
    if (error instanceof HeapsoakError) {
      return { kind: "refusal", code: error.code, message: error.message, hint: error.hint };
    }
    return { kind: "bug", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
