/**
 * The records of the soak engine, for both sides of the WASM boundary: what memory-map.ts is for the device and
 * its heaps, this is for the kernel that runs a scenario on them. Same rules: numeric constants and const enums
 * only, record layouts are word offsets that end in `Length`; a 64-bit value takes two words, low first, at an
 * even offset of an 8-aligned record, and carries its name on the low word (`Now`, `NowHigh`).
 *
 * Everything but the control record lies in the engine's pool, wherever the host reserved it; nothing of the
 * engine's state lies elsewhere, so a copy of the used memory is a copy of the run. Records that begin with a
 * timer node or a random stream count its words (TimerField, DrawSiteField: 6 each) in their offsets.
 */
/** Why `soakAdvance` returned. */
export const enum SoakStatus {
  /** The budget is used up: call again. */
  Continue,
  /** The horizon is reached. */
  Horizon,
  /** The run has failed: the words from SoakField.FailureKind say how. */
  Failed,
  /** A stack was overrun for the first time: the host may look at what was overwritten, then call again. */
  StackOverrun,
  /** The journal is full: the host empties it (SoakField.JournalCount = 0), then calls again. */
  JournalFull,
}

/** How a run fails. */
export const enum FailureKind {
  None,
  /** A request was refused and the policy is to crash. */
  Crash,
  /** A request was refused and the policy is to reboot, which also is a failure of the run, though it goes on. */
  RebootByPolicy,
  /** The device faulted (the fault record says where). */
  Fault,
  /** A guard of a stack noticed that it was overrun. */
  StackOverflow,
  /** A task came back to memory that something had overwritten: its return address or saved context. */
  StackCorruption,
  /** All tasks blocked and nothing scheduled. */
  Deadlock,
  /** More than 10 reboots within an hour. */
  BootLoop,
  /** More than 1,000 starts of a task waiting. */
  Overload,
  /** More than 10^6 steps without simulated time passing. */
  NoProgress,
  /** A queue with `whenFull: fail` was full. */
  QueueFull,
  /** The scenario's own misuse made the allocator's assertion stop the device, or an allocation in an interrupt. */
  AllocationInInterrupt,
  /** More live blocks than the engine keeps records for. */
  TooManyBlocks,
}

