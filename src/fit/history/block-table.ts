/** How a block's life ended, as far as the trace tells. */
export enum Ending {
  /** Live when the trace ends. */
  Live,
  Freed,
  /** Its memory went over to the block that names it as `previous`. */
  Reallocated,
  /** Gone with a reset: how long it would have lived is not known. */
  Reset,
  /** Gone where the trace lacks operations: when it was freed is not known. */
  Lost,
  /** It never was a block: the request was refused. */
  Refused,
}

/** What `previous` says of a block that no reallocation made. */
export const NO_BLOCK = -1;
const FIRST_BLOCKS = 4096;

/** One request a row, in order of birth. Rows from `count` on mean nothing. */
export interface BlockTable {
  readonly count: number;
  /** Index into the history's `sites` and `tasks`; 0: not said. */
  readonly site: Uint32Array;
  readonly task: Uint32Array;
  readonly requestBytes: Uint32Array;
  /** 0 where none was asked for. */
  readonly alignment: Uint32Array;
  readonly bornUs: Float64Array;
  /** Infinity for blocks that are live at the end; the birth's where the request was refused. */
  readonly diedUs: Float64Array;
  /** The operation of the trace that made it, from 0, and the one that ended it: the order at one instant. */
  readonly bornOrder: Uint32Array;
  readonly diedOrder: Uint32Array;
  /** Who freed it: index into `tasks`. */
  readonly freedBy: Uint32Array;
  /** An `Ending` each. */
  readonly ending: Uint8Array;
  /** The block that was reallocated to this one, or NO_BLOCK. */
  readonly previous: Int32Array;
}

/** A birth: who asked for how much, when. */
export interface Birth {
  readonly site: number;
  readonly task: number;
  readonly requestBytes: number;
  readonly alignment: number;
  readonly atUs: number;
  readonly order: number;
  readonly previous: number;
}

/** A table that grows; how far is its user's to see to. */
export class GrowingBlocks implements BlockTable {
  count = 0;
  site = new Uint32Array(FIRST_BLOCKS);
  task = new Uint32Array(FIRST_BLOCKS);
  requestBytes = new Uint32Array(FIRST_BLOCKS);
  alignment = new Uint32Array(FIRST_BLOCKS);
  bornUs = new Float64Array(FIRST_BLOCKS);
  diedUs = new Float64Array(FIRST_BLOCKS);
  bornOrder = new Uint32Array(FIRST_BLOCKS);
  diedOrder = new Uint32Array(FIRST_BLOCKS);
  freedBy = new Uint32Array(FIRST_BLOCKS);
  ending = new Uint8Array(FIRST_BLOCKS);
  previous = new Int32Array(FIRST_BLOCKS);

  /** A live block; returns its row. */
  add(birth: Birth): number {
    const row = this.count++;
    if (row === this.site.length) this.#grow();
    this.site[row] = birth.site;
    this.task[row] = birth.task;
    this.requestBytes[row] = birth.requestBytes;
    this.alignment[row] = birth.alignment;
    this.bornUs[row] = birth.atUs;
    this.diedUs[row] = Number.POSITIVE_INFINITY;
    this.bornOrder[row] = birth.order;
    this.previous[row] = birth.previous;
    return row;
  }

  /** Ends the block's life. */
  end(row: number, ending: Ending, atUs: number, order: number, freedBy: number): void {
    this.ending[row] = ending;
    this.diedUs[row] = atUs;
    this.diedOrder[row] = order;
    this.freedBy[row] = freedBy;
  }

  /** Sets all times so far to 0. */
  atOnce(): void {
    this.bornUs.fill(0, 0, this.count);
    for (let row = 0; row < this.count; row++) if (Number.isFinite(this.diedUs[row])) this.diedUs[row] = 0;
  }

  /** Moves all times by `us`. */
  shift(us: number): void {
    for (let row = 0; row < this.count; row++) {
      this.bornUs[row] = (this.bornUs[row] ?? 0) + us;
      this.diedUs[row] = (this.diedUs[row] ?? 0) + us;
    }
  }

  #grow(): void {
    const rows = this.site.length * 2;
    this.site = wider(this.site, new Uint32Array(rows));
    this.task = wider(this.task, new Uint32Array(rows));
    this.requestBytes = wider(this.requestBytes, new Uint32Array(rows));
    this.alignment = wider(this.alignment, new Uint32Array(rows));
    this.bornUs = wider(this.bornUs, new Float64Array(rows));
    this.diedUs = wider(this.diedUs, new Float64Array(rows));
    this.bornOrder = wider(this.bornOrder, new Uint32Array(rows));
    this.diedOrder = wider(this.diedOrder, new Uint32Array(rows));
    this.freedBy = wider(this.freedBy, new Uint32Array(rows));
    this.ending = wider(this.ending, new Uint8Array(rows));
    this.previous = wider(this.previous, new Int32Array(rows));
  }
}

function wider<Column extends { set(source: ArrayLike<number>): void }>(from: ArrayLike<number>, to: Column): Column {
  to.set(from);
  return to;
}
