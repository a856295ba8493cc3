/** The driver of a run: takes the machine from its start, or a checkpoint, to its end, batch by batch. */
import { createHash } from "node:crypto";
import { HeapsoakError } from "../errors.ts";
import { layOut } from "../scenario/layout.ts";
import type { Scenario } from "../scenario/model.ts";
import { TIME_MOST_US } from "../scenario/quantities.ts";
import { packageVersion } from "../version.ts";
import { coreDigest } from "../wasm/module.ts";
import { type MachineSnapshot, SoakMachine, usualSampleGap } from "../wasm/soak-machine.ts";
import { canonicalState } from "../wasm/soak-state.ts";
import { buildRecord, ramOf } from "./build-record.ts";
import { CheckpointFile, type RunIdentity } from "./checkpoint.ts";
import { compileScenario } from "./compiler.ts";
import { BlockHistory, type HistoryState } from "./history.ts";
import { historyOfRun } from "./history-of-run.ts";
import { type AtFailure, momentOfFailure } from "./moment-of-failure.ts";
import { hyperperiodOf, notRepeated, type Periodicity, PeriodSearch, type SearchState } from "./periodic.ts";
import type { RunRecord } from "./record.ts";
import { type Rewind, RewindPoints, rewindToFailure } from "./rewind.ts";
import { faultsOfRun, type OverwrittenBy, stacksOfRun, withOverwritten } from "./stacks-of-run.ts";
import { RunTrace } from "./trace-export.ts";

/** How a run is driven. None of it but seed and uptime changes what happens in the run. */
export interface DriverOptions {
  /** Simulated time to run; the scenario's by default. With `untilFailure` it is the limit: 285 years by default. */
  readonly uptimeUs?: number;
  readonly seed?: bigint;
  /** Save the run to `file` at every multiple of `everyUs` of simulated time. */
  readonly checkpoint?: { readonly file: string; readonly everyUs: number };
  /** Go on from this checkpoint. */
  readonly resume?: string;
  /** End at the first failure, also one that the device survives. */
  readonly untilFailure?: boolean;
  /** After a failure, how far back to go for `rewind`. */
  readonly rewindUs?: number;
  readonly build?: "release" | "debug";
  /** Keep the operations of a heap (the first by default) as a trace, to be taken with `takeTrace`. Not with checkpoints. */
  readonly trace?: { readonly heap?: string };
}

/** What the host knows of a run that memory does not hold. */
interface HostState {
  readonly overwritten: OverwrittenBy;
  readonly search: SearchState | null;
  readonly proved: Extract<Periodicity, { kind: "proved" }> | null;
  readonly atFailure: AtFailure | null;
  readonly history: HistoryState;
}

/** Something that happens at a simulated time between two batches. */
interface Stop {
  readonly atUs: number;
  take(): void;
}

const NEVER = Number.POSITIVE_INFINITY;

export class SoakDriver {
  readonly scenario: Scenario;
  readonly machine: SoakMachine;
  readonly uptimeUs: number;
  readonly #options: DriverOptions;
  readonly #provenance: RunRecord["provenance"];
  readonly #seed: bigint;
  readonly #checkpoints: CheckpointFile<HostState> | undefined;
  readonly #rewindPoints: RewindPoints | undefined;
  readonly #trace: RunTrace | undefined;
  readonly #history: BlockHistory;
  readonly #stops: readonly Stop[];
  #nextCheckpointUs = NEVER;
  #overwritten: OverwrittenBy = {};
  #search: PeriodSearch | undefined;
  #periodicity: Periodicity;
  #ended = false;
  #atFailure: AtFailure | undefined;
  /** Of the last checkpoint, kept to be used again. */
  #saved: MachineSnapshot | undefined;

