/**
 * What the soak accounts for of a heap (SoakHeapField), kept at every single operation.
 *
 * The least value that the largest free request ever had would need a look at all holes after each allocation.
 * Instead the account keeps a witness: one hole that could serve a request of that least value. While nothing
 * is taken from the witness the minimum stands, and only an allocation inside it makes the heap be looked at.
 * Where bytes do not tell which hole serves most (neighbours that stay apart, a rest that is given in pages only),
 * the witness is the range from the first to the last hole that could be the one.
 */
import { Block, Finding, Heap } from "../allocators/heap";
import { isFree } from "../inspect/observe";
import { FindingField } from "../memory-map";
import { SOAK, SoakField } from "../soak-map";
import { Control } from "./control";
import { HOLE_OVERHEAD_MOST, SoakHeapField } from "./ledger-map";

@final
@unmanaged
export class SoakHeap {
  requests: u64;
  zeroSizeRequests: u64;
  frees: u64;
  failedRequests: u64;
  fragmentationFailures: u64;
  splits: u64;
  liveBlocks: u32;
  liveBytes: u32;
  requestedBytes: u32;
  peakLiveBytes: u32;
  windowPeakLiveBytes: u32;
  emptyFreeBytes: u32;
  minimumLargestFree: u32;
  windowMinimumLargestFree: u32;
  witnessLow: u32;
  witnessBytes: u32;
  holeSlackShift: u32;
  record: u32;
  visits: u32;
  visitsMost: u32;
  windowVisitsMost: u32;
  isrSafe: u32;
  ownership: u32;
  keepsShadow: u32;
  leaks: u32;
  leakedBytes: u32;
  doubleFrees: u32;
  collections: u32;
  longestCollectionVisits: u32;
  collectedBlocks: u32;
  watch: u32;
  watchLevel: i32;
  watchMost: i32;
  slowest: u32;
  slowestCount: u32;
  slowestLeast: u32;

  @inline static at(index: u32): SoakHeap {
    return changetype<SoakHeap>(load<u32>(SOAK, SoakField.Heaps << 2) + index * (SoakHeapField.Length << 2));
  }

  /** Free bytes now, in all holes and the untouched rest. */
  @inline get freeBytes(): u32 {
    return this.emptyFreeBytes - this.liveBytes;
  }
}

/** Takes the heap as it is for empty and begins the account's minima and maxima with it. */
export function openAccount<H extends Heap>(heap: H, account: SoakHeap): void {
  account.liveBlocks = 0;
  account.liveBytes = 0;
  account.requestedBytes = 0;
  account.emptyFreeBytes = 0;
  const block = changetype<Block>(memory.data(32));
  block.address = 0;
  while (heap.nextBlock(block)) if (isFree(block)) account.emptyFreeBytes += block.bytes;
  lookForWitness<H>(heap, account);
}

/**
 * Compares the largest free request with the minima and chooses the largest hole as the new witness. A heap whose
 * metadata is broken is left alone: a walk could fault where the device, which does not look, goes on.
 */
export function lookForWitness<H extends Heap>(heap: H, account: SoakHeap): void {
  account.witnessBytes = 0;
  if (!heap.check(changetype<Finding>(memory.data(FindingField.Length * 4)))) return;
  const largestFree = heap.largestRequest();
  account.windowMinimumLargestFree = min(account.windowMinimumLargestFree, largestFree);
  account.minimumLargestFree = min(account.minimumLargestFree, largestFree);
  chooseWitness<H>(heap, account, largestFree);
}

/** Considers each stretch that is free side by side, as it is and with every block that it grows by. */
function chooseWitness<H extends Heap>(heap: H, account: SoakHeap, largestFree: u32): void {
  const block = changetype<Block>(memory.data(32));
  block.address = 0;
  let low: u32 = 0,
    bytes: u32 = 0;
  while (heap.nextBlock(block)) {
    if (!isFree(block)) continue;
    if (block.address != low + bytes) {
      low = block.address;
      bytes = 0;
    }
    bytes += block.bytes;
    if (account.holeSlackShift) preferLarger(account, low, bytes);
    else if (bytes >= largestFree) coverAlso(account, low, bytes);
  }
}

