/**
 * The careful way through a stack: everything that guards, probes, limits, stacklets and the stack's end have
 * to say. stack.ts takes it when a frame reaches below StackField.CarefulBelow.
 *
 * The order within a frame is that of a compiled function: registers and return address are pushed, the stack
 * pointer goes down (with probes on the way), the canary is placed, then locals are written upwards from the stack
 * pointer, as memset and string functions do.
 *
 *    sp                                                          old sp
 *    ├───────────────────────┬──────────────────┬────────┬─────────┬────────┐
 *    │ locals, touched bytes │ untouched locals │ canary │ saved   │ return │
 *    └───────────────────────┴──────────────────┴────────┴─────────┴────────┘
 *                                                    4        4         4
 */

import { claimBeyond, faultBelowZero, fillBeyond, holdsBeyond } from "./beyond";
import { detect, Stack } from "./record";
import { StackDetection, StackGuard } from "./stack-map";
import { enterStacklet, leaveStacklet, stackletIsEmpty } from "./stacklets";
import { LOCALS, Words } from "./words";

/** Return address and one saved register. */
export const PUSHED_BYTES: u32 = 8;
const RETURN_BYTES: u32 = 4;
const CANARY_BYTES: u32 = 4;
const PROBE_BYTES: u32 = 4;
/** A terminator canary, as most C libraries use: its zero byte stops string functions. */
const CANARY: u32 = 0x9c0aff00;

const REGION_GUARDS: u32 = StackGuard.Mpu | StackGuard.Probe;

/** `enterFrame` with everything checked. */
export function enterFrameCarefully(stack: Stack, frameBytes: u32, touchBytes: u32, returnTo: u32): u32 {
  if (stack.has(StackGuard.Segmented) && !fits(stack, frameBytes) && !enterStacklet(stack, frameBytes)) {
    return detect(stack, StackDetection.NoStacklet, stack.sp);
  }
  const top = stack.sp;
  const pushed = min(frameBytes, PUSHED_BYTES);
  const canaryBytes = hasCanary(stack, frameBytes) ? CANARY_BYTES : 0;
  let found = push(stack, top, pushed, returnTo);
  if (!found && stack.has(StackGuard.Probe)) found = probeDown(stack, top, frameBytes);
  if (!found) found = lowerTo(stack, <i64>top - frameBytes);
  if (!found) found = fill(stack, canaryOf(top), canaryBytes, CANARY, StackDetection.Mpu);
  if (found) return found;
  return fill(stack, stack.sp, min(touchBytes, frameBytes - pushed - canaryBytes), LOCALS, StackDetection.Mpu);
}

/** `leaveFrame` with everything checked. */
export function leaveFrameCarefully(stack: Stack, frameBytes: u32, returnTo: u32): u32 {
  const top = stack.sp + frameBytes;
  if (hasCanary(stack, frameBytes) && !holds(stack, canaryOf(top), CANARY_BYTES, CANARY)) {
    return detect(stack, StackDetection.Canary, canaryOf(top));
  }
  if (frameBytes >= RETURN_BYTES && !holds(stack, top - RETURN_BYTES, RETURN_BYTES, returnTo)) {
    return detect(stack, StackDetection.ReturnAddress, top - RETURN_BYTES);
  }
  stack.sp = top;
  if (stackletIsEmpty(stack)) {
    leaveStacklet(stack);
    renewCarefulBelow(stack);
  }
  return StackDetection.None;
}

/** Lowers the stack pointer by a frame that the processor stacks (an exception) and writes its first bytes. */
export function stackCarefully(stack: Stack, sp: i64, writtenBytes: u32): u32 {
  const found = lowerTo(stack, sp);
  return found ? found : fill(stack, stack.sp, writtenBytes, stack.registerImage, StackDetection.MpuStacking);
}

/**
 * Saves a context. The kernel stores through a general register and keeps the result in its own records, so the
 * limit register has no say.
 */
export function saveCarefully(stack: Stack, bytes: u32): u32 {
  const sp = <i64>stack.sp - bytes;
  if (sp < 0) faultBelowZero(sp);
  moveTo(stack, <u32>sp);
  return fill(stack, stack.sp, bytes, stack.registerImage, StackDetection.Mpu);
}

