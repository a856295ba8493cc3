/**
 * The ledger: one record for each live block (LedgerField), and the operations on heaps as the soak performs
 * them. A block's record knows its owner and carries the timer of its life; the heap's account (soak-heap.ts)
 * is brought up to date by every operation.
 *
 * An operation is one dispatch to the code of the heap's allocator: `perform` (perform.ts) calls the generic
 * functions here, and the rest of the kernel calls `allocateBlock`, `releaseBlock` and `reallocateBlock`.
 */
import { Heap } from "../allocators/heap";
import { shadowAllocate, shadowRelease } from "../inspect/shadow";
import { Visits, visitsClass } from "../inspect/visits";
import { Verb } from "../perform";
import { dispatch, Registry } from "../registry";
import { FailureKind, SoakField } from "../soak-map";
import { Control, control, halt } from "./control";
import { noteOperation } from "./journal";
import {
  COUNTED_HEADER_BYTES,
  HeapOwnership,
  HeapWatch,
  JournalOperation,
  LedgerField,
  LedgerOwner,
} from "./ledger-map";
import { noteImportance, SoakHeap, takeFromWitness, watchRequest } from "./soak-heap";

@final
@unmanaged
export class LedgerBlock {
  nextTimer: u32;
  previousTimer: u32;
  timerSlot: u32;
  timerKind: u32;
  timerAt: u64;
  payload: u32;
  requestBytes: u32;
  blockBytes: u32;
  heap: u32;
  context: u32;
  step: u32;
  allocatedAt: u64;
  owner: u32;
  owners: u32;
  references: u32;
  mark: u32;
  lengthBytes: u32;
  before: u32;
}

/** A record that is not in use; `owner` must be set. 0 when there is none left: the run has failed. */
export function takeRecord(): LedgerBlock {
  const free = Control.get(SoakField.LedgerFree);
  if (free) {
    const record = changetype<LedgerBlock>(free);
    Control.set(SoakField.LedgerFree, record.nextTimer);
    return record;
  }
  const used = Control.get(SoakField.LedgerUsed);
  if (used == Control.get(SoakField.LedgerCapacity)) {
    halt(FailureKind.TooManyBlocks, u32.MAX_VALUE, u32.MAX_VALUE, used);
    return changetype<LedgerBlock>(0);
  }
  Control.set(SoakField.LedgerUsed, used + 1);
  return changetype<LedgerBlock>(Control.get(SoakField.Ledger) + used * (LedgerField.Length << 2));
}

/** Gives a record back. */
export function returnRecord(record: LedgerBlock): void {
  record.owner = LedgerOwner.None;
  record.nextTimer = Control.get(SoakField.LedgerFree);
  Control.set(SoakField.LedgerFree, changetype<u32>(record));
}

/** The operations of every allocation and release. A class because asc inlines its members only. */
export class Ledger {
  /** `allocateBlock`, inlined. */
  @inline static allocate(heap: u32, requestBytes: u32, alignment: u32, context: u32, step: u32): LedgerBlock {
    const record = takeRecord();
    if (changetype<u32>(record) == 0) return record;
    const account = SoakHeap.at(heap);
    record.heap = heap;
    record.requestBytes = requestBytes + (account.ownership == HeapOwnership.Counted ? COUNTED_HEADER_BYTES : 0);
    if (!Registry.dispatch(account.record, Verb.LedgerAllocate, changetype<u32>(record), alignment)) {
      noteAllocation(record, alignment, context, step, 0);
      returnRecord(record);
      return changetype<LedgerBlock>(0);
    }
    record.context = context;
    record.step = step;
    record.allocatedAt = control().now;
    record.owner = LedgerOwner.Name;
    record.owners = 1;
    record.references = 0;
    record.lengthBytes = 0;
    noteAllocation(record, alignment, context, step, record.payload);
    return record;
  }

  /** `releaseBlock`, inlined. */
  @inline static release(record: LedgerBlock, context: u32, step: u32): void {
    Registry.dispatch(SoakHeap.at(record.heap).record, Verb.LedgerRelease, changetype<u32>(record), 0);
    noteOperation(JournalOperation.Release, record.heap, context, step, record.requestBytes, record.payload, 0);
    returnRecord(record);
  }
}

