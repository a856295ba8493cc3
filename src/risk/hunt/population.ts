/** The moments that a hunt has kept to go on from: one for each heap it has seen, the most promising of them. */
import { type PackedSnapshot, packedBytes } from "./packed-snapshot.ts";

/** How a branch came about: a list from its end to its beginning. */
export interface Trail {
  readonly before: Trail | undefined;
  readonly atUs: number;
  readonly branch: number;
}

/** A moment of a branch. */
export interface Moment {
  /** Which way of starting, by number. */
  readonly ground: number;
  readonly seed: bigint;
  readonly trail: Trail | undefined;
  readonly atUs: number;
  readonly snapshot: PackedSnapshot;
  readonly key: string;
  /** Less is more promising. */
  readonly rank: number;
}

interface Kept extends Moment {
  readonly number: number;
  /** Of its heap; and when this moment came to stand for it. */
  visits: number;
  readonly visitsBefore: number;
}

const MOMENTS_MOST = 4096;
/** After so many visits another moment with the same heap takes its place. */
const VISITS_MOST = 3;
const BYTES_MOST = 256 * 2 ** 20;
/** What a visit costs a moment, in rank: so that the best is not the only one. */
const VISIT_RANK = 0.02;

export class Population {
  readonly #kept = new Map<string, Kept>();
  readonly #seen = new Set<string>();
  #bytes = 0;
  #numbers = 0;

  /** Different heaps that have been met, those that were let go included. */
  get seen(): number {
    return this.#seen.size;
  }

  /**
   * Keeps the moment, unless one with its heap is kept that is no later. One that has been visited often gives way all
   * the same: the heap is not all of a device. Whether the moment's heap is new.
   */
  add(moment: Moment): boolean {
    const isNew = !this.#seen.has(moment.key);
    this.#seen.add(moment.key);
    const other = this.#kept.get(moment.key);
    if (other && other.atUs <= moment.atUs && other.visits - other.visitsBefore < VISITS_MOST) return false;
    if (other) this.#forget(other);
    const visits = other?.visits ?? 0;
    this.#kept.set(moment.key, { ...moment, number: this.#numbers++, visits, visitsBefore: visits });
    this.#bytes += packedBytes(moment.snapshot);
    if (this.#kept.size > MOMENTS_MOST || this.#bytes > BYTES_MOST) this.#thin();
    return isNew;
  }

  /** Lets go of all moments at this time or later. */
  dropFrom(us: number): void {
    for (const moment of [...this.#kept.values()]) if (moment.atUs >= us) this.#forget(moment);
  }

  /**
   * The next moments to go on from, at most `count`: those that were visited least, or the most promising. Each counts
   * as visited.
   */
  select(count: number, by: "visits" | "promise"): Moment[] {
    const ranked = [...this.#kept.values()].sort(by === "visits" ? byVisits : byPromise).slice(0, count);
    for (const moment of ranked) moment.visits++;
    return ranked;
  }

  /** Half of them, the more promising one, stays. */
  #thin(): void {
    const ranked = [...this.#kept.values()].sort(byPromise);
    for (const moment of ranked.slice(Math.ceil(ranked.length / 2))) this.#forget(moment);
  }

  #forget(moment: Kept): void {
    if (this.#kept.delete(moment.key)) this.#bytes -= packedBytes(moment.snapshot);
  }
}

function byVisits(a: Kept, b: Kept): number {
  return a.visits - b.visits || a.rank - b.rank || a.number - b.number;
}

function byPromise(a: Kept, b: Kept): number {
  return a.rank + a.visits * VISIT_RANK - (b.rank + b.visits * VISIT_RANK) || a.number - b.number;
}
