import type { HeapBlock } from "../../wasm/heap-record.ts";
import type { LinkItem } from "../link/link.ts";
import type { AllocatorEvent } from "./twin.ts";

/** A live block and where it came from. */
export interface HeldBlock {
  readonly address: number;
  /** As the event told it; of a block that was read back, what the firmware may use. */
  readonly requestBytes: number;
  /** Return address of the call; 0: not known. */
  readonly site: number;
  readonly task: number;
  /** When it was allocated, in milliseconds of the clock given to `apply`. */
  readonly sinceMs: number;
}

/** The live blocks of one call site, or of one task. */
export interface Holder {
  /** The site's address or the task's number. */
  readonly key: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly oldestMs: number;
}

/** Blocks that are told apart; a board that claims more is not followed further. */
const BLOCKS_MOST = 1_000_000;
const TASKS_MOST = 1024;
const TASK_NAME_MOST = 40;

/** Who holds what: the board's live blocks with their call sites and tasks, kept from its events. */
export class Holders {
  readonly #live = new Map<number, HeldBlock>();
  readonly #names = new Map<number, string>();

  /** Takes the next item of the board's stream; `nowMs` is when it happened. */
  apply(item: LinkItem, nowMs: number): void {
    switch (item.kind) {
      case "boot":
        this.#live.clear();
        this.#names.clear();
        return;
      case "task":
        if (this.#names.size < TASKS_MOST) this.#names.set(item.task, item.name.slice(0, TASK_NAME_MOST));
        return;
      case "release":
        this.#live.delete(item.address);
        return;
      case "allocate":
      case "allocateAligned":
        this.#hold(item.address, item, nowMs);
        return;
      case "reallocate":
        if (item.result !== 0 || item.requestBytes === 0) this.#live.delete(item.address);
        this.#hold(item.result, item, nowMs);
        return;
    }
  }

  /** Puts right what a gap has hidden: `blocks` are those of the heap that was read back. New ones have no site. */
  reconcile(blocks: Iterable<HeapBlock>, usableBytes: (payload: number) => number, nowMs: number): void {
    const live = new Set<number>();
    for (const { state, payload } of blocks) {
      if (state !== "live") continue;
      live.add(payload);
      if (this.#live.has(payload) || this.#live.size >= BLOCKS_MOST) continue;
      const requestBytes = usableBytes(payload);
      this.#live.set(payload, { address: payload, requestBytes, site: 0, task: 0, sinceMs: nowMs });
    }
    for (const address of this.#live.keys()) if (!live.has(address)) this.#live.delete(address);
  }

  /** Forgets all blocks: those of a board that has restarted unseen. */
  forget(): void {
    this.#live.clear();
  }

  /** The name that the firmware gave a task. */
  taskName(task: number): string | undefined {
    return this.#names.get(task);
  }

  /** Live blocks, the oldest first. */
  blocks(): Iterable<HeldBlock> {
    return this.#live.values();
  }

  /** By call site, the most bytes first. Cost: the live blocks. */
  bySite(): Holder[] {
    return this.#sum(({ site }) => site);
  }

  /** By task, the most bytes first. */
  byTask(): Holder[] {
    return this.#sum(({ task }) => task);
  }

  #hold(address: number, event: Exclude<AllocatorEvent, { kind: "release" }>, sinceMs: number): void {
    if (address === 0 || this.#live.size >= BLOCKS_MOST) return;
    const { requestBytes, site, task } = event;
    this.#live.delete(address);
    this.#live.set(address, { address, requestBytes, site, task, sinceMs });
  }

  #sum(keyOf: (block: HeldBlock) => number): Holder[] {
    const sums = new Map<number, { blocks: number; bytes: number; oldestMs: number }>();
    for (const block of this.#live.values()) {
      const key = keyOf(block);
      const sum = sums.get(key) ?? { blocks: 0, bytes: 0, oldestMs: block.sinceMs };
      sum.blocks++;
      sum.bytes += block.requestBytes;
      sum.oldestMs = Math.min(sum.oldestMs, block.sinceMs);
      sums.set(key, sum);
    }
    const holders = [...sums].map(([key, sum]) => ({ key, ...sum }));
    return holders.sort((a, b) => b.bytes - a.bytes || a.key - b.key);
  }
}
