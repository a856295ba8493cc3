/**
 * Which slot of the engine holds what an id of the trace stands for.
 *
 *   unknown ──a──▶ live ──f──▶ quarantined ──65,536 frees later──▶ unknown, slot free
 *                   │ ▲            │ f: the double free it is, on the stale address
 *                   a └─────a──────┘
 *                   ▼
 *               abandoned: the old block stays live for ever (a leak); the id has a new slot
 *
 * Ids are found through an open-addressing table with linear probing whose entries are slot + 1; the keys
 * are the slots' ids.
 */
import { SLOTS_MOST } from "../../assembly/memory-map.ts";
import { HeapsoakError } from "../errors.ts";

/** Freed ids that are remembered, so that a second free of one is replayed as a double free. */
export const QUARANTINE_SLOTS = 65536;
/** What `find` returns for an id that is not known. */
export const UNKNOWN = -1;

const FIRST_SLOTS = 1024;
const FIRST_TABLE = 4096;

enum State {
  Free,
  Live,
  Quarantined,
  Abandoned,
}

/** Tells whether the slot really holds a block: only the heap knows whether its request was granted. */
export type HoldsBlock = (slot: number) => boolean;

export class SlotTable {
  /** Slots that have ever been used: all lie below. */
  high = 0;
  #ids = new Uint32Array(FIRST_SLOTS);
  #states = new Uint8Array(FIRST_SLOTS);
  /** Of a quarantined slot the number of its free; of a free slot the next free one + 1. */
  #links = new Uint32Array(FIRST_SLOTS);
  #table = new Uint32Array(FIRST_TABLE);
  #known = 0;
  #firstFree = 0;
  readonly #quarantine = new Uint32Array(QUARANTINE_SLOTS);
  #frees = 0;
  #oldest = 0;
  #superseded: number[] = [];
  readonly #holdsBlock: HoldsBlock;
  readonly #most: number;

  /** At most `most` slots are used. */
  constructor(holdsBlock: HoldsBlock, most = SLOTS_MOST) {
    this.#holdsBlock = holdsBlock;
    this.#most = most;
  }

  /** Slot of the id, live or quarantined, or UNKNOWN. */
  find(id: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let at = hash(id) & mask; ; at = (at + 1) & mask) {
      const entry = table[at] ?? 0;
      if (entry === 0) return UNKNOWN;
      if (this.#ids[entry - 1] === id) return entry - 1;
    }
  }

  /** No slot is left for a new id: run what is pending, then `reclaim`. */
  get exhausted(): boolean {
    return this.#firstFree === 0 && this.high === this.#most;
  }

  /** The slot for a new block of `id`. A live id's old slot is abandoned: `settle` tells whether it held a block. */
  bind(id: number): number {
    const known = this.find(id);
    if (known !== UNKNOWN && this.#states[known] !== State.Live) {
      this.#states[known] = State.Live;
      return known;
    }
    const slot = this.#freeSlot();
    this.#ids[slot] = id;
    this.#states[slot] = State.Live;
    if (known === UNKNOWN) this.#insert(slot);
    else this.#supersede(known, slot);
    return slot;
  }