/** The witness becomes the stretch of most bytes: it serves a request together. */
function preferLarger(account: SoakHeap, low: u32, bytes: u32): void {
  if (bytes <= account.witnessBytes) return;
  account.witnessLow = low;
  account.witnessBytes = bytes;
}

/** The witness becomes the range that all stretches lie in which are enough for the largest request. */
function coverAlso(account: SoakHeap, low: u32, bytes: u32): void {
  if (account.witnessBytes == 0) account.witnessLow = low;
  account.witnessBytes = low + bytes - account.witnessLow;
}

/**
 * A block was taken from the witness. What is left of it on one side takes its place if it surely serves the same
 * request; otherwise the heap is looked at.
 */
export function takeFromWitness<H extends Heap>(heap: H, account: SoakHeap, payload: u32, blockBytes: u32): void {
  const end = account.witnessLow + account.witnessBytes;
  const blockEnd = payload + blockBytes;
  const rest = end > blockEnd ? end - blockEnd : 0;
  if (surelyServed(account, rest) >= account.windowMinimumLargestFree) {
    account.witnessLow = blockEnd;
    account.witnessBytes = rest;
  } else lookForWitness<H>(heap, account);
}

/** The largest request that a hole of so many bytes serves for certain; 0 where bytes promise nothing. */
function surelyServed(account: SoakHeap, holeBytes: u32): u32 {
  const lost = (holeBytes >> account.holeSlackShift) + HOLE_OVERHEAD_MOST;
  return holeBytes > lost ? holeBytes - lost : 0;
}

/** Starts a new telemetry window: its extremes begin with the heap as it is. */
export function openWindow<H extends Heap>(heap: H, account: SoakHeap): void {
  account.windowPeakLiveBytes = account.liveBytes;
  account.windowVisitsMost = 0;
  account.windowMinimumLargestFree = u32.MAX_VALUE;
  lookForWitness<H>(heap, account);
}

/** Forgets the run-wide extremes, at the end of the warm-up; the next window must be opened afterwards. */
export function forgetExtremes(account: SoakHeap): void {
  account.peakLiveBytes = account.liveBytes;
  account.minimumLargestFree = u32.MAX_VALUE;
  account.windowMinimumLargestFree = u32.MAX_VALUE;
  account.visitsMost = 0;
}

/** HeapWatch.Shortfall: a request is about to be made. The heap is only looked at where it may be the tightest so far. */
export function watchRequest<H extends Heap>(heap: H, account: SoakHeap, requestBytes: u32): void {
  const request = <i32>min<u32>(requestBytes, i32.MAX_VALUE);
  const shortfallMost = request - <i32>min<u32>(account.windowMinimumLargestFree, i32.MAX_VALUE);
  if (shortfallMost <= account.watchMost) return;
  if (!heap.check(changetype<Finding>(memory.data(FindingField.Length * 4)))) return;
  noteImportance(account, request - <i32>heap.largestRequest());
}

/** The watched heap has this importance now. */
export function noteImportance(account: SoakHeap, importance: i32): void {
  if (importance <= account.watchMost) return;
  account.watchMost = importance;
  if (importance >= account.watchLevel) Control.set(SoakField.LevelReached, 1);
}

/** Compile-time proof that the overlay is the record of ledger-map.ts. */
export function pinSoakHeap(): void {
  if (offsetof<SoakHeap>("record") != SoakHeapField.Record * 4) ERROR("SoakHeap.record is not SoakHeapField's");
  if (offsetof<SoakHeap>() != SoakHeapField.Length * 4) ERROR("SoakHeap is not SoakHeapField");
}
