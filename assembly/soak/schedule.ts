/** When contexts start: grids, gaps, modes, and what happens to a start that falls while the context still runs. */

import { BACKLOG_MOST, FailureKind, SOAK, SoakField, TimerKind } from "../soak-map";
import { schedule } from "./agenda";
import { Amount, isMemorylessAmount, microsecondsAt } from "./amount";
import { Context, isRunning, Ready } from "./context";
import { ActivationKind, ContextState, ModeField, OverrunPolicy } from "./context-map";
import { Control, control, halt } from "./control";
import { Random } from "./random";
import { Timer } from "./timer-wheel";

const HOUR_US: u64 = 3600000000;
const NO_MODE: u32 = u32.MAX_VALUE;
const NEVER_AGAIN: u64 = u64.MAX_VALUE;

/** Schedules the first starts of all contexts and enters the first mode: start-up is over. */
export function startAll(): void {
  const count = Control.get(SoakField.ContextCount);
  for (let i: u32 = 0; i < count; i++) scheduleFirst(Context.at(i));
  if (Control.get(SoakField.ModeCount)) enterMode(0);
}

function scheduleFirst(context: Context): void {
  const kind = context.activationKind;
  if (kind == ActivationKind.Spawned) context.state = ContextState.Absent;
  if (kind == ActivationKind.Spawned || kind == ActivationKind.OnMode) return;
  let at = control().now + context.firstDelay;
  if (context.randomStart) at += randomPart(context);
  context.grid = at;
  context.gridResidue = 0;
  if (kind == ActivationKind.Gaps) at = afterGap(context, at);
  scheduleAt(context, kind == ActivationKind.Periodic ? jittered(context, at) : at);
}

/** A time within the first period. */
function randomPart(context: Context): u64 {
  const period = context.activationKind == ActivationKind.Periodic ? context.period : meanGap(context);
  return period
    ? Random.below(Random.nextBits(Amount.site(context, context.startSite)), min<u64>(period, <u64>u32.MAX_VALUE))
    : 0;
}

function meanGap(context: Context): u64 {
  return context.gapDraw ? context.period : context.gapSite;
}

function scheduleAt(context: Context, at: u64): void {
  if (at == NEVER_AGAIN) return;
  Timer.at(context.arrivalNode).kind = TimerKind.Arrival;
  schedule(context.arrivalNode, at);
}

/** A start falls due: the next one is scheduled, and this one begins, waits or is lost. */
export function arrive(context: Context): void {
  const kind = context.activationKind;
  if (kind == ActivationKind.Periodic) {
    context.grid = nextGrid(context);
    scheduleAt(context, jittered(context, context.grid));
  } else if (kind == ActivationKind.Gaps) scheduleAt(context, afterGap(context, control().now));
  request(context);
}

/** The next start of a memoryless source is drawn anew, as if the source began now. */
export function renewArrival(context: Context): void {
  if (context.activationKind != ActivationKind.Gaps || !Timer.isPending(context.arrivalNode)) return;
  const hasBegun = control().now >= context.grid; // the first gap begins there
  if (hasBegun && isMemorylessAmount(gapAmount(context))) scheduleAt(context, afterGap(context, control().now));
}

/** Starts a context, or applies its rule for starts that fall while it still runs. */
export function request(context: Context): void {
  if (!isRunning(context)) begin(context);
  else if (!context.isInterrupt && context.overrun == OverrunPolicy.Queue) {
    if (++context.pending > <u32>BACKLOG_MOST)
      halt(FailureKind.Overload, context.index, u32.MAX_VALUE, context.pending);
  } else if (context.pending == 0 && (context.isInterrupt || context.overrun == OverrunPolicy.CatchUp)) {
    context.pending = 1;
  } else context.skipped++;
}

/** An activation begins. */
export function begin(context: Context): void {
  context.activations++;
  context.pc = context.program;
  context.retriesLeft = u32.MAX_VALUE;
  context.state = ContextState.Ready;
  Ready.add(context);
}

function nextGrid(context: Context): u64 {
  if (context.hourly) return afterHours(context, context.grid, <f64>context.period + context.periodFraction);
  let next = context.grid + context.period;
  if (context.periodFraction == 0) return next;
  context.gridResidue += context.periodFraction;
  if (context.gridResidue >= 1) {
    context.gridResidue -= 1;
    next++;
  }
  return next;
}

