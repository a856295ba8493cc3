import { AccessVerdict, HeapField } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "../allocators/entry.ts";
import { heapPicture, type PictureOptions } from "../report/picture.ts";
import type { HeapBlock, HeapCounters, HeapFinding, HeapRecord, HeapSummary, Region } from "../wasm/heap-record.ts";

/** What a sanitizer says of an access through a payload; the access itself is carried out as on the device. */
export type AccessMisuse = "overrun" | "use-after-free" | "wild";

/** A block that was never released. */
export interface Leak {
  readonly payload: number;
  readonly requestBytes: number;
}

const MISUSE: { readonly [K in AccessVerdict]: AccessMisuse | undefined } = {
  [AccessVerdict.Inside]: undefined,
  [AccessVerdict.Overrun]: "overrun",
  [AccessVerdict.UseAfterFree]: "use-after-free",
  [AccessVerdict.Wild]: "wild",
};

/**
 * One heap of a device, driven call by call as the firmware would. Addresses are the device's. Every verb may
 * throw `GuestFault` when the allocator's metadata is broken and the device would fault.
 *
 * Misuse (double and wild frees, overruns, use after free, leaks) is counted beside the heap, never in it:
 * placement is the original's with or without.
 */
export class Heap {
  readonly name: string;
  readonly allocator: AllocatorEntry;
  /** The heap's regions; the first is the arena that offsets count from. */
  readonly regions: readonly Region[];
  /** Address of the allocator's static variables in device RAM. */
  readonly stateAddress: number;
  readonly #record: HeapRecord;

  /** Made by `Device.addHeap`. */
  constructor(name: string, allocator: AllocatorEntry, record: HeapRecord, regions: readonly Region[]) {
    this.name = name;
    this.allocator = allocator;
    this.regions = regions;
    this.stateAddress = record.get(HeapField.State);
    this.#record = record;
  }

  /** Allocates `requestBytes`, aligned as the allocator does or to `alignment` (a power of two). The payload's address, or 0 as malloc's NULL. */
  allocate(requestBytes: number, alignment = 0): number {
    return this.#exact.heapAllocate(this.#record.address, alignment, requestBytes) >>> 0;
  }

  /** Reallocates; `payload` 0 allocates. The new address, or 0: refused, or freed where `requestBytes` is 0. */
  reallocate(payload: number, requestBytes: number): number {
    if (payload === 0) return this.allocate(requestBytes);
    return this.#exact.heapReallocate(this.#record.address, payload, requestBytes) >>> 0;
  }

  /** Releases a payload; 0 does nothing. */
  release(payload: number): void {
    if (payload !== 0) this.#exact.heapRelease(this.#record.address, payload);
  }

  /** Bytes the firmware may use of a live block: at least what it asked for. */
  usableBytes(payload: number): number {
    return this.#exact.heapUsableBytes(this.#record.address, payload) >>> 0;
  }

  /**
   * The firmware stores `data` at `address`. Carried out wherever the device has RAM, also beyond the block;
   * returns what a sanitizer says of it, or undefined when all of it lies inside a live request.
   */
  store(address: number, data: Uint8Array): AccessMisuse | undefined {
    const misuse = this.#judge(address, data.length);
    const { engine } = this.#record;
    for (const [offset, byte] of data.entries()) {
      engine.bytes[this.#exact.resolveAccess(address + offset, 1, 1) >>> 0] = byte;
    }
    return misuse;
  }

  /** The firmware loads `bytes` bytes from `address`; see `store`. */
  load(address: number, bytes: number): { data: Uint8Array; misuse: AccessMisuse | undefined } {
    const misuse = this.#judge(address, bytes);
    const { engine } = this.#record;
    const data = Uint8Array.from({ length: bytes }, (_, offset) => {
      return engine.bytes[this.#exact.resolveAccess(address + offset, 1, 0) >>> 0] ?? 0;
    });
    return { data, misuse };
  }

  /** Blocks in address order. Do not change the heap while iterating. */
  blocks(): Iterable<HeapBlock> {
    return this.#record.blocks();
  }

  /** The heap in one line, holes in brackets: `16 3×24 [64] 40 [8192…]`. */
  picture(options?: PictureOptions): string {
    return heapPicture(this.blocks(), options);
  }

  /** The first invariant of the allocator that does not hold, or undefined. Trusts nothing in the heap. */
  check(): HeapFinding | undefined {
    return this.#record.check();
  }

  /** The figures that the original reports, under the names of the golden traces' `s` records. */
  statistics(): Record<string, number> {
    const values = this.#record.statistics();
    const signed = this.allocator.signedStatisticKeys ?? [];
    return Object.fromEntries(
      this.allocator.statisticKeys.map((key, index) => {
        const value = values[index] ?? 0;
        return [key, signed.includes(key) ? value | 0 : value];
      }),
    );
  }

  /** Free and live bytes, holes, and the largest request that would succeed now. */
  summary(): HeapSummary {
    return this.#record.summary();
  }

  /** What the heap has been asked since it was created, misuse included. */
  counters(): HeapCounters {
    return this.#record.counters();
  }

  /** Live blocks, which at the end of a program are its leaks. */
  leaks(): Leak[] {
    const live = [...this.blocks()].filter(({ state }) => state === "live");
    return live.map(({ payload, requestBytes }) => ({ payload, requestBytes }));
  }

  get #exact() {
    return this.#record.engine.exact;
  }

  #judge(address: number, bytes: number): AccessMisuse | undefined {
    return MISUSE[this.#exact.heapJudgeAccess(this.#record.address, address, bytes) as AccessVerdict];
  }
}