  /** The id is freed; it stays known until the quarantine is full. */
  retire(slot: number): void {
    if (this.#states[slot] !== State.Live) return;
    if (this.#frees - this.#oldest === QUARANTINE_SLOTS) this.#recycleOldest();
    this.#states[slot] = State.Quarantined;
    this.#links[slot] = this.#frees;
    this.#quarantine[this.#frees++ % QUARANTINE_SLOTS] = slot;
  }

  /** A reallocation brings a freed id back. */
  revive(slot: number): void {
    this.#states[slot] = State.Live;
  }

  /**
   * To be called when the operations so far have run: decides which of the live ids that were bound anew held a
   * block. Returns how many; those blocks stay for ever.
   */
  settle(): number {
    const held = this.#superseded.filter((slot) => this.#holdsBlock(slot));
    for (const slot of this.#superseded) if (!this.#holdsBlock(slot)) this.#release(slot);
    this.#superseded = [];
    return held.length;
  }

  /**
   * Makes room: gives up the oldest freed ids or, failing that, those whose request was refused. The operations
   * so far must have run. Throws `bad-trace` when all slots hold live blocks.
   */
  reclaim(): void {
    for (let i = 0; i < QUARANTINE_SLOTS && this.#oldest < this.#frees; i++) this.#recycleOldest();
    if (this.#firstFree > 0) return;
    for (const slot of this.live()) if (!this.#holdsBlock(slot)) this.#drop(slot);
    if (this.#firstFree > 0) return;
    throw new HeapsoakError("bad-trace", `More than ${this.#most} blocks of the trace are live at once.`, {
      hint: "Are the frees missing from the recording?",
    });
  }

  /** Forgets all ids, as at the end of a pass. Blocks that are still live keep their slots; returns how many. */
  forget(): number {
    this.settle();
    this.#table.fill(0);
    this.#known = 0;
    let kept = 0;
    for (let slot = 0; slot < this.high; slot++) {
      const state = this.#states[slot];
      if (state === State.Live && this.#holdsBlock(slot)) this.#states[slot] = State.Abandoned;
      else if (state !== State.Abandoned && state !== State.Free) this.#release(slot);
      if (this.#states[slot] === State.Abandoned) kept++;
    }
    this.#oldest = this.#frees;
    return kept;
  }

  /** Forgets all ids and blocks, as a reboot does. The operations so far must have run. */
  clear(): void {
    this.#table.fill(0);
    this.#states.fill(State.Free);
    this.#known = 0;
    this.#superseded = [];
    this.#oldest = this.#frees;
    this.#firstFree = 0;
    this.high = 0;
  }

  idOf(slot: number): number {
    return this.#ids[slot] ?? 0;
  }

  /** Slots of live ids, in the order of slots. */
  *live(): Generator<number> {
    for (let slot = 0; slot < this.high; slot++) if (this.#states[slot] === State.Live) yield slot;
  }

  /** Ids and slots of the blocks that no one has freed, abandoned ones included. */
  *unfreed(): Generator<{ id: number; slot: number }> {
    for (let slot = 0; slot < this.high; slot++) {
      const state = this.#states[slot];
      if ((state === State.Live || state === State.Abandoned) && this.#holdsBlock(slot)) {
        yield { id: this.idOf(slot), slot };
      }
    }
  }

  #supersede(old: number, slot: number): void {
    this.#table[this.#position(old)] = slot + 1;
    this.#states[old] = State.Abandoned;
    this.#superseded.push(old);
  }

  #freeSlot(): number {
    const free = this.#firstFree;
    if (free > 0) {
      this.#firstFree = this.#links[free - 1] ?? 0;
      return free - 1;
    }
    if (this.high === this.#ids.length) this.#grow();
    return this.high++;
  }

  #recycleOldest(): void {
    const number = this.#oldest++;
    const slot = this.#quarantine[number % QUARANTINE_SLOTS] ?? 0;
    // Bound again, and perhaps freed again, since: then this entry means nothing any more.
    if (this.#states[slot] === State.Quarantined && this.#links[slot] === number >>> 0) this.#drop(slot);
  }

  /** Forgets the slot's id and frees the slot. */
  #drop(slot: number): void {
    this.#erase(this.#position(slot));
    this.#known--;
    this.#release(slot);
  }

  #release(slot: number): void {
    this.#states[slot] = State.Free;
    this.#links[slot] = this.#firstFree;
    this.#firstFree = slot + 1;
  }

  #insert(slot: number): void {
    if (++this.#known * 2 > this.#table.length) this.#widen();
    place(this.#table, this.#ids, slot);
  }

  #position(slot: number): number {
    const mask = this.#table.length - 1;
    let at = hash(this.#ids[slot] ?? 0) & mask;
    while (this.#table[at] !== slot + 1) at = (at + 1) & mask;
    return at;
  }

  /** Empties an entry and moves up those behind it that would no longer be found. */
  #erase(position: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = position;
    for (let at = (hole + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = hash(this.#ids[(table[at] ?? 0) - 1] ?? 0) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      table[hole] = table[at] ?? 0;
      hole = at;
    }
    table[hole] = 0;
  }

  #widen(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (const entry of old) if (entry !== 0) place(this.#table, this.#ids, entry - 1);
  }

  #grow(): void {
    const length = Math.min(this.#ids.length * 2, this.#most);
    this.#ids = widened(this.#ids, new Uint32Array(length));
    this.#links = widened(this.#links, new Uint32Array(length));
    this.#states = widened(this.#states, new Uint8Array(length));
  }
}

function place(table: Uint32Array, ids: Uint32Array, slot: number): void {
  const mask = table.length - 1;
  let at = hash(ids[slot] ?? 0) & mask;
  while (table[at] !== 0) at = (at + 1) & mask;
  table[at] = slot + 1;
}

/** Spreads ids that are counted up or are addresses over all bits (Fibonacci hashing, folded). */
function hash(id: number): number {
  const product = Math.imul(id, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function widened<T extends Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
