/** The record of a stack, its protections, and what they detect. */

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