  /**
   * Lays the run out and starts it. Throws `bad-argument`, what `layOut` throws, and of checkpoints `cannot-read`,
   * `bad-checkpoint` and `cannot-write`.
   */
  constructor(scenario: Scenario, options: DriverOptions = {}) {
    refuseBadTimes(options);
    this.uptimeUs = options.uptimeUs ?? (options.untilFailure ? TIME_MOST_US : scenario.uptimeUs);
    this.scenario = { ...scenario, uptimeUs: this.uptimeUs };
    this.#options = options;
    this.#seed = options.seed ?? scenario.seed;
    const layout = layOut(this.scenario, { build: options.build ?? "release" });
    const compiled = compileScenario(this.scenario);
    // A limit of 285 years says nothing about how closely to look.
    const expectedUs = options.untilFailure ? scenario.uptimeUs : this.uptimeUs;
    const sampleGapUs = usualSampleGap(expectedUs);
    this.machine = new SoakMachine({ scenario: this.scenario, compiled, layout, seed: this.#seed, sampleGapUs });
    this.#history = new BlockHistory(this.machine, expectedUs);
    this.#provenance = {
      heapsoak: packageVersion(),
      core: coreDigest(),
      scenario: createHash("sha256").update(scenario.source).digest("hex"),
    };
    const hyperperiod = hyperperiodOf(this.scenario);
    this.#periodicity = "us" in hyperperiod ? { kind: "open", reason: "" } : hyperperiod;
    if ("us" in hyperperiod) this.#search = new PeriodSearch(hyperperiod.us);
    if (options.trace) this.#trace = this.#startTrace(options.trace.heap);
    this.machine.stopsAtFailure = true;
    this.machine.prepare();
    if (options.resume !== undefined) this.#resumeFrom(options.resume);
    if (options.rewindUs !== undefined) {
      this.#rewindPoints = new RewindPoints(this.machine, options.rewindUs, this.uptimeUs);
    }
    if (options.checkpoint) this.#checkpoints = this.#checkpointFile(options.checkpoint.file);
    this.#stops = this.#makeStops();
    if (this.#checkpoints) this.#writeCheckpoint(); // a file that cannot be written is known at once
  }

  /** Whether the run is over: horizon, failure, or interrupted. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Runs on by about `budget` instructions and events. Throws `cannot-write` when a checkpoint cannot be. */
  advance(budget: number): void {
    if (this.#ended) return;
    const { machine } = this;
    machine.setHorizon(Math.min(...this.#stops.map(({ atUs }) => atUs)));
    const end = machine.advance(budget);
    this.#trace?.add(machine.journal());
    if (end === "failed" || end === "about-to-reboot") this.#lookAtFailure(end);
    else if (end === "stack-overrun") this.#lookAtOverrun();
    else if (end === "horizon") this.#takeStops();
  }

  /** The lines of the trace since the last call; empty where none was asked for. */
  takeTrace(): string {
    return this.#trace?.take() ?? "";
  }

  /** Ends the run where it is; a checkpoint is left to go on from. Throws `cannot-write`. */
  interrupt(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#checkpoints) this.#writeCheckpoint();
  }

  /** Ends the run where it is. */
  abandon(): void {
    this.#ended = true;
  }

  /** The record of the run as it stands. */
  record(): RunRecord {
    const { machine, scenario } = this;
    return buildRecord({
      scenario,
      machine,
      seed: this.#seed,
      horizonUs: this.uptimeUs,
      complete: machine.nowUs >= this.uptimeUs || this.#hasFailedForGood(),
      provenance: this.#provenance,
      stacks: stacksOfRun(scenario, machine, this.#overwritten),
      faults: faultsOfRun(machine),
      periodicity: this.#finalPeriodicity(),
      atFailure: this.#atFailure,
      history: historyOfRun(this.machine, this.#history.upToNow()),
    });
  }

  /** The last operations before the failure; undefined without a failure, or when no rewind was asked for. */
  rewind(): Rewind | undefined {
    const failure = this.machine.failure();
    if (!failure || !this.#rewindPoints) return undefined;
    const point = this.#rewindPoints.before(failure.atUs, this.#options.rewindUs ?? 0);
    return rewindToFailure(this.machine, point);
  }

  #hasFailedForGood(): boolean {
    const failure = this.machine.failure();
    return failure !== undefined && (failure.halted || this.#options.untilFailure === true);
  }

  /** In the order in which they are taken at one time. */
  #makeStops(): Stop[] {
    const { machine, scenario, uptimeUs } = this;
    const stops: Stop[] = [
      { atUs: uptimeUs, take: () => this.abandon() },
      this.#stop(
        () => (machine.telemetry.judgedFromUs(scenario.warmupUs) === undefined ? scenario.warmupUs : NEVER),
        () => machine.telemetry.beginJudging(),
      ),
      this.#stop(
        () => this.#search?.nextUs ?? NEVER,
        () => this.#lookForPeriod(),
      ),
      this.#stop(
        () => (this.#history.nextUs < uptimeUs ? this.#history.nextUs : NEVER),
        () => this.#history.take(),
      ),
    ];
    const points = this.#rewindPoints;
    if (points) {
      stops.push(
        this.#stop(
          () => (machine.failure() ? NEVER : points.nextUs),
          () => points.take(),
        ),
      );
    }
    if (this.#checkpoints) {
      stops.push(
        this.#stop(
          () => this.#nextCheckpointUs,
          () => this.#writeCheckpoint(),
        ),
      );
    }
    return stops;
  }

  #stop(atUs: () => number, take: () => void): Stop {
    return {
      get atUs() {
        return atUs();
      },
      take,
    };
  }

  #takeStops(): void {
    const { nowUs } = this.machine;
    for (const stop of this.#stops) if (stop.atUs <= nowUs) stop.take();
  }

  /** The first failure is looked at as it happens; a device that survives it goes on afterwards. */
  #lookAtFailure(end: "failed" | "about-to-reboot"): void {
    this.#atFailure ??= momentOfFailure(this.machine, this.scenario);
    this.#ended = end === "failed" || this.#options.untilFailure === true;
  }

  /** A snapshot of a run that keeps a journal cannot go on without one. */
  #startTrace(heap: string | undefined): RunTrace {
    if (this.#options.checkpoint || this.#options.resume !== undefined) {
      throw new HeapsoakError("bad-argument", "A run with checkpoints leaves no trace.");
    }
    this.machine.journalling = true;
    return new RunTrace(this.machine, this.scenario, heap);
  }

