/** The records of tasks, interrupts, queues, caches and modes. See soak-map.ts. */

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
  Pad,
  Length,
}
