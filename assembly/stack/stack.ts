/**
 * Full-descending stacks in device RAM. A stack is a record in engine memory (StackField, passed by address);
 * its bytes are the device's, so what overruns one stack overwrites what lies below it.
 *
 *   Base                                                Top
 *   ├───────────────────────────────────┬───────────────┤
 *   │ paint                             │ frames        │  a frame that ends at or above CarefulBelow
 *   └───────────────────────────────────┴───────────────┘  cannot meet a guard or the end
 *
 * Every function returns StackDetection.None, or what noticed an overrun, and the device stops. A store where
 * the device has no memory faults (fault.ts). The usual way costs one comparison; careful.ts has the rest.
 *
 * Sources: FreeRTOS V10.4 (stack_macros.h: check 1 compares with <=, check 2 the lowest four words; V11 makes
 * check 2 do both, which is `[freertos-1, freertos-2]` here), Zephyr 3.7 (z_check_stack_sentinel: at a switch
 * and when an interrupt returns to a thread), Armv8-M ARM (DDI 0553, stack limit checks).
 */
import { SOAK, SoakField } from "../soak-map";
import {
  enterFrameCarefully,
  imageIsWhole,
  leaveFrameCarefully,
  PUSHED_BYTES,
  renewCarefulBelow,
  saveCarefully,
  stackCarefully,
} from "./careful";
import { detect, pinStack, Stack } from "./record";
import { StackDetection, StackGuard } from "./stack-map";
import { leaveStacklet } from "./stacklets";
import { Words } from "./words";

const CHECKED_AT_SWITCH: u32 = StackGuard.Freertos1 | StackGuard.Freertos2 | StackGuard.ZephyrSentinel;
const FREERTOS_PATTERN: u32 = 0xa5a5a5a5;
const FREERTOS_PATTERN_BYTES: u32 = 16;
const ZEPHYR_SENTINEL: u32 = 0xf0f0f0f0;

/**
 * Readies a stack whose memory is new to it: paint over all of it, then as `resetStack`. The marks of an earlier
 * life (a spawned task's) and what an overrun left on record stay.
 */
export function prepareStack(at: u32): void {
  pinStack();
  const stack = Stack.at(at);
  memory.fill(stack.base, <u8>stack.paintByte, stack.bytes);
  stack.deepestBytes = observedBytes(at);
  if (stack.lowestWritten == 0) stack.lowestWritten = u32.MAX_VALUE;
  stack.top = (stack.base + stack.bytes) & ~(load<u32>(SOAK, SoakField.StackAlignment << 2) - 1);
  stack.lowestSp = stack.top;
  stack.registerImage = imageOf(stack.base);
  placeGuards(stack);
  writePatterns(stack);
  stack.exceptionCount = stack.stacklet = stack.stackletsHeldBytes = 0;
  rewind(stack);
}

/**
 * The device restarts: the stack pointer goes to the top, the guards' patterns are written as when a kernel
 * creates its tasks. Everything else in the stack stays, marks included, and stacklets are gone with their heap.
 */
export function resetStack(at: u32): void {
  const stack = Stack.at(at);
  if (stack.fromHeap) forgetMemory(stack);
  else writePatterns(stack);
  stack.exceptionCount = stack.stacklet = stack.stackletsHeldBytes = 0;
  rewind(stack);
}

/** Bytes of the deepest stack pointer so far, stacklets included. */
export function observedBytes(at: u32): u32 {
  const stack = Stack.at(at);
  return max(stack.deepestBytes, stack.top - stack.lowestSp);
}

/** Ends a task's use of its stack before the memory goes back to its heap: notes the marks, returns stacklets. */
export function retireStack(at: u32): void {
  const stack = Stack.at(at);
  while (stack.stacklet) leaveStacklet(stack);
  stack.paintedMost = max(stack.paintedMost, paintedBytes(at));
  forgetMemory(stack);
}

/**
 * A call: makes a frame of `frameBytes`, in which return address and saved registers are written at the upper end
 * and `touchBytes` of locals from the stack pointer up.
 */
export function enterFrame(at: u32, frameBytes: u32, touchBytes: u32, returnTo: u32): u32 {
  const stack = Stack.at(at);
  const top = stack.sp;
  const lowered = <i64>top - <i64>frameBytes;
  if (lowered < <i64>stack.carefulBelow || frameBytes < PUSHED_BYTES) {
    return enterFrameCarefully(stack, frameBytes, touchBytes, returnTo);
  }
  const sp = <u32>lowered;
  Words.fillLocals(sp, min(touchBytes, frameBytes - PUSHED_BYTES));
  store<u64>(top - PUSHED_BYTES, ((<u64>returnTo) << 32) | stack.registerImage);
  stack.sp = sp;
  if (sp < stack.lowestSp) stack.lowestSp = sp;
  return StackDetection.None;
}