  #lookAtOverrun(): void {
    const stack = this.machine.takeOverrun();
    if (stack) this.#overwritten = withOverwritten(this.#overwritten, this.scenario, this.machine, stack);
  }

  #lookForPeriod(): void {
    const proof = this.#search?.look(
      canonicalState(this.machine.device.engine, this.machine.compiled, ramOf(this.machine.device)),
    );
    if (!proof) return;
    this.#periodicity = proof;
    this.#search = undefined;
  }

  #finalPeriodicity(): Periodicity {
    if (this.#periodicity.kind !== "open") return this.#periodicity;
    if (this.machine.failure()) return { kind: "open", reason: "the run failed before it repeated" };
    const hyperperiod = hyperperiodOf(this.scenario);
    if (!("us" in hyperperiod)) return hyperperiod;
    return { kind: "open", reason: notRepeated(hyperperiod.us, this.machine.nowUs) };
  }

  #checkpointFile(path: string): CheckpointFile<HostState> {
    // A kept state is RAM and less of the engine's than a snapshot.
    const keptBytesMost = "us" in hyperperiodOf(this.scenario) ? this.machine.stateBytesMost : 0;
    return new CheckpointFile(path, this.#identity(), this.machine.stateBytesMost + keptBytesMost);
  }

  #identity(): RunIdentity {
    return { ...this.#provenance, seed: String(this.#seed), uptimeUs: this.uptimeUs };
  }

  #resumeFrom(path: string): void {
    const shape = this.machine.snapshot();
    const { device, host, kept } = this.#checkpointFile(path).read(shape.device);
    this.machine.restore({ ...shape, device });
    this.#overwritten = host.overwritten;
    this.#atFailure = host.atFailure ?? undefined;
    this.#history.restore(host.history);
    if (host.proved) this.#periodicity = host.proved;
    if (host.search && this.#search) this.#search.restore(host.search, kept);
    else this.#search = undefined;
  }

  #writeCheckpoint(): void {
    const { everyUs } = this.#options.checkpoint ?? { everyUs: NEVER };
    const { machine } = this;
    this.#nextCheckpointUs = (Math.floor(machine.nowUs / everyUs) + 1) * everyUs;
    this.#saved = machine.snapshot(this.#saved);
    this.#checkpoints?.write({
      simulatedUs: machine.nowUs,
      device: this.#saved.device,
      kept: this.#search?.kept ?? new Uint8Array(),
      host: {
        overwritten: this.#overwritten,
        search: this.#search?.progress ?? null,
        proved: this.#periodicity.kind === "proved" ? this.#periodicity : null,
        atFailure: this.#atFailure ?? null,
        history: this.#history.progress,
      },
    });
  }
}

function refuseBadTimes({ uptimeUs, checkpoint, rewindUs }: DriverOptions): void {
  const times = { uptimeUs, everyUs: checkpoint?.everyUs, rewindUs };
  for (const [name, us] of Object.entries(times)) {
    if (us === undefined || (us >= 1 && us <= TIME_MOST_US && Number.isInteger(us))) continue;
    throw new HeapsoakError("bad-argument", `${name}: got ${us}, expected whole microseconds from 1 to 285 years.`);
  }
}
