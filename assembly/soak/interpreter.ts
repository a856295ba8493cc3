/** Runs a context's program until it blocks, ends, is at `work`, or the batch is over. */

import { FailureKind, SoakField, STEPS_WITHOUT_TIME_MOST } from "../soak-map";
import { Agenda } from "./agenda";
import { Amount, realOf } from "./amount";
import { receiveStep, sendStep, untilStep, waitStep } from "./blocking-steps";
import { endActivation, enterCall, enterRecursion, leaveCall, leaveRecursion, recurseDeeper, unwind } from "./calls";
import { Context } from "./context";
import { ContextState } from "./context-map";
import { Control, control, halt } from "./control";
import {
  allocateStep,
  dropStep,
  freeStep,
  growStep,
  happens,
  keepStep,
  leakStep,
  misuseStep,
  reallocateStep,
  spawnStep,
  stepOf,
} from "./heap-steps";
import { journalIsFull } from "./journal";
import { handleDue } from "./kernel";
import { LedgerOwner } from "./ledger-map";
import { refer, share, takeFromName } from "./ownership";
import { Instruction } from "./program-map";
import { Cache, insertIntoCache } from "./queues";
import { Random } from "./random";
import { reboot } from "./reboot";
import { Timer } from "./timer-wheel";

/** The context that has the processor goes on. It is the first of the most urgent level. */
export function execute(context: Context): void {
  if (context.state == ContextState.Working && !work(context)) return;
  context.state = ContextState.Ready;
  let pc = context.pc;
  let steps: u32 = 0;
  while (pc) {
    context.pc = pc;
    steps++;
    switch (load<u32>(pc) & 0xff) {
      case Instruction.Allocate:
        pc = stopAtLevel(context, allocateStep(context, pc));
        break;
      case Instruction.Free:
        pc = freeStep(context, pc);
        break;
      case Instruction.Keep:
        pc = keepStep(context, pc);
        break;
      case Instruction.End:
        endActivation(context);
        pc = 0;
        break;
      case Instruction.Enter:
        pc = enterCall(context, pc) ? pc + 16 : 0;
        break;
      case Instruction.Leave:
        pc = leaveCall(context, stepOf(pc)) ? pc + 4 : 0;
        break;
      case Instruction.Work:
        context.workRemaining = Amount.microseconds(context, pc + 4);
        context.pc = pc + 12;
        countSteps(context, steps);
        steps = 0;
        pc = context.workRemaining == 0 || work(context) ? pc + 12 : 0;
        break;
      case Instruction.Loop:
        pc = loopStep(context, pc);
        if (mustPause(steps)) pc = pause(context, pc);
        break;
      case Instruction.RecurseNext:
        pc = recurseNextStep(context, pc);
        if (pc != 0 && mustPause(steps)) pc = pause(context, pc);
        break;
      default:
        pc = rareStep(context, pc);
        break;
    }
  }
  countSteps(context, steps);
}

/** The instructions that no hot loop is made of. */
function rareStep(context: Context, pc: u32): u32 {
  switch (load<u32>(pc) & 0xff) {
    case Instruction.Repeat:
      return repeatStep(context, pc);
    case Instruction.Chance:
      return happens(context, pc + 4) ? pc + 20 : load<u32>(pc, 16);
    case Instruction.Jump:
      return load<u32>(pc, 4);
    case Instruction.Choose:
      return chooseStep(context, pc);
    case Instruction.Sample:
      store<f64>(context.numbers + (load<u32>(pc, 4) << 3), realOf(context, load<u32>(pc, 8), load<u32>(pc, 12)));
      return pc + 16;
    case Instruction.Wait:
      return waitStep(context, pc);
    case Instruction.Until:
      return untilStep(context, pc);
    case Instruction.Send:
      return sendStep(context, pc);
    case Instruction.Receive:
      return receiveStep(context, pc);
    case Instruction.Cache:
      return cacheStep(context, pc);
    case Instruction.Reallocate:
      return stopAtLevel(context, reallocateStep(context, pc));
    case Instruction.Grow:
      return stopAtLevel(context, growStep(context, pc));
    case Instruction.Recurse:
      return recurseStep(context, pc);
    case Instruction.Spawn:
      return spawnStep(context, pc);
    default:
      return rarestStep(context, pc);
  }
}

