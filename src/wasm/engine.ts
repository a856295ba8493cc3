import {
  BANKS,
  BANKS_MOST,
  BankField,
  BankKind,
  CONTROL,
  CONTROL_HIGH,
  ControlField,
  ENGINE_HIGH,
  ENGINE_LOW,
  ENGINE_POOL,
  HEAPS,
  HEAPS_MOST,
  HeapField,
  PAGE_BYTES,
} from "../../assembly/memory-map.ts";
import { SOAK, SOAK_HIGH } from "../../assembly/soak-map.ts";
import { HeapsoakError } from "../errors.ts";
import { GuestFault, readFaultRecord } from "./guest-fault.ts";
import { type BatchBuild, type CoreExports, instantiateCore } from "./module.ts";

/** A bank of the device as the access check sees it. */
export interface MappedBank {
  readonly low: number;
  readonly bytes: number;
  /** Where its bytes lie: `low`, or the bank it is an alias of. */
  readonly home: number;
  readonly kind: BankKind;
}

/** Pool memory that is taken from its low end only: what lies above `usedBytes()` is zero, or is never read. */
export interface GrowingPool {
  readonly low: number;
  readonly bytes: number;
  readonly usedBytes: () => number;
}

/** A copy of a device at a moment, taken and restored by its engine. */
export interface Snapshot {
  readonly ranges: readonly (readonly [low: number, high: number])[];
  readonly bytes: Uint8Array;
  readonly heapCount: number;
  readonly poolHigh: number;
}

/**
 * The linear memory and the two instances of the core over it. One engine is one device: the fast instance
 * runs batches, the exact one everything that must behave as the device does when metadata is broken.
 */
export class Engine {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly fast: CoreExports;
  readonly exact: CoreExports;
  readonly #banks: readonly MappedBank[];
  #heapCount = 0;
  #poolHigh = ENGINE_POOL;
  /** No pool memory above it has ever been handed out, so all of it is zero. */
  #poolTouched = ENGINE_POOL;
  readonly #growing: GrowingPool[] = [];

  /** Throws `bad-device` for banks that reach into the engine, `cannot-reserve-memory` when the system refuses. */
  constructor(banks: readonly MappedBank[], options: { unalignedFaults: boolean; build?: BatchBuild }) {
    const high = banks.reduce((most, bank) => Math.max(most, bank.low + bank.bytes), ENGINE_HIGH);
    this.memory = reserve(Math.ceil(high / PAGE_BYTES));
    this.bytes = new Uint8Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.#banks = banks;
    this.#writeBanks(options.unalignedFaults);
    const raise = (): never => {
      throw new GuestFault(readFaultRecord(this.words));
    };
    this.fast = instantiateCore(options.build ?? "release", this.memory, raise);
    this.exact = instantiateCore("exact", this.memory, raise);
  }

  /** The word at a 4-aligned linear address. */
  word(address: number): number {
    return this.words[address >>> 2] ?? 0;
  }

  /** Stores a word at a 4-aligned linear address. */
  setWord(address: number, value: number): void {
    this.words[address >>> 2] = value;
  }

  /** Whether RAM banks, seen at home and without a gap, hold all of the range. */
  isContiguousRam(range: { readonly low: number; readonly bytes: number }): boolean {
    const ram = this.#banks.filter((bank) => bank.kind === BankKind.Ram && bank.home === bank.low);
    let reached = range.low;
    for (const bank of ram.toSorted((a, b) => a.low - b.low)) {
      if (bank.low <= reached && bank.low + bank.bytes > reached) reached = bank.low + bank.bytes;
    }
    return reached >= range.low + range.bytes;
  }

  /** Address of a new heap record, zeroed. */
  addHeapRecord(): number {
    if (this.#heapCount === HEAPS_MOST) {
      throw new HeapsoakError("does-not-fit", `A device has at most ${HEAPS_MOST} heaps.`);
    }
    const record = HEAPS + this.#heapCount++ * HeapField.Length * 4;
    this.bytes.fill(0, record, record + HeapField.Length * 4);
    return record;
  }

