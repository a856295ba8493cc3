import { ENGINE_HIGH, ENGINE_LOW } from "../../../assembly/memory-map.ts";
import { findAllocator } from "../../allocators/catalogue.ts";
import type { AllocatorEntry, OptionValues } from "../../allocators/entry.ts";
import { lookUpDevice } from "../../device/catalogue/devices.ts";
import type { Bank, DeviceDescription } from "../../device/description.ts";
import { Device } from "../../device/device.ts";
import type { Heap } from "../../device/heap.ts";
import { HeapsoakError } from "../../errors.ts";
import { ADDRESS_SPACE_BYTES, formatAddress, formatBytes } from "../../quantities.ts";
import type { Snapshot } from "../../wasm/engine.ts";
import { headerInSizes } from "../size-meaning.ts";
import type { BoardIdentity } from "../wire/messages.ts";
import { SIZE_MEANINGS } from "../wire/protocol.ts";
import { versionWarning } from "./versions.ts";

/** Longest name of a board, build, allocator or version that is shown. */
const NAME_MOST = 80;
/** A device that is made up around a heap begins and ends at multiples of this. */
const BANK_STEP_BYTES = 4096;
/** Static variables farther from the heap than this are given a bank of their own. */
const BANK_GAP_BYTES = 16 * 1024 * 1024;

/** What a board calls itself. Empty where it does not say. */
export interface BoardNames {
  readonly board: string;
  readonly build: string;
  readonly allocator: string;
  readonly version: string;
}

/** The names of an identity, cut to a length that can be shown. */
export function boardNames({ names }: BoardIdentity): BoardNames {
  const [board = "", build = "", allocator = "", version = ""] = names.map((name) => name.slice(0, NAME_MOST));
  return { board, build, allocator, version };
}

/** What the user says of a board's heap beyond what the board says. */
export interface BoardHeapOptions {
  /** By default what the catalogue has under the board's name, or RAM around its heap. */
  readonly device?: DeviceDescription;
  /** Options of the allocator, as its build on the board has them. */
  readonly options?: OptionValues;
}

/**
 * The emulated heap of a board: its allocator over an arena at the board's own address, so that addresses and links
 * in the metadata are the board's.
 *
 * ```ts
 * const board = new BoardHeap(identity);
 * board.heap.allocate(board.requestBytes(sizeOfEvent));
 * ```
 */
export class BoardHeap {
  readonly identity: BoardIdentity;
  readonly names: BoardNames;
  readonly allocator: AllocatorEntry;
  readonly device: Device;
  readonly heap: Heap;
  /** Why placement might differ although nothing is wrong: another version of the allocator, an unknown board. */
  readonly warnings: readonly string[];
  readonly #fresh: Snapshot;

  /**
   * Throws `unknown-allocator`, `bad-board` where the identity contradicts itself, `does-not-fit` where the device
   * that was asked for does not hold the heap, `unknown-option` and `bad-argument` for options.
   */
  constructor(identity: BoardIdentity, { device, options = {} }: BoardHeapOptions = {}) {
    this.identity = identity;
    this.names = boardNames(identity);
    this.allocator = allocatorOf(this.names);
    refuseImpossible(identity, this.allocator);
    const request = { identity, allocator: this.allocator, options };
    const placed = placeHeap(request, device ?? lookUpDevice(this.names.board), device !== undefined);
    this.device = placed.device;
    this.heap = placed.heap;
    const version = versionWarning(this.allocator, this.names.version);
    this.warnings = [...(version ? [version] : []), ...placed.warnings];
    this.#fresh = this.device.snapshot();
  }

  /** Whether the heap of another identity is this one. */
  serves(identity: BoardIdentity): boolean {
    const layout = ({ heapLow, heapBytes, allocatorState, sizeMeaning, names }: BoardIdentity) =>
      JSON.stringify([heapLow, heapBytes, allocatorState, sizeMeaning, names]);
    return layout(identity) === layout(this.identity);
  }

  /**
   * A request that is placed as the one behind an event's `requestBytes`. With the header taken off, sizes that
   * FreeRTOS has rounded give the same block. The block that was handed out, where the hole was too small to be
   * split, is larger than what was asked for; first fit finds the same hole with it: what it passed was smaller than
   * the request, so it is smaller than the block, and this hole fits exactly. A refused request has size 0 there.
   */
  requestBytes(eventBytes: number): number {
    return Math.max(0, eventBytes - headerInSizes(this.identity.sizeMeaning, this.allocator.name));
  }

  /** Puts the heap back to where a boot leaves it: nothing allocated, nothing counted. */
  restart(): void {
    this.device.restore(this.#fresh);
  }

  /** As `restart`, in an arena that holds what the board's RAM held when it booted. Throws `bad-image`. */
  restartIn(arena: Uint8Array): void {
    this.restart();
    this.#fill(arena);
    this.device.recordOf(this.heap).start();
  }

  #fill(arena: Uint8Array): void {
    const { heapLow, heapBytes } = this.identity;
    if (arena.length !== heapBytes) {
      throw new HeapsoakError("bad-image", `The heap has ${heapBytes} bytes, but ${arena.length} were read.`);
    }
    this.device.writeRam(heapLow, arena);
  }

  /**
   * Takes over the board's heap as its memory shows it. `statics` are the allocator's static variables in the order
   * of `AllocatorEntry.statics`. Throws `bad-image` where they are missing, or the image breaks an invariant; the
   * heap is then as it was before.
   */
  adopt(arena: Uint8Array, statics: readonly number[] = []): void {
    const before = this.device.snapshot();
    try {
      this.#adopt(arena, statics);
    } catch (error) {
      this.device.restore(before);
      throw error;
    }
  }

