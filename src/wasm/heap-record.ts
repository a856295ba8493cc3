import {
  BlockField,
  BlockState,
  FindingField,
  HeapField,
  Inconsistency,
  OPTIONS_MOST,
  OUTPUT,
  OUTPUT_BYTES,
  RegionField,
  SummaryField,
  VISITS_CLASSES_PER_OCTAVE,
  VISITS_EXACT,
  VISITS_HISTOGRAM_LENGTH,
} from "../../assembly/memory-map.ts";
import type { Engine } from "./engine.ts";
import { GuestFault } from "./guest-fault.ts";
import type { CoreExports } from "./module.ts";

/** A region of device memory. */
export interface Region {
  readonly low: number;
  readonly bytes: number;
}

/** One block of a heap, in address order. */
export interface HeapBlock {
  readonly address: number;
  /** The whole block, header and padding included. */
  readonly bytes: number;
  readonly payload: number;
  /** What the firmware asked for; 0 when not known. */
  readonly requestBytes: number;
  readonly state: "free" | "live" | "bookkeeping" | "untouched";
}

/** The first invariant of a heap that does not hold. */
export interface HeapFinding {
  /** What is wrong, in words. */
  readonly inconsistency: string;
  /** Where the wrong word, or the block that owns it, lies. */
  readonly address: number;
  readonly expected: number;
  readonly found: number;
}

/** A heap in allocator-neutral figures, all in bytes but the counts. */
export interface HeapSummary {
  readonly freeBytes: number;
  readonly holes: number;
  readonly largestHoleBytes: number;
  /** The largest request that would succeed now. */
  readonly largestFreeBytes: number;
  readonly liveBlocks: number;
  readonly liveBytes: number;
}

/** What the heap has been asked since it was created. */
export interface HeapCounters {
  readonly requests: number;
  readonly zeroSizeRequests: number;
  readonly failedRequests: number;
  /** Failed although the free bytes together would have been enough. */
  readonly fragmentationFailures: number;
  readonly frees: number;
  readonly doubleFrees: number;
  readonly wildFrees: number;
  /** Payloads handed out where a live block already began: the sign of a corrupted free list. */
  readonly overlappingBlocks: number;
  readonly liveBlocks: number;
  readonly liveBytes: number;
  readonly requestedBytes: number;
  readonly peakLiveBytes: number;
  readonly peakRequestedBytes: number;
  readonly peakLiveBlocks: number;
  readonly largestRequestBytes: number;
  /** Blocks and list nodes looked at per operation. */
  readonly visits: { readonly p50: number; readonly p99: number; readonly max: number };
}

const STATES = ["free", "live", "bookkeeping", "untouched"] as const satisfies readonly HeapBlock["state"][];
const BLOCKS_A_WALK = Math.floor(OUTPUT_BYTES / (BlockField.Length * 4));
/** The words of the codes; the type checker asks for one when a code is added. */
const FINDINGS: { readonly [K in Inconsistency]: string } = {
  [Inconsistency.None]: "consistent",
  [Inconsistency.BlockBeyondArena]: "a block reaches beyond its arena",
  [Inconsistency.BlockTooSmall]: "a block is smaller than any block can be",
  [Inconsistency.BlockMisaligned]: "a block's size or address is not aligned",
  [Inconsistency.ListPointerOutsideArena]: "a list leads out of the arena",
  [Inconsistency.ListOutOfOrder]: "a list is not in order",
  [Inconsistency.ListLoop]: "a list never ends",
  [Inconsistency.ListedBlockNotFree]: "a list of free blocks holds one that is not free",
  [Inconsistency.FreeBlockNotListed]: "a free block is missing from its list",
  [Inconsistency.FreeNeighboursNotMerged]: "two free neighbours are not merged",
  [Inconsistency.NeighbourSizeMismatch]: "a block and its neighbour disagree about a size or a link",
  [Inconsistency.IndexMismatch]: "a bitmap or table disagrees with the lists",
  [Inconsistency.SentinelOverwritten]: "an end marker or magic word is overwritten",
  [Inconsistency.FreeBytesMismatch]: "the counter of free bytes disagrees with the free blocks",
  [Inconsistency.StateOverwritten]: "a static variable of the allocator is overwritten",
};

/** A heap's record in engine memory: the only place that knows its offsets. */
export class HeapRecord {
  readonly engine: Engine;
  readonly address: number;
  #spansBanks = false;

