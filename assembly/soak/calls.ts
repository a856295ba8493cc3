/** Calls and recursion: frames on the context's stack, and the record of open calls that unwinding needs. */
import { FailureKind, SoakField } from "../soak-map";
import { enterFrame, leaveException, leaveFrame } from "../stack/stack";
import { StackDetection } from "../stack/stack-map";
import { Context, Ready } from "./context";
import { ActivationKind, ContextState, FrameField } from "./context-map";
import { Control, halt } from "./control";
import { giveBackScope } from "./ownership";
import { Instruction } from "./program-map";
import { begin } from "./schedule";
import { exitTask } from "./spawn";

@final
@unmanaged
class Frame {
  instruction: u32;
  entryCount: u32;
  levels: u32;

  @inline static at(context: Context, index: u32): Frame {
    return changetype<Frame>(context.frames + index * (FrameField.Length << 2));
  }
}

/** Where Recurse says how large a frame is, from the address of the instruction. */
const RECURSE_FRAME: u32 = 12;

/** Enter: a call with a frame of its own. False: the stack stopped the device. */
export function enterCall(context: Context, pc: u32): bool {
  const frame = Frame.at(context, context.frameCount++);
  frame.instruction = pc;
  frame.entryCount = context.entryCount;
  frame.levels = 1;
  return push(context, pc, load<u32>(pc, 4), load<u32>(pc, 8));
}

/** Leave: ends the innermost call, with what it owns. False: the stack stopped the device. */
export function leaveCall(context: Context, step: u32): bool {
  const frame = Frame.at(context, context.frameCount - 1);
  const pc = frame.instruction;
  if (load<u32>(pc, 12)) giveBackScope(context, frame.entryCount, step);
  context.frameCount--;
  return pop(context, pc, load<u32>(pc, 4));
}

/** Recurse: the first level of a recursion. */
export function enterRecursion(context: Context, pc: u32): bool {
  const frame = Frame.at(context, context.frameCount++);
  frame.instruction = pc;
  frame.entryCount = context.entryCount;
  frame.levels = 1;
  return push(context, pc, load<u32>(pc, RECURSE_FRAME), load<u32>(pc, RECURSE_FRAME + 4));
}

/** One more level of the innermost recursion. */
export function recurseDeeper(context: Context): bool {
  const frame = Frame.at(context, context.frameCount - 1);
  const pc = frame.instruction;
  frame.levels++;
  return push(context, pc, load<u32>(pc, RECURSE_FRAME), load<u32>(pc, RECURSE_FRAME + 4));
}

/** All levels of the innermost recursion return. */
export function leaveRecursion(context: Context): bool {
  const frame = Frame.at(context, context.frameCount - 1);
  const pc = frame.instruction;
  for (; frame.levels > 0; frame.levels--) {
    if (!pop(context, pc, load<u32>(pc, RECURSE_FRAME))) return false;
  }
  context.frameCount--;
  return true;
}

/** The activation is given up: calls return without running to their end, and give back what RAII owns. */
export function unwind(context: Context, step: u32): void {
  while (context.frameCount > 0) {
    const instruction = load<u32>(Frame.at(context, context.frameCount - 1).instruction) & 0xff;
    const unharmed = instruction == Instruction.Enter ? leaveCall(context, step) : leaveRecursion(context);
    if (!unharmed) return;
  }
}

/** The activation is over: the context waits for its next start, or starts again at once when one is pending. */
export function endActivation(context: Context): void {
  Ready.takeFirstOfLevel(context);
  context.state = ContextState.Idle;
  if (context.isInterrupt) leaveInterrupt(context);
  else if (context.isSpawned) {
    exitTask(context);
    return;
  }
  if (context.activationKind == ActivationKind.Loop) begin(context);
  else if (context.pending > 0) {
    context.pending--;
    begin(context);
  }
}

/** The handler returns: its frame leaves the main stack, its exception frame the interrupted one. */
function leaveInterrupt(context: Context): void {
  context.active = 0;
  const mainStack = Control.get(SoakField.MainStack);
  if (mainStack != 0 && !survives(context, leaveFrame(mainStack, context.handlerFrame, context.program), mainStack))
    return;
  const interrupted = context.interruptedStack;
  if (interrupted) survives(context, leaveException(interrupted), interrupted);
}

/** Where a context's frames lie, or 0: those of handlers lie on the main stack. */
function stackOf(context: Context): u32 {
  return context.isInterrupt ? Control.get(SoakField.MainStack) : context.stack;
}

function push(context: Context, pc: u32, frameBytes: u32, touchBytes: u32): bool {
  const stack = stackOf(context);
  return stack == 0 || survives(context, enterFrame(stack, frameBytes, touchBytes, pc), stack);
}

function pop(context: Context, pc: u32, frameBytes: u32): bool {
  const stack = stackOf(context);
  return stack == 0 || survives(context, leaveFrame(stack, frameBytes, pc), stack);
}

/** What a stack operation detected: nothing, or the end of the run. */
export function survives(context: Context, detection: u32, stack: u32): bool {
  if (detection == StackDetection.None) return true;
  const overwritten = detection == StackDetection.ReturnAddress || detection == StackDetection.SavedContext;
  halt(
    overwritten ? FailureKind.StackCorruption : FailureKind.StackOverflow,
    context.index,
    load<u32>(context.pc) >> 8,
    stack,
  );
  return false;
}