/** The grid point shifted by up to ± the jitter's share of the period. */
function jittered(context: Context, at: u64): u64 {
  if (context.jitter == 0) return at;
  const unit = Random.unit(Random.nextBits(Amount.site(context, context.jitterSite)));
  const shift = <i64>floor((2 * unit - 1) * context.jitter * <f64>context.period + 0.5);
  return shift < 0 && <u64>-shift > at ? 0 : at + shift;
}

function afterGap(context: Context, from: u64): u64 {
  const gap = Amount.microseconds(context, gapAmount(context));
  return context.hourly ? afterHours(context, from, <f64>gap) : from + gap;
}

/** Address of the two words of a context's gap. */
function gapAmount(context: Context): u32 {
  return changetype<u32>(context) + offsetof<Context>("gapDraw");
}

/**
 * When a gap of `gap` microseconds at factor 1 ends that begins at `from`: each hour of the day uses it up at its
 * own factor. So a memoryless source stays memoryless at each hour's rate.
 */
function afterHours(context: Context, from: u64, gap: f64): u64 {
  let at = from;
  for (let hours = 0; hours < 24 * 366; hours++) {
    const factor = load<f64>(context.hourly + ((<u32>((at / HOUR_US) % 24)) << 3));
    const untilNextHour = HOUR_US - (at % HOUR_US);
    if (factor * <f64>untilNextHour >= gap) return factor > 0 ? at + <u64>(gap / factor) : at;
    gap -= factor * <f64>untilNextHour;
    at += untilNextHour;
  }
  return NEVER_AGAIN;
}

@final
@unmanaged
class Mode {
  next: u32;
  previous: u32;
  slot: u32;
  kind: u32;
  time: u64;
  dwellDraw: u32;
  dwellSite: u32;
  nextCount: u32;
  nextModes: u32;
  nextSite: u32;
  pad: u32;

  @inline static at(index: u32): Mode {
    return changetype<Mode>(load<u32>(SOAK, SoakField.Modes << 2) + index * (ModeField.Length << 2));
  }
}

/** The world enters a mode: contexts that wait for it go on, and those that start with it start. */
export function enterMode(index: u32): void {
  Control.set(SoakField.Mode, index);
  const mode = Mode.at(index);
  mode.kind = TimerKind.ModeEnd;
  schedule(changetype<u32>(mode), control().now + microsecondsAt(mode.dwellDraw, mode.dwellSite));
  const count = Control.get(SoakField.ContextCount);
  for (let i: u32 = 0; i < count; i++) {
    const context = Context.at(i);
    if (context.state == ContextState.AwaitingMode && context.waitingQueue == index + 1) {
      context.state = ContextState.Ready;
      Ready.add(context);
    }
    if (context.activationKind == ActivationKind.OnMode && context.onMode == index) request(context);
  }
}

/** The current mode has lasted its time. */
export function leaveMode(): void {
  const mode = Mode.at(Control.get(SoakField.Mode));
  enterMode(successorOf(mode));
}

/** The end of a mode of memoryless length is drawn anew. */
export function renewMode(): void {
  const index = Control.get(SoakField.Mode);
  if (index == NO_MODE || !Timer.isPending(changetype<u32>(Mode.at(index)))) return;
  const mode = Mode.at(index);
  if (!isMemorylessAmount(changetype<u32>(mode) + offsetof<Mode>("dwellDraw"))) return;
  schedule(changetype<u32>(mode), control().now + microsecondsAt(mode.dwellDraw, mode.dwellSite));
}

function successorOf(mode: Mode): u32 {
  if (mode.nextCount == 1) return <u32>load<f64>(mode.nextModes, 8);
  const total = load<f64>(mode.nextModes + ((mode.nextCount - 1) << 4));
  const at = Random.unit(Random.nextBits(mode.nextSite)) * total;
  let i: u32 = 0;
  while (i < mode.nextCount - 1 && at >= load<f64>(mode.nextModes + (i << 4))) i++;
  return <u32>load<f64>(mode.nextModes + (i << 4), 8);
}