/** A return from the frame that `enterFrame` made with the same `frameBytes` and `returnTo`. */
export function leaveFrame(at: u32, frameBytes: u32, returnTo: u32): u32 {
  const stack = Stack.at(at);
  const sp = stack.sp;
  if (sp < stack.carefulBelow || frameBytes < PUSHED_BYTES) return leaveFrameCarefully(stack, frameBytes, returnTo);
  const top = sp + frameBytes;
  if (load<u32>(top - 4) != returnTo) return detect(stack, StackDetection.ReturnAddress, top - 4);
  stack.sp = top;
  return StackDetection.None;
}

/**
 * An exception is taken while this stack is in use: the processor aligns the stack pointer, reserves `frameBytes`
 * and writes the lowest `writtenBytes` of them.
 */
export function enterException(at: u32, frameBytes: u32, writtenBytes: u32): u32 {
  const stack = Stack.at(at);
  const before = stack.sp;
  const alignment = load<u32>(SOAK, SoakField.StackAlignment << 2);
  const sp = (<i64>before - <i64>frameBytes) & -(<i64>alignment);
  const count = stack.exceptionCount;
  assert(count < stack.exceptionsMost);
  store<u32>(stack.exceptions + (count << 2), ((<u32>(<i64>before - sp)) << 16) | writtenBytes);
  stack.exceptionCount = count + 1;
  if (sp < <i64>stack.carefulBelow) return stackCarefully(stack, sp, writtenBytes);
  Words.fill(<u32>sp, writtenBytes, stack.registerImage);
  stack.sp = <u32>sp;
  if (<u32>sp < stack.lowestSp) stack.lowestSp = <u32>sp;
  return StackDetection.None;
}

/** Notes an open exception: how far it lowered the stack pointer, and what of its frame was written. */
function pushException(stack: Stack, loweredBytes: u32, writtenBytes: u32): void {
  const count = stack.exceptionCount;
  assert(count < stack.exceptionsMost);
  store<u32>(stack.exceptions + (count << 2), (loweredBytes << 16) | writtenBytes);
  stack.exceptionCount = count + 1;
}

/** Return from the innermost exception: its frame is read back, and the stack pointer is where it was. */
export function leaveException(at: u32): u32 {
  const stack = Stack.at(at);
  const sp = stack.sp;
  const count = stack.exceptionCount - 1;
  const frame = load<u32>(stack.exceptions + (count << 2));
  const written = frame & 0xffff;
  const whole =
    sp < stack.carefulBelow ? imageIsWhole(stack, sp, written) : Words.holds(sp, written, stack.registerImage);
  if (!whole) return detect(stack, StackDetection.SavedContext, sp);
  stack.exceptionCount = count;
  stack.sp = sp + (frame >> 16);
  return stack.has(StackGuard.ZephyrSentinel) ? checkSentinel(stack) : <u32>StackDetection.None;
}

/** The kernel saves `contextBytes` of a task that it switches away from. */
export function saveContext(at: u32, contextBytes: u32): u32 {
  const stack = Stack.at(at);
  const lowered = <i64>stack.sp - <i64>contextBytes;
  if (lowered < <i64>stack.carefulBelow) return saveCarefully(stack, contextBytes);
  const sp = <u32>lowered;
  Words.fill(sp, contextBytes, stack.registerImage);
  stack.sp = sp;
  if (sp < stack.lowestSp) stack.lowestSp = sp;
  return StackDetection.None;
}

/** The kernel restores what `saveContext` saved with the same `contextBytes`. */
export function restoreContext(at: u32, contextBytes: u32): u32 {
  const stack = Stack.at(at);
  const sp = stack.sp;
  const whole =
    sp < stack.carefulBelow
      ? imageIsWhole(stack, sp, contextBytes)
      : Words.holds(sp, contextBytes, stack.registerImage);
  if (!whole) return detect(stack, StackDetection.SavedContext, sp);
  stack.sp = sp + contextBytes;
  return StackDetection.None;
}

/**
 * A switch away from a task: the exception that makes the kernel run, the context it saves, and what it checks then.
 * The two images lie side by side, so that an unguarded stack with room for both is filled at once.
 */
