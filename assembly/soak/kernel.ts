/**
 * The kernel: a fixed-priority real-time kernel in simulated time. It handles what is due, gives the processor to
 * the most urgent context that is ready, and lets time jump to the next event when nobody is.
 *
 *   timer queue ──▶ due: expiries · time-outs · starts · mode ends · samples
 *                          │
 *                          ▼
 *   ready, by level   [ interrupts ]  nest on the main stack
 *                     [ tasks      ]  one context on the processor, the others saved on their stacks
 *
 * Everything lies in engine memory: a batch may end between any two events, or inside a loop of an activation, and
 * the next one goes on as if there had been no break.
 */

import { FailureKind, HaltKind, SOAK, SoakField, SoakStatus, TimerKind } from "../soak-map";
import { enterException, enterFrame, prepareStack, switchIn, switchOut } from "../stack/stack";
import { Agenda, pendingTimers, resetAgenda, schedule } from "./agenda";
import { forgetNext } from "./amount";
import { wake } from "./blocking-steps";
import { survives } from "./calls";
import { Context, forgetReady, isBlocked, Ready } from "./context";
import { SiteField } from "./context-map";
import { Control, control, halt, hasHalted } from "./control";
import { expire } from "./heap-steps";
import { execute, passTimeTo } from "./interpreter";
import { journalIsFull } from "./journal";
import { LedgerBlock } from "./ledger";
import { rekey } from "./random";
import { finishBoot, startHeaps } from "./reboot";
import { rebootByPolicy } from "./refusal";
import { arrive, leaveMode, startAll } from "./schedule";
import { forgetExtremes, SoakHeap } from "./soak-heap";
import { cleanUpExitedTasks } from "./spawn";
import { prepareTelemetry, sampleTelemetry } from "./telemetry";
import { Timer } from "./timer-wheel";
import { initializeDraws } from "./ziggurat";

const SAMPLE_TIMER: u32 = SOAK + (SoakField.SampleTimer << 2);

/** Gives all draw sites new randomness; what has been drawn stays. */
export function rekeyAll(branch: u32): void {
  Control.set(SoakField.Branch, branch);
  const sites = Control.get(SoakField.Sites);
  for (let i: u32 = 0, count = Control.get(SoakField.SiteCount); i < count; i++) {
    const site = sites + i * (SiteField.Length << 2);
    rekey(site, control().seed, branch);
    forgetNext(site);
  }
}

/** Starts the device at time 0: heaps, stacks, telemetry, first starts. The host has filled in the records. */
export function prepare(): void {
  initializeDraws();
  rekeyAll(Control.get(SoakField.Branch));
  resetAgenda(0);
  forgetReady();
  for (let i: u32 = 0, count = Control.get(SoakField.HeapCount); i < count; i++) forgetExtremes(SoakHeap.at(i));
  startHeaps();
  if (Control.get(SoakField.MainStack)) prepareStack(Control.get(SoakField.MainStack));
  for (let i: u32 = 0, count = Control.get(SoakField.TaskCount); i < count; i++) {
    const stack = Context.at(i).stack;
    if (stack != 0 && !Context.at(i).isSpawned) prepareStack(stack);
  }
  prepareTelemetry();
  Timer.at(SAMPLE_TIMER).kind = TimerKind.Sample;
  schedule(SAMPLE_TIMER, control().sampleGap);
  startAll();
}