/**
 * Allocates from heap number `heap` for a step of a context; `alignment` 0 is the allocator's own. The block's
 * record, owned by a name, or null when the request is refused (which is counted).
 */
export function allocateBlock(heap: u32, requestBytes: u32, alignment: u32, context: u32, step: u32): LedgerBlock {
  return Ledger.allocate(heap, requestBytes, alignment, context, step);
}

/** Releases a block and gives its record back. */
export function releaseBlock(record: LedgerBlock, context: u32, step: u32): void {
  Ledger.release(record, context, step);
}

/** Reallocates a block in place or elsewhere. False: refused, and the block stays as it was. */
export function reallocateBlock(record: LedgerBlock, requestBytes: u32, context: u32, step: u32): bool {
  const before = record.payload;
  const granted = dispatch(
    SoakHeap.at(record.heap).record,
    Verb.LedgerReallocate,
    changetype<u32>(record),
    requestBytes,
  );
  const result = granted ? record.payload : 0;
  noteOperation(JournalOperation.Reallocate, record.heap, context, step, requestBytes, before, result);
  return granted != 0;
}

/** The request just refused will be made again: only its last attempt counts. */
export function uncountRefusal(heap: u32): void {
  const account = SoakHeap.at(heap);
  const requestBytes = Control.get(SoakField.RefusedBytes);
  if (requestBytes == 0) {
    account.zeroSizeRequests--;
    return;
  }
  account.requests--;
  account.failedRequests--;
  if (account.freeBytes >= requestBytes) account.fragmentationFailures--;
}

/** A block for the kernel itself (control blocks, stacks, stacklets) from heap number `heap`: its record, or 0. */
export function takeKernelBlock(heap: u32, bytes: u32): u32 {
  const record = allocateBlock(heap, bytes, 0, u32.MAX_VALUE, u32.MAX_VALUE);
  if (changetype<u32>(record)) record.owner = LedgerOwner.Kernel;
  return changetype<u32>(record);
}

/** Gives a block of `takeKernelBlock` back. */
export function returnKernelBlock(record: u32): void {
  releaseBlock(changetype<LedgerBlock>(record), u32.MAX_VALUE, u32.MAX_VALUE);
}

/** Begins a new telemetry window for an account (SoakHeapField). */
export function resetLargestFreeWindow(account: u32): void {
  dispatch(changetype<SoakHeap>(account).record, Verb.OpenWindow, account, 0);
}

/** Accounts for a collection as for an operation of so many visits: whoever asked for memory had to wait for it. */
export function notePause(account: SoakHeap, visits: u32): void {
  Account.noteVisits(account, visits);
}

/** Verb.LedgerAllocate: requests `record.requestBytes` of the heap; 1 when granted. */
export function ledgerAllocate<H extends Heap>(heap: H, at: u32, alignment: u32): u32 {
  const record = changetype<LedgerBlock>(at);
  const account = SoakHeap.at(record.heap);
  const requestBytes = record.requestBytes;
  if (account.watch == HeapWatch.Shortfall) watchRequest<H>(heap, account, requestBytes);
  const payload = alignment ? heap.allocateAligned(alignment, requestBytes) : heap.allocate(requestBytes);
  Account.noteVisits(account, Visits.visitsOf(heap));
  if (payload == 0) {
    noteRefusal(account, requestBytes);
    return 0;
  }
  account.requests++;
  if (Visits.didSplit(heap)) account.splits++;
  Account.enter<H>(heap, account, record, payload, requestBytes);
  return 1;
}

/** Verb.LedgerRelease: gives the block of the record back to the heap. */
export function ledgerRelease<H extends Heap>(heap: H, at: u32): u32 {
  const record = changetype<LedgerBlock>(at);
  const account = SoakHeap.at(record.heap);
  heap.release(record.payload, record.requestBytes);
  Account.noteVisits(account, Visits.visitsOf(heap));
  account.frees++;
  Account.leave(heap, account, record);
  return 0;
}

