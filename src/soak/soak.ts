/** The host API of a run: an async iterable of progress with a record at its end. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type ErrorCode, HeapsoakError } from "../errors.ts";
import { heapMap } from "../report/picture.ts";
import type { Scenario } from "../scenario/model.ts";
import { GuestFault } from "../wasm/guest-fault.ts";
import type { SoakMachine } from "../wasm/soak-machine.ts";
import { failureOf } from "./build-record.ts";
import { type DriverOptions, SoakDriver } from "./driver.ts";
import type { RunFailure, RunRecord } from "./record.ts";
import { heapBlocks, type Rewind } from "./rewind.ts";
import type { RunTraceTarget } from "./trace-export.ts";

/** How a scenario is soaked. */
export interface SoakOptions extends Omit<DriverOptions, "trace"> {
  /** Where the operations of a heap go as a trace. */
  readonly trace?: RunTraceTarget;
  /** Ends the run where it is, with a record of what there was. */
  readonly signal?: AbortSignal;
  /** Instructions and events between two turns of the event loop; as many as take about 30 ms by default. */
  readonly batch?: number;
}

/** A heap at a glance. */
export interface HeapGlance {
  readonly name: string;
  readonly freeBytes: number;
  /** The largest request that would succeed now. */
  readonly largestFreeBytes: number;
  /** The heap to scale in 64 characters: `#` live, `.` free, `+` both, `-` bookkeeping. */
  readonly picture: string;
}

/** Where a run is. What the methods return is of the moment of the call. */
export interface SoakProgress {
  readonly simulatedUs: number;
  /** Where the run ends. */
  readonly uptimeUs: number;
  /** Instructions and events handled. */
  readonly steps: number;
  readonly failure: RunFailure | null;
  /** The heaps as they are now; costs a walk over each. */
  heaps(): HeapGlance[];
}

/**
 * A run. Iterating it, or awaiting its record, drives it; it rests while nobody does.
 *
 * ```ts
 * const run = soak(await loadScenario("gateway.yaml"), { uptimeUs: 3600e6 });
 * for await (const { simulatedUs } of run) console.log(simulatedUs);
 * console.log((await run.record).verdict);
 * ```
 */
export interface SoakRun extends AsyncIterable<SoakProgress> {
  /** Rejects with what is wrong with scenario or options, or with `SoakInterrupted`. */
  readonly record: Promise<RunRecord>;
  /** The last operations before the failure, with option `rewindUs`; undefined when the run did not fail. */
  readonly rewind: Promise<Rewind | undefined>;
}

/** A run that could not go on for a reason outside it, such as a full disk. What it had come to is not lost. */
export class SoakInterrupted extends HeapsoakError {
  /** The record up to there. */
  readonly record: RunRecord;

  constructor(cause: HeapsoakError, record: RunRecord) {
    const code: ErrorCode = cause.code;
    super(code, cause.message, { ...(cause.hint !== undefined && { hint: cause.hint }), cause });
    this.name = "SoakInterrupted";
    this.record = record;
  }
}

/** What a batch takes where nobody says otherwise: signals and progress wait no longer. */
const BATCH_MS = 30;
const FIRST_BATCH = 50_000;
const LEAST_BATCH = 1_000;
const LARGEST_BATCH = 50_000_000;

/** Runs the scenario for its uptime. Same scenario, seed and version give the same record, whatever the other options. */
export function soak(scenario: Scenario, options: SoakOptions = {}): SoakRun {
  return new Run(scenario, options);
}

class Run implements SoakRun {
  readonly #scenario: Scenario;
  readonly #options: SoakOptions;
  #driver: SoakDriver | undefined;
  #budget: number;
  #record: Promise<RunRecord> | undefined;
  #rewind: Rewind | undefined;
  #trouble: HeapsoakError | undefined;

  constructor(scenario: Scenario, options: SoakOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#budget = options.batch ?? FIRST_BATCH;
  }

  get record(): Promise<RunRecord> {
    this.#record ??= this.#finish();
    return this.#record;
  }

  get rewind(): Promise<Rewind | undefined> {
    return this.record.then(() => this.#rewind);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SoakProgress> {
    const driver = this.#start();
    while (!driver.ended) {
      await this.#runBatch(driver);
      yield progressOf(driver);
      await nextTurn();
    }
  }

  async #finish(): Promise<RunRecord> {
    const driver = this.#start();
    while (!driver.ended) {
      await this.#runBatch(driver);
      await nextTurn();
    }
    const record = driver.record();
    if (this.#trouble) throw new SoakInterrupted(this.#trouble, record);
    this.#rewind = driver.rewind();
    return record;
  }

  #start(): SoakDriver {
    this.#driver ??= new SoakDriver(this.#scenario, this.#options);
    return this.#driver;
  }

  /** A checkpoint or a trace that cannot be written ends the run. */
  async #runBatch(driver: SoakDriver): Promise<void> {
    try {
      if (this.#options.signal?.aborted) driver.interrupt();
      else this.#timedBatch(driver);
      await this.#options.trace?.write(driver.takeTrace());
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      this.#trouble = error;
      driver.abandon();
    }
  }

  /** The clock decides how long batches are, which decides nothing in the run. */
  #timedBatch(driver: SoakDriver): void {
    const startMs = performance.now();
    driver.advance(this.#budget);
    if (this.#options.batch !== undefined) return;
    const tookMs = Math.max(performance.now() - startMs, 0.1);
    const fitting = this.#budget * Math.min(Math.max(BATCH_MS / tookMs, 0.25), 4);
    this.#budget = Math.round(Math.min(Math.max(fitting, LEAST_BATCH), LARGEST_BATCH));
  }
}

function progressOf(driver: SoakDriver): SoakProgress {
  const { machine, scenario, uptimeUs } = driver;
  return {
    simulatedUs: machine.nowUs,
    uptimeUs,
    steps: machine.steps,
    failure: failureOf(machine, scenario),
    heaps: () => machine.heaps.map((heap, index) => glance(driver, heap.name, index)),
  };
}

function glance({ machine }: SoakDriver, name: string, index: number): HeapGlance {
  const blocks = heapBlocks(machine, index);
  const freeBytes = machine.heapFigures(index).freeBytes;
  return { name, freeBytes, largestFreeBytes: largestFree(machine, index), picture: heapMap(blocks, 64) };
}

/** 0 where the metadata is so broken that the allocator would fault. */
function largestFree({ heaps }: SoakMachine, index: number): number {
  try {
    return heaps[index]?.summary().largestFreeBytes ?? 0;
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault;
    return 0;
  }
}