/** Advances the run by about `budget` instructions and events. Returns a SoakStatus. */
export function advance(budget: u32): u32 {
  const run = control();
  run.batchEnd = run.steps + budget;
  Control.set(SoakField.LevelReached, 0);
  if (Control.get(SoakField.Halted) == HaltKind.BeforeReboot) rebootByPolicy();
  if (Control.get(SoakField.Resuming)) resume();
  else catchUp();
  while (!hasHalted()) {
    if (Control.get(SoakField.OverrunStack)) return SoakStatus.StackOverrun;
    if (Control.get(SoakField.LevelReached)) return SoakStatus.LevelReached;
    if (Control.get(SoakField.Resuming)) return journalIsFull() ? SoakStatus.JournalFull : SoakStatus.Continue;
    if (journalIsFull()) return SoakStatus.JournalFull;
    if (run.steps >= run.batchEnd) return SoakStatus.Continue;
    if (run.now >= run.horizon) return SoakStatus.Horizon;
    if (Agenda.mayBeDue(run.now)) {
      const due = Agenda.takeDue(run.now);
      if (due) {
        handleDue(due);
        continue;
      }
    }
    const context = Ready.mostUrgent();
    if (changetype<u32>(context) == 0) idle();
    else if (takesProcessor(context)) execute(context);
  }
  return Control.get(SoakField.Halted) == HaltKind.BeforeReboot ? SoakStatus.AboutToReboot : SoakStatus.Failed;
}

/** An activation that the last batch interrupted goes on. */
function resume(): void {
  Control.set(SoakField.Resuming, 0);
  execute(Ready.mostUrgent());
}

/** What is due at the old horizon, where the last batch ended before it. */
function catchUp(): void {
  const due = control().now < control().horizon ? Agenda.takeDue(control().now) : 0;
  if (due) handleDue(due);
}

/**
 * Nobody is ready: the idle task runs, and time jumps from event to event. Lives that end make nobody ready, so
 * they are handled right here; what else is due may.
 */
function idle(): void {
  if (Control.get(SoakField.CurrentTask) != 0 && !saveTask()) return;
  if (Control.get(SoakField.ExitedTasks)) cleanUpExitedTasks();
  const run = control();
  do {
    const timer = Agenda.takeDue(run.horizon - 1);
    if (timer == 0) {
      passTimeTo(run.horizon);
      return;
    }
    if (Timer.at(timer).kind != TimerKind.Expiry) {
      if (timer == SAMPLE_TIMER && pendingTimers() == 0 && isAnyBlocked()) {
        halt(FailureKind.Deadlock, u32.MAX_VALUE, u32.MAX_VALUE, 0);
      } else handleDue(timer);
      return;
    }
    passTimeTo(Timer.at(timer).time);
    run.steps++;
    expire(changetype<LedgerBlock>(timer));
  } while (run.steps < run.batchEnd && !journalIsFull());
}

function isAnyBlocked(): bool {
  for (let i: u32 = 0, count = Control.get(SoakField.TaskCount); i < count; i++)
    if (isBlocked(Context.at(i))) return true;
  return false;
}

/**
 * Time passes to the timer that has been taken from the queue, and it and all others of that time are handled.
 * Expiries happen at once, in order; what else is due is put in the order of the rules (TimerKind, then declaration).
 */
export function handleDue(first: u32): void {
  const run = control();
  passTimeTo(Timer.at(first).time);
  let timer = first;
  let list: u32 = 0;
  while (timer) {
    run.steps++;
    if (Timer.at(timer).kind == TimerKind.Expiry) expire(changetype<LedgerBlock>(timer));
    else list = list == 0 ? alone(timer) : sorted(list, timer);
    timer = Agenda.mayBeDue(run.now) ? Agenda.takeDue(run.now) : 0;
  }
  while (list) {
    timer = list;
    list = Timer.at(timer).next;
    handle(timer);
  }
}

function alone(timer: u32): u32 {
  Timer.at(timer).next = 0;
  return timer;
}

/** The list with the timer at its place: by kind, then by declaration, then first come first served. */
function sorted(list: u32, timer: u32): u32 {
  const key = orderOf(timer);
  let previous: u32 = 0;
  let at = list;
  while (at != 0 && orderOf(at) <= key) {
    previous = at;
    at = Timer.at(at).next;
  }
  Timer.at(timer).next = at;
  if (previous == 0) return timer;
  Timer.at(previous).next = timer;
  return list;
}

function orderOf(timer: u32): u32 {
  const kind = Timer.at(timer).kind;
  return (kind << 24) | (kind == TimerKind.Arrival ? Context.ofArrival(timer).index : 0);
}

