/**
 * The history of a run while it goes on: the live blocks of all heaps at every multiple of a gap from time 0 on.
 * Where there come to be too many moments or rows, every second moment is dropped and the gap doubles. What is left
 * is what looking at the larger gap from the start would have found:
 *
 *   moments   0   1   2   3   4
 *   a block       ├───────┤         first 1, last 3; of every second moment: first 1, last 1
 *   another           ╷   ╵         first 3, last 3; of every second moment: never seen
 */
import { LedgerChanges } from "../wasm/ledger-changes.ts";
import type { SoakMachine } from "../wasm/soak-machine.ts";
import type { LedgerEntry } from "../wasm/soak-readers.ts";

/** Of the grid; the end of the run is one more. */
const MOMENTS_MOST = 511;
/** Rows of all heaps together, without those that the end of the run adds. */
const ROWS_MOST = 9_000;
/** Live blocks at one moment: any two moments have room. Where there are more, the heap with the most is left out. */
const BLOCKS_MOST = 3_000;
/** The gap doubles so often until the moments of a whole run fit: one that fails early is seen closely, too. */
const DOUBLINGS = 3;
const GAP_LEAST_US = 1_000;

/** What is known of a block; all of it numbers. */
const FIELDS = [
  /** Index of its heap. */
  "heap",
  /** Of its record in the ledger. */
  "slot",
  "payload",
  /** Of the block, header included; the payload where the heap's metadata does not tell. */
  "address",
  "bytes",
  "requestBytes",
  /** Who allocated it; −1: the kernel. */
  "context",
  "step",
  "allocatedAtUs",
  /** Numbers of the moments at which it was seen. */
  "first",
  "last",
  /** 1: nobody will free it. */
  "leaked",
] as const;

export type SeenBlock = Record<(typeof FIELDS)[number], number>;

/** A history as plain data, for checkpoints. */
export interface HistoryState {
  readonly gapUs: number;
  readonly moments: number;
  readonly leftOut: readonly number[];
  /** A list for each block, in the order of the fields. */
  readonly rows: readonly (readonly number[])[];
}

/** What was seen of a run. */
export interface SeenHistory {
  readonly atUs: readonly number[];
  readonly rows: readonly SeenBlock[];
  /** Indices of the heaps that had too many blocks. */
  readonly leftOut: ReadonlySet<number>;
}

export class BlockHistory {
  readonly #machine: SoakMachine;
  readonly #changes: LedgerChanges;
  #gapUs: number;
  /** Moments of the grid that were looked at; the first is time 0. */
  #moments = 0;
  #rows: SeenBlock[] = [];
  /** Those of the last moment, by slot. */
  #live = new Map<number, SeenBlock>();
  #leftOut = new Set<number>();

  /** `uptimeUs`: how long the run is expected to be. */
  constructor(machine: SoakMachine, uptimeUs: number) {
    this.#machine = machine;
    this.#changes = new LedgerChanges(machine.device.engine);
    this.#gapUs = Math.max(Math.ceil(uptimeUs / MOMENTS_MOST / 2 ** DOUBLINGS), GAP_LEAST_US);
  }

  /** When the heaps are to be looked at next. */
  get nextUs(): number {
    return this.#moments * this.#gapUs;
  }

