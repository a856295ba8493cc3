/** Runs of sizes with the same seeds, each made once. */
import { HeapsoakError } from "../../errors.ts";
import { seedOfRun } from "../plan.ts";
import { CellRunner } from "../run/cell-runner.ts";
import type { OutcomeFailureKind, RunOutcome } from "../run/outcome.ts";
import type { Meter } from "./meter.ts";
import type { TrialSource } from "./search.ts";
import type { SizeGrid } from "./size-grid.ts";

/** What is known of a size. */
export interface TriedSize {
  readonly size: number;
  /** Whether each run that was made failed, by its number. */
  readonly failed: ReadonlyMap<number, boolean>;
  readonly failures: number;
  /** Failures by kind. */
  readonly kinds: Readonly<Partial<Record<OutcomeFailureKind, number>>>;
  /** Whether the allocator cannot even start in it: it fails with any seed. */
  readonly unusable: boolean;
}

interface MutableSize extends TriedSize {
  readonly failed: Map<number, boolean>;
  failures: number;
  readonly kinds: Partial<Record<OutcomeFailureKind, number>>;
  unusable: boolean;
}

/** A machine holds a device's whole memory: the sizes that are looked at in turns keep theirs. */
const RUNNERS_MOST = 3;

export class Trials implements TrialSource {
  readonly grid: SizeGrid;
  /** The most bytes of live blocks in a run that survived. */
  peakLiveBytes = 0;
  /** Instructions and events of all runs. */
  steps = 0;
  readonly #meter: Meter;
  readonly #baseSeed: bigint;
  readonly #sizes = new Map<number, MutableSize>();
  readonly #runners = new Map<number, CellRunner>();
  readonly #deepestBytes = new Map<string, number>();

  constructor(grid: SizeGrid, baseSeed: bigint, meter: Meter) {
    this.grid = grid;
    this.#baseSeed = baseSeed;
    this.#meter = meter;
  }

  get last(): number {
    return this.grid.last;
  }

  /** Everything tried, by size. */
  get sizes(): TriedSize[] {
    return [...this.#sizes.values()].sort((a, b) => a.size - b.size);
  }

  /** What is known of a size; nothing yet where it was not tried. */
  at(size: number): TriedSize {
    return this.#at(size);
  }

  /** Runs that were made, of all sizes. */
  get runs(): number {
    return this.sizes.reduce((sum, { failed }) => sum + failed.size, 0);
  }

  /** The deepest that each stack was seen in use, in bytes. */
  get deepestBytes(): ReadonlyMap<string, number> {
    return this.#deepestBytes;
  }

  seed(run: number): bigint {
    return seedOfRun({ baseSeed: this.#baseSeed }, run);
  }

  /** Whether run number `run` (from 0) fails with this size. Throws `SearchStopped`. */
  async fails(size: number, run: number): Promise<boolean> {
    const tried = this.#at(size);
    if (tried.unusable) return true;
    const known = tried.failed.get(run);
    if (known !== undefined) return known;
    const runner = this.#runnerIn(tried);
    if (!runner) return true;
    this.#meter.beginRun();
    runner.start(this.seed(run));
    do await this.#meter.breathe();
    while (!runner.advance());
    return this.#note(tried, run, runner);
  }

  #at(size: number): MutableSize {
    const known = this.#sizes.get(size);
    if (known) return known;
    const fresh: MutableSize = { size, failed: new Map(), failures: 0, kinds: {}, unusable: false };
    this.#sizes.set(size, fresh);
    return fresh;
  }

  #note(tried: MutableSize, run: number, runner: CellRunner): boolean {
    const outcome = runner.outcome();
    const { failure } = outcome;
    this.steps += outcome.steps;
    this.#noteStacks(runner, outcome);
    tried.failed.set(run, failure !== null);
    if (failure) {
      tried.failures++;
      tried.kinds[failure.kind] = (tried.kinds[failure.kind] ?? 0) + 1;
      return true;
    }
    const { peakLiveBytes } = runner.machine.telemetry.extremes(this.grid.heapIndex);
    this.peakLiveBytes = Math.max(this.peakLiveBytes, peakLiveBytes);
    return false;
  }

  #noteStacks({ machine }: CellRunner, { margins }: RunOutcome): void {
    for (const { name, setup } of machine.stacks) {
      const depth = setup.bytes - (margins.stacks[name]?.headroomBytes ?? setup.bytes);
      this.#deepestBytes.set(name, Math.max(depth, this.#deepestBytes.get(name) ?? 0));
    }
  }

  /** The machine of a size, or undefined where the allocator cannot start in so little. */
  #runnerIn(tried: MutableSize): CellRunner | undefined {
    const { size } = tried;
    const runner = this.#runners.get(size) ?? this.#newRunner(size);
    this.#runners.delete(size);
    if (!runner) {
      tried.unusable = true;
      return undefined;
    }
    this.#runners.set(size, runner);
    const [oldest] = this.#runners.keys();
    if (this.#runners.size > RUNNERS_MOST && oldest !== undefined) this.#runners.delete(oldest);
    return runner;
  }

  #newRunner(size: number): CellRunner | undefined {
    try {
      return new CellRunner(this.grid.cell(size));
    } catch (error) {
      // The largest size was tried first: what is wrong with the scenario itself has been said there.
      if (error instanceof HeapsoakError && error.code === "does-not-fit" && size < this.grid.last) return undefined;
      throw error;
    }
  }
}
