import { AddressTable } from "./address-table.ts";

/** Blocks that are followed at once: more than replays follow. Beyond, all are forgotten. */
export const LIVE_BLOCKS_MOST = 2 ** 20;
/** The last frees are remembered, so that a second free of an address is recorded as the double free it is. */
const FREED_MOST = 16_384;
/** Behind a gap no more blocks than this are looked at for one that a new block lies over. */
const SUSPECTS_MOST = 16_384;

/** A block that counts as live. */
interface LiveBlock {
  readonly id: number;
  readonly address: number;
  readonly requestBytes: number;
}

/** Which id of a recording stands for the block at an address. */
export class LiveBlocks {
  /** Id and requested bytes. */
  readonly #live = new AddressTable();
  /** The last id at an address whose block was freed, and where in the ring it stands. */
  readonly #freed = new AddressTable();
  /** The addresses of the last frees. */
  readonly #ring = new Float64Array(FREED_MOST);
  #ringAt = 0;
  /** What was live at the last gap, by address: one of these may have been freed in it. */
  #suspects: readonly LiveBlock[] = [];
  #suspectsAreStale = false;
  #requestedBytes = 0;

  get count(): number {
    return this.#live.size;
  }

  /** Bytes asked for in the live blocks. */
  get requestedBytes(): number {
    return this.#requestedBytes;
  }

  /** The id of the block at an address. */
  idAt(address: number): number | undefined {
    const entry = this.#live.find(address);
    return entry < 0 ? undefined : this.#live.firstAt(entry);
  }

  /** The id that the block at an address had before it was freed. */
  freedAt(address: number): number | undefined {
    const entry = this.#freed.find(address);
    return entry < 0 ? undefined : this.#freed.firstAt(entry);
  }

  /** `requestBytes`: of 32 bits. */
  add(id: number, address: number, requestBytes: number): void {
    if (this.#suspectsAreStale) this.#collectSuspects();
    const before = this.#live.find(address);
    if (before >= 0) this.#requestedBytes -= this.#live.secondAt(before);
    this.#live.set(address, id, requestBytes);
    this.#requestedBytes += requestBytes;
  }

  /** The block is freed. Returns its id; undefined: none is known at the address. */
  free(address: number): number | undefined {
    const entry = this.#live.find(address);
    if (entry < 0) return undefined;
    const id = this.#live.firstAt(entry);
    this.#requestedBytes -= this.#live.secondAt(entry);
    this.#live.removeAt(entry);
    this.#remember(address, id);
    return id;
  }

  /** Something is missing here: any block may have been freed. */
  gap(): void {
    this.#suspectsAreStale = true;
  }

  /** Forgets all. */
  clear(): void {
    this.#live.clear();
    this.#freed.clear();
    this.#suspects = [];
    this.#suspectsAreStale = false;
    this.#requestedBytes = 0;
  }

  /** Blocks that were live at a gap and lie where a new one lies now: their frees were lost. They are freed; returns their ids. */
  freeLostUnder(address: number, requestBytes: number): number[] {
    if (this.#suspectsAreStale) this.#collectSuspects();
    if (this.#suspects.length === 0) return NONE;
    const end = address + Math.max(1, requestBytes);
    const lost: LiveBlock[] = [];
    for (let at = this.#lastUpTo(address); at < this.#suspects.length; at++) {
      const block = this.#suspects[at];
      if (!block || block.address >= end) break;
      const isUnder = block.address === address || block.address + block.requestBytes > address;
      if (isUnder && this.idAt(block.address) === block.id) lost.push(block);
    }
    for (const block of lost) this.free(block.address);
    return lost.map(({ id }) => id);
  }

  /** Keeps a freed address until as many others have been freed as the ring holds. */
  #remember(address: number, id: number): void {
    const at = this.#ringAt;
    const oldest = this.#freed.find(this.#ring[at] ?? 0);
    // It may have been freed again since then.
    if (oldest >= 0 && this.#freed.secondAt(oldest) === at) this.#freed.removeAt(oldest);
    this.#ring[at] = address;
    this.#freed.set(address, id, at);
    this.#ringAt = (at + 1) % FREED_MOST;
  }

  #collectSuspects(): void {
    this.#suspectsAreStale = false;
    const live = this.#live;
    const entries = live.size <= SUSPECTS_MOST ? [...live.entries()] : [];
    this.#suspects = entries
      .map((entry) => ({ address: live.addressAt(entry), id: live.firstAt(entry), requestBytes: live.secondAt(entry) }))
      .sort((a, b) => a.address - b.address);
  }

  /** Index of the last suspect at or below the address, or 0. */
  #lastUpTo(address: number): number {
    let low = 0;
    let high = this.#suspects.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#suspects[middle]?.address ?? 0) <= address) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

const NONE: number[] = [];
