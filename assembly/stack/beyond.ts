/**
 * What a stack does below its end. Nothing stops a stack pointer there: the bytes belong to whatever lies
 * below, and are overwritten for good. Addresses are looked up as the device would (aliases, read-only banks);
 * where no bank lies the device faults.
 *
 *            sp                       Low
 *   ─────────┼─────────────────────────┼────────────── the stack
 *     heap … │ XXXX            XXXXXXX │               X: written, kept as ranges
 */
import { fault } from "../fault";
import { resolve } from "../guest";
import { Access, FaultCode } from "../memory-map";
import { SOAK, SoakField } from "../soak-map";
import { Stack } from "./record";
import { STACK_RANGES_MOST, StackOverrun } from "./stack-map";

/** Notes that the stack pointer has gone to `sp`, below the end. */
export function claimBeyond(stack: Stack, sp: u32): void {
  stack.bytesBeyond = max(stack.bytesBeyond, stack.low - sp);
  if (stack.overrun != StackOverrun.None) return;
  stack.overrun = StackOverrun.Claimed;
  stack.overflowAt = load<u64>(SOAK, SoakField.Now << 2);
}

/** The stack pointer would pass below address 0, where it wraps: the next access faults. Does not return. */
export function faultBelowZero(sp: i64): void {
  fault(FaultCode.Unmapped, <u32>sp, Access.Store, 4);
  unreachable();
}

/** Fills [from, from + bytes), which begins below the end, with `word` repeated. */
export function fillBeyond(stack: Stack, from: u32, bytes: u32, word: u32): void {
  const end = from + bytes;
  for (let at = from; at < end; ) {
    const step = stepAt(at, end);
    const home = resolve(at, step, Access.Store);
    const shifted = rotr<u32>(word, ((at - from) & 3) << 3);
    if (step == 4) store<u32>(home, shifted);
    else store<u8>(home, <u8>shifted);
    if (at < stack.low) noteWritten(stack, at, at + step);
    at += step;
  }
}

/** Whether `fillBeyond` with the same arguments would change nothing. */
export function holdsBeyond(from: u32, bytes: u32, word: u32): bool {
  const end = from + bytes;
  for (let at = from; at < end; ) {
    const step = stepAt(at, end);
    const home = resolve(at, step, Access.Load);
    const shifted = rotr<u32>(word, ((at - from) & 3) << 3);
    if (step == 4 ? load<u32>(home) != shifted : load<u8>(home) != <u8>shifted) return false;
    at += step;
  }
  return true;
}

/** Words where they are aligned, else bytes, so that no access spans two banks. */
function stepAt(at: u32, end: u32): u32 {
  return (at & 3) == 0 && end - at >= 4 ? 4 : 1;
}

function noteWritten(stack: Stack, low: u32, high: u32): void {
  stack.overrun = StackOverrun.Written;
  if (low < stack.lowestWritten) {
    // The host is told once a stack; when two go over at once, the second waits for its next new low.
    if (stack.rangeCount == 0) announce(stack);
    stack.lowestWritten = low;
    stack.bytesBeyond = max(stack.bytesBeyond, stack.low - low);
  }
  addRange(stack, low, high);
}

function announce(stack: Stack): void {
  if (load<u32>(SOAK, SoakField.OverrunStack << 2) == 0) {
    store<u32>(SOAK, changetype<u32>(stack), SoakField.OverrunStack << 2);
  }
}

/** One [low, high) of the stack's list. */
@unmanaged
class Range {
  low: u32;
  high: u32;

  @inline static of(stack: Stack, index: u32): Range {
    return changetype<Range>(changetype<u32>(stack) + offsetof<Stack>("ranges") + (index << 3));
  }
}

/** Joins [low, high) with the ranges it meets or touches. */
function addRange(stack: Stack, low: u32, high: u32): void {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < stack.rangeCount; i++) {
    const range = Range.of(stack, i);
    if (low <= range.high && high >= range.low) {
      low = min(low, range.low);
      high = max(high, range.high);
    } else {
      const slot = Range.of(stack, kept++);
      slot.low = range.low;
      slot.high = range.high;
    }
  }
  stack.rangeCount = kept;
  if (kept == STACK_RANGES_MOST) {
    extendNearest(stack, low, high);
    return;
  }
  const added = Range.of(stack, kept);
  added.low = low;
  added.high = high;
  stack.rangeCount = kept + 1;
}

function extendNearest(stack: Stack, low: u32, high: u32): void {
  let nearest = Range.of(stack, 0);
  let nearestGap = u32.MAX_VALUE;
  for (let i: u32 = 0; i < stack.rangeCount; i++) {
    const range = Range.of(stack, i);
    const gap = low > range.high ? low - range.high : range.low - high;
    if (gap >= nearestGap) continue;
    nearest = range;
    nearestGap = gap;
  }
  nearest.low = min(nearest.low, low);
  nearest.high = max(nearest.high, high);
}
