/**
 * The one declaration of everything both sides of the WASM boundary must agree on: where the engine's
 * records lie, what their words mean, and the codes they carry. Plain numeric constants and const enums
 * only, so that asc, tsc and vitest compile this very file.
 *
 * Record layouts are word offsets (4 bytes each) that end in `Length`, the record's size in words.
 *
 *   0x0000_0000  ┌──────────────────────────────┐
 *                │ the device: flash, SRAM, …   │  at the addresses of its datasheet
 *   0x5800_0000  ├──────────────────────────────┤  ENGINE_LOW (asconfig.json: memoryBase)
 *                │ asc's static data            │
 *   0x5801_0000  ├──────────────────────────────┤  CONTROL
 *                │ control, fault, banks, heaps │  copied by a snapshot
 *                │ OUTPUT                       │  results of walks, checks and statistics
 *                │ OPERATIONS                   │  parsed trace operations
 *                │ SLOTS                        │  what each trace id holds
 *                │ ENGINE_POOL                  │  shadows and histograms, handed out once per heap;
 *   0x6000_0000  ├──────────────────────────────┤  ENGINE_HIGH                 copied by a snapshot
 *                │ banks that lie higher        │  (the memory is then made larger)
 *                └──────────────────────────────┘
 */

/** Raised whenever anything in this file changes meaning; the loader compares it with the module's. */
export const LAYOUT_VERSION = 5;

export const PAGE_BYTES = 65536;

export const ENGINE_LOW = 0x58000000;
export const ENGINE_HIGH = 0x60000000;

/** Words of the control block: facts about the device that the exact access check consults. */
export const enum ControlField {
  BankCount,
  /** 1 when the core faults on unaligned access (Armv6-M). */
  UnalignedFaults,
  Length,
}
export const CONTROL = 0x58010000;

/** Why the guest stopped. The host turns it into the registers of the core (src/device/fault-registers.ts). */
export const enum FaultCode {
  None,
  /** No bank holds the address. */
  Unmapped,
  /** A store to a bank that cannot be written. */
  ReadOnly,
  /** The core does not support unaligned access. */
  Unaligned,
  /** A heap's metadata led out of the heap. Raised by the fast build only; the exact build goes on as a board would. */
  LeftHeap,
  /** The allocator's own assertion failed. */
  Assertion,
  /** A list of the allocator never ends: the device would hang there until its watchdog bites. */
  Endless,
}
/** What the guest was about to do at the address. */
export const enum Access {
  Load,
  Store,
}
export const enum FaultField {
  Code,
  Address,
  Access,
  Bytes,
  Length,
}
export const FAULT = CONTROL + 256;

export const enum BankField {
  Low,
  Bytes,
  /** Where the bytes really lie: equals `Low` unless the bank is an alias. */
  Home,
  /** One of `BankKind`. */
  Kind,
  Length,
}
export const enum BankKind {
  Ram,
  /** Reads as memory, a store faults. */
  ReadOnly,
  /** Reads as memory, a store does nothing. */
  StoresIgnored,
}
export const BANKS_MOST = 64;
export const BANKS = FAULT + 256;

export const enum AllocatorKind {
  Bump,
  FixedPool,
  Buddy,
  ListFit,
  FreertosHeap1,
  FreertosHeap2,
  FreertosHeap4,
  FreertosHeap5,
  Tlsf,
  TlsfEsp,
  NewlibNano,
  Newlib,
  Picolibc,
  AvrLibc,
  Umm,
  O1heap,
  ZephyrSysHeap,
  ThreadxByte,
  Lwmem,
  MicropythonGc,
  RustLinkedList,
  Length,
}