  #adopt(arena: Uint8Array, statics: readonly number[]): void {
    this.restart();
    this.#fill(arena);
    const record = this.device.recordOf(this.heap);
    const names = this.allocator.statics ?? [];
    if (!record.adopt(statics.slice(0, names.length), this.allocator.pointerBytes)) {
      throw new HeapsoakError("bad-image", `The arena of ${this.allocator.name} alone does not tell its state.`, {
        hint: `The agent must send the allocator's static variables: ${names.join(", ")}.`,
      });
    }
    const finding = this.heap.check();
    if (finding) {
      const at = formatAddress(finding.address);
      throw new HeapsoakError("bad-image", `The heap that was read is broken at ${at}: ${finding.inconsistency}.`);
    }
    record.noteLiveBlocks();
  }
}

function allocatorOf({ allocator }: BoardNames): AllocatorEntry {
  if (allocator !== "") return findAllocator(allocator);
  throw new HeapsoakError("bad-board", "The board does not say which allocator it has.", {
    hint: "The agent's configuration names it; `heapsoak allocators` lists the names.",
  });
}

function refuseImpossible({ heapLow, heapBytes, sizeMeaning }: BoardIdentity, { name }: AllocatorEntry): void {
  if (heapBytes === 0 || heapLow + heapBytes > ADDRESS_SPACE_BYTES) {
    const range = `${formatAddress(heapLow)} + ${formatBytes(heapBytes)}`;
    throw new HeapsoakError("bad-board", `The board says that its heap is ${range}, which is no range of addresses.`);
  }
  if (sizeMeaning === SIZE_MEANINGS.request || headerInSizes(sizeMeaning, name) > 0) return;
  throw new HeapsoakError("bad-board", `The board sends sizes of meaning ${sizeMeaning}, unknown for ${name}.`, {
    hint: "Blocks and sizes with a header are told by FreeRTOS's heap_2, heap_4 and heap_5 only.",
  });
}

interface PlacedHeap {
  readonly device: Device;
  readonly heap: Heap;
  readonly warnings: readonly string[];
}

interface PlaceRequest {
  readonly identity: BoardIdentity;
  readonly allocator: AllocatorEntry;
  readonly options: OptionValues;
}

/** `demanded`: the user named the device, so that another one will not do. */
function placeHeap(request: PlaceRequest, description: DeviceDescription | undefined, demanded: boolean): PlacedHeap {
  if (!description) return { ...placeOn(plainDevice(request), request), warnings: [] };
  try {
    return { ...placeOn(description, request), warnings: [] };
  } catch (error) {
    if (demanded || !(error instanceof HeapsoakError)) throw error;
    const warning = `${description.id} has no RAM where the board says that its heap or the allocator's variables lie; the emulated device is RAM around them.`;
    return { ...placeOn(plainDevice(request), request), warnings: [warning] };
  }
}

/** The heap at the board's address, the static variables at the board's as well, in front of the arena or behind it. */
function placeOn(description: DeviceDescription, request: PlaceRequest): { device: Device; heap: Heap } {
  const { identity, allocator, options } = request;
  const device = new Device(description, { staticUse: [] });
  const { heapLow: at, heapBytes: bytes } = identity;
  const add = (state: { stateAt?: number }) =>
    device.addHeap({ allocator: allocator.name, bytes, at, options, ...state });
  const linked = linkedStateAt(identity, allocator);
  if (linked !== undefined) return { device, heap: add({ stateAt: linked }) };
  try {
    return { device, heap: add({}) };
  } catch (error) {
    if (!(error instanceof HeapsoakError) || error.code !== "does-not-fit") throw error;
    return { device, heap: add({ stateAt: Math.ceil((at + bytes) / 8) * 8 }) };
  }
}

/** Where the static variables must lie for the arena's links into them to be the board's. */
function linkedStateAt({ allocatorState }: BoardIdentity, allocator: AllocatorEntry): number | undefined {
  if (allocatorState === 0 || allocator.linkedStateOffset === undefined) return undefined;
  return allocatorState - allocator.linkedStateOffset;
}

/** RAM around the heap and the allocator's static variables, for boards that the catalogue does not have. */
function plainDevice({ identity, allocator }: PlaceRequest): DeviceDescription {
  const { heapLow, heapBytes } = identity;
  const state = linkedStateAt(identity, allocator);
  const heap = { low: heapLow, high: heapLow + heapBytes };
  const near = state !== undefined && Math.abs(state - heapLow) < BANK_GAP_BYTES;
  const extents = [
    { low: Math.min(heap.low, near ? state : heap.low), high: Math.max(heap.high, near ? state : heap.high) },
    ...(state !== undefined && !near ? [{ low: state, high: state }] : []),
  ];
  return {
    id: "board",
    name: "RAM around the board's heap",
    core: "armv7-m",
    coreName: "Armv7-M (assumed)",
    banks: extents.map(bankAround),
    mainBank: "RAM",
    source: "what the board said of itself",
  };
}

/** With room on both sides for static variables, as far as the emulator itself is not in the way. */
function bankAround({ low, high }: { low: number; high: number }, index: number): Bank {
  const least = low >= ENGINE_HIGH ? ENGINE_HIGH : 0;
  const most = high <= ENGINE_LOW ? ENGINE_LOW : ADDRESS_SPACE_BYTES;
  const from = Math.max(least, (Math.floor(low / BANK_STEP_BYTES) - 1) * BANK_STEP_BYTES);
  const to = Math.min(most, (Math.ceil(high / BANK_STEP_BYTES) + 1) * BANK_STEP_BYTES);
  return { name: index === 0 ? "RAM" : "RAM2", low: from, bytes: to - from, kind: "ram" };
}