export function switchOut(at: u32, frameBytes: u32, contextBytes: u32): u32 {
  const stack = Stack.at(at);
  const alignment = load<u32>(SOAK, SoakField.StackAlignment << 2);
  const frame = (<i64>stack.sp - <i64>frameBytes) & -(<i64>alignment);
  const lowered = frame - <i64>contextBytes;
  if (lowered < <i64>stack.carefulBelow || stack.has(CHECKED_AT_SWITCH)) {
    const stacked = enterException(at, frameBytes, frameBytes);
    const saved = stacked ? stacked : saveContext(at, contextBytes);
    return saved ? saved : checkSwitchOut(at);
  }
  pushException(stack, <u32>(<i64>stack.sp - frame), frameBytes);
  const sp = <u32>lowered;
  Words.fill(sp, contextBytes + frameBytes, stack.registerImage);
  stack.sp = sp;
  if (sp < stack.lowestSp) stack.lowestSp = sp;
  return StackDetection.None;
}

/** A switch back to a task that `switchOut` left with the same `contextBytes`. */
export function switchIn(at: u32, contextBytes: u32): u32 {
  const stack = Stack.at(at);
  const sp = stack.sp;
  const frame = load<u32>(stack.exceptions + ((stack.exceptionCount - 1) << 2));
  const unharmed =
    sp >= stack.carefulBelow &&
    !stack.has(StackGuard.ZephyrSentinel) &&
    Words.holds(sp, contextBytes + (frame & 0xffff), stack.registerImage);
  if (!unharmed) {
    const restored = restoreContext(at, contextBytes);
    return restored ? restored : leaveException(at);
  }
  stack.exceptionCount--;
  stack.sp = sp + contextBytes + (frame >> 16);
  return StackDetection.None;
}

/** What the kernel checks of a task it switches away from, its context saved. */
export function checkSwitchOut(at: u32): u32 {
  const stack = Stack.at(at);
  if (!stack.has(CHECKED_AT_SWITCH)) return StackDetection.None;
  const low = stack.base;
  if (stack.has(StackGuard.Freertos1) && stack.sp <= low) return detect(stack, StackDetection.Freertos1, stack.sp);
  if (stack.has(StackGuard.Freertos2) && !Words.holds(low, FREERTOS_PATTERN_BYTES, FREERTOS_PATTERN)) {
    return detect(stack, StackDetection.Freertos2, low);
  }
  return stack.has(StackGuard.ZephyrSentinel) ? checkSentinel(stack) : <u32>StackDetection.None;
}

/** Bytes between the top and the lowest byte that no longer shows the paint: what the firmware takes for its high-water mark. */
export function paintedBytes(at: u32): u32 {
  const stack = Stack.at(at);
  const paint = <u8>stack.paintByte;
  let from = stack.base;
  if (stack.has(StackGuard.ZephyrSentinel)) from += 4; // k_thread_stack_space_get skips its sentinel
  while (from < stack.top && load<u8>(from) == paint) from++;
  return stack.top - from;
}

/** The stack pointer at the upper end of an empty stack. */
function rewind(stack: Stack): void {
  stack.low = stack.base;
  stack.sp = stack.top;
  renewCarefulBelow(stack);
}

/** The memory is another's from now on. */
function forgetMemory(stack: Stack): void {
  stack.deepestBytes = observedBytes(changetype<u32>(stack));
  stack.base = stack.top = stack.lowestSp = 0;
}

function writePatterns(stack: Stack): void {
  if (stack.has(StackGuard.Freertos2)) memory.fill(stack.base, <u8>FREERTOS_PATTERN, FREERTOS_PATTERN_BYTES);
  if (stack.has(StackGuard.ZephyrSentinel)) store<u32>(stack.base, ZEPHYR_SENTINEL);
}

function checkSentinel(stack: Stack): u32 {
  if (load<u32>(stack.base) == ZEPHYR_SENTINEL) return StackDetection.None;
  return detect(stack, StackDetection.ZephyrSentinel, stack.base);
}

/** Guards lie inside the stack, at the lowest address that their alignment allows: they cost stack, not other memory. */
function placeGuards(stack: Stack): void {
  const hasRegion = stack.has(StackGuard.Mpu | StackGuard.Probe) && stack.guardBytes != 0;
  stack.guardLow = hasRegion ? roundUp(stack.base, stack.guardAlignment) : 0;
  stack.guardHigh = hasRegion ? stack.guardLow + stack.guardBytes : 0;
  const watches = stack.has(StackGuard.Watchpoint);
  stack.watchLow = watches ? roundUp(stack.base, stack.watchBytes) : 0;
  stack.watchHigh = watches ? stack.watchLow + stack.watchBytes : 0;
}

function roundUp(address: u32, alignment: u32): u32 {
  return (address + alignment - 1) & ~(alignment - 1);
}

/** A word that differs from stack to stack (Knuth's multiplicative hash of the address). */
function imageOf(low: u32): u32 {
  return (low * 2654435761) | 1;
}