/** Words at HeapField.Options, per allocator. */
export const enum BumpOption {
  /** Alignment of every payload: a power of two. */
  Alignment,
}
export const enum NewlibOption {
  /** Bytes of a page, to whose multiples sbrk is asked to move the break: a power of two. */
  PageBytes,
  /** Not for users: where the chunks of an adopted RAM image have their table of bins, 0 for the heap's own. */
  BoardBins,
}
/** Bytes from newlib's static variables as they lie here (HeapField.State) to its table of bins, `__malloc_av_`. */
export const NEWLIB_BINS_OFFSET = 64;
export const enum FreertosHeap1Option {
  /** 1: configASSERT catches a call of vPortFree; 0: the call does nothing. */
  ReleaseAsserts,
}
export const enum UmmOption {
  /** One of `UmmFit`. */
  Fit,
}
export const enum UmmFit {
  Best,
  First,
}
export const enum ZephyrSysHeapOption {
  /** 1: large chunk headers even where small ones would do (CONFIG_SYS_HEAP_BIG_ONLY). */
  BigHeap,
  /** 1: the counters of CONFIG_SYS_HEAP_RUNTIME_STATS, 12 bytes of the arena. */
  RuntimeStats,
  /** Chunks of a bucket that a search looks at (CONFIG_SYS_HEAP_ALLOC_LOOPS). */
  AllocLoops,
}
export const enum ThreadxByteOption {
  /** 1: the error-checking entry (txe), which refuses size 0 and sizes above the pool's. */
  ErrorChecked,
}
export const enum MicropythonGcOption {
  /** 1: with a finaliser table (MICROPY_ENABLE_FINALISER). */
  Finalisers,
  /** Bytes of a block, a power of two (MICROPY_BYTES_PER_GC_BLOCK). */
  BlockBytes,
}
export const enum TlsfOption {
  /** log2 of the lists that each power of two is cut into. */
  SecondLevelLog2,
  /** log2 of the size that no payload reaches. */
  FirstLevelMax,
}
export const enum TlsfEspOption {
  /** Largest size the index is laid out for; 0: the arena's bytes. */
  MaxBytes,
}

/** How a list allocator chooses among the holes that are large enough. */
export const enum FitPolicy {
  /** The lowest one. */
  First,
  /** The lowest one at or behind the end of the last block handed out; behind the last hole the search wraps. */
  Next,
  /** The smallest one; among equals the lowest. */
  Best,
  /** The largest one; among equals the lowest. */
  Worst,
}
export const enum ListFitOption {
  /** One of `FitPolicy`. */
  Policy,
  /** Bytes in front of each payload: 0, or a multiple of 4. */
  HeaderBytes,
  /** Alignment of every payload: a power of two. */
  Alignment,
  /** 1: a released block is merged with free neighbours at once; 0: holes only ever get smaller. */
  Coalesce,
  /** Least surplus that is split off as a hole of its own; 0 is the smallest block that can serve a request. */
  SplitThresholdBytes,
  /** Set by `plan` from here on: every block is a multiple of this, */
  Granule,
  /** no block is smaller than this, */
  LeastBlockBytes,
  /** and no smaller surplus than this is split off. */
  LeastSurplusBytes,
}
export const enum FixedPoolOption {
  /** The largest request. Blocks are this, rounded up to the alignment. */
  BlockBytes,
  /** Alignment of every block: a power of two, at least 4. */
  Alignment,
}
export const enum BuddyOption {
  /** The smallest block: a power of two, at least 8. */
  LeastBlockBytes,
}

/**
 * A heap's record. The first words are bounds that every access check reads, so they come first.
 * [CheckLow, CheckLow + CheckSpan) is the smallest range that holds the heap's state and regions.
 */
export const enum HeapField {
  Kind,
  CheckLow,
  CheckSpan,
  /** First region: the arena that offsets in traces count from. */
  Arena,
  ArenaBytes,
  /** Device address of the allocator's static variables (what the C original keeps in .data and .bss). */
  State,
  /** Set by the allocator's `plan`: bytes of static variables. */
  StateBytes,
  /** Set by the allocator's `plan`: log2 of the least distance between two payloads. */
  GranuleShift,
  /** 1: a failed assertion of the allocator stops the device; 0: it is compiled out and the allocator goes on. */
  AssertionsStop,
  /** Blocks and list nodes the last operation looked at, and VISITS_SPLIT (see inspect/visits.ts). */
  Visits,
  /** Address of the histogram of visits (VisitsHistogram), or 0. */
  VisitsHistogram,
  RegionCount,
  /** REGIONS_MOST × RegionField. */
  Regions,
  /** OPTIONS_MOST words whose meaning is the allocator's (see its `…Option` enum). */
  Options = Regions + 8 * 3,
  /** Counters from here on: what the observed operations have seen. */
  Requests = Options + 8,
  ZeroSizeRequests,
  FailedRequests,
  FragmentationFailures,
  Frees,
  DoubleFrees,
  WildFrees,
  OverlappingBlocks,
  LiveBlocks,
  /** Bytes of live blocks, headers and padding included. */
  LiveBytes,
  /** Bytes that were asked for in the live blocks. */
  RequestedBytes,
  PeakLiveBytes,
  PeakRequestedBytes,
  PeakLiveBlocks,
  LargestRequestSeen,
  VisitsMost,
  Length,
}
export const enum RegionField {
  Low,
  Bytes,
  /** Engine address of the region's shadow: one word a granule (see inspect/shadow.ts). */
  Shadow,
  Length,
}
export const REGIONS_MOST = 8;
export const OPTIONS_MOST = 8;
export const HEAPS_MOST = 64;
export const HEAPS = BANKS + BANKS_MOST * BankField.Length * 4;
export const CONTROL_HIGH = HEAPS + HEAPS_MOST * HeapField.Length * 4;