  /** `arenaBytes`: the largest arena it will be placed over; some allocators keep tables in their state that grow with it. */
  constructor(engine: Engine, kind: number, options: Uint32Array, arenaBytes = 0) {
    this.engine = engine;
    this.address = engine.addHeapRecord();
    this.set(HeapField.Kind, kind);
    for (let i = 0; i < OPTIONS_MOST; i++) engine.setWord(this.address + (HeapField.Options + i) * 4, options[i] ?? 0);
    this.set(HeapField.ArenaBytes, arenaBytes);
    engine.exact.heapPlan(this.address);
  }

  get(field: HeapField): number {
    return this.engine.word(this.address + field * 4);
  }

  /** The option words as they stand in the record. */
  get options(): Uint32Array {
    const first = (this.address >>> 2) + HeapField.Options;
    return this.engine.words.subarray(first, first + OPTIONS_MOST);
  }

  set(field: HeapField, value: number): void {
    this.engine.setWord(this.address + field * 4, value);
  }

  /** The instance that runs batches on this heap: the fast one, unless its metadata may lead from bank to bank. */
  get batchCore(): CoreExports {
    return this.#spansBanks ? this.engine.exact : this.engine.fast;
  }

  /** The least distance between two payloads. */
  get granuleBytes(): number {
    return 2 ** this.get(HeapField.GranuleShift);
  }

  /** Puts the heap where it lies and reserves its shadow and histogram. `state` is the address of its static variables. */
  place(regions: readonly Region[], state: number): void {
    const [first] = regions;
    if (!first) throw new RangeError("a heap has at least one region");
    const hull = this.#hull(regions, state);
    this.set(HeapField.CheckLow, hull.low);
    this.set(HeapField.CheckSpan, hull.bytes);
    this.set(HeapField.Arena, first.low);
    this.set(HeapField.ArenaBytes, first.bytes);
    this.set(HeapField.State, state);
    this.set(HeapField.RegionCount, regions.length);
    this.set(HeapField.VisitsHistogram, this.engine.allocatePool(VISITS_HISTOGRAM_LENGTH * 4));
    for (const [index, region] of regions.entries()) this.#placeRegion(index, region);
  }

  /**
   * Starts the allocator anew, as a reboot does: static variables are cleared, what was live is gone, the arena keeps
   * its bytes. The counters go on. False when the allocator cannot use its arena.
   */
  restart(): boolean {
    for (const field of [HeapField.LiveBlocks, HeapField.LiveBytes, HeapField.RequestedBytes]) this.set(field, 0);
    const state = this.get(HeapField.State);
    this.engine.bytes.fill(0, state, state + this.get(HeapField.StateBytes));
    this.#clearShadow();
    return this.engine.exact.heapInitialize(this.address) !== 0;
  }

  /** Clears counters, shadow and histogram and starts the allocator; false when it cannot use its arena. */
  start(): boolean {
    const { engine } = this;
    const counters = this.address + HeapField.Requests * 4;
    engine.bytes.fill(0, counters, this.address + HeapField.Length * 4);
    const histogram = this.get(HeapField.VisitsHistogram);
    engine.bytes.fill(0, histogram, histogram + VISITS_HISTOGRAM_LENGTH * 4);
    this.#clearShadow();
    return engine.exact.heapInitialize(this.address) !== 0;
  }

  /**
   * Takes the heap over as the arena holds it, on a record that has just been started: `statics` are the values of the
   * allocator's static variables, each of `bytesEach`, as far as they are known. False: the arena and they do not tell.
   */
  adopt(statics: readonly number[], bytesEach: number): boolean {
    const { bytes } = this.engine;
    const state = this.get(HeapField.State);
    bytes.fill(0, state, state + this.get(HeapField.StateBytes));
    for (const [index, value] of statics.entries()) {
      for (let byte = 0; byte < bytesEach; byte++) bytes[state + index * bytesEach + byte] = value >>> (8 * byte);
    }
    return this.engine.exact.heapAdopt(this.address) !== 0;
  }

  /** Notes the live blocks of an adopted heap: what was asked for them is not known (0). Trusts the metadata. */
  noteLiveBlocks(): void {
    let blocks = 0;
    let bytes = 0;
    for (const block of this.blocks()) {
      if (block.state !== "live") continue;
      blocks++;
      bytes += block.bytes;
      const word = this.#shadowWord(block.payload);
      if (word) this.engine.setWord(word, 1);
    }
    this.set(HeapField.LiveBlocks, blocks);
    this.set(HeapField.LiveBytes, bytes);
  }

