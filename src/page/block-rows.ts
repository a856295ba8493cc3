import { formatAddress } from "../quantities.ts";
import type { PageRun } from "../report/html/page-data.ts";
import { placeText } from "../report/place-text.ts";
import { simulatedInstant } from "../report/simulated-time.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { formatCount } from "../soak/figures.ts";
import type { BlocksOverTime, SiteOfRun } from "../soak/record.ts";
import type { AddressSpace } from "./address-space.ts";
import { columnStartUs, type HeapColumns, type HeapPart } from "./heap-columns.ts";

/** The block rows of a heap's history, ready to be drawn: by first column, as in the record. */
export class BlockRows implements HeapColumns {
  readonly endsUs: readonly number[];
  /** Of the rows; those at addresses outside the heap's regions have no bytes. */
  readonly offset: Float64Array;
  readonly bytes: Float64Array;
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly leaked: ReadonlySet<number>;
  readonly blocks: BlocksOverTime;
  readonly #sites: readonly SiteOfRun[];
  readonly #space: AddressSpace;

  constructor(run: PageRun, blocks: BlocksOverTime, space: AddressSpace) {
    const offsets = blocks.address.map((address) => space.offsetOf(address));
    this.endsUs = run.historyAtUs;
    this.offset = Float64Array.from(offsets, (offset) => offset ?? 0);
    this.bytes = Float64Array.from(offsets, (offset, row) => (offset === undefined ? 0 : (blocks.bytes[row] ?? 0)));
    this.first = Int32Array.from(blocks.first);
    this.last = Int32Array.from(blocks.last);
    this.leaked = new Set(blocks.leaked);
    this.blocks = blocks;
    this.#sites = run.sites;
    this.#space = space;
  }

  get count(): number {
    return this.offset.length;
  }

  site(row: number): SiteOfRun {
    return this.#sites[this.blocks.site[row] ?? -1] ?? { task: null, step: null };
  }

  /** When the column begins in which the row's block was first seen. */
  fromUs(row: number): number {
    return columnStartUs(this.endsUs, this.first[row] ?? 0);
  }

  toUs(row: number): number {
    return this.endsUs[this.last[row] ?? 0] ?? 0;
  }

  /** How old the block was when it was last seen: it lived at least that long. */
  ageUs(row: number): number {
    const seenForUs = this.toUs(row) - (this.endsUs[this.first[row] ?? 0] ?? 0);
    return seenForUs + (this.blocks.ageUs[row] ?? 0);
  }

  /** How many rows begin at or before the column. */
  countUntil(column: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.first[middle] ?? 0) <= column) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  partAt(column: number, offset: number, toleranceBytes: number): HeapPart {
    let below = 0;
    let above = this.#space.bytes;
    let nearest = -1;
    let distance = toleranceBytes;
    for (const row of this.#seenAt(column)) {
      const low = this.offset[row] ?? 0;
      const high = low + (this.bytes[row] ?? 0);
      const away = Math.max(low - offset, offset - high + 1, 0);
      if (away === 0) return this.#block(row);
      if (away <= distance) [nearest, distance] = [row, away];
      if (high <= offset) below = Math.max(below, high);
      else above = Math.min(above, low);
    }
    return nearest >= 0 ? this.#block(nearest) : this.#between(column, offset, below, above);
  }

  /** The largest part of a region without blocks. */
  largestGap(column: number): { offset: number; bytes: number } {
    const seen = [...this.#seenAt(column)].sort((a, b) => (this.offset[a] ?? 0) - (this.offset[b] ?? 0));
    let gap = { offset: 0, bytes: 0 };
    for (const { start, bytes } of this.#space.regions) {
      let free = start;
      const until = (offset: number) => {
        if (offset - free > gap.bytes) gap = { offset: free, bytes: offset - free };
      };
      for (const row of seen) {
        const low = this.offset[row] ?? 0;
        if (low < start || low >= start + bytes) continue;
        until(low);
        free = Math.max(free, low + (this.bytes[row] ?? 0));
      }
      until(start + bytes);
    }
    return gap;
  }

  *#seenAt(column: number): Generator<number> {
    const end = this.countUntil(column);
    for (let row = 0; row < end; row++) if ((this.last[row] ?? 0) >= column && this.bytes[row]) yield row;
  }

  #block(row: number): HeapPart {
    return {
      offset: this.offset[row] ?? 0,
      bytes: this.bytes[row] ?? 0,
      fromUs: this.fromUs(row),
      toUs: this.toUs(row),
      text: this.#blockText(row),
    };
  }

  #blockText(row: number): string {
    const { task, step } = this.site(row);
    const allocatedUs = this.toUs(row) - this.ageUs(row);
    return [
      placeText(task, step),
      `${formatCount(this.bytes[row] ?? 0)} B at ${formatAddress(this.blocks.address[row] ?? 0)}`,
      `${formatCount(this.blocks.requestBytes[row] ?? 0)} B requested`,
      `allocated ${simulatedInstant(allocatedUs)}`,
      `lived at least ${formatDuration(this.ageUs(row))}`,
      ...(this.leaked.has(row) ? ["leaked: nobody will free it"] : []),
    ].join(" · ");
  }

  #between(column: number, offset: number, below: number, above: number): HeapPart {
    const region = this.#space.regionAt(offset);
    const low = Math.max(below, region?.start ?? 0);
    const bytes = Math.min(above, (region?.start ?? 0) + (region?.bytes ?? 0)) - low;
    const toUs = this.endsUs[column] ?? 0;
    const place = `${formatCount(bytes)} B from ${formatAddress(this.#space.addressOf(low))}`;
    const fromUs = columnStartUs(this.endsUs, column);
    return { offset: low, bytes, fromUs, toUs, text: `No block · ${place} · ${simulatedInstant(toUs)}` };
  }
}