function rarestStep(context: Context, pc: u32): u32 {
  switch (load<u32>(pc) & 0xff) {
    case Instruction.Exit:
      unwind(context, stepOf(pc));
      if (!Control.get(SoakField.Halted)) endActivation(context);
      return 0;
    case Instruction.Share:
      share(context, load<u32>(pc, 4), load<u32>(pc, 8), stepOf(pc));
      return pc + 12;
    case Instruction.Drop:
      return dropStep(context, pc);
    case Instruction.Refer:
      refer(context, load<u32>(pc, 4), load<u32>(pc, 8));
      return pc + 12;
    case Instruction.Leak:
      return leakStep(context, pc);
    case Instruction.Misuse:
      return misuseStep(context, pc);
    case Instruction.Reboot:
      reboot(load<u32>(pc, 4) != 0, load<u32>(pc, 8));
      return 0;
    default:
      return unreachable();
  }
}

/**
 * The processor works for the context until its work is done (true), or until something else is due: then what is
 * left stays in `workRemaining`.
 */
function work(context: Context): bool {
  const run = control();
  const end = run.now + context.workRemaining;
  const due = Agenda.takeDue(min(end, run.horizon - 1));
  if (due == 0 && end < run.horizon) {
    passTimeTo(end);
    context.workRemaining = 0;
    return true;
  }
  const stop = due ? Timer.at(due).time : run.horizon;
  context.workRemaining = end - stop;
  context.state = ContextState.Working;
  if (due) handleDue(due);
  else passTimeTo(stop);
  return false;
}

/** Simulated time passes. */
export function passTimeTo(time: u64): void {
  if (time == control().now) return;
  control().now = time;
  Control.set(SoakField.StepsWithoutTime, 0);
}

function countSteps(context: Context, steps: u32): void {
  control().steps += steps;
  const withoutTime = Control.get(SoakField.StepsWithoutTime) + steps;
  Control.set(SoakField.StepsWithoutTime, withoutTime);
  if (withoutTime > <u32>STEPS_WITHOUT_TIME_MOST) halt(FailureKind.NoProgress, context.index, stepOf(context.pc), 0);
}

/**
 * Whether a loop has to stop here for the host: the batch is over, the journal full, time does not pass, or a stack
 * was overrun (so that the host looks at it at the same step whatever the batches are).
 */
function mustPause(steps: u32): bool {
  return (
    control().steps + steps >= control().batchEnd ||
    Control.get(SoakField.StepsWithoutTime) + steps > <u32>STEPS_WITHOUT_TIME_MOST ||
    Control.get(SoakField.OverrunStack) != 0 ||
    journalIsFull()
  );
}

function pause(context: Context, pc: u32): u32 {
  context.pc = pc;
  Control.set(SoakField.Resuming, 1);
  return 0;
}

/** Stops for the host behind the request with which a watched heap has reached its level. */
function stopAtLevel(context: Context, pc: u32): u32 {
  return pc != 0 && Control.get(SoakField.LevelReached) != 0 ? pause(context, pc) : pc;
}

function repeatStep(context: Context, pc: u32): u32 {
  const count = Amount.whole(context, pc + 8);
  if (count == 0) return load<u32>(pc, 16);
  store<u32>(context.locals + (load<u32>(pc, 4) << 2), count);
  return pc + 20;
}

function loopStep(context: Context, pc: u32): u32 {
  const local = context.locals + (load<u32>(pc, 4) << 2);
  const left = load<u32>(local) - 1;
  store<u32>(local, left);
  return left ? load<u32>(pc, 8) : pc + 12;
}

/** Operands of Recurse: depth (amount), frame, touched, end; the local stands in the RecurseNext that ends the body. */
function recurseStep(context: Context, pc: u32): u32 {
  const depth = Amount.whole(context, pc + 4);
  if (depth == 0) return load<u32>(pc, 20);
  store<u32>(context.locals + (load<u32>(pc, 24) << 2), depth);
  return enterRecursion(context, pc) ? pc + 28 : 0;
}

function recurseNextStep(context: Context, pc: u32): u32 {
  const local = context.locals + (load<u32>(pc, 8) << 2);
  const left = load<u32>(local) - 1;
  store<u32>(local, left);
  if (left) return recurseDeeper(context) ? load<u32>(pc, 4) : 0;
  return leaveRecursion(context) ? pc + 12 : 0;
}

function chooseStep(context: Context, pc: u32): u32 {
  const at = Random.unit(Random.nextBits(Amount.site(context, load<u32>(pc, 4))));
  let option = pc + 12;
  for (let left = load<u32>(pc, 8); left > 1 && at >= load<f64>(option); left--) option += 12;
  return load<u32>(option, 8);
}

function cacheStep(context: Context, pc: u32): u32 {
  const block = takeFromName(context, load<u32>(pc, 4), LedgerOwner.Cache);
  if (changetype<u32>(block)) insertIntoCache(Cache.at(load<u32>(pc, 8)), block, context, stepOf(pc));
  return pc + 12;
}