  /** Looks at the heaps, at `nextUs`. Changes nothing in the machine. */
  take(): void {
    this.#look();
    while (this.#moments > MOMENTS_MOST || this.#rows.length > ROWS_MOST) this.#dropEverySecond();
  }

  /** What was seen, and the heaps as they are now: the last moment. The history itself can go on. */
  upToNow(): SeenHistory {
    const whole = new BlockHistory(this.#machine, this.#gapUs);
    whole.restore(this.progress);
    const { nowUs } = this.#machine;
    if (whole.nextUs - whole.#gapUs === nowUs) whole.#dropLast();
    const atUs = [...Array.from({ length: whole.#moments }, (_, index) => index * whole.#gapUs), nowUs];
    whole.#look();
    return { atUs, rows: whole.#seen(), leftOut: whole.#leftOut };
  }

  /** Where the history is. */
  get progress(): HistoryState {
    const rows = this.#seen().map((row) => FIELDS.map((field) => row[field]));
    return { gapUs: this.#gapUs, moments: this.#moments, leftOut: [...this.#leftOut], rows };
  }

  /** Goes on where another history was. */
  restore({ gapUs, moments, leftOut, rows }: HistoryState): void {
    this.#gapUs = gapUs;
    this.#moments = moments;
    this.#leftOut = new Set(leftOut);
    this.#keep(rows.map(rowOf));
  }

  #look(): void {
    const added: SeenBlock[] = [];
    for (const { slot, entry } of this.#changes.take()) {
      const known = this.#live.get(slot);
      if (known && entry && isSame(known, entry)) {
        known.leaked = leakedOf(entry);
        continue;
      }
      if (known) this.#end(known);
      if (entry && !this.#leftOut.has(entry.heap)) added.push(this.#begin(slot, entry));
    }
    this.#moments++;
    while (this.#live.size > BLOCKS_MOST) this.#leaveOut(fullest(this.#live.values()));
    locate(this.#machine, added);
  }

  #begin(slot: number, entry: LedgerEntry): SeenBlock {
    const row = newRow(slot, entry, this.#moments);
    this.#rows.push(row);
    this.#live.set(slot, row);
    return row;
  }

  #end(row: SeenBlock): void {
    row.last = this.#moments - 1;
    this.#live.delete(row.slot);
  }

  #leaveOut(heap: number): void {
    this.#leftOut.add(heap);
    this.#keep(this.#seen().filter((row) => row.heap !== heap));
  }

  /** The rows; of blocks that live, `last` is brought up to date here alone. */
  #seen(): SeenBlock[] {
    for (const row of this.#live.values()) row.last = this.#moments - 1;
    return this.#rows;
  }

  #dropEverySecond(): void {
    const rows = this.#seen();
    this.#gapUs *= 2;
    this.#moments = Math.ceil(this.#moments / 2);
    this.#keep(rows.map((row) => ({ ...row, first: Math.ceil(row.first / 2), last: Math.floor(row.last / 2) })));
  }

  #dropLast(): void {
    const rows = this.#seen();
    this.#moments--;
    this.#keep(rows.map((row) => ({ ...row, last: Math.min(row.last, this.#moments - 1) })));
  }

  /** Puts these rows in place of all, without those that were seen at no moment. */
  #keep(rows: readonly SeenBlock[]): void {
    this.#rows = rows.filter(({ first, last }) => first <= last);
    const live = this.#rows.filter(({ last }) => last === this.#moments - 1);
    this.#live = new Map(live.map((row) => [row.slot, row]));
    this.#changes.forget();
  }
}

/** Spelled out: spreading is several times slower, and half the cost of a moment. */
function newRow(slot: number, entry: LedgerEntry, moment: number): SeenBlock {
  return {
    heap: entry.heap,
    slot,
    payload: entry.payload,
    address: entry.payload,
    bytes: entry.blockBytes,
    requestBytes: entry.requestBytes,
    context: entry.context ?? -1,
    step: entry.step ?? -1,
    allocatedAtUs: entry.allocatedAtUs,
    first: moment,
    last: moment,
    leaked: leakedOf(entry),
  };
}

function leakedOf({ owner }: LedgerEntry): number {
  return owner === "leaked" ? 1 : 0;
}

/** Whether it is the block of the row, and not resized since. */
function isSame(row: SeenBlock, { payload, requestBytes, blockBytes, allocatedAtUs }: LedgerEntry): boolean {
  return (
    row.payload === payload &&
    row.allocatedAtUs === allocatedAtUs &&
    row.bytes === blockBytes &&
    row.requestBytes === requestBytes
  );
}

/** Finds out where the blocks begin, as far as the heaps' metadata agrees with what the engine knows of them. */
function locate({ device, heaps }: SoakMachine, rows: readonly SeenBlock[]): void {
  for (const [index, heap] of heaps.entries()) {
    const own = rows.filter((row) => row.heap === index);
    if (own.length === 0) continue;
    const found = device.recordOf(heap).findLive(new Set(own.map(({ payload }) => payload)));
    for (const row of own) {
      const block = found.get(row.payload);
      if (block?.bytes === row.bytes) row.address = block.low;
    }
  }
}

/** The heap that holds the most of the blocks; of several the first. */
function fullest(blocks: Iterable<SeenBlock>): number {
  const counts = new Map<number, number>();
  for (const { heap } of blocks) counts.set(heap, (counts.get(heap) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return Math.min(...[...counts].flatMap(([heap, count]) => (count === most ? [heap] : [])));
}

function rowOf(values: readonly number[]): SeenBlock {
  const pairs = FIELDS.map((field, index): [string, number] => [field, values[index] ?? 0]);
  return Object.fromEntries(pairs) as SeenBlock;
}
