/** Which allocator the game is played against, and on what heaps. */
import { encodeOptions, findAllocator } from "../../allocators/catalogue.ts";
import type { AllocatorEntry, OptionValues } from "../../allocators/entry.ts";
import { Device } from "../../device/device.ts";
import type { Heap } from "../../device/heap.ts";
import { HeapsoakError } from "../../errors.ts";
import { recordedPlace } from "../../trace/header.ts";
import type { Fit } from "./compact-game.ts";

/** The allocator, its options as they are played, and what a unit of a request is. */
export interface Policy {
  readonly entry: AllocatorEntry;
  readonly options: OptionValues;
  readonly unitBytes: number;
  /** Set where two bitmaps say all of the heap. */
  readonly compact: Fit | undefined;
}

/** How much the largest heap of a search may hold: beyond it, a state alone would be too large. */
const HEAP_BYTES_MOST = 24 * 1024;
const FITS: readonly string[] = ["first-fit", "next-fit", "best-fit", "worst-fit"] satisfies readonly Fit[];

/**
 * The policy with its defaults filled in: the textbook's lists are played without headers unless `options` say
 * otherwise, a unit is the least distance between two payloads. Throws `unknown-allocator`, `unknown-option`,
 * `bad-argument`.
 */
export function policyOf(allocator: string, given: OptionValues, unitBytes: number | undefined): Policy {
  const entry = findAllocator(allocator);
  const options = { ...textbookOptions(entry, given, unitBytes), ...given };
  encodeOptions(entry, options); // refuses what the allocator does not have
  const unit = unitBytes ?? granuleOf(entry, options);
  return { entry, options, unitBytes: unit, compact: compactFit(entry, options, unit) };
}

/** Lays heaps of one policy, each on a device on which nothing else lies, where a trace's replay puts them. */
export class HeapBench {
  readonly device: Device;
  readonly #policy: Policy;
  readonly #empty;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.device = new Device(this.#place(HEAP_BYTES_MOST).device);
    this.#empty = this.device.snapshot();
  }

  /** A started heap of `units`, all memory zero; undefined where the allocator cannot use so little. */
  heap(units: number): Heap | undefined {
    const { entry, options, unitBytes } = this.#policy;
    this.device.restore(this.#empty);
    try {
      const { parts } = this.#place(units * unitBytes);
      return this.device.addHeap({ allocator: entry.name, parts, options });
    } catch (error) {
      if (error instanceof HeapsoakError && error.code === "does-not-fit") return undefined;
      throw error;
    }
  }

  /** Units of the largest heap there is room for. */
  get unitsMost(): number {
    return Math.floor(HEAP_BYTES_MOST / this.#policy.unitBytes);
  }

  #place(bytes: number) {
    return recordedPlace({ name: "", header: new Map() }, this.#policy.entry.pointerBytes, [{ low: 0, bytes }]);
  }
}

function isList({ name }: AllocatorEntry): boolean {
  return FITS.includes(name);
}

/** No header, and blocks wherever a unit begins. */
function textbookOptions(entry: AllocatorEntry, given: OptionValues, unitBytes = 1): OptionValues {
  if (!isList(entry) || (given.headerBytes !== undefined && Number(given.headerBytes) !== 0)) return {};
  const most = entry.options.alignment?.most ?? 1;
  const isAlignment = (unitBytes & (unitBytes - 1)) === 0 && unitBytes <= most;
  return { headerBytes: 0, alignment: isAlignment ? unitBytes : 1 };
}

/** The least distance between two payloads, which the core alone knows. */
function granuleOf(entry: AllocatorEntry, options: OptionValues): number {
  const bench = new HeapBench({ entry, options, unitBytes: 1, compact: undefined });
  const heap = bench.heap(bench.unitsMost);
  if (!heap) throw new HeapsoakError("bad-argument", `${entry.name}: --unit is needed: its least heap is too large.`);
  return bench.device.recordOf(heap).granuleBytes;
}

function compactFit(entry: AllocatorEntry, options: OptionValues, unitBytes: number): Fit | undefined {
  const word = (name: string) => encodeOptions(entry, options)[entry.options[name]?.word ?? 0] ?? 0;
  const isPlain = isList(entry) && word("headerBytes") === 0 && word("coalesce") === 1 && word("splitThreshold") === 0;
  return isPlain && unitBytes % word("alignment") === 0 ? (entry.name as Fit) : undefined;
}