export const SOAK = 0x58018000;
/** The run's control record. */
export const enum SoakField {
  /** Simulated microseconds since the first start. */
  Now,
  NowHigh,
  Horizon,
  HorizonHigh,
  /** Instructions executed and events handled. */
  Steps,
  StepsHigh,
  /** The value of Steps at which the batch ends. */
  BatchEnd,
  BatchEndHigh,
  /** Levels of `Levels` with a context that is ready to run: one bit each. */
  ReadyLevels,
  ReadyLevelsHigh,
  Seed,
  SeedHigh,
  /** Time of the next telemetry sample and the gap between two. */
  SampleGap,
  SampleGapHigh,
  FailureAt,
  FailureAtHigh,
  BootTime,
  BootTimeHigh,
  /** Ring of the times of the last reboots (BOOT_LOOP_REBOOTS + 1 of 64 bits each), for the boot loop. */
  RebootTimes,
  RebootTimesEnd = RebootTimes + 22,
  /** Timers of the next telemetry sample and of the end of a reboot. */
  SampleTimer = RebootTimesEnd,
  BootTimer = SampleTimer + 6,
  /** Changes of it give all later draws a new randomness. */
  Branch = BootTimer + 6,
  /** All draw sites of the scenario lie in one array (SiteField). */
  Sites,
  SiteCount,
  Reboots,
  /** Set while a reboot takes its time: 1. */
  Booting,
  Wheel,
  /** The first timer of the sorted list (soak/agenda.ts), and how many are in it. */
  Agenda,
  AgendaCount,
  /** Contexts: tasks first, instances in order, then interrupts. */
  Contexts,
  ContextCount,
  TaskCount,
  Levels,
  LevelCount,
  /** First level of interrupts: every context at it or above runs on the main stack. */
  FirstInterruptLevel,
  Queues,
  QueueCount,
  Caches,
  CacheCount,
  Modes,
  ModeCount,
  /** Current mode (index), or -1. */
  Mode,
  Heaps,
  HeapCount,
  Ledger,
  LedgerCapacity,
  /** Records ever taken: those above have never been touched. */
  LedgerUsed,
  /** First free record below `LedgerUsed`, or 0. */
  LedgerFree,
  /** Ranges that start-up code clears: count, then [low, bytes] pairs at StaticRanges. */
  StaticRanges,
  StaticRangeCount,
  /** Record of the main stack (StackField), or 0. */
  MainStack,
  /** Bytes of an exception frame, without and with floating-point state; and of the context the kernel saves. */
  ExceptionBytes,
  ExceptionFpuBytes,
  /** Of ExceptionFpuBytes, those reserved but not written (lazy stacking). */
  LazyBytes,
  ContextBytes,
  ContextFpuBytes,
  /** Alignment of the stack pointer at exception entry, in bytes. */
  StackAlignment,
  /** The task whose context is on the processor and not saved, or 0: the idle task's. Interrupts run on top of it. */
  CurrentTask,
  /** 1: the last batch ended inside an activation, which goes on before anything else happens. */
  Resuming,
  /** Exited tasks whose memory the idle task has not given back yet. */
  ExitedTasks,
  /** Instructions since simulated time last passed. */
  StepsWithoutTime,
  /** The stack (StackField) whose first overrun the host has not looked at yet, or 0. */
  OverrunStack,
  FailureKind,
  /** 1: the failure is one after which the device does not go on. */
  Halted,
  /** Index of the heap, or -1. */
  FailureHeap,
  /** Index of the context, or -1. */
  FailureContext,
  /** Number of the step, or -1. */
  FailureStep,
  FailureRequestBytes,
  FailureFreeBytes,
  FailureLargestFreeBytes,
  /** Meaning by kind: the stack record of an overflow. */
  FailureDetail,
  /** What the last refused request asked for. */
  RefusedBytes,
  /** Failures by policy (reboots) seen; the first is kept in the words above. */
  PolicyReboots,
  /** 1: heap operations are written to the journal. */
  Journalling,
  Journal,
  JournalCapacity,
  JournalCount,
  JournalDropped,
  Telemetry,
  Length,
}
export const SOAK_HIGH = SOAK + SoakField.Length * 4;
export const BOOT_LOOP_REBOOTS = 10;
export const BACKLOG_MOST = 1000;
export const AGENDA_MOST = 32;
/** TimerField.Slot of a timer in the agenda's list instead of a slot of the wheel. */
export const IN_AGENDA = 0xffffffff;
export const STEPS_WITHOUT_TIME_MOST = 1000000;
/** Names, draw sites, queues …: what a word of an instruction may say of a heap besides its index. */
export const HEAP_LIST_LEAST = 64;

/** What a node of the timer queue stands for (TimerField.Kind); at one instant they are handled in this order. */
export const enum TimerKind {
  /** A block given to `keep` ends its life: the node is a LedgerField record. */
  Expiry,
  /** A context's sleep, time-out or retry ends: the node is ContextField.Wake. */
  Wake,
  /** A context starts: the node is ContextField.Arrival. */
  Arrival,
  /** The current mode ends. The node is ModeField's. */
  ModeEnd,
  /** Telemetry. */
  Sample,
  /** A reboot has taken its time. */
  BootEnd,
}

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
  /** Stacklets: the record of the one before, or 0. */
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

/** A name slot of a context. */
export const enum NameField {
  /** Its ledger record, or 0. */
  Block,
  /** Rises with each entry into a name of the context: the order in which RAII gives back. */
  Entry,
  Length,
}

/** A draw site of a context: a random stream (DrawSiteField) of one descriptor. */
export const enum SiteField {
  Stream,
  /** What rounding to microseconds left over: an f64. */
  Residue = 6,
  ResidueHigh,
  /** The next value, drawn ahead so that nobody waits for it: an f64, not a number where there is none yet. */
  Next,
  NextHigh,
  Length,
}

export const enum ContextState {
  /** Not started, or ended: waits for its next start. */
  Idle,
  Ready,
  /** In `work`, with WorkRemaining left; also while preempted there. */
  Working,
  /** In `wait`, or before a retry. */
  Sleeping,
  Receiving,
  Sending,
  /** In `until`. */
  AwaitingMode,
  /** A spawnable task that does not exist now. */
  Absent,
  /** A spawned task that has ended: the idle task will give its stack and control block back. */
  Exited,
}
export const enum ActivationKind {
  /** On a grid of constant periods. */
  Periodic,
  /** Gaps are drawn independently (also poisson). */
  Gaps,
  Once,
  OnMode,
  Loop,
  Spawned,
}
export const enum OverrunPolicy {
  CatchUp,
  Skip,
  Queue,
}

