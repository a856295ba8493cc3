/** The states in which runs have entered a level: what the next level's trials begin with. */
import type { Random } from "../../statistics/random.ts";
import type { MachineSnapshot, SoakMachine } from "../../wasm/soak-machine.ts";

/** What a trial begins with: a run at the moment at which it entered a level. */
export interface Entrance {
  /** Or time 0; or the run has failed on the way, and a failure is in all levels. */
  readonly state: MachineSnapshot | "start" | "failed";
  /** Number of the run from time 0 that it descends from. */
  readonly ancestor: number;
}

/**
 * The entrances of one level. No more than `capacity` states are kept, an even choice from all that came (Vitter's
 * reservoir): then their mean is still what it would be with all. The memory of states is used again.
 */
export class Entrances {
  readonly #capacity: number;
  readonly #random: Random;
  readonly #states: MachineSnapshot[] = [];
  #kept: Entrance[] = [];
  #came = 0;

  constructor(capacity: number, random: Random) {
    this.#capacity = capacity;
    this.#random = random;
  }

  /** Those kept. */
  get all(): readonly Entrance[] {
    return this.#kept;
  }

  /** How many came. */
  get came(): number {
    return this.#came;
  }

  /** The runs from time 0 that they descend from. */
  get ancestors(): ReadonlySet<number> {
    return new Set(this.#kept.map(({ ancestor }) => ancestor));
  }

  clear(): void {
    this.#kept = [];
    this.#came = 0;
  }

  /** The machine's run enters the level; `hasFailed`: it is over. */
  add(machine: SoakMachine, ancestor: number, hasFailed: boolean): void {
    this.#came++;
    const place = this.#kept.length < this.#capacity ? this.#kept.length : this.#random.below(this.#came);
    if (place >= this.#capacity) return;
    this.#kept[place] = { state: hasFailed ? "failed" : this.#snapshot(machine, place), ancestor };
  }

  /**
   * How often to begin with each of those kept, for `trials` in all: as equally as whole numbers allow, and who gets one
   * more is drawn.
   */
  share(trials: number): number[] {
    const count = this.#kept.length;
    const each = Math.floor(trials / count);
    const order = this.#shuffled(count);
    const shares = new Array<number>(count).fill(each);
    for (const index of order.slice(0, trials - each * count)) shares[index] = each + 1;
    return shares;
  }

  #snapshot(machine: SoakMachine, place: number): MachineSnapshot {
    const state = machine.snapshot(this.#states[place]);
    this.#states[place] = state;
    return state;
  }

  #shuffled(count: number): number[] {
    const order = Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.#random.below(last + 1);
      [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
    }
    return order;
  }
}
