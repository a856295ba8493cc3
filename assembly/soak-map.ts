/**
 * The records of the soak engine, for both sides of the WASM boundary: what memory-map.ts is for the device and
 * its heaps, this is for the kernel that runs a scenario on them. Same rules: numeric constants and const enums
 * only, record layouts are word offsets that end in `Length`; a 64-bit value takes two words, low first, at an
 * even offset of an 8-aligned record, and carries its name on the low word (`Now`, `NowHigh`).
 *
 * Everything but the control record lies in the engine's pool, wherever the host reserved it; nothing of the
 * engine's state lies elsewhere, so a copy of the used memory is a copy of the run. Records that begin with a
 * timer node or a random stream count its words (TimerField, DrawSiteField: 6 each) in their offsets.
 *
 * Here is the run itself; soak/context-map.ts, ledger-map.ts, program-map.ts, draw-map.ts, telemetry-map.ts and
 * stack/stack-map.ts hold what it leads to.
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
  /** A watched heap has reached its level, or refused a request (SoakHeapField.Watch): the run goes on with the next batch. */
  LevelReached,
  /**
   * The first failure is one that the device survives: everything is as it was when the request was refused, and the
   * reboot comes with the next batch. Only where SoakField.StopsAtFailure is set.
   */
  AboutToReboot,
}

/** Whether the run stands still. */
export const enum HaltKind {
  None,
  /** The failure is one after which the device does not go on. */
  ForGood,
  /** It reboots with the next batch. */
  BeforeReboot,
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
  /** Heap operations and reboots so far: the last of them are in the ring at `Recent`. */
  Operations,
  OperationsHigh,
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
  /** One of HaltKind. */
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
  /** 1: a first failure that the device survives ends the batch (SoakStatus.AboutToReboot). */
  StopsAtFailure,
  /** 1: heap operations are written to the journal. */
  Journalling,
  Journal,
  JournalCapacity,
  JournalCount,
  JournalDropped,
  /** Ring of RECENT_OPERATIONS records of JournalField: operation n is number n modulo their count. */
  Recent,
  Telemetry,
  /** 1: a watched heap has reached its level, or refused a request, in this batch. */
  LevelReached,
  Length,
}
export const SOAK_HIGH = SOAK + SoakField.Length * 4;
export const BOOT_LOOP_REBOOTS = 10;
export const BACKLOG_MOST = 1000;
export const AGENDA_MOST = 32;
/** TimerField.Slot of a timer in the agenda's list instead of a slot of the wheel. */
export const IN_AGENDA = 0xffffffff;
export const STEPS_WITHOUT_TIME_MOST = 1000000;

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
