import { HeapField, REGIONS_MOST } from "../../assembly/memory-map.ts";
import { encodeOptions, findAllocator } from "../allocators/catalogue.ts";
import type { AllocatorEntry, OptionValues } from "../allocators/entry.ts";
import { HeapsoakError } from "../errors.ts";
import { formatAddress } from "../quantities.ts";
import { Engine, type Snapshot } from "../wasm/engine.ts";
import type { GuestFault } from "../wasm/guest-fault.ts";
import { HeapRecord, type Region } from "../wasm/heap-record.ts";
import type { BatchBuild } from "../wasm/module.ts";
import { mapBanks } from "./bank-table.ts";
import { bankAt, type DeviceDescription, homeAddress, type StaticUse, unalignedFaults } from "./description.ts";
import { type FaultRegister, faultException, faultRegisters } from "./fault-registers.ts";
import { Heap } from "./heap.ts";
import { type HeapPart, type HeapRequest, type PlannedHeap, planMemory } from "./memory-plan.ts";
import { refuseBadDevice } from "./validation.ts";

/**
 * A heap to be added to a device: `bytes` in one region, or `parts` in several where the allocator takes them.
 * Without an address it lies behind what is already in its bank, the allocator's static variables in front of it.
 */
export interface HeapSpec {
  /** What reports call it; the allocator's name by default. */
  readonly name?: string;
  /** A name or alias from `heapsoak allocators`. */
  readonly allocator: string;
  readonly bytes?: number;
  /** A bank's name, or contiguous banks joined by `+`; the device's main bank by default. */
  readonly region?: string;
  /** Exact address of the arena. */
  readonly at?: number;
  /** Exact address of the allocator's static variables, a multiple of 4; in front of the arena by default. */
  readonly stateAt?: number;
  readonly parts?: readonly HeapPart[];
  readonly options?: OptionValues;
  /** False compiles the allocator's own assertions out. True by default. */
  readonly assertionsStop?: boolean;
}

/** How a device is emulated. */
export interface DeviceOptions {
  /** RAM that static data takes; what the description says (from an ELF) by default. */
  readonly staticUse?: readonly StaticUse[];
  /** `debug` has the compiler's assertions and is several times slower; `soak` is for running scenarios. */
  readonly build?: BatchBuild;
}

/**
 * A microcontroller's address space: its banks at their own addresses in one linear memory that never grows,
 * and the heaps on it.
 *
 * ```ts
 * const device = new Device(findDevice("stm32f407vg"));
 * const heap = device.addHeap({ allocator: "freertos-heap4", bytes: 40 * 1024 });
 * const address = heap.allocate(100);
 * ```
 */
export class Device {
  readonly description: DeviceDescription;
  /** The memory and the core behind it; for drivers that run batches. */
  readonly engine: Engine;
  readonly #staticUse: readonly StaticUse[];
  readonly #heaps: { heap: Heap; record: HeapRecord }[] = [];

  /** Throws `bad-device` or `cannot-reserve-memory`. */
  constructor(description: DeviceDescription, options: DeviceOptions = {}) {
    this.description = description;
    refuseBadDevice(description);
    this.engine = new Engine(mapBanks(description), {
      unalignedFaults: unalignedFaults(description),
      build: options.build ?? "release",
    });
    this.#staticUse = options.staticUse ?? description.staticUse ?? [];
  }

  /** The heaps in the order they were added. */
  get heaps(): readonly Heap[] {
    return this.#heaps.map(({ heap }) => heap);
  }