/** A task instance or an interrupt source. */
export const enum ContextField {
  /** Node of the next start. */
  Arrival,
  /** Node of sleeps and time-outs. */
  Wake = 6,
  /** Periodic: the grid point of the next start, without jitter. */
  Grid = 12,
  GridHigh,
  /** Periodic: the period; Once: the time; else the first delay. */
  Period,
  PeriodHigh,
  FirstDelay,
  FirstDelayHigh,
  WorkRemaining,
  WorkRemainingHigh,
  /** Share of the period by which starts are shifted: an f64. */
  Jitter,
  JitterHigh,
  Activations,
  ActivationsHigh,
  Allocations,
  AllocationsHigh,
  /** Time of the last allocation. */
  LastAllocationAt,
  LastAllocationAtHigh,
  /** Periodic: what the period has besides whole microseconds, and the sum of it not yet in Grid: f64 each. */
  PeriodFraction,
  PeriodFractionHigh,
  GridResidue,
  GridResidueHigh,
  Skipped,
  FailedRequests,
  Leaks,
  /** The step of the first leak, or -1. */
  FirstLeakStep,
  /** Index in declaration order. */
  Index,
  /** Index into Levels: larger is more urgent. */
  Level,
  State,
  ActivationKind,
  Overrun,
  /** Gaps: operands of an amount, in microseconds. JitterSite draws the shift of a period; StartSite the random start. */
  GapDraw,
  GapSite,
  JitterSite,
  StartSite,
  /** 1: the first start falls anywhere in the first period. */
  RandomStart,
  /** 24 f64 factors by hour, or 0. */
  Hourly,
  /** OnMode: index of the mode. */
  OnMode,
  /** Starts that wait for the current activation to end. */
  Pending,
  /** First instruction. */
  Program,
  /** Next instruction. */
  Pc,
  /** The next context that is ready at the level, or that waits in the same queue. */
  Next,
  /** Name slots (NameField), sampled numbers (f64), loop counters (u32), draw sites (SiteField), open calls (FrameField). */
  Names,
  NameCount,
  EntryCount,
  Numbers,
  Locals,
  Sites,
  SiteCount,
  Frames,
  FrameCount,
  FrameCapacity,
  /** Record of its stack (StackField), or 0. */
  Stack,
  /** 1: uses the floating-point unit. */
  Fpu,
  /** 1 while its context is saved on its stack. */
  Saved,
  /** Interrupts: 1 while it is active (its frames are on the main stack). */
  Active,
  /** Interrupts: bytes of the handler's own frame; the stack that its exception frame lies on, or 0. */
  HandlerFrame,
  InterruptedStack,
  /** Retries left of the refused request, or -1 when none is under way. */
  RetriesLeft,
  /** What the request under way asked for: the same at each try. */
  RetryAmount,
  /** 1 + the queue it waits at, or 0. */
  WaitingQueue,
  /** Set by the waker: 1 when the wait ended by time-out. */
  TimedOut,
  /** Spawned tasks: bytes of the control block, bytes of the stack; their ledger records while they exist. */
  ControlBlockBytes,
  StackBytes,
  ControlBlock,
  StackBlock,
  Length,
}

/** A call that is open in a context: what unwinding needs. */
export const enum FrameField {
  /** Its Enter or Recurse instruction. */
  Instruction,
  /** RAII: EntryCount of the context at entry. */
  EntryCount,
  /** Levels of a recursion that are on the stack; 1 for a call. */
  Levels,
  Length,
}

export const enum LevelField {
  First,
  Last,
  Length,
}

