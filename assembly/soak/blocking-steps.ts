/** The steps that may block a context. Each returns the address of the next instruction, or 0 when the context waits. */

import { FailureKind, SoakField, TimerKind } from "../soak-map";
import { schedule } from "./agenda";
import { Amount } from "./amount";
import { endActivation, unwind } from "./calls";
import { Context, Name, Ready } from "./context";
import { ContextState, QueueWhenFull } from "./context-map";
import { Control, control, halt } from "./control";
import { stepOf } from "./heap-steps";
import { LedgerOwner } from "./ledger-map";
import { enterName, takeFromName } from "./ownership";
import { TimeoutKind } from "./program-map";
import { dequeue, enqueue, overflowQueue, Queue, stopWaiting, waitAt, waitingList } from "./queues";
import { sleep } from "./refusal";
import { Timer } from "./timer-wheel";

/** wait: time. */
export function waitStep(context: Context, pc: u32): u32 {
  context.pc = pc + 12;
  sleep(context, Amount.microseconds(context, pc + 4), ContextState.Sleeping);
  return 0;
}

/** until: mode. A mode that holds already does not block. */
export function untilStep(context: Context, pc: u32): u32 {
  const mode = load<u32>(pc, 4);
  if (Control.get(SoakField.Mode) == mode) return pc + 8;
  context.pc = pc + 8;
  Ready.takeFirstOfLevel(context);
  context.state = ContextState.AwaitingMode;
  context.waitingQueue = mode + 1;
  return 0;
}

/** send: name, queue. */
export function sendStep(context: Context, pc: u32): u32 {
  const queue = Queue.at(load<u32>(pc, 8));
  const name = Name.of(context, load<u32>(pc, 4));
  const next = pc + 12;
  if (name.block == 0) return next;
  if (queue.count == queue.capacity) {
    if (queue.whenFull == QueueWhenFull.Block) return block(context, load<u32>(pc, 8), ContextState.Sending);
    if (queue.whenFull == QueueWhenFull.Fail) {
      halt(FailureKind.QueueFull, context.index, stepOf(pc), load<u32>(pc, 8));
      return 0;
    }
  }
  const message = takeFromName(context, load<u32>(pc, 4), LedgerOwner.Queue);
  if (queue.count < queue.capacity || overflowQueue(queue, message, context, stepOf(pc))) enqueue(queue, message);
  context.waitingQueue = 0;
  return next;
}

/** receive: queue, name, timeout, timeout kind. As with FreeRTOS, a context that was woken looks again. */
export function receiveStep(context: Context, pc: u32): u32 {
  const queue = Queue.at(load<u32>(pc, 4));
  if (queue.count) {
    context.waitingQueue = 0;
    context.timedOut = 0; // the message came at the instant of the time-out
    enterName(context, load<u32>(pc, 8), dequeue(queue), stepOf(pc));
    return pc + 24;
  }
  if (context.timedOut) return timeOut(context, pc);
  const began = context.waitingQueue != 0;
  block(context, load<u32>(pc, 4), ContextState.Receiving);
  if (load<u32>(pc, 20) == TimeoutKind.None) return 0;
  const wake = Timer.at(context.wakeNode);
  const at = began ? wake.time : control().now + Amount.microseconds(context, pc + 12);
  wake.kind = TimerKind.Wake;
  schedule(context.wakeNode, at);
  return 0;
}

function timeOut(context: Context, pc: u32): u32 {
  context.timedOut = 0;
  context.waitingQueue = 0;
  if (load<u32>(pc, 20) == TimeoutKind.Continue) return pc + 24;
  unwind(context, stepOf(pc));
  if (!Control.get(SoakField.Halted)) endActivation(context);
  return 0;
}

/** The context waits at a queue, in front of its instruction. */
function block(context: Context, queue: u32, state: u32): u32 {
  Ready.takeFirstOfLevel(context);
  context.state = state;
  context.waitingQueue = queue + 1;
  waitAt(waitingList(context), context);
  return 0;
}

/** A sleep or a time-out has ended. */
export function wake(context: Context): void {
  if (context.state == ContextState.Receiving) {
    stopWaiting(waitingList(context), context);
    context.timedOut = 1;
  }
  context.state = ContextState.Ready;
  Ready.add(context);
}
