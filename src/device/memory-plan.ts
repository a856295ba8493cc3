/**
 * Decides where things lie in RAM. From each region's base upwards: static data, then for each heap its
 * allocator's state and its arena, in the order written; stacks from the region's top downwards. What has an
 * address of its own (`at`, sections of an ELF, ranges the ROM takes) stays there, and the rest goes around it.
 *
 *   base ┌─────────────────┐
 *        │ static data     │
 *        ├─────────────────┤ 8-aligned
 *        │ allocator state │ ends where the arena begins
 *        ├─────────────────┤
 *        │ heap            │
 *        ├─────────────────┤
 *        │ free            │
 *        ├─────────────────┤ 8-aligned
 *        │ second stack    │
 *        ├─────────────────┤
 *        │ first stack     │
 *   top  └─────────────────┘
 */
import { HeapsoakError } from "../errors.ts";
import { formatAddress, formatBytes } from "../quantities.ts";
import { type Bank, type DeviceDescription, findBank, homeAddress, ramBanks, type StaticUse } from "./description.ts";
import { drawMemoryMap } from "./memory-drawing.ts";

/** A part of a heap: its bytes in one region. */
export interface HeapPart {
  readonly bytes: number;
  /** A bank's name, or contiguous banks joined by `+`; the main bank by default. */
  readonly region?: string;
  readonly at?: number;
}

export interface HeapRequest {
  readonly name: string;
  /** Bytes of the allocator's static variables, laid in front of the first part. */
  readonly stateBytes: number;
  /** Exact address of the static variables instead, a multiple of 4. */
  readonly stateAt?: number;
  /** What the arena's address must be a multiple of; at least 8 is kept where the address is chosen here. */
  readonly alignment: number;
  readonly parts: readonly HeapPart[];
}

export interface StackRequest {
  readonly name: string;
  readonly bytes: number;
  readonly region?: string;
  /** Lowest address of the stack. */
  readonly at?: number;
  /** What the lowest address must be a multiple of, for a guard that lies there; at least 8 where it is chosen here. */
  readonly alignment?: number;
}

export interface MemoryRequest {
  /** Bytes of static data by region's name, from its base. */
  readonly static?: Readonly<Record<string, number>>;
  /** Static data at its own addresses, as an ELF shows it. */
  readonly staticUse?: readonly StaticUse[];
  readonly heaps?: readonly HeapRequest[];
  readonly stacks?: readonly StackRequest[];
}

export type PlacementKind = "static" | "state" | "heap" | "stack" | "taken";

/** Something that has its place. */
export interface Placement {
  readonly kind: PlacementKind;
  readonly name: string;
  readonly low: number;
  readonly bytes: number;
}

export interface PlannedHeap {
  readonly name: string;
  /** Undefined when the allocator has no static variables. */
  readonly state: { low: number; bytes: number } | undefined;
  readonly regions: readonly { low: number; bytes: number }[];
}

export interface MemoryPlan {
  /** Everything that is placed, in address order. */
  readonly placements: readonly Placement[];
  readonly heaps: readonly PlannedHeap[];
  readonly stacks: readonly Placement[];
}

const STEP = 8;
/** Static variables are words. */
const STATE_STEP = 4;

/** Plans the device's RAM. Throws `does-not-fit` with the map drawn for overlaps and overflows, `bad-argument` for unknown regions. */
export function planMemory(device: DeviceDescription, request: MemoryRequest): MemoryPlan {
  return new Planner(device, request).plan();
}

/** A stretch of RAM: one bank or several contiguous ones. */
interface Stretch {
  readonly name: string;
  readonly low: number;
  readonly high: number;
}

class Planner {
  readonly #device: DeviceDescription;
  readonly #request: MemoryRequest;
  readonly #placements: Placement[] = [];
  /** First address not yet passed, by the stretch's base: heaps keep the order they are written in. */
  readonly #cursors = new Map<number, number>();
  readonly #heaps: PlannedHeap[] = [];
  readonly #stacks: Placement[] = [];