  /** Zeroed engine memory for shadows and histograms. It lives as long as the engine. */
  allocatePool(bytes: number): number {
    const address = this.#poolHigh;
    const high = address + ((bytes + 7) & ~7);
    if (high > ENGINE_HIGH) {
      throw new HeapsoakError("does-not-fit", "The device's heaps together are too large to be observed.", {
        hint: `At most ${Math.floor((ENGINE_HIGH - ENGINE_POOL) / 2 ** 20)} MiB of heap at a granule of 4 bytes.`,
      });
    }
    this.#poolHigh = high;
    this.bytes.fill(0, address, Math.min(high, this.#poolTouched));
    this.#poolTouched = Math.max(high, this.#poolTouched);
    return address;
  }

  /** As `allocatePool`, for a large array of which snapshots copy only what is used. */
  allocateGrowingPool(bytes: number, usedBytes: (low: number) => number): number {
    const low = this.allocatePool(bytes);
    this.#growing.push({ low, bytes, usedBytes: () => usedBytes(low) });
    return low;
  }

  /** Copies RAM banks and engine state; pass an earlier snapshot to reuse its memory. Cost: bytes copied. */
  snapshot(reuse?: Snapshot): Snapshot {
    const ranges = this.#stateRanges();
    const total = ranges.reduce((sum, [low, high]) => sum + high - low, 0);
    const bytes = bytesOf(total, reuse?.bytes);
    let offset = 0;
    for (const [low, high] of ranges) {
      bytes.set(this.bytes.subarray(low, high), offset);
      offset += high - low;
    }
    return { ranges, bytes, heapCount: this.#heapCount, poolHigh: this.#poolHigh };
  }

  /** The device's RAM, each byte once: what is an alias of it is left out. */
  get ram(): readonly MappedBank[] {
    return this.#banks.filter((bank) => bank.kind === BankKind.Ram && bank.home === bank.low);
  }

  /** Bytes of the largest snapshot: everything that may come into use included. */
  get stateBytesMost(): number {
    const unused = this.#growingInUse().reduce((sum, { bytes, usedBytes }) => sum + bytes - usedBytes(), 0);
    return this.#stateRanges().reduce((sum, [low, high]) => sum + high - low, unused);
  }

  /** Puts the device back to where it was. */
  restore(snapshot: Snapshot): void {
    for (const { low, usedBytes } of this.#growing) this.bytes.fill(0, low, low + usedBytes());
    let offset = 0;
    for (const [low, high] of snapshot.ranges) {
      this.bytes.set(snapshot.bytes.subarray(offset, offset + high - low), low);
      offset += high - low;
    }
    this.#heapCount = snapshot.heapCount;
    this.#poolHigh = snapshot.poolHigh;
  }

  #stateRanges(): [number, number][] {
    return [
      [CONTROL, CONTROL_HIGH],
      [SOAK, SOAK_HIGH],
      ...this.#poolRanges(),
      ...this.ram.map(({ low, bytes }): [number, number] => [low, low + bytes]),
    ];
  }

  #poolRanges(): [number, number][] {
    const ranges: [number, number][] = [];
    let low = ENGINE_POOL;
    for (const growing of this.#growingInUse()) {
      ranges.push([low, growing.low + growing.usedBytes()]);
      low = growing.low + growing.bytes;
    }
    return [...ranges, [low, this.#poolHigh]];
  }

  /** Those that a restored snapshot has not given back, in ascending order. */
  #growingInUse(): readonly GrowingPool[] {
    return this.#growing.filter(({ low }) => low < this.#poolHigh);
  }

  #writeBanks(unalignedFaults: boolean): void {
    if (this.#banks.length > BANKS_MOST) {
      throw new HeapsoakError("bad-device", `${this.#banks.length} banks; at most ${BANKS_MOST} are supported.`);
    }
    this.setWord(CONTROL + ControlField.BankCount * 4, this.#banks.length);
    this.setWord(CONTROL + ControlField.UnalignedFaults * 4, unalignedFaults ? 1 : 0);
    for (const [index, bank] of this.#banks.entries()) {
      refuseEngineOverlap(bank);
      const record = BANKS + index * BankField.Length * 4;
      this.setWord(record + BankField.Low * 4, bank.low);
      this.setWord(record + BankField.Bytes * 4, bank.bytes);
      this.setWord(record + BankField.Home * 4, bank.home);
      this.setWord(record + BankField.Kind * 4, bank.kind);
    }
  }
}

/** So many bytes, in the memory of `reuse` where that is enough and all its own. */
function bytesOf(total: number, reuse: Uint8Array | undefined): Uint8Array {
  if (reuse?.length === total) return reuse;
  const isOwned = reuse?.byteOffset === 0 && reuse.buffer.byteLength >= total && reuse.constructor === Uint8Array;
  return isOwned ? new Uint8Array(reuse.buffer, 0, total) : new Uint8Array(total);
}

function reserve(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new HeapsoakError(
      "cannot-reserve-memory",
      `The system refused ${pages * PAGE_BYTES} bytes of address space.`,
      {
        hint: "Under a limit on virtual memory (ulimit -v), run node with --disable-wasm-trap-handler.",
        cause,
      },
    );
  }
}

function refuseEngineOverlap(bank: MappedBank): void {
  if (bank.low < ENGINE_HIGH && bank.low + bank.bytes > ENGINE_LOW) {
    const at = (address: number) => `0x${address.toString(16)}`;
    throw new HeapsoakError(
      "bad-device",
      `The bank at ${at(bank.low)} reaches into ${at(ENGINE_LOW)}–${at(ENGINE_HIGH - 1)}, where the engine lives.`,
    );
  }
}