  /** Blocks in address order. Taken in portions, so the heap must not change while it is walked. */
  *blocks(): Generator<HeapBlock> {
    for (const count of this.#portions()) {
      for (let i = 0; i < count; i++) yield this.#block(blockRecord(i));
    }
  }

  /** Walks the heap: how many blocks there are in each portion that the core has written. */
  *#portions(): Generator<number> {
    for (let resume = 0; ; resume = 1) {
      const count = this.engine.exact.heapWalk(this.address, resume);
      yield count;
      if (count < BLOCKS_A_WALK) return;
    }
  }

  /** As `blocks`, for metadata that may be broken: what was walked before the guest faulted. */
  blocksUntilFault(): { blocks: HeapBlock[]; complete: boolean } {
    const blocks: HeapBlock[] = [];
    try {
      this.engine.bytes.fill(0, OUTPUT, OUTPUT + OUTPUT_BYTES);
      for (const block of this.blocks()) blocks.push(block);
      return { blocks, complete: true };
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      return { blocks: [...blocks, ...this.#blocksWritten(blocks.at(-1))], complete: false };
    }
  }

  /** Where live blocks lie, by payload: those asked for that a walk comes to. Broken metadata may hide some. */
  findLive(payloads: ReadonlySet<number>): Map<number, Region> {
    const found = new Map<number, Region>();
    try {
      for (const count of this.#portions()) {
        for (let i = 0; i < count && found.size < payloads.size; i++) {
          if (!payloads.has(this.engine.word(blockRecord(i) + BlockField.Payload * 4))) continue;
          const { address, bytes, payload, state } = this.#block(blockRecord(i));
          if (state === "live") found.set(payload, { low: address, bytes });
        }
        if (found.size === payloads.size) break;
      }
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
    }
    return found;
  }

  /** Records that a walk had written behind `last` when it faulted: they ascend until the one being written. */
  *#blocksWritten(last: HeapBlock | undefined): Generator<HeapBlock> {
    let end = last ? last.address + last.bytes : 0;
    for (let i = last ? 1 : 0; i < BLOCKS_A_WALK; i++) {
      const block = this.#block(blockRecord(i));
      if (block.bytes === 0 || block.address < end) return;
      end = block.address + block.bytes;
      yield block;
    }
  }

  /** The first broken invariant, or undefined. */
  check(): HeapFinding | undefined {
    if (this.engine.exact.heapCheck(this.address)) return undefined;
    const word = (field: FindingField) => this.engine.word(OUTPUT + field * 4);
    return {
      inconsistency: FINDINGS[word(FindingField.Inconsistency) as Inconsistency],
      address: word(FindingField.Address),
      expected: word(FindingField.Expected),
      found: word(FindingField.Found),
    };
  }

  /** The original's statistics, in the catalogue's order. */
  statistics(): number[] {
    const count = this.engine.exact.heapStatistics(this.address);
    return Array.from({ length: count }, (_, i) => this.engine.word(OUTPUT + i * 4));
  }

  summary(): HeapSummary {
    this.engine.exact.heapSummarize(this.address);
    const word = (field: SummaryField) => this.engine.word(OUTPUT + field * 4);
    return {
      freeBytes: word(SummaryField.FreeBytes),
      holes: word(SummaryField.Holes),
      largestHoleBytes: word(SummaryField.LargestHoleBytes),
      largestFreeBytes: word(SummaryField.LargestFreeBytes),
      liveBlocks: word(SummaryField.LiveBlocks),
      liveBytes: word(SummaryField.LiveBytes),
    };
  }

  counters(): HeapCounters {
    return {
      requests: this.get(HeapField.Requests),
      zeroSizeRequests: this.get(HeapField.ZeroSizeRequests),
      failedRequests: this.get(HeapField.FailedRequests),
      fragmentationFailures: this.get(HeapField.FragmentationFailures),
      frees: this.get(HeapField.Frees),
      doubleFrees: this.get(HeapField.DoubleFrees),
      wildFrees: this.get(HeapField.WildFrees),
      overlappingBlocks: this.get(HeapField.OverlappingBlocks),
      liveBlocks: this.get(HeapField.LiveBlocks),
      liveBytes: this.get(HeapField.LiveBytes),
      requestedBytes: this.get(HeapField.RequestedBytes),
      peakLiveBytes: this.get(HeapField.PeakLiveBytes),
      peakRequestedBytes: this.get(HeapField.PeakRequestedBytes),
      peakLiveBlocks: this.get(HeapField.PeakLiveBlocks),
      largestRequestBytes: this.get(HeapField.LargestRequestSeen),
      visits: { p50: this.#visitsAt(0.5), p99: this.#visitsAt(0.99), max: this.get(HeapField.VisitsMost) },
    };
  }

  /** The least number of visits that a share of the operations stays within (upper end of its class). */
  #visitsAt(share: number): number {
    const low = this.get(HeapField.VisitsHistogram) >>> 2;
    const histogram = this.engine.words.subarray(low, low + VISITS_HISTOGRAM_LENGTH);
    const total = histogram.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [index, count] of histogram.entries()) {
      seen += count;
      if (count && seen >= share * total) return Math.min(visitsOfClass(index), this.get(HeapField.VisitsMost));
    }
    return 0;
  }

  #block(record: number): HeapBlock {
    const word = (field: BlockField) => this.engine.word(record + field * 4);
    const state = STATES[word(BlockField.State)] ?? "bookkeeping";
    return {
      address: word(BlockField.Address),
      bytes: word(BlockField.Bytes),
      payload: word(BlockField.Payload),
      requestBytes: word(BlockField.State) === BlockState.Live ? word(BlockField.RequestBytes) : 0,
      state,
    };
  }

  /**
   * The range that the fast build takes for the heap's own: the smallest around state and regions where one bank
   * holds it, else the first region, and the heap is left to the exact build.
   */
  #hull(regions: readonly Region[], state: number): Region {
    const parts = [...regions, { low: state, bytes: this.get(HeapField.StateBytes) }];
    const low = Math.min(...parts.map((part) => part.low)) & ~3;
    const high = (Math.max(...parts.map((part) => part.low + part.bytes)) + 3) & ~3;
    const whole = { low: low >>> 0, bytes: (high >>> 0) - (low >>> 0) };
    this.#spansBanks = !this.engine.isContiguousRam(whole);
    const [first] = regions;
    return this.#spansBanks && first ? { low: first.low & ~3, bytes: first.bytes & ~3 } : whole;
  }

  #placeRegion(index: number, region: Region): void {
    const record = this.address + HeapField.Regions * 4 + index * RegionField.Length * 4;
    this.engine.setWord(record + RegionField.Low * 4, region.low);
    this.engine.setWord(record + RegionField.Bytes * 4, region.bytes);
    this.engine.setWord(record + RegionField.Shadow * 4, this.engine.allocatePool(this.#shadowBytes(region.bytes)));
  }

  /** Where engine memory says which payloads are live, and what was asked for them: a range a region. */
  shadows(): Region[] {
    return Array.from({ length: this.get(HeapField.RegionCount) }, (_, index) => ({
      low: this.#region(index, RegionField.Shadow),
      bytes: this.#shadowBytes(this.#region(index, RegionField.Bytes)),
    }));
  }

  #clearShadow(): void {
    for (const { low, bytes } of this.shadows()) this.engine.bytes.fill(0, low, low + bytes);
  }

  #region(index: number, field: RegionField): number {
    return this.engine.word(this.address + HeapField.Regions * 4 + (index * RegionField.Length + field) * 4);
  }

  /** Engine address of the shadow's word for a payload, or 0 outside the regions. */
  #shadowWord(payload: number): number {
    for (let i = 0; i < this.get(HeapField.RegionCount); i++) {
      const offset = payload - this.#region(i, RegionField.Low);
      if (offset < 0 || offset >= this.#region(i, RegionField.Bytes)) continue;
      return this.#region(i, RegionField.Shadow) + (offset >>> this.get(HeapField.GranuleShift)) * 4;
    }
    return 0;
  }

  #shadowBytes(regionBytes: number): number {
    return ((regionBytes >>> this.get(HeapField.GranuleShift)) + 1) * 4;
  }
}

/** Engine address of a block's record in the portion of a walk. */
function blockRecord(index: number): number {
  return OUTPUT + index * BlockField.Length * 4;
}

/** The most visits that class `index` of the histogram counts (see VISITS_EXACT in memory-map.ts). */
export function visitsOfClass(index: number): number {
  if (index < VISITS_EXACT) return index;
  const octave = 6 + Math.floor((index - VISITS_EXACT) / VISITS_CLASSES_PER_OCTAVE);
  const within = (index - VISITS_EXACT) % VISITS_CLASSES_PER_OCTAVE;
  return (VISITS_CLASSES_PER_OCTAVE + within + 1) * 2 ** (octave - 4) - 1;
}
