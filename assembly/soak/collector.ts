/**
 * The tracing collector of heaps with `ownership: traced`. It runs when a request is refused, as MicroPython's does:
 * marks what names, queues, caches and the engine reach, through references, and gives the rest back.
 * Its pause is counted in visits: blocks and references looked at, and what giving back visits.
 *
 * The roots are exact; a collector that takes any word for a pointer may keep more. A micropython-gc heap runs its
 * own collector as well, so that its search starts where the original's would.
 */

import { Heap } from "../allocators/heap";
import { collect } from "../allocators/micropython-collect";
import { MicropythonGc } from "../allocators/micropython-gc";
import { Visits } from "../inspect/visits";
import { AllocatorKind, HeapField, OPERATIONS, OPERATIONS_MOST } from "../memory-map";
import { SoakField } from "../soak-map";
import { Context, Name } from "./context";
import { Control } from "./control";
import { LedgerBlock, notePause, releaseBlock, returnRecord } from "./ledger";
import { LedgerField, LedgerOwner } from "./ledger-map";
import { Cache, cacheItem, Queue, queueItem } from "./queues";
import { SoakHeap } from "./soak-heap";

const UNMARKED: u32 = 0;
/** Marked blocks form a chain through `mark`, of those still to be looked at; this ends it. */
const END_OF_CHAIN: u32 = 1;

/** Collects heap number `heap` on behalf of a step. Returns how many blocks it gave back. */
export function collectHeap(heap: u32, context: Context, step: u32): u32 {
  const account = SoakHeap.at(heap);
  clearMarks();
  let visits = markAll();
  const freedBefore = account.collectedBlocks;
  visits += sweep(heap, account, context, step);
  if (load<u32>(account.record, HeapField.Kind << 2) == AllocatorKind.MicropythonGc)
    visits += collectOriginal(heap, account);
  notePause(account, visits);
  account.collections++;
  account.longestCollectionVisits = max(account.longestCollectionVisits, visits);
  return account.collectedBlocks - freedBefore;
}

function recordAt(index: u32): LedgerBlock {
  return changetype<LedgerBlock>(Control.get(SoakField.Ledger) + index * (LedgerField.Length << 2));
}

function isBlock(record: LedgerBlock): bool {
  return record.owner != LedgerOwner.None && record.owner != LedgerOwner.Reference;
}

function clearMarks(): void {
  const used = Control.get(SoakField.LedgerUsed);
  for (let i: u32 = 0; i < used; i++) recordAt(i).mark = UNMARKED;
}

function markAll(): u32 {
  let chain: u32 = END_OF_CHAIN;
  for (let i: u32 = 0, count = Control.get(SoakField.ContextCount); i < count; i++) {
    const context = Context.at(i);
    for (let n: u32 = 0; n < context.nameCount; n++) chain = marked(Name.of(context, n).held, chain);
  }
  for (let i: u32 = 0, count = Control.get(SoakField.QueueCount); i < count; i++) {
    const queue = Queue.at(i);
    for (let n: u32 = 0; n < queue.count; n++) chain = marked(queueItem(queue, n), chain);
  }
  for (let i: u32 = 0, count = Control.get(SoakField.CacheCount); i < count; i++) {
    const cache = Cache.at(i);
    for (let n: u32 = 0; n < cache.count; n++) chain = marked(cacheItem(cache, n), chain);
  }
  const used = Control.get(SoakField.LedgerUsed);
  for (let i: u32 = 0; i < used; i++) {
    const owner = recordAt(i).owner;
    if (owner == LedgerOwner.Keep || owner == LedgerOwner.Kernel) chain = marked(recordAt(i), chain);
  }
  return follow(chain);
}

/** The chain with `block` in front, unless it is null or marked before. */
function marked(block: LedgerBlock, chain: u32): u32 {
  if (changetype<u32>(block) == 0 || block.mark != UNMARKED) return chain;
  block.mark = chain;
  return changetype<u32>(block);
}

/** Looks at each block of the chain and marks what it refers to. Returns the blocks and references looked at. */
function follow(first: u32): u32 {
  let visits: u32 = 0;
  let chain = first;
  while (chain != END_OF_CHAIN) {
    const block = changetype<LedgerBlock>(chain);
    chain = block.mark;
    visits++;
    let reference = changetype<LedgerBlock>(block.references);
    while (changetype<u32>(reference)) {
      chain = marked(changetype<LedgerBlock>(reference.payload), chain);
      visits++;
      reference = changetype<LedgerBlock>(reference.references);
    }
  }
  return visits;
}

function sweep(heap: u32, account: SoakHeap, context: Context, step: u32): u32 {
  let visits: u32 = 0;
  const used = Control.get(SoakField.LedgerUsed);
  for (let i: u32 = 0; i < used; i++) {
    const record = recordAt(i);
    if (!isBlock(record) || record.heap != heap) continue;
    visits++;
    if (record.mark != UNMARKED || record.owner == LedgerOwner.Leaked) continue;
    returnReferences(record);
    releaseBlock(record, context.index, step);
    visits += Visits.visitsOf(changetype<Heap>(account.record));
    account.collectedBlocks++;
  }
  return visits;
}

function returnReferences(block: LedgerBlock): void {
  let reference = changetype<LedgerBlock>(block.references);
  while (changetype<u32>(reference)) {
    const next = changetype<LedgerBlock>(reference.references);
    returnRecord(reference);
    reference = next;
  }
}

/** Runs MicroPython's own collector with all live blocks as roots (in the memory of trace operations, idle in a soak). */
function collectOriginal(heap: u32, account: SoakHeap): u32 {
  let count: u32 = 0;
  const used = Control.get(SoakField.LedgerUsed);
  for (let i: u32 = 0; i < used && count < <u32>OPERATIONS_MOST; i++) {
    const record = recordAt(i);
    if (isBlock(record) && record.heap == heap) store<u32>(OPERATIONS + (count++ << 2), record.payload);
  }
  collect(changetype<MicropythonGc>(account.record), OPERATIONS, count);
  return Visits.visitsOf(changetype<Heap>(account.record));
}