/** Whether a saved image of registers at `from` is still whole. */
export function imageIsWhole(stack: Stack, from: u32, bytes: u32): bool {
  return holds(stack, from, bytes, stack.registerImage);
}

/** Sets CarefulBelow from the guards that the record describes. */
export function renewCarefulBelow(stack: Stack): void {
  if (stack.stacklet != 0 || stack.has(StackGuard.StackProtector | StackGuard.Probe)) {
    stack.carefulBelow = u32.MAX_VALUE;
    return;
  }
  const reserve = stack.has(StackGuard.Segmented) ? stack.stackletReserve : 0;
  stack.carefulBelow = max(stack.low + reserve, max(stack.guardHigh, stack.watchHigh));
}

/** The saved register and the return address; of frames without room for both, what fits. */
function push(stack: Stack, top: u32, bytes: u32, returnTo: u32): u32 {
  let found = lowerTo(stack, <i64>top - bytes);
  if (!found) found = fill(stack, top - bytes, bytes, stack.registerImage, StackDetection.Mpu);
  if (found || bytes < RETURN_BYTES) return found;
  return fill(stack, top - RETURN_BYTES, RETURN_BYTES, returnTo, StackDetection.Mpu);
}

function fits(stack: Stack, frameBytes: u32): bool {
  return <u64>stack.low + frameBytes + stack.stackletReserve <= <u64>stack.sp;
}

function hasCanary(stack: Stack, frameBytes: u32): bool {
  return stack.has(StackGuard.StackProtector) && frameBytes >= PUSHED_BYTES + CANARY_BYTES;
}

function canaryOf(top: u32): u32 {
  return top - PUSHED_BYTES - CANARY_BYTES;
}

/** Moves the stack pointer down, unless the limit register forbids it: then it stays where it was. */
function lowerTo(stack: Stack, sp: i64): u32 {
  if (stack.has(StackGuard.LimitRegister) && sp < <i64>stack.low) {
    return detect(stack, StackDetection.LimitRegister, <u32>sp);
  }
  if (sp < 0) faultBelowZero(sp);
  moveTo(stack, <u32>sp);
  return StackDetection.None;
}

function moveTo(stack: Stack, sp: u32): void {
  stack.sp = sp;
  if (sp < stack.low) claimBeyond(stack, sp);
  if (sp < stack.lowestSp && stack.stacklet == 0) stack.lowestSp = sp;
}

/**
 * GCC's probes (-fstack-clash-protection): the stack pointer goes down one interval at a time with a store after
 * each, so that it never gets further than an interval beyond what has been touched.
 */
function probeDown(stack: Stack, top: u32, frameBytes: u32): u32 {
  const interval = stack.probeInterval;
  for (let depth: u64 = interval; depth <= frameBytes; depth += interval) {
    let found = lowerTo(stack, <i64>top - depth);
    if (!found) found = fill(stack, stack.sp, min<u32>(PROBE_BYTES, interval), 0, StackDetection.Probe);
    if (found) return found;
  }
  return StackDetection.None;
}

/**
 * Stores `word` repeated over [from, from + bytes), upwards, as far as the guards let it. A protected region stops
 * it in front of the region (`byRegion`); a watchpoint stops the device behind the store that hit it.
 */
function fill(stack: Stack, from: u32, bytes: u32, word: u32, byRegion: u32): u32 {
  if (bytes == 0) return StackDetection.None;
  const end = from + bytes;
  const region = stack.has(REGION_GUARDS) ? firstInside(from, end, stack.guardLow, stack.guardHigh) : end;
  const watched = firstInside(from, region, stack.watchLow, stack.watchHigh);
  const stop = watched < region ? watched + min<u32>(4, region - watched) : region;
  if (from >= stack.low) Words.fill(from, stop - from, word);
  else if (stop > from) fillBeyond(stack, from, stop - from, word);
  if (watched < region) return detect(stack, StackDetection.Watchpoint, watched);
  return region < end ? detect(stack, byRegion, region) : StackDetection.None;
}

/** The first address of [from, end) inside [low, high), or `end`. */
function firstInside(from: u32, end: u32, low: u32, high: u32): u32 {
  const first = max(from, low);
  return first < high && first < end ? first : end;
}

function holds(stack: Stack, from: u32, bytes: u32, word: u32): bool {
  return from >= stack.low ? Words.holds(from, bytes, word) : holdsBeyond(from, bytes, word);
}
