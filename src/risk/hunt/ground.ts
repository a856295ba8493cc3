/** A scenario laid out once, on which a hunt runs its branches: put back to any moment that it has kept. */
import { layOut } from "../../scenario/layout.ts";
import type { Scenario } from "../../scenario/model.ts";
import { failureOf } from "../../soak/build-record.ts";
import { compileScenario } from "../../soak/compiler.ts";
import { GuestFault } from "../../wasm/guest-fault.ts";
import { type MachineSnapshot, SoakMachine } from "../../wasm/soak-machine.ts";
import type { OutcomeFailure } from "../run/outcome.ts";
import { type PackedSnapshot, SnapshotPacker } from "./packed-snapshot.ts";

/** A heap at the end of a branch. */
export interface HeapLook {
  readonly freeBytes: number;
  /** The largest request that would succeed now. */
  readonly largestFreeBytes: number;
  readonly holes: number;
  /** Equal for heaps that a hunt need not tell apart. */
  readonly key: string;
}

/** Instructions of a batch. */
const BATCH_STEPS = 200_000;
/** Bytes that a snapshot copies, compares and packs in the time of an instruction. */
const BYTES_A_STEP = 100;
/** Up to so many live blocks, heaps are told apart block by block; above, by sixty-fourths of the arena. */
const EXACT_BLOCKS_MOST = 24;
const COARSE_PARTS = 64;

export class Ground {
  readonly machine: SoakMachine;
  readonly scenario: Scenario;
  readonly #heap: number;
  readonly #fresh: MachineSnapshot;
  readonly #packer: SnapshotPacker;
  #spare: MachineSnapshot | undefined;
  /** Steps of this ground's branches, and what their snapshots cost in steps. */
  spentSteps = 0;

  /** Throws what `layOut` and `compileScenario` throw. */
  constructor(scenario: Scenario, heap: number) {
    this.scenario = scenario;
    this.#heap = heap;
    this.machine = new SoakMachine({ scenario, compiled: compileScenario(scenario), layout: layOut(scenario) });
    this.#fresh = this.machine.snapshot();
    this.#packer = new SnapshotPacker(this.#fresh);
  }

  get arenaBytes(): number {
    return (this.machine.heaps[this.#heap]?.regions ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get granuleBytes(): number {
    const heap = this.machine.heaps[this.#heap];
    return heap ? this.machine.device.recordOf(heap).granuleBytes : 1;
  }

  /** At time 0 of this seed. */
  begin(seed: bigint): void {
    this.machine.restore(this.#fresh);
    this.machine.reseed(seed);
    this.machine.prepare();
  }

  keep(): PackedSnapshot {
    this.#spare = this.machine.snapshot(this.#spare);
    this.spentSteps += Math.ceil(this.#spare.device.bytes.length / BYTES_A_STEP);
    return this.#packer.pack(this.#spare);
  }

  resume(snapshot: PackedSnapshot): void {
    this.spentSteps += Math.ceil(snapshot.totalBytes / BYTES_A_STEP);
    this.machine.restore(this.#packer.unpack(snapshot));
  }

  /** Runs to that time, or to a failure; gives up after `stepsMost`. Whether it came there; `each` is called after every batch. */
  advanceTo(us: number, stepsMost = Number.POSITIVE_INFINITY, each: () => void = () => {}): boolean {
    const { machine } = this;
    machine.setHorizon(us);
    const from = machine.steps;
    for (;;) {
      const end = machine.advance(Math.min(BATCH_STEPS, stepsMost));
      each();
      if (end === "stack-overrun") machine.takeOverrun();
      const isOver = end === "horizon" || machine.failure() !== undefined;
      if (!isOver && machine.steps - from < stepsMost) continue;
      this.spentSteps += machine.steps - from;
      return isOver;
    }
  }

  /** The first failure of the run so far, without its message. */
  failure(): OutcomeFailure | null {
    const failure = failureOf(this.machine, this.scenario);
    if (!failure) return null;
    const { message: _, ...facts } = failure;
    return facts;
  }

  /** Undefined where the heap's metadata is so broken that nobody can look at it. */
  look(): HeapLook | undefined {
    const heap = this.machine.heaps[this.#heap];
    try {
      const { freeBytes, largestFreeBytes, holes, liveBlocks } = heap?.summary() ?? EMPTY;
      const isSmall = heap !== undefined && liveBlocks <= EXACT_BLOCKS_MOST;
      const key = isSmall ? heap.picture({ width: 4096 }) : this.#coarse([freeBytes, largestFreeBytes], holes);
      return { freeBytes, largestFreeBytes, holes, key };
    } catch (fault) {
      if (fault instanceof GuestFault) return undefined;
      throw fault;
    }
  }

  #coarse(bytes: readonly number[], holes: number): string {
    const parts = bytes.map((value) => Math.floor((value * COARSE_PARTS) / this.arenaBytes));
    return [...parts, Math.floor(Math.log2(holes + 1))].join(" ");
  }
}

const EMPTY = { freeBytes: 0, largestFreeBytes: 0, holes: 0, liveBlocks: 0 };