  constructor(device: DeviceDescription, request: MemoryRequest) {
    this.#device = device;
    this.#request = request;
  }

  plan(): MemoryPlan {
    this.#placeFixed();
    for (const [region, bytes] of Object.entries(this.#request.static ?? {})) this.#placeStatic(region, bytes);
    for (const heap of this.#request.heaps ?? []) this.#placeHeap(heap);
    for (const stack of this.#request.stacks ?? []) this.#placeStack(stack);
    const placements = this.#placements.filter(({ kind }) => kind !== "taken").sort((a, b) => a.low - b.low);
    return { placements, heaps: this.#heaps, stacks: this.#stacks };
  }

  /** What has an address of its own comes first, so that the rest goes around it. */
  #placeFixed(): void {
    for (const bank of ramBanks(this.#device)) {
      for (const { low, bytes, by } of bank.taken ?? []) this.#put({ kind: "taken", name: by, low, bytes });
    }
    for (const use of this.#request.staticUse ?? []) this.#put({ kind: "static", ...use });
    for (const heap of this.#request.heaps ?? []) {
      this.#placeFixedState(heap);
      for (const [index, part] of heap.parts.entries()) {
        if (part.at === undefined) continue;
        const low = this.#fixed(part.at, part.bytes, `heap ${heap.name}`);
        if (low % heap.alignment !== 0) {
          throw this.#refusal(
            low,
            `heap ${heap.name} at ${formatAddress(part.at)} is not a multiple of ${heap.alignment}`,
          );
        }
        this.#put({ kind: "heap", name: heap.name, low, bytes: part.bytes });
        if (index === 0 && needsStateInFront(heap)) this.#put(stateBefore(heap, low));
      }
    }
    for (const stack of this.#request.stacks ?? []) {
      if (stack.at !== undefined) this.#placeFixedStack(stack, stack.at);
    }
  }

  #placeFixedState({ name, stateBytes, stateAt }: HeapRequest): void {
    if (stateAt === undefined || stateBytes === 0) return;
    const what = `${name}: allocator state`;
    const low = this.#fixed(stateAt, stateBytes, what);
    if (low % STATE_STEP !== 0) {
      throw this.#refusal(low, `${what} at ${formatAddress(stateAt)} is not a multiple of ${STATE_STEP}`);
    }
    this.#put({ kind: "state", name: what, low, bytes: stateBytes });
  }

  #placeFixedStack({ name, bytes, alignment = 1 }: StackRequest, at: number): void {
    const low = this.#fixed(at, bytes, `stack ${name}`);
    if (low % alignment !== 0) {
      throw this.#refusal(low, `stack ${name} at ${formatAddress(at)} is not a multiple of ${alignment}`);
    }
    this.#put({ kind: "stack", name, low, bytes });
  }

  #placeStatic(region: string, bytes: number): void {
    if (bytes === 0) return;
    const stretch = this.#stretch(region, "static data");
    this.#put({ kind: "static", name: "static data", low: this.#climb(stretch, bytes, 4, 0, "static data"), bytes });
  }

  #placeHeap(heap: HeapRequest): void {
    const regions = heap.parts.map((part, index) => {
      if (part.at !== undefined) return { low: homeAddress(this.#device, part.at), bytes: part.bytes };
      const stretch = this.#stretch(part.region, `heap ${heap.name}`);
      const stateBytes = index === 0 && needsStateInFront(heap) ? heap.stateBytes : 0;
      const low = this.#climb(stretch, part.bytes, Math.max(STEP, heap.alignment), stateBytes, `heap ${heap.name}`);
      if (stateBytes > 0) this.#put(stateBefore(heap, low));
      this.#put({ kind: "heap", name: heap.name, low, bytes: part.bytes });
      return { low, bytes: part.bytes };
    });
    this.#heaps.push({ name: heap.name, state: this.#stateOf(heap, regions[0]?.low ?? 0), regions });
  }

  #stateOf(heap: HeapRequest, arena: number): PlannedHeap["state"] {
    if (heap.stateBytes === 0) return undefined;
    const { stateAt } = heap;
    const low = stateAt === undefined ? stateBefore(heap, arena).low : homeAddress(this.#device, stateAt);
    return { low, bytes: heap.stateBytes };
  }

  #placeStack(stack: StackRequest): void {
    const low = stack.at === undefined ? this.#descend(stack) : homeAddress(this.#device, stack.at);
    const placement: Placement = { kind: "stack", name: stack.name, low, bytes: stack.bytes };
    if (stack.at === undefined) this.#put(placement);
    this.#stacks.push(placement);
  }

  /** The lowest address from the stretch's cursor on where the bytes, and the state before them, meet nothing. */
  #climb(stretch: Stretch, bytes: number, alignment: number, stateBytes: number, what: string): number {
    let cursor = this.#cursors.get(stretch.low) ?? stretch.low;
    for (;;) {
      const low = roundUp(roundUp(cursor, Math.min(alignment, STEP)) + stateBytes, alignment);
      const from = stateBytes > 0 ? roundDown(low - stateBytes, STEP) : low;
      if (low + bytes > stretch.high)
        throw this.#refusal(stretch.low, this.#overflow(stretch, what, bytes + stateBytes), { low, bytes, name: what });
      const obstacle = this.#firstMeeting(from, low + bytes);
      if (!obstacle) {
        this.#cursors.set(stretch.low, low + bytes);
        return low;
      }
      cursor = obstacle.low + obstacle.bytes;
    }
  }

  #descend(stack: StackRequest): number {
    const stretch = this.#stretch(stack.region, `stack ${stack.name}`);
    const floor = this.#cursors.get(stretch.low) ?? stretch.low;
    let high = stretch.high;
    for (;;) {
      const low = roundDown(high - stack.bytes, Math.max(STEP, stack.alignment ?? 1));
      if (low < floor) {
        const wanted = { low: Math.max(low, stretch.low), bytes: stack.bytes, name: `stack ${stack.name}` };
        throw this.#refusal(stretch.high - 1, this.#overflow(stretch, wanted.name, stack.bytes), wanted);
      }
      const obstacle = this.#lastMeeting(low, low + stack.bytes);
      if (!obstacle) return low;
      high = obstacle.low;
    }
  }