function handle(timer: u32): void {
  switch (Timer.at(timer).kind) {
    case TimerKind.Wake:
      wake(Context.ofWake(timer));
      return;
    case TimerKind.Arrival:
      arrive(Context.ofArrival(timer));
      return;
    case TimerKind.ModeEnd:
      leaveMode();
      return;
    case TimerKind.Sample:
      sampleTelemetry();
      schedule(timer, control().now + control().sampleGap);
      return;
    default:
      finishBoot();
  }
}

/** Switches contexts, or enters an interrupt, so that the context can run. False: a stack stopped the device. */
function takesProcessor(context: Context): bool {
  if (context.isInterrupt) return context.active != 0 || enterInterrupt(context);
  const current = Control.get(SoakField.CurrentTask);
  if (current == changetype<u32>(context)) return true;
  if (current != 0 && !saveTask()) return false;
  return resumeTask(context);
}

/** The processor stacks an exception frame on the stack that is in use, and the handler makes its own on the main stack. */
function enterInterrupt(context: Context): bool {
  const inner = interruptedContext(context);
  const interrupted = stackOf(inner);
  context.active = 1;
  context.interruptedStack = interrupted;
  if (interrupted != 0 && !survives(context, stackException(interrupted, inner.fpu != 0), interrupted)) return false;
  const mainStack = Control.get(SoakField.MainStack);
  if (mainStack == 0) return true;
  return survives(
    context,
    enterFrame(mainStack, context.handlerFrame, context.handlerFrame, context.program),
    mainStack,
  );
}

/** The context that is on the processor now: the most urgent active interrupt, else the current task, else null. */
function interruptedContext(arriving: Context): Context {
  let inner = changetype<Context>(0);
  const count = Control.get(SoakField.ContextCount);
  for (let i = Control.get(SoakField.TaskCount); i < count; i++) {
    const interrupt = Context.at(i);
    if (interrupt.active == 0 || interrupt.level >= arriving.level) continue;
    if (changetype<u32>(inner) == 0 || interrupt.level > inner.level) inner = interrupt;
  }
  return changetype<u32>(inner) ? inner : changetype<Context>(Control.get(SoakField.CurrentTask));
}

/** The stack that a context is on, 0 for the idle task (null), whose stack is not modelled. */
function stackOf(context: Context): u32 {
  if (changetype<u32>(context) == 0) return 0;
  return context.isInterrupt ? Control.get(SoakField.MainStack) : context.stack;
}

function stackException(stack: u32, fpu: bool): u32 {
  if (!fpu) return enterException(stack, Control.get(SoakField.ExceptionBytes), Control.get(SoakField.ExceptionBytes));
  const bytes = Control.get(SoakField.ExceptionFpuBytes);
  return enterException(stack, bytes, bytes - Control.get(SoakField.LazyBytes));
}

/** Saves the current task on its stack: the exception frame of the switch and what the kernel adds. */
function saveTask(): bool {
  const task = changetype<Context>(Control.get(SoakField.CurrentTask));
  Control.set(SoakField.CurrentTask, 0);
  const stack = task.stack;
  if (stack == 0 || task.hasExited) return true;
  const frameBytes = Control.get(task.fpu ? SoakField.ExceptionFpuBytes : SoakField.ExceptionBytes);
  task.saved = 1;
  // Saving the rest of the floating-point registers makes the processor write the part it had only reserved.
  const detection = switchOut(stack, frameBytes, contextBytes(task));
  return detection == 0 || survives(task, detection, stack);
}

/** Takes the task's context back from its stack, if it has been saved. */
function resumeTask(task: Context): bool {
  Control.set(SoakField.CurrentTask, changetype<u32>(task));
  if (task.saved == 0) return true;
  task.saved = 0;
  const stack = task.stack;
  const detection = switchIn(stack, contextBytes(task));
  return detection == 0 || survives(task, detection, stack);
}

function contextBytes(task: Context): u32 {
  return Control.get(task.fpu ? SoakField.ContextFpuBytes : SoakField.ContextBytes);
}