/**
 * The top bit of HeapField.Visits: the last operation served a request from a part of a hole, or of memory never taken
 * before, and the rest of it is free. Not set where a hole was handed out whole, nor where a block was only cut shorter.
 */
export const VISITS_SPLIT = 0x8000_0000;
/** Visits are kept exactly below 64, then in 16 classes an octave (at most 6 % wide). */
export const VISITS_EXACT = 64;
export const VISITS_CLASSES_PER_OCTAVE = 16;
export const VISITS_HISTOGRAM_LENGTH = VISITS_EXACT + 26 * VISITS_CLASSES_PER_OCTAVE;

/** A block as the walk reports it. */
export const enum BlockField {
  Address,
  Bytes,
  Payload,
  /** What the firmware asked for, from the shadow; 0 when not known. */
  RequestBytes,
  State,
  /** The allocator's own, to find the next block. */
  Cursor,
  Length,
}
export const enum BlockState {
  Free,
  Live,
  /** Control structures, end markers, padding: never handed out. */
  Bookkeeping,
  /** Never yet taken from the rest of the arena (allocators over sbrk, bump pointers). */
  Untouched,
}

/** What a check of a heap's invariants found first. */
export const enum Inconsistency {
  None,
  BlockBeyondArena,
  BlockTooSmall,
  BlockMisaligned,
  ListPointerOutsideArena,
  ListOutOfOrder,
  ListLoop,
  ListedBlockNotFree,
  FreeBlockNotListed,
  FreeNeighboursNotMerged,
  NeighbourSizeMismatch,
  IndexMismatch,
  SentinelOverwritten,
  FreeBytesMismatch,
  StateOverwritten,
}
export const enum FindingField {
  Inconsistency,
  Address,
  Expected,
  Found,
  Length,
}

/** A heap at a glance, in allocator-neutral terms. */
export const enum SummaryField {
  FreeBytes,
  Holes,
  LargestHoleBytes,
  /** The largest request that would succeed now. */
  LargestFreeBytes,
  LiveBlocks,
  LiveBytes,
  Length,
}

export const OUTPUT = 0x58020000;
export const OUTPUT_BYTES = 65536;

/** One parsed operation of a trace. */
export const enum OperationField {
  Opcode,
  Slot,
  RequestBytes,
  Alignment,
  /** Expected offset from the arena's base, or NO_MEMORY; only compared by `heapVerify`. */
  Expected,
  /** Written by the run: offset from the arena's base, or NO_MEMORY. */
  Result,
  Length,
}
export const enum Opcode {
  Allocate,
  AllocateAligned,
  Reallocate,
  Release,
}
/** The offset that stands for a refused request (the trace format writes -1). */
export const NO_MEMORY = -1;
export const OPERATIONS_MOST = 65536;
export const OPERATIONS = OUTPUT + OUTPUT_BYTES;

/** What an id of a trace holds. */
export const enum SlotField {
  Address,
  RequestBytes,
  Length,
}
export const SLOTS_MOST = 1048576;
export const SLOTS = OPERATIONS + OPERATIONS_MOST * OperationField.Length * 4;

export const ENGINE_POOL = SLOTS + SLOTS_MOST * SlotField.Length * 4;

/** What a host-side sanitizer says of an address the firmware is about to use. */
export const enum AccessVerdict {
  Inside,
  Overrun,
  UseAfterFree,
  Wild,
}

/** An edge of a ziggurat (soak/ziggurat.ts): f64 each. */
export const enum ZigguratField {
  X,
  Density = X + 2,
  Length = Density + 2,
}
export const ZIGGURAT_LAYERS = 256;
const ZIGGURAT_BYTES = (ZIGGURAT_LAYERS + 1) * ZigguratField.Length * 4;
/** Constant tables, written by `initializeDraws`: every instance over this memory writes the same. */
export const NORMAL_ZIGGURAT = OUTPUT - ZIGGURAT_BYTES;
export const EXPONENTIAL_ZIGGURAT = NORMAL_ZIGGURAT - ZIGGURAT_BYTES;
