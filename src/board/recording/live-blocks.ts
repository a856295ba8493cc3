/** Blocks that are followed at once: more than replays follow. Beyond, all are forgotten. */
export const LIVE_BLOCKS_MOST = 2 ** 20;
/** Addresses freed of late that are remembered, so that a second free of one is recorded as the double free it is. */
const FREED_MOST = 65_536;
/** Behind a gap no more blocks than this are looked at for one that a new block lies over. */
const SUSPECTS_MOST = 16_384;

/** A block that counts as live. */
export interface LiveBlock {
  readonly id: number;
  readonly address: number;
  readonly requestBytes: number;
}

/** Which id of a recording stands for the block at an address. */
export class LiveBlocks {
  readonly #live = new Map<number, LiveBlock>();
  /** The last id at an address whose block was freed, the oldest first. */
  readonly #freed = new Map<number, number>();
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

  at(address: number): LiveBlock | undefined {
    return this.#live.get(address);
  }

  /** The id that an address had before its block was freed. */
  freedAt(address: number): number | undefined {
    return this.#freed.get(address);
  }

  add(block: LiveBlock): void {
    if (this.#suspectsAreStale) this.#collectSuspects();
    this.#drop(block.address);
    this.#freed.delete(block.address);
    this.#live.set(block.address, block);
    this.#requestedBytes += block.requestBytes;
  }

  /** The block is freed. Undefined: none is known at the address. */
  free(address: number): LiveBlock | undefined {
    const block = this.#drop(address);
    if (!block) return undefined;
    this.#freed.delete(address);
    this.#freed.set(address, block.id);
    if (this.#freed.size > FREED_MOST) this.#freed.delete(this.#freed.keys().next().value ?? 0);
    return block;
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

  /** Blocks that were live at a gap and lie where a new one lies now: their frees were lost. They are freed here. */
  freeLostUnder(address: number, requestBytes: number): LiveBlock[] {
    if (this.#suspectsAreStale) this.#collectSuspects();
    const end = address + Math.max(1, requestBytes);
    const lost: LiveBlock[] = [];
    for (let at = this.#lastUpTo(address); at < this.#suspects.length; at++) {
      const block = this.#suspects[at];
      if (!block || block.address >= end) break;
      const isUnder = block.address === address || block.address + block.requestBytes > address;
      if (isUnder && this.#live.get(block.address) === block) lost.push(block);
    }
    for (const block of lost) this.free(block.address);
    return lost;
  }

  #drop(address: number): LiveBlock | undefined {
    const block = this.#live.get(address);
    if (!block) return undefined;
    this.#live.delete(address);
    this.#requestedBytes -= block.requestBytes;
    return block;
  }

  #collectSuspects(): void {
    this.#suspectsAreStale = false;
    const live = this.#live.size <= SUSPECTS_MOST ? [...this.#live.values()] : [];
    this.#suspects = live.sort((a, b) => a.address - b.address);
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