  /**
   * Lays a heap into RAM, its static variables in front of it, and starts its allocator. Throws `does-not-fit`
   * where the RAM does not hold it, `unknown-allocator`, `unknown-option` or `bad-argument`.
   */
  addHeap(spec: HeapSpec): Heap {
    const entry = findAllocator(spec.allocator);
    const name = spec.name ?? entry.name;
    const parts = partsOf(spec, entry, name);
    const before = this.engine.snapshot();
    const arenaBytes = Math.max(...parts.map(({ bytes }) => bytes));
    const record = new HeapRecord(this.engine, entry.kind, encodeOptions(entry, spec.options ?? {}), arenaBytes);
    try {
      record.set(HeapField.AssertionsStop, spec.assertionsStop === false ? 0 : 1);
      const stateBytes = record.get(HeapField.StateBytes);
      const { regions, state } = this.#plan({
        name,
        stateBytes,
        ...stateAtOf(spec),
        alignment: entry.arenaAlignment,
        parts,
      });
      record.place(regions, state?.low ?? regions[0]?.low ?? 0);
      refuseUnusable(record, entry, name, regions);
      return this.#adopted(name, entry, record, regions);
    } catch (error) {
      this.engine.restore(before);
      throw error;
    }
  }

  /** The heap's record in the engine, for drivers that run batches of operations. */
  recordOf(heap: Heap): HeapRecord {
    const found = this.#heaps.find((one) => one.heap === heap);
    if (!found) throw new HeapsoakError("bad-argument", `Heap "${heap.name}" belongs to another device.`);
    return found.record;
  }

  /** A copy of the device's RAM, as a debugger reads it. Throws `bad-argument` where no bank holds the range. */
  readRam(address: number, bytes: number): Uint8Array {
    const home = this.#debuggerAddress(address, bytes);
    return this.engine.bytes.slice(home, home + bytes);
  }

  /** Writes RAM (or flash) as a debugger does: no protection and no fault. */
  writeRam(address: number, data: Uint8Array): void {
    this.engine.bytes.set(data, this.#debuggerAddress(address, data.length));
  }

  /** The device as it is now: RAM, heaps and counters. Pass an earlier snapshot to reuse its memory. */
  snapshot(reuse?: Snapshot): Snapshot {
    return this.engine.snapshot(reuse);
  }

  /** Puts the device back to the snapshot. Heaps added since are gone. */
  restore(snapshot: Snapshot): void {
    this.engine.restore(snapshot);
    this.#heaps.splice(snapshot.heapCount);
  }

  /** The fault as an engineer sees it on this device: the exception taken and the registers it leaves. */
  describeFault(fault: GuestFault): { exception: string; registers: FaultRegister[] } {
    const { core } = this.description;
    return { exception: faultException(core, fault.record), registers: faultRegisters(core, fault.record) };
  }

  /** Where the new heap lies: the others stay where they are. */
  #plan(heap: HeapRequest): PlannedHeap {
    const placed = this.#heaps.map(({ heap: { name, regions, stateAddress }, record }): HeapRequest => {
      const parts = regions.map(({ low, bytes }) => ({ at: low, bytes }));
      return { name, stateBytes: record.get(HeapField.StateBytes), stateAt: stateAddress, alignment: 1, parts };
    });
    const plan = planMemory(this.description, { staticUse: this.#staticUse, heaps: [...placed, heap] });
    const planned = plan.heaps.at(-1);
    if (!planned) throw new RangeError("a plan holds every heap that was asked for");
    return planned;
  }

  #adopted(name: string, entry: AllocatorEntry, record: HeapRecord, regions: readonly Region[]): Heap {
    const heap = new Heap(name, entry, record, regions);
    this.#heaps.push({ heap, record });
    return heap;
  }

  #debuggerAddress(address: number, bytes: number): number {
    const bank = bankAt(this.description, address);
    if (!bank || bytes > bank.low + bank.bytes - address) {
      throw new HeapsoakError(
        "bad-argument",
        `No bank of ${this.description.id} holds ${describe({ low: address, bytes })}.`,
      );
    }
    return homeAddress(this.description, address);
  }
}

function describe({ low, bytes }: Region): string {
  return `${formatAddress(low)}–${formatAddress(low + Math.max(bytes, 1) - 1)}`;
}

function stateAtOf({ stateAt }: HeapSpec): { stateAt?: number } {
  return stateAt === undefined ? {} : { stateAt };
}

/** The heap's parts as the allocator takes them. */
function partsOf(spec: HeapSpec, entry: AllocatorEntry, name: string): readonly HeapPart[] {
  const { bytes, region, at } = spec;
  const parts =
    spec.parts ?? (bytes === undefined ? [] : [{ bytes, ...(region && { region }), ...(at !== undefined && { at }) }]);
  if (parts.length === 0 || parts.some((part) => !Number.isInteger(part.bytes) || part.bytes <= 0)) {
    throw new HeapsoakError("bad-argument", `Heap "${name}" has no size.`, {
      hint: "Give it `bytes`, or `parts` with bytes.",
    });
  }
  if (parts.length > (entry.manyRegions ? REGIONS_MOST : 1)) {
    throw new HeapsoakError(
      "bad-argument",
      `Heap "${name}" has ${parts.length} regions, more than ${entry.name} takes.`,
      {
        hint: `freertos-heap5 takes up to ${REGIONS_MOST}.`,
      },
    );
  }
  return parts;
}

function refuseUnusable(record: HeapRecord, entry: AllocatorEntry, name: string, regions: readonly Region[]): void {
  if (regions.some(({ low }) => low === 0)) {
    throw new HeapsoakError("does-not-fit", `Heap "${name}" begins at address 0, which is the null pointer.`, {
      hint: "Let it begin a few bytes later.",
    });
  }
  if (record.start()) return;
  throw new HeapsoakError(
    "does-not-fit",
    `${entry.name} cannot use the arena of heap "${name}" (${regions.map(describe).join(", ")}).`,
    {
      hint: "It is too small for the allocator's control structures, or not aligned as it needs.",
    },
  );
}
