import { HeapField, VISITS_SPLIT } from "../../assembly/memory-map.ts";
import type { OptionValues } from "../../src/allocators/entry.ts";
import type { BoardFigures, BoardOperation, BoardResult } from "../../src/board/wire/messages.ts";
import { FIGURES } from "../../src/board/wire/protocol.ts";
import type { DeviceDescription } from "../../src/device/description.ts";
import { Device } from "../../src/device/device.ts";
import type { Heap } from "../../src/device/heap.ts";

const RAM = { name: "SRAM", low: 0x2000_0000, bytes: 0x4_0000, kind: "ram" } as const;
const BOARD: DeviceDescription = {
  id: "fake-board",
  name: "Board made of an emulated heap",
  core: "armv7-m",
  coreName: "Cortex-M3",
  banks: [RAM],
  mainBank: RAM.name,
  source: "by definition",
};
/** Bytes of newlib's own variables in front of its table of bins, in the emulator. */
const NEWLIB_VARIABLES_BYTES = 64;
/** Cycles of a call and of each block that it looks at. */
const CALL_CYCLES = 40;
const VISIT_CYCLES = 9;

export interface FakeHeapOptions {
  readonly allocator: string;
  readonly heapLow: number;
  readonly heapBytes: number;
  readonly ramContent: Uint8Array | undefined;
  readonly startsLate: boolean;
  readonly allocatorOptions: OptionValues;
}

/** A board's RAM and the allocator in it. The RAM outlives resets, as on silicon. */
export class FakeHeap {
  readonly allocator: string;
  readonly lowAddress: number;
  readonly bytes: number;
  #device = new Device(BOARD);
  readonly #startsLate: boolean;
  readonly #options: OptionValues;
  #heap: Heap;
  #hasStarted = true;

  /** `startsLate`: the allocator touches its arena when it is first called, not before. */
  constructor({ allocator, heapLow, heapBytes, ramContent, startsLate, allocatorOptions }: FakeHeapOptions) {
    this.allocator = allocator;
    this.lowAddress = heapLow;
    this.bytes = heapBytes;
    this.#startsLate = startsLate;
    this.#options = allocatorOptions;
    if (ramContent) this.#device.writeRam(heapLow, ramContent);
    this.#heap = this.#added();
  }

  /** The allocator starts anew in RAM as it is. */
  restart(): void {
    const ram = this.#device.readRam(RAM.low, RAM.bytes);
    this.#device = new Device(BOARD);
    this.#device.writeRam(RAM.low, ram);
    this.#heap = this.#added();
  }

  /** The emulated heap, for expectations. */
  get heap(): Heap {
    return this.#heap;
  }

  /** Where newlib's table of bins lies; 0 with other allocators, whose metadata stays in the heap. */
  get allocatorState(): number {
    return this.allocator === "newlib" ? this.#heap.stateAddress + NEWLIB_VARIABLES_BYTES : 0;
  }

  /** Carries one operation out; throws GuestFault where the board would crash. */
  run({ verb, block, alignment, requestBytes }: BoardOperation): BoardResult {
    if (!this.#hasStarted) this.#device.recordOf(this.#heap).start();
    this.#hasStarted = true;
    const address = {
      allocate: () => this.#heap.allocate(requestBytes),
      allocateAligned: () => this.#heap.allocate(requestBytes, alignment),
      reallocate: () => this.#heap.reallocate(block, requestBytes),
      release: () => {
        this.#heap.release(block);
        return 0;
      },
    }[verb]();
    const visits = this.#device.recordOf(this.#heap).get(HeapField.Visits) & ~VISITS_SPLIT;
    return { address, cycles: CALL_CYCLES + VISIT_CYCLES * visits };
  }

  holds(address: number, bytes: number): boolean {
    return bytes > 0 && address >= RAM.low && address + bytes <= RAM.low + RAM.bytes;
  }

  read(address: number, bytes: number): Uint8Array {
    return this.#device.readRam(address, bytes);
  }

  write(address: number, data: Uint8Array): void {
    this.#device.writeRam(address, data);
  }

  /** The figures that the protocol has names for. */
  figures(): BoardFigures {
    const known = Object.entries(this.#heap.statistics()).filter(([name]) => name in FIGURES);
    return Object.fromEntries(known.map(([name, value]) => [name, value >>> 0]));
  }

  /** The allocator's static variables, a word each; empty where it has none that an autopsy needs. */
  statics(): number[] {
    const words = this.#heap.allocator.statics?.length ?? 0;
    const view = new DataView(this.#device.readRam(this.#heap.stateAddress, 4 * words).buffer);
    return Array.from({ length: words }, (_, index) => view.getUint32(4 * index, true));
  }

  #added(): Heap {
    const arena = this.#device.readRam(this.lowAddress, this.bytes);
    const place = { at: this.lowAddress, bytes: this.bytes };
    const heap = this.#device.addHeap({ allocator: this.allocator, options: this.#options, ...place });
    if (this.#startsLate) this.#device.writeRam(this.lowAddress, arena);
    this.#hasStarted = !this.#startsLate;
    return heap;
  }
}
