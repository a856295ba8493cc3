/**
 * Contexts: task instances and interrupt sources. Those that are ready to run wait in one list per level of
 * priority, first come first served; a word with a bit for each level finds the most urgent one at once.
 */
import { SOAK, SoakField } from "../soak-map";
import { ActivationKind, ContextField, ContextState, LevelField, NameField } from "./context-map";
import { Control, control } from "./control";
import { LedgerBlock } from "./ledger";

@final
@unmanaged
export class Context {
  arrivalNext: u32;
  arrivalPrevious: u32;
  arrivalSlot: u32;
  arrivalKind: u32;
  arrivalAt: u64;
  wakeNext: u32;
  wakePrevious: u32;
  wakeSlot: u32;
  wakeKind: u32;
  wakeAt: u64;
  grid: u64;
  period: u64;
  firstDelay: u64;
  workRemaining: u64;
  jitter: f64;
  activations: u64;
  allocations: u64;
  lastAllocationAt: u64;
  periodFraction: f64;
  gridResidue: f64;
  skipped: u32;
  failedRequests: u32;
  leaks: u32;
  firstLeakStep: u32;
  index: u32;
  level: u32;
  state: u32;
  activationKind: u32;
  overrun: u32;
  gapDraw: u32;
  gapSite: u32;
  jitterSite: u32;
  startSite: u32;
  randomStart: u32;
  hourly: u32;
  onMode: u32;
  pending: u32;
  program: u32;
  pc: u32;
  next: u32;
  names: u32;
  nameCount: u32;
  entryCount: u32;
  numbers: u32;
  locals: u32;
  sites: u32;
  siteCount: u32;
  frames: u32;
  frameCount: u32;
  frameCapacity: u32;
  stack: u32;
  fpu: u32;
  saved: u32;
  active: u32;
  handlerFrame: u32;
  interruptedStack: u32;
  retriesLeft: u32;
  retryAmount: u32;
  waitingQueue: u32;
  timedOut: u32;
  controlBlockBytes: u32;
  stackBytes: u32;
  controlBlock: u32;
  stackBlock: u32;

  @inline static at(index: u32): Context {
    return changetype<Context>(load<u32>(SOAK, SoakField.Contexts << 2) + index * (ContextField.Length << 2));
  }

  /** The context whose Arrival node this is. */
  @inline static ofArrival(node: u32): Context {
    return changetype<Context>(node - (ContextField.Arrival << 2));
  }

  /** The context whose Wake node this is. */
  @inline static ofWake(node: u32): Context {
    return changetype<Context>(node - (ContextField.Wake << 2));
  }

  @inline get arrivalNode(): u32 {
    return changetype<u32>(this) + (ContextField.Arrival << 2);
  }

  @inline get wakeNode(): u32 {
    return changetype<u32>(this) + (ContextField.Wake << 2);
  }

  @inline get isSpawned(): bool {
    return this.activationKind == ActivationKind.Spawned;
  }

  @inline get hasExited(): bool {
    return this.state == ContextState.Exited;
  }

  @inline get isInterrupt(): bool {
    return this.level >= Control.get(SoakField.FirstInterruptLevel);
  }
}

/** The slot of a name (NameField). */
@final
@unmanaged
export class Name {
  block: u32;
  entry: u32;

  @inline static of(context: Context, index: u32): Name {
    return changetype<Name>(context.names + index * (NameField.Length << 2));
  }

  /** The block it holds, or null. */
  @inline get held(): LedgerBlock {
    return changetype<LedgerBlock>(this.block);
  }
}

@final
@unmanaged
class Level {
  first: u32;
  last: u32;

  @inline static at(index: u32): Level {
    return changetype<Level>(load<u32>(SOAK, SoakField.Levels << 2) + index * (LevelField.Length << 2));
  }
}

/** The lists of contexts that are ready, by level. A class because asc inlines its members only. */
export class Ready {
  /** Puts a context behind the others of its level. */
  @inline static add(context: Context): void {
    const level = Level.at(context.level);
    context.next = 0;
    if (level.first) changetype<Context>(level.last).next = changetype<u32>(context);
    else level.first = changetype<u32>(context);
    level.last = changetype<u32>(context);
    control().readyLevels |= (<u64>1) << context.level;
  }

  /** The first context of the most urgent level that has one, or null. It stays in its list. */
  @inline static mostUrgent(): Context {
    const levels = control().readyLevels;
    if (levels == 0) return changetype<Context>(0);
    return changetype<Context>(Level.at(63 - <u32>clz<u64>(levels)).first);
  }

  /** Takes the first context of a level out of its list: it has blocked or ended. */
  @inline static takeFirstOfLevel(context: Context): void {
    const level = Level.at(context.level);
    level.first = context.next;
    if (context.next == 0) control().readyLevels &= ~((<u64>1) << context.level);
  }
}

/** Empties all lists of ready contexts. */
export function forgetReady(): void {
  control().readyLevels = 0;
  for (let i: u32 = 0, count = Control.get(SoakField.LevelCount); i < count; i++) {
    Level.at(i).first = 0;
    Level.at(i).last = 0;
  }
}

/** Whether a context waits for another one, or for a mode. */
export function isBlocked(context: Context): bool {
  const state = context.state;
  return state == ContextState.Receiving || state == ContextState.Sending || state == ContextState.AwaitingMode;
}

/** Whether a context has an activation under way. */
export function isRunning(context: Context): bool {
  return context.state != ContextState.Idle && context.state != ContextState.Absent;
}

/** Compile-time proof that the overlay is the record of context-map.ts. */
export function pinContext(): void {
  if (offsetof<Context>("grid") != ContextField.Grid * 4) ERROR("Context.grid is not ContextField's");
  if (offsetof<Context>("skipped") != ContextField.Skipped * 4) ERROR("Context.skipped is not ContextField's");
  if (offsetof<Context>("program") != ContextField.Program * 4) ERROR("Context.program is not ContextField's");
  if (offsetof<Context>("stackBlock") != ContextField.StackBlock * 4) ERROR("Context.stackBlock is not ContextField's");
}
