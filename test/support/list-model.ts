/** What the model of a list allocator is given: the options of `first-fit` and its relatives, spelt out. */
export interface ListRules {
  readonly policy: "first-fit" | "next-fit" | "best-fit" | "worst-fit";
  readonly headerBytes: number;
  readonly alignment: number;
  readonly coalesce: boolean;
  readonly splitThreshold: number;
}

interface ModelBlock {
  readonly at: number;
  readonly bytes: number;
  readonly live: boolean;
}

/**
 * The textbook list allocators over an array of blocks: the definition in its most direct form, to hold the real
 * ones against. Addresses are the device's; nothing is shared with the code under test.
 */
export class ListModel {
  readonly #rules: ListRules;
  readonly #granule: number;
  readonly #least: number;
  #blocks: ModelBlock[];
  #resume = 0;

  constructor(rules: ListRules, arena: number, arenaBytes: number) {
    this.#rules = rules;
    const { headerBytes, alignment } = rules;
    this.#granule = headerBytes ? Math.max(4, alignment) : alignment;
    this.#least = headerBytes ? this.#up(Math.max(8, headerBytes + 1)) : this.#granule;
    const first = this.#up(arena + headerBytes) - headerBytes;
    const bytes = Math.floor((arena + arenaBytes - first) / this.#granule) * this.#granule;
    this.#blocks = [{ at: first, bytes, live: false }];
  }

  /** The payload's address, or 0. */
  allocate(requestBytes: number): number {
    if (requestBytes === 0) return 0;
    const wanted = Math.max(this.#least, this.#up(requestBytes + this.#rules.headerBytes));
    const hole = this.#choose(this.#blocks.filter(({ live, bytes }) => !live && bytes >= wanted));
    if (!hole) return 0;
    const splits = hole.bytes - wanted >= Math.max(this.#least, this.#rules.splitThreshold);
    const bytes = splits ? wanted : hole.bytes;
    const rest = splits ? [{ at: hole.at + bytes, bytes: hole.bytes - bytes, live: false }] : [];
    this.#blocks.splice(this.#blocks.indexOf(hole), 1, { at: hole.at, bytes, live: true }, ...rest);
    this.#resume = hole.at + bytes;
    return hole.at + this.#rules.headerBytes;
  }

  release(payload: number): void {
    const at = payload - this.#rules.headerBytes;
    this.#blocks = this.#blocks.map((block) => (block.at === at ? { ...block, live: false } : block));
    if (!this.#rules.coalesce) return;
    const merged: ModelBlock[] = [];
    for (const block of this.#blocks) {
      const last = merged.at(-1);
      if (!last || last.live || block.live) merged.push(block);
      else merged.splice(-1, 1, { ...last, bytes: last.bytes + block.bytes });
    }
    this.#blocks = merged;
  }

  /** Blocks in address order, as `[address, bytes, live]`. */
  blocks(): [number, number, boolean][] {
    return this.#blocks.map(({ at, bytes, live }) => [at, bytes, live]);
  }

  #choose(fitting: ModelBlock[]): ModelBlock | undefined {
    const bySize = fitting.toSorted((a, b) => a.bytes - b.bytes || a.at - b.at);
    switch (this.#rules.policy) {
      case "first-fit":
        return fitting[0];
      case "next-fit":
        return fitting.find(({ at }) => at >= this.#resume) ?? fitting[0];
      case "best-fit":
        return bySize[0];
      case "worst-fit":
        return bySize.find(({ bytes }) => bytes === bySize.at(-1)?.bytes);
    }
  }

  #up(value: number): number {
    return Math.ceil(value / this.#granule) * this.#granule;
  }
}