export const enum QueueWhenFull {
  DropNewest,
  DropOldest,
  Block,
  Fail,
}
export const enum QueueField {
  Capacity,
  WhenFull,
  Count,
  /** Index of the oldest item. */
  Head,
  /** Capacity words: ledger records. */
  Items,
  /** Contexts that wait, most urgent first, then first come first served. */
  Receivers,
  Senders,
  Drops,
  Length,
}
export const enum CacheEvict {
  Oldest,
  Newest,
  Random,
}
export const enum CacheField {
  Slots,
  Evict,
  Count,
  Head,
  /** Slots + 1 words: ledger records. */
  Items,
  /** Draw site (SiteField address) of `random`. */
  Site,
  Length,
}
export const enum ModeField {
  /** Timer of the mode's end; the node of the current mode is queued. */
  Timer,
  /** Dwell: operands of an amount. */
  DwellDraw = 6,
  /** Address of a SiteField record. */
  DwellSite,
  /** Successors: count, then at NextModes pairs of [cumulative weight as f64, mode index as f64]. */
  NextCount,
  NextModes,
  NextSite,
  Entries,
  Pad,
  Length,
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
  Length,
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

/** One heap operation in the journal. */
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
export const enum JournalOperation {
  Allocate,
  AllocateAligned,
  Reallocate,
  Release,
  Reboot,
}

export const enum PolicyKind {
  Crash,
  Drop,
  Reboot,
  Retry,
}
/** A failure policy in the program area. */
export const enum PolicyField {
  Kind,
  /** Retry: operands of the delay, how often, and what then (PolicyKind). */
  DelayDraw,
  DelaySite,
  Times,
  Then,
  Length,
}

/**
 * An amount in an instruction is two words, [draw, site]:
 *   draw = 0            the constant `site`
 *   draw odd            the expression at draw − 1 (ExpressionOp words)
 *   otherwise           a draw descriptor (DrawField) with the context's draw site number `site`
 */
export const enum ExpressionOp {
  End,
  /** Followed by the two words of an f64. */
  Number,
  /** Followed by the index of a sampled number. */
  Name,
  Add,
  Subtract,
  Multiply,
  Divide,
}
/** The deepest stack of operands an expression may need. */
export const EXPRESSION_DEPTH_MOST = 16;

/**
 * The first word of an instruction: its code, and the number of the scenario's step behind it.
 *
 *    31                          8 7        0
 *   ├─────────────────────────────┼──────────┤
 *   │ step                        │ code     │
 *   └─────────────────────────────┴──────────┘
 *
 * Operands follow, a word each; `amount` is two words; targets are addresses of instructions. An operand
 * `heaps` is the index of a heap, or the address of a list [count, index…]. A `policy` is the address of a
 * PolicyField record. Names, numbers and locals are indices.
 */
export const INSTRUCTION_STEP_SHIFT = 8;
export const enum Instruction {
  /** The activation ends. */
  End,
  /** name, amount, heaps, alignment (0: the allocator's own), policy, orElse (target, or 0). */
  Allocate,
  /** name. */
  Free,
  /** name, amount, heaps, policy. */
  Reallocate,
  /** name, by (amount), growth (GrowthKind), reserve (amount), until (amount; constant 0: none), heaps, policy. */
  Grow,
  /** frame bytes, touched bytes, raii (0 or 1). */
  Enter,
  /** Ends the innermost call. */
  Leave,
  /**
   * depth (amount), frame bytes, touched bytes, end (target behind RecurseNext, where depth is 0), local that counts
   * the levels still to come. Body follows: it runs once on each level.
   */
  Recurse,
  /** body (target), local. Another level, or all levels are left. */
  RecurseNext,
  /** local, count (amount), end (target, where the count is 0). Body follows. */
  Repeat,
  /** local, body (target). */
  Loop,
  /** probability (the two words of an f64), site, otherwise (target). */
  Chance,
  /** target. */
  Jump,
  /** site, count, then per option: cumulative weight from 0 to 1 (two words of an f64), target. */
  Choose,
  /** number, draw (descriptor), site. */
  Sample,
  /** time (amount). */
  Work,
  /** time (amount). */
  Wait,
  /** mode. */
  Until,
  /** name, queue. */
  Send,
  /** queue, name, timeout (amount), timeout kind (TimeoutKind). */
  Receive,
  /** name, time (amount). */
  Keep,
  /** name, cache. */
  Cache,
  /** first context (index), count of contexts that may serve, heaps, policy. */
  Spawn,
  /** The spawned task ends for good. */
  Exit,
  /** name, as (name). */
  Share,
  /** name. */
  Drop,
  /** name, to (name). */
  Refer,
  /** name, probability (two words of an f64), site. */
  Leak,
  /** kind (MisuseKind), name, bytes. */
  Misuse,
  /** temperature (0 warm, 1 cold), fill byte. */
  Reboot,
}
export const enum GrowthKind {
  Double,
  HalfAgain,
  Exact,
}
export const enum TimeoutKind {
  None,
  /** The activation ends. */
  End,
  Continue,
}
export const enum MisuseKind {
  DoubleFree,
  UseAfterFree,
  Overrun,
}

/** A heap as one walk finds it (Verb.Survey). */
export const enum SurveyField {
  Holes,
  LargestFreeBytes,
  /** MAP_CELLS digits of 4 bits, the lowest address in the lowest bits. */
  AddressMap,
  AddressMapEnd = AddressMap + 8,
  Length = AddressMapEnd,
}
/** Cells of a heap's address map: equal parts of its regions, seen as one. */
export const MAP_CELLS = 64;
export const MAP_CELLS_PER_WORD = 8;
/** The digit of a cell without a free byte; 0 is one with nothing else, the rest is between. */
export const MAP_FULL = 9;

/** Rows that are kept of a heap: when they are used up, neighbours are merged. Even. */
export const TELEMETRY_ROWS = 512;
/** What the series of all heaps share, and behind it a SeriesField record for each heap. */
export const enum TelemetryField {
  /** End of the last window. */
  SampledAt,
  SampledAtHigh,
  Samples,
  SamplesHigh,
  /** When the warm-up ended: what expectations are judged on begins here. */
  JudgedFrom,
  JudgedFromHigh,
  /** Rows in use; the last one may still take samples. */
  Rows,
  SamplesPerRow,
  /** Samples in the last row. */
  RowSamples,
  /** 1 once a warm-up has ended. */
  WarmedUp,
  Length,
}
export const enum SeriesField {
  /** Worst external and internal fragmentation of a sample since the judged run began (f64), and when. */
  WorstExternal,
  WorstExternalHigh,
  WorstExternalAt,
  WorstExternalAtHigh,
  WorstInternal,
  WorstInternalHigh,
  WorstInternalAt,
  WorstInternalAtHigh,
  /** Failed requests up to the last sample. */
  FailedRequests,
  FailedRequestsHigh,
  /** When a sample first found the heap's metadata broken; meaningful where Inconsistent is 1. */
  InconsistentAt,
  InconsistentAtHigh,
  /** What the warm-up had come to when it ended: the judged figures are the run's less these, or since these. */
  WarmupFailedRequests,
  WarmupFailedRequestsHigh,
  WarmupFragmentationFailures,
  WarmupFragmentationFailuresHigh,
  WarmupLeaks,
  WarmupPeakLiveBytes,
  WarmupMinimumLargestFree,
  WarmupVisitsMost,
  Inconsistent,
  /** TELEMETRY_ROWS × RowField. */
  Rows,
  Length,
}
/** A window of a heap's life. Of each figure the least, the greatest and the last value, in this order. */
export const enum RowField {
  At,
  AtHigh,
  FreeBytes,
  LargestFreeBytes = FreeBytes + 3,
  Holes = LargestFreeBytes + 3,
  LiveBlocks = Holes + 3,
  RequestedBytes = LiveBlocks + 3,
  /** Requests refused in the window. */
  FailedRequests = RequestedBytes + 3,
  VisitsMost,
  /** The address map at the window's end, as in SurveyField. */
  AddressMap,
  AddressMapEnd = AddressMap + 8,
  Pad = AddressMapEnd,
  Length,
}
/** Figures of a row that have a least, a greatest and a last value. */
export const ROW_FIGURES = 5;

/** The mechanisms by which a stack notices that it was overrun (StackField.Guards): one bit each. */
export const enum StackGuard {
  None = 0,
  /** FreeRTOS, configCHECK_FOR_STACK_OVERFLOW 1: the saved stack pointer is compared at switch-out. */
  Freertos1 = 1,
  /** FreeRTOS, configCHECK_FOR_STACK_OVERFLOW 2: the lowest 16 bytes are compared with the paint at switch-out. */
  Freertos2 = 2,
  /** Zephyr, CONFIG_STACK_SENTINEL: the lowest word, compared at switch-out and when an interrupt returns to the stack. */
  ZephyrSentinel = 4,
  /** -fstack-protector-all: a canary below the saved registers of each frame, compared on return. */
  StackProtector = 8,
  /** A data watchpoint on WatchBytes at the low end: a store there stops the device. */
  Watchpoint = 16,
  /** A protected region of GuardBytes at the low end: a store there faults. */
  Mpu = 32,
  /** PSPLIM or MSPLIM at the low end: moving the stack pointer below it faults. */
  LimitRegister = 64,
  /** -fstack-clash-protection: frames of ProbeInterval and more are touched once each interval before use. */
  Probe = 128,
  /** -fsplit-stack: a frame that does not fit lies on a stacklet from a heap. */
  Segmented = 256,
}

/** What noticed that a stack was overrun, or that its contents were. */
export const enum StackDetection {
  None,
  /** A return address differed from the one that was pushed. */
  ReturnAddress,
  /** A register image (exception frame or saved context) differed from the one that was pushed. */
  SavedContext,
  Freertos1,
  Freertos2,
  ZephyrSentinel,
  Canary,
  Watchpoint,
  /** A store of the program hit the protected region. */
  Mpu,
  /** The processor hit the protected region while it stacked an exception frame. */
  MpuStacking,
  /** A stack probe hit the protected region. */
  Probe,
  LimitRegister,
  /** The heap had no memory for a stacklet. */
  NoStacklet,
}

export const enum StackOverrun {
  None,
  /** The stack pointer went below the end, but nothing was written there. */
  Claimed,
  Written,
}

/**
 * A stack: what the host fills in, what `prepareStack` derives, and what the run notes.
 *
 *   Low       GuardHigh, WatchHigh                       LowestSp      Sp         Top
 *   ├──────────┼──────────────────────────────────────────┼────────────┼───────────┤
 *   │ guards   │ paint                                    │ was used   │ in use    │
 */
export const enum StackField {
  // What the functions of every call and interrupt read comes first.
  /** Lowest address. While a stacklet is in use: the stacklet's. */
  Low,
  /** Frames that end at or above it need no look at guards and limits; above all addresses: every frame does. */
  CarefulBelow,
  Sp,
  LowestSp,
  /** Bits of StackGuard. From the host, as are the next words up to the next comment. */
  Guards,
  /** A list with a word for each open exception frame (bytes with padding << 16 | bytes written), and its room. */
  Exceptions,
  /** On the main stack one for each priority of interrupts, on a task's stack one. */
  ExceptionsMost,
  /** Lowest address (spawned tasks: the kernel sets it when it has the memory), and bytes. */
  Base,
  Bytes,
  /** The byte that the kernel fills stacks with. */
  PaintByte,
  /** 1: the memory comes from a heap, so that after a reboot it is no longer the stack's. */
  FromHeap,
  /** Bytes of the protected region (Mpu, Probe), and what its address is a multiple of. */
  GuardBytes,
  GuardAlignment,
  /** Bytes watched, a power of two; the address is a multiple of it. */
  WatchBytes,
  ProbeInterval,
  /** Segmented: index of the heap, least bytes of a stacklet, bytes kept free below each frame for interrupts. */
  StackletHeap,
  StackletBytes,
  StackletReserve,
  /** Derived by prepareStack. */
  Top,
  GuardLow,
  GuardHigh,
  WatchLow,
  WatchHigh,
  /** What registers hold when they are saved: a word of the stack's own, so that one stack's image is not another's. */
  RegisterImage,
  ExceptionCount,
  /** Ledger record of the stacklet in use, or 0; where the stack pointer left the stack itself. */
  Stacklet,
  LeftAt,
  /** Bytes of stacklets held now. */
  StackletsHeldBytes,
  /** From here on the run's own: kept when a stack is prepared again. Deepest use of earlier lives and with stacklets. */
  DeepestBytes,
  /** Paint gone in earlier lives. */
  PaintedMost,
  /** Stacklets taken from the heap: the price of a hot split. */
  StackletsTaken,
  StackletsTakenHigh,
  OverflowAt,
  OverflowAtHigh,
  DetectedAt,
  DetectedAtHigh,
  /** One of StackOverrun. */
  Overrun,
  /** The first detection (StackDetection), and the address it is about. */
  DetectedBy,
  DetectedAddress,
  /** The most bytes that the stack reached below its end, claimed or written. */
  BytesBeyond,
  /** Lowest address below the end that was written; 0xffffffff: none. */
  LowestWritten,
  /** Address ranges below the end that were written: count, then [low, high) pairs; the nearest are merged when full. */
  RangeCount,
  Ranges,
  Length = Ranges + 8,
}
export const STACK_RANGES_MOST = 4;
