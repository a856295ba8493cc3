import { HeapField } from "../../assembly/memory-map.ts";
import { homeAddress } from "../device/description.ts";
import type { Device } from "../device/device.ts";
import type { Heap } from "../device/heap.ts";
import type { HeapRecord, Region } from "../wasm/heap-record.ts";
import { unlessFault } from "./replay-result.ts";

/**
 * What becomes of the blocks that are live at the end of a pass: they stay, they are released, or the board reboots
 * before the next pass, so that the heap starts anew.
 */
export const AT_END = ["keep", "release", "reboot"] as const;
export type AtEnd = (typeof AT_END)[number];

/** The heap at the end of a pass: what is to be released is, a reboot is still to come. */
export interface PassRow {
  /** From 1. */
  readonly pass: number;
  /** Undefined where broken metadata lets no one walk the heap. */
  readonly freeBytes: number | undefined;
  /** The largest request that would succeed. */
  readonly largestFreeBytes: number | undefined;
  readonly liveBlocks: number;
  /** Since the first pass. */
  readonly failedRequests: number;
}

/** From the end of pass `from` on the heap is the same every `every` passes, and so is all that follows. */
export interface PassCycle {
  /** The least that was compared: passes 0 (the start), 1, 2, 4, 8 and so on. */
  readonly from: number;
  readonly every: number;
  /** Refused in each of these turns. */
  readonly failedRequests: number;
}

/** How a heap fared from pass to pass. */
export interface PassHistory {
  readonly atEnd: AtEnd;
  /** A few of the passes: the first three, those of one digit 1, 2, 3 or 5 and zeros, the first refusal and the last. */
  readonly rows: readonly PassRow[];
  /** The first pass with a failed request, and how many failed in it. */
  readonly firstRefusal: { readonly pass: number; readonly failedRequests: number } | undefined;
  /** Undefined: no pass ended as one that it was compared with. */
  readonly cycle: PassCycle | undefined;
}

/** All that decides what a heap answers from here on. */
interface HeldState {
  readonly pass: number;
  readonly failedRequests: number;
  readonly heldSlots: number;
  readonly pieces: readonly Uint8Array[];
}

/**
 * Watches a heap at the ends of a trace's passes. Whether it repeats itself is found as by R. P. Brent ("An improved
 * Monte Carlo factorization algorithm", BIT 20, 1980): each end is compared with that of the last pass whose number
 * is a power of two, byte for byte, so that one copy of the memory is enough and the period is the least one. Compared are
 * the RAM, but for counters that the allocator never reads, and which blocks are live.
 */
export class PassWatch {
  readonly #device: Device;
  readonly #record: HeapRecord;
  readonly #ranges: readonly Region[];
  readonly #rows: PassRow[] = [];
  #last: PassRow | undefined;
  #failedRequests = 0;
  #firstRefusal: PassHistory["firstRefusal"];
  #cycle: PassCycle | undefined;
  #held: HeldState | undefined;

  /** `isRepeated`: otherwise nothing is compared. */
  constructor(device: Device, heap: Heap, isRepeated: boolean) {
    const record = device.recordOf(heap);
    this.#device = device;
    this.#record = record;
    this.#ranges = [...untallied(device, heap), ...record.shadows()];
    if (isRepeated) this.#held = this.#state(0, 0);
  }

  /** A pass has ended; `heldSlots`: blocks that its ids leave behind. */
  end(pass: number, heldSlots: number): void {
    const summary = unlessFault(() => this.#record.summary());
    const { liveBlocks, failedRequests } = this.#record.counters();
    const { freeBytes, largestFreeBytes } = summary ?? {};
    this.#last = { pass, freeBytes, largestFreeBytes, liveBlocks, failedRequests };
    const isFirstRefusal = this.#noteRefusals(pass);
    if (isShown(pass) || isFirstRefusal) this.#rows.push(this.#last);
    this.#compare(pass, heldSlots);
  }

  /** What the passes came to; the last one may not have ended. */
  finish(atEnd: AtEnd, passes: number): PassHistory {
    this.#noteRefusals(passes);
    const rows = [...this.#rows];
    if (this.#last && rows.at(-1) !== this.#last) rows.push(this.#last);
    return { atEnd, rows, firstRefusal: this.#firstRefusal, cycle: this.#cycle };
  }

  /** Nothing can be proved any more: memory that is not compared may count. */
  stopComparing(): void {
    this.#held = undefined;
  }

  /** Whether the pass is the first one with a failed request. */
  #noteRefusals(pass: number): boolean {
    const before = this.#failedRequests;
    this.#failedRequests = this.#record.get(HeapField.FailedRequests);
    if (this.#firstRefusal || this.#failedRequests === 0) return false;
    this.#firstRefusal = { pass, failedRequests: this.#failedRequests - before };
    return true;
  }

  #compare(pass: number, heldSlots: number): void {
    const held = this.#held;
    if (!held) return;
    if (held.heldSlots === heldSlots && this.#isAs(held)) {
      const failedRequests = this.#failedRequests - held.failedRequests;
      this.#cycle = { from: held.pass, every: pass - held.pass, failedRequests };
      this.#held = undefined;
    } else if (isPowerOfTwo(pass)) this.#held = this.#state(pass, heldSlots, held);
  }

  #isAs({ pieces }: HeldState): boolean {
    return this.#ranges.every((range, index) => Buffer.compare(this.#bytesOf(range), pieces[index] ?? EMPTY) === 0);
  }

  /** A copy; `reuse`: an earlier one whose memory it may take. */
  #state(pass: number, heldSlots: number, reuse?: HeldState): HeldState {
    const pieces = this.#ranges.map((range, index) => {
      const copy = reuse?.pieces[index] ?? new Uint8Array(range.bytes);
      copy.set(this.#bytesOf(range));
      return copy;
    });
    return { pass, heldSlots, failedRequests: this.#failedRequests, pieces };
  }

  #bytesOf({ low, bytes }: Region): Uint8Array {
    return this.#device.engine.bytes.subarray(low, low + bytes);
  }
}

/** The device's RAM without the counters that the allocator never reads. */
function untallied(device: Device, heap: Heap): Region[] {
  let ranges: Region[] = [...device.engine.ram];
  for (const tally of talliesOf(device, heap)) ranges = ranges.flatMap((range) => without(range, tally));
  return ranges;
}

/** Where the counters lie that the heap's allocator never reads. */
export function talliesOf({ description }: Device, { allocator, stateAddress, regions }: Heap): Region[] {
  const arena = regions[0]?.low ?? 0;
  return (allocator.tallies ?? []).map(({ in: place, offset, bytes }) => {
    return { low: homeAddress(description, (place === "statics" ? stateAddress : arena) + offset), bytes };
  });
}

/** What of the range lies in front of the hole and behind it. */
function without(range: Region, hole: Region): Region[] {
  const behind = hole.low + hole.bytes;
  const end = range.low + range.bytes;
  if (hole.low >= end || behind <= range.low) return [range];
  return [
    { low: range.low, bytes: hole.low - range.low },
    { low: behind, bytes: end - behind },
  ];
}

const EMPTY = new Uint8Array(0);

/** 1, 2, 3, 5, 10, 20, 30, 50, 100 … */
function isShown(pass: number): boolean {
  return /^[1235]0*$/.test(String(pass));
}

function isPowerOfTwo(pass: number): boolean {
  return (pass & (pass - 1)) === 0;
}
