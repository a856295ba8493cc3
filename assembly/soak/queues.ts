/** Message queues and caches: rings of blocks (ledger records) that belong to nobody's names. */

import { SOAK, SoakField } from "../soak-map";
import { unschedule } from "./agenda";
import { Context, Ready } from "./context";
import { CacheEvict, CacheField, ContextState, QueueField, QueueWhenFull } from "./context-map";
import { LedgerBlock } from "./ledger";
import { giveBack } from "./ownership";
import { Random } from "./random";

@final
@unmanaged
export class Queue {
  capacity: u32;
  whenFull: u32;
  count: u32;
  head: u32;
  items: u32;
  receivers: u32;
  senders: u32;
  drops: u32;

  @inline static at(index: u32): Queue {
    return changetype<Queue>(load<u32>(SOAK, SoakField.Queues << 2) + index * (QueueField.Length << 2));
  }
}

@final
@unmanaged
export class Cache {
  slots: u32;
  evict: u32;
  count: u32;
  head: u32;
  items: u32;
  site: u32;

  @inline static at(index: u32): Cache {
    return changetype<Cache>(load<u32>(SOAK, SoakField.Caches << 2) + index * (CacheField.Length << 2));
  }
}

/** Address of the word that is `index` places behind the head of a ring of `capacity` words. */
function ringWord(items: u32, capacity: u32, head: u32, index: u32): u32 {
  return items + (((head + index) % capacity) << 2);
}

/** The block `index` places behind the oldest of a queue. */
export function queueItem(queue: Queue, index: u32): LedgerBlock {
  return load<LedgerBlock>(ringWord(queue.items, queue.capacity, queue.head, index));
}

/** The block `index` places behind the oldest of a cache. */
export function cacheItem(cache: Cache, index: u32): LedgerBlock {
  return load<LedgerBlock>(ringWord(cache.items, cache.slots + 1, cache.head, index));
}

/** Puts a block behind the others of a queue that is not full and wakes the most urgent receiver. */
export function enqueue(queue: Queue, block: LedgerBlock): void {
  store<LedgerBlock>(ringWord(queue.items, queue.capacity, queue.head, queue.count), block);
  queue.count++;
  if (queue.receivers) wakeFirstWaiting(changetype<u32>(queue) + (QueueField.Receivers << 2));
}

/** Takes the oldest block out of a queue that is not empty. */
export function takeOldest(queue: Queue): LedgerBlock {
  const block = queueItem(queue, 0);
  queue.head = (queue.head + 1) % queue.capacity;
  queue.count--;
  return block;
}

/** Takes the oldest block for a receiver, and wakes the most urgent sender that waits for room. */
export function dequeue(queue: Queue): LedgerBlock {
  const block = takeOldest(queue);
  if (queue.senders) wakeFirstWaiting(changetype<u32>(queue) + (QueueField.Senders << 2));
  return block;
}

/** Makes room in a full queue, or disposes of the new block, in the sender's context. False: the new block is gone. */
export function overflowQueue(queue: Queue, block: LedgerBlock, context: Context, step: u32): bool {
  queue.drops++;
  if (queue.whenFull == QueueWhenFull.DropNewest) {
    giveBack(context, block, step);
    return false;
  }
  giveBack(context, takeOldest(queue), step);
  return true;
}

/** Adds a context to a list of waiting ones (the address of its first word): most urgent first, then first come first served. */
export function waitAt(list: u32, context: Context): void {
  let link = list;
  let waiting = load<u32>(link);
  while (waiting != 0 && changetype<Context>(waiting).level >= context.level) {
    link = waiting + offsetof<Context>("next");
    waiting = load<u32>(link);
  }
  context.next = waiting;
  store<u32>(link, changetype<u32>(context));
}

/** Takes a context out of a list of waiting ones. */
export function stopWaiting(list: u32, context: Context): void {
  let link = list;
  while (load<u32>(link) != changetype<u32>(context)) {
    if (load<u32>(link) == 0) return;
    link = load<u32>(link) + offsetof<Context>("next");
  }
  store<u32>(link, context.next);
}

/** The list that a blocked context waits in. */
export function waitingList(context: Context): u32 {
  const queue = changetype<u32>(Queue.at(context.waitingQueue - 1));
  return queue + ((context.state == ContextState.Sending ? QueueField.Senders : QueueField.Receivers) << 2);
}

function wakeFirstWaiting(list: u32): void {
  const context = changetype<Context>(load<u32>(list));
  store<u32>(list, context.next);
  unschedule(context.wakeNode);
  context.state = ContextState.Ready;
  Ready.add(context);
}

/** Inserts a block and then, when there are more than slots, evicts one in the context's name. */
export function insertIntoCache(cache: Cache, block: LedgerBlock, context: Context, step: u32): void {
  store<LedgerBlock>(ringWord(cache.items, cache.slots + 1, cache.head, cache.count), block);
  cache.count++;
  if (cache.count <= cache.slots) return;
  giveBack(context, takeFromCache(cache, victimOf(cache)), step);
}

/** Which of the blocks, counted from the oldest, goes. The newest before the one just inserted, where that is the rule. */
function victimOf(cache: Cache): u32 {
  if (cache.evict == CacheEvict.Oldest || cache.count == 1) return 0;
  if (cache.evict == CacheEvict.Newest) return cache.count - 2;
  return <u32>Random.below(Random.nextBits(cache.site), cache.count - 1);
}

function takeFromCache(cache: Cache, index: u32): LedgerBlock {
  const capacity = cache.slots + 1;
  const block = cacheItem(cache, index);
  for (let i = index; i > 0; i--) {
    store<LedgerBlock>(ringWord(cache.items, capacity, cache.head, i), cacheItem(cache, i - 1));
  }
  cache.head = (cache.head + 1) % capacity;
  cache.count--;
  return block;
}