  #overflow(stretch: Stretch, what: string, bytes: number): string {
    const used = this.#placements.filter(({ low }) => low >= stretch.low && low < stretch.high);
    const usedBytes = used.reduce((sum, placement) => sum + placement.bytes, 0);
    const free = stretch.high - stretch.low - usedBytes;
    return `${what} (${formatBytes(bytes)}) does not fit into ${stretch.name}: ${formatBytes(Math.max(0, free))} of ${formatBytes(stretch.high - stretch.low)} are left`;
  }

  /** The home of an explicit address, after a check that RAM holds the range. */
  #fixed(at: number, bytes: number, what: string): number {
    const low = homeAddress(this.#device, at);
    if (bytes > this.#contiguousFrom(low)) {
      const range = `${formatAddress(at)} + ${formatBytes(bytes)}`;
      throw this.#refusal(low, `${what} at ${range} is not in RAM of ${this.#device.id}, or reaches past its end`);
    }
    return low;
  }

  /** Bytes of RAM from `low` to the end of the contiguous banks that hold it. */
  #contiguousFrom(low: number): number {
    let end = low;
    for (const bank of [...ramBanks(this.#device)].sort((a, b) => a.low - b.low)) {
      if (end >= bank.low && end < bank.low + bank.bytes) end = bank.low + bank.bytes;
    }
    return end - low;
  }

  #put(placement: Placement): void {
    if (placement.bytes === 0) return;
    const other = this.#firstMeeting(placement.low, placement.low + placement.bytes);
    if (other) throw this.#refusal(placement.low, `${describe(placement)} overlaps ${describe(other)}`, placement);
    if (placement.bytes > this.#contiguousFrom(placement.low)) {
      throw this.#refusal(placement.low, `${describe(placement)} is not in RAM of ${this.#device.id}`);
    }
    this.#placements.push(placement);
  }

  #firstMeeting(low: number, high: number): Placement | undefined {
    return this.#meeting(low, high).sort((a, b) => a.low - b.low)[0];
  }
  #lastMeeting(low: number, high: number): Placement | undefined {
    return this.#meeting(low, high).sort((a, b) => b.low - a.low)[0];
  }
  #meeting(low: number, high: number): Placement[] {
    return this.#placements.filter((other) => low < other.low + other.bytes && other.low < high);
  }

  #stretch(region: string | undefined, what: string): Stretch {
    const names = (region ?? this.#device.mainBank).split("+").map((name) => name.trim());
    const banks = names.map((name) => this.#ramBank(name, what)).sort((a, b) => a.low - b.low);
    for (const [index, bank] of banks.slice(1).entries()) {
      const before = banks[index] as Bank;
      if (before.low + before.bytes === bank.low) continue;
      throw new HeapsoakError(
        "bad-argument",
        `${what}: ${before.name} and ${bank.name} of ${this.#device.id} are not contiguous.`,
      );
    }
    const [first, last] = [banks[0] as Bank, banks.at(-1) as Bank];
    return { name: banks.map((bank) => bank.name).join("+"), low: first.low, high: last.low + last.bytes };
  }

  #ramBank(name: string, what: string): Bank {
    const found = findBank(this.#device, name);
    const bank = found?.aliasOf ? findBank(this.#device, found.aliasOf.bank) : found;
    if (bank?.kind === "ram" && !found?.aliasOf) return bank;
    if (found?.aliasOf && bank?.kind === "ram" && !found.aliasOf.reversed)
      return { ...bank, ...aliasExtent(found, bank) };
    const banks = ramBanks(this.#device).map((candidate) => candidate.name.toLowerCase());
    const problem = found ? "is not RAM" : "does not exist";
    throw new HeapsoakError("bad-argument", `${what}: the region "${name}" ${problem} on ${this.#device.id}.`, {
      hint: `Its RAM: ${banks.join(", ")}.`,
    });
  }

  /** The refusal with the map of the RAM around `address` drawn below it; `wanted` is drawn where it would lie. */
  #refusal(address: number, message: string, wanted?: { low: number; bytes: number; name: string }): HeapsoakError {
    const bank = ramBanks(this.#device).find(({ low, bytes }) => address >= low && address < low + bytes);
    const map = bank ? `\n${drawMemoryMap(bank, this.#placements, wanted)}` : "";
    return new HeapsoakError("does-not-fit", `${message}.${map}`);
  }
}

function aliasExtent(alias: Bank, home: Bank): { low: number; bytes: number } {
  return { low: home.low + (alias.aliasOf?.offset ?? 0), bytes: alias.bytes };
}

function needsStateInFront({ stateBytes, stateAt }: HeapRequest): boolean {
  return stateBytes > 0 && stateAt === undefined;
}

function stateBefore(heap: HeapRequest, arena: number): Placement {
  return {
    kind: "state",
    name: `${heap.name}: allocator state`,
    low: roundDown(arena - heap.stateBytes, STEP),
    bytes: heap.stateBytes,
  };
}

function describe({ kind, name, low, bytes }: Placement): string {
  const label =
    kind === "taken" ? `what ${name} takes` : kind === "static" || kind === "state" ? name : `${kind} ${name}`;
  return `${label} (${formatAddress(low)}–${formatAddress(low + bytes - 1)})`;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
function roundDown(value: number, step: number): number {
  return Math.floor(value / step) * step;
}