/** Verb.LedgerReallocate: 1 when granted, and the record holds the new block. */
export function ledgerReallocate<H extends Heap>(heap: H, at: u32, requestBytes: u32): u32 {
  const record = changetype<LedgerBlock>(at);
  const account = SoakHeap.at(record.heap);
  if (account.watch == HeapWatch.Shortfall) watchRequest<H>(heap, account, requestBytes);
  const moved = heap.reallocate(record.payload, record.requestBytes, requestBytes);
  Account.noteVisits(account, Visits.visitsOf(heap));
  if (moved == 0) {
    noteRefusal(account, requestBytes);
    Account.leave(heap, account, record); // picolibc has taken the hole behind the block all the same
    Account.enter<H>(heap, account, record, record.payload, record.requestBytes);
    return 0;
  }
  account.requests++;
  if (Visits.didSplit(heap)) account.splits++;
  Account.leave(heap, account, record);
  Account.enter<H>(heap, account, record, moved, requestBytes);
  record.requestBytes = requestBytes;
  return 1;
}

/** What an operation changes in a heap's account. A class because asc inlines its members only. */
class Account {
  @inline static enter<H extends Heap>(
    heap: H,
    account: SoakHeap,
    record: LedgerBlock,
    payload: u32,
    requestBytes: u32,
  ): void {
    if (account.keepsShadow) shadowAllocate(heap, payload, requestBytes);
    const blockBytes = heap.blockBytes(payload, requestBytes);
    record.payload = payload;
    record.blockBytes = blockBytes;
    account.liveBlocks++;
    account.requestedBytes += requestBytes;
    const liveBytes = account.liveBytes + blockBytes;
    account.liveBytes = liveBytes;
    if (liveBytes > account.windowPeakLiveBytes) {
      account.windowPeakLiveBytes = liveBytes;
      if (liveBytes > account.peakLiveBytes) account.peakLiveBytes = liveBytes;
      if (account.watch == HeapWatch.LiveBytes) noteImportance(account, liveBytes);
    }
    // The block begins inside the witness, or (grown in place, or taken from a hole that grew) the witness inside it.
    const low = account.witnessLow;
    if (payload - low < account.witnessBytes || low - payload < blockBytes) {
      takeFromWitness<H>(heap, account, payload, blockBytes);
    }
  }

  @inline static leave(heap: Heap, account: SoakHeap, record: LedgerBlock): void {
    if (account.keepsShadow) shadowRelease(heap, record.payload);
    account.liveBlocks--;
    account.liveBytes -= record.blockBytes;
    account.requestedBytes -= record.requestBytes;
  }

  @inline static noteVisits(account: SoakHeap, visits: u32): void {
    if (visits > account.windowVisitsMost) {
      account.windowVisitsMost = visits;
      if (visits > account.visitsMost) account.visitsMost = visits;
    }
    const counter = account.visits + (visitsClass(visits) << 3);
    store<u64>(counter, load<u64>(counter) + 1);
  }
}

function noteAllocation(record: LedgerBlock, alignment: u32, context: u32, step: u32, result: u32): void {
  const operation = alignment ? JournalOperation.AllocateAligned : JournalOperation.Allocate;
  noteOperation(operation, record.heap, context, step, record.requestBytes, 0, result);
}

function noteRefusal(account: SoakHeap, requestBytes: u32): void {
  Control.set(SoakField.RefusedBytes, requestBytes);
  if (requestBytes == 0) {
    account.zeroSizeRequests++;
    return;
  }
  if (account.watch) Control.set(SoakField.LevelReached, 1);
  account.requests++;
  account.failedRequests++;
  if (account.freeBytes >= requestBytes) account.fragmentationFailures++;
}

/** Compile-time proof that the overlay is the record of ledger-map.ts. */
export function pinLedger(): void {
  if (offsetof<LedgerBlock>("payload") != LedgerField.Payload * 4) ERROR("LedgerBlock.payload is not LedgerField's");
  if (offsetof<LedgerBlock>() != LedgerField.Length * 4) ERROR("LedgerBlock is not LedgerField");
}
