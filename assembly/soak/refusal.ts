/** What happens to a context whose request was refused: the policy of the step, the task or the heap. */

import { OUTPUT, SummaryField } from "../memory-map";
import { Verb } from "../perform";
import { dispatch } from "../registry";
import { FailureKind, HaltKind, SoakField, TimerKind } from "../soak-map";
import { schedule } from "./agenda";
import { Amount } from "./amount";
import { endActivation, unwind } from "./calls";
import { Context, Ready } from "./context";
import { ContextState } from "./context-map";
import { Control, control, halt, noteFailure } from "./control";
import { uncountRefusal } from "./ledger";
import { PolicyField, PolicyKind } from "./program-map";
import { reboot } from "./reboot";
import { SoakHeap } from "./soak-heap";
import { Timer } from "./timer-wheel";

const NO_RETRY: u32 = u32.MAX_VALUE;

/**
 * The last request of the context was refused by heap number `heap`. The context sleeps before it tries again (with
 * the same `amount`), ends its activation, or the device reboots or stops: somebody else has the processor now.
 */
export function refuse(context: Context, step: u32, heap: u32, amount: u32, policy: u32): void {
  if (retries(context, heap, amount, policy)) return;
  context.retriesLeft = NO_RETRY;
  context.failedRequests++;
  const kind = load<u32>(policy, PolicyField.Kind << 2);
  const what = kind == PolicyKind.Retry ? load<u32>(policy, PolicyField.Then << 2) : kind;
  if (what == PolicyKind.Drop) {
    unwind(context, step);
    endActivation(context);
    return;
  }
  const isFirst = Control.get(SoakField.FailureKind) == FailureKind.None;
  noteRefusal(what, context, step, heap);
  if (what != PolicyKind.Reboot) return;
  if (isFirst && Control.get(SoakField.StopsAtFailure) != 0) Control.set(SoakField.Halted, HaltKind.BeforeReboot);
  else rebootByPolicy();
}

/** The device reboots because of a refused request: a failure of the run, which goes on. */
export function rebootByPolicy(): void {
  Control.set(SoakField.Halted, HaltKind.None);
  Control.set(SoakField.PolicyReboots, Control.get(SoakField.PolicyReboots) + 1);
  reboot(false, 0);
}

/** Whether the policy is to try again, and a try is left: then the context sleeps in front of its instruction. */
function retries(context: Context, heap: u32, amount: u32, policy: u32): bool {
  if (load<u32>(policy, PolicyField.Kind << 2) != PolicyKind.Retry || context.isInterrupt) return false;
  if (context.retriesLeft == NO_RETRY) {
    context.retriesLeft = load<u32>(policy, PolicyField.Times << 2);
    context.retryAmount = amount;
  }
  if (context.retriesLeft == 0) return false;
  context.retriesLeft--;
  uncountRefusal(heap);
  sleep(context, Amount.microseconds(context, policy + (PolicyField.DelayDraw << 2)), ContextState.Sleeping);
  return true;
}

/** Blocks the context until `us` microseconds have passed. */
export function sleep(context: Context, us: u64, state: u32): void {
  Ready.takeFirstOfLevel(context);
  context.state = state;
  Timer.at(context.wakeNode).kind = TimerKind.Wake;
  schedule(context.wakeNode, control().now + us);
}

function noteRefusal(policy: u32, context: Context, step: u32, heap: u32): void {
  if (Control.get(SoakField.FailureKind) == FailureKind.None) {
    const account = SoakHeap.at(heap);
    const sound = dispatch(account.record, Verb.Check, 0, 0) != 0;
    if (sound) dispatch(account.record, Verb.Summarize, 0, 0);
    Control.set(SoakField.FailureHeap, heap);
    Control.set(SoakField.FailureRequestBytes, Control.get(SoakField.RefusedBytes));
    Control.set(SoakField.FailureFreeBytes, sound ? load<u32>(OUTPUT, SummaryField.FreeBytes << 2) : account.freeBytes);
    Control.set(SoakField.FailureLargestFreeBytes, sound ? load<u32>(OUTPUT, SummaryField.LargestFreeBytes << 2) : 0);
  }
  if (policy == PolicyKind.Reboot) noteFailure(FailureKind.RebootByPolicy, context.index, step, 0);
  else halt(FailureKind.Crash, context.index, step, 0);
}
