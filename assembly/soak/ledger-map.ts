/** The records of blocks and heaps in a soak: the ledger, the account of each heap, the journal. See soak-map.ts. */

/** One live block of a heap, as the engine knows it. Begins with its timer node (TimerField). */
export const enum LedgerField {
  Timer,
  Payload = 6,
  RequestBytes,
  /** The whole block. */
  BlockBytes,
  /** Index of its heap. */
  Heap,
  /** Who allocated it: context (index) and step. */
  Context,
  Step,
  AllocatedAt,
  AllocatedAtHigh,
  /** One of LedgerOwner. */
  Owner,
  /** Counted ownership: how many names hold it. */
  Owners,
  /**
   * First of its outgoing references, or 0, and the mark of the collection. A reference is a ledger record, too:
   * `Owner` is Reference, `Payload` the record it leads to, `References` the next one.
   */
  References,
  Mark,
  /** `grow`: bytes of the container in use. */
  LengthBytes,
  /** Stacklets: the record of the one before, or 0. Blocks given to `keep`: engine address of their life's amount. */
  Before,
  Length,
}
/** Who will give a block back. */
export const enum LedgerOwner {
  /** The record is not in use. */
  None,
  /** A name of a context. */
  Name,
  Queue,
  /** The engine, at a time (`keep`). */
  Keep,
  Cache,
  /** A spawned task's control block or stack, or a stacklet. */
  Kernel,
  /** Nobody: leaked. */
  Leaked,
  /** Only references from other blocks, or nothing that a collection has found out yet. */
  Blocks,
  /** Not a block but a reference from one to another. */
  Reference,
}

/** What the soak keeps of a heap besides HeapField, in the same order as the heap records. */
export const enum SoakHeapField {
  Requests,
  RequestsHigh,
  ZeroSizeRequests,
  ZeroSizeRequestsHigh,
  Frees,
  FreesHigh,
  FailedRequests,
  FailedRequestsHigh,
  FragmentationFailures,
  FragmentationFailuresHigh,
  /** Requests that left a smaller hole behind. */
  Splits,
  SplitsHigh,
  LiveBlocks,
  /** Bytes of live blocks, headers and padding included. */
  LiveBytes,
  /** Bytes asked for in live blocks. */
  RequestedBytes,
  PeakLiveBytes,
  /** The most live bytes since the last telemetry sample. */
  WindowPeakLiveBytes,
  /** Free bytes of the heap when it is empty: free bytes at any time are these less LiveBytes. */
  EmptyFreeBytes,
  /** The smallest value of the largest free request, over the judged run and since the last sample. */
  MinimumLargestFree,
  WindowMinimumLargestFree,
  /** A hole that serves WindowMinimumLargestFree: as long as nothing is taken from it, that minimum stands. */
  WitnessLow,
  WitnessBytes,
  /** A hole of n bytes serves any request up to n − (n >> HoleSlackShift) − HOLE_OVERHEAD_MOST; 0: none for certain. */
  HoleSlackShift,
  /** Address of the heap's record (HeapField). */
  Record,
  /** 64-bit counters by class of visits. */
  Visits,
  VisitsMost,
  /** Most visits since the last sample. */
  WindowVisitsMost,
  IsrSafe,
  /** One of HeapOwnership. */
  Ownership,
  /** 1: the allocator's walk of live blocks needs the shadow. */
  KeepsShadow,
  Leaks,
  LeakedBytes,
  DoubleFrees,
  /** Traced heaps: collections, the longest in visits, and the blocks they gave back. */
  Collections,
  LongestCollectionVisits,
  CollectedBlocks,
  /** How near the heap is to failure, as one of HeapWatch sees it: the batch ends where that reaches a level. */
  Watch,
  /** The level (i32), and the greatest importance (i32) that the run has had so far. */
  WatchLevel,
  WatchMost,
  /** SLOWEST_OPERATIONS records of JournalField: those that took the most visits, most first, the earlier of equal ones. */
  Slowest,
  SlowestCount,
  /** Visits that an operation has to exceed to come among them. */
  SlowestLeast,
  Length,
}
/** What the importance of a watched heap is. It is looked at where an operation can raise it, so no crossing is missed. */
export const enum HeapWatch {
  Off,
  /** Live bytes, headers included. */
  LiveBytes,
  /** Of each request, its bytes less those of the largest request that would succeed: positive where it must fail. */
  Shortfall,
}
/** More than headers, alignment and least block sizes of any allocator take of a hole. */
export const HOLE_OVERHEAD_MOST = 64;
export const enum HeapOwnership {
  Manual,
  Counted,
  Traced,
}
/** Counted ownership: bytes of the count in front of each shared object (a 32-bit count and a weak count, as in common shared pointers). */
export const COUNTED_HEADER_BYTES = 8;

/** One heap operation, in the journal and wherever else operations are kept. */
export const enum JournalField {
  At,
  AtHigh,
  /** One of JournalOperation. */
  Operation,
  Heap,
  Context,
  Step,
  RequestBytes,
  /** Address of the block the operation is about (freed, or reallocated), or 0. */
  Payload,
  /** What it returned, or 0. */
  Result,
  /** Blocks and nodes it looked at. */
  Visits,
  Length,
}
/** How many operations a run keeps beside the journal: the last of all (a power of two), and the slowest of each heap. */
export const RECENT_OPERATIONS = 32;
export const SLOWEST_OPERATIONS = 8;
export const enum JournalOperation {
  Allocate,
  AllocateAligned,
  Reallocate,
  Release,
  Reboot,
}
