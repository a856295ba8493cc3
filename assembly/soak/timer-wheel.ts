/**
 * A queue of timers in exact order of (time, insertion): a timing wheel of 11 levels × 64 slots, one level for every
 * six bits of the time. Times are u64 microseconds; the unit does not matter here.
 *
 *   time   63 ─ 60   59 ─ 54   …   11 ─ 6    5 ─ 0
 *         ┌───────┬──────────┬───┬─────────┬─────────┐
 *         │ digit │ digit 9  │ … │ digit 1 │ digit 0 │
 *         └───────┴──────────┴───┴─────────┴─────────┘
 *   A timer lies on the level of the highest digit in which its time differs from now (0 when none does), in the slot
 *   that this digit names; within the slot in order of insertion.
 *
 *   Wheel  +0    │ now                      │ u64
 *          +8    │ nothing pending before   │ u64
 *          +16   │ pending · levels occupied
 *          +24   │ slots occupied           │ 11 × u64
 *          +112  │ head, tail               │ 704 × 8 bytes
 *
 * Invariants: every timer lies where the rule above puts it, so all of one time lie in one slot; no pending time is
 * before now; the bitmaps agree with the slots. When now enters the slot of a level, its timers
 * move down in order (a cascade) to levels that are empty then, which keeps equal times in order of insertion.
 * Cost: insert and remove O(1); a timer cascades at most 10 times, as a rule once for every factor 64 of its delay.
 */

import { TimerField, WHEEL_SLOTS_PER_LEVEL, WheelField, WheelSlotField } from "./draw-map";

/** No time: the wheel is empty. */
export const NEVER: u64 = u64.MAX_VALUE;

const DIGIT_BITS: u32 = 6;
const DIGIT_MASK: u64 = WHEEL_SLOTS_PER_LEVEL - 1;
const NOT_PENDING: u32 = 0;

const BITMAPS: u32 = WheelField.Bitmaps << 2;
const HEAD: u32 = (WheelField.Slots + WheelSlotField.Head) << 2;
const TAIL: u32 = (WheelField.Slots + WheelSlotField.Tail) << 2;
const SLOT_BYTES: u32 = WheelSlotField.Length << 2;

/** The head of a record that can be pending. */
@final
@unmanaged
export class Timer {
  next: u32;
  previous: u32;
  slot: u32;
  kind: u32;
  time: u64;

  @inline static at(address: u32): Timer {
    return changetype<Timer>(address);
  }

  /** Whether the record at `address` is in a wheel. */
  @inline static isPending(address: u32): bool {
    return Timer.at(address).slot != NOT_PENDING;
  }
}

@final
@unmanaged
export class Wheel {
  /** The time of the timer taken last, or a later one up to which nothing is pending. */
  now: u64;
  /** No timer is pending before this time. */
  private notBefore: u64;
  /** Timers in the wheel. */
  pending: u32;
  private occupancy: u32;

  @inline static at(address: u32): Wheel {
    return changetype<Wheel>(address);
  }

  /** Empties the wheel and sets its time. Timers that were in it are forgotten as they are: zero them. */
  reset(now: u64): void {
    memory.fill(changetype<usize>(this), 0, WheelField.Length << 2);
    this.now = now;
    this.notBefore = NEVER;
  }

  /** Makes the timer pending at `time`, or now where that has passed, behind all of the same time; one that is pending moves. */
  @inline insert(address: u32, time: u64): void {
    if (Timer.isPending(address)) this.remove(address);
    time = max(time, this.now);
    Timer.at(address).time = time;
    this.pending++;
    if (time < this.notBefore) this.notBefore = time;
    this.append(address, time);
  }

  /** Takes the timer out; one that is not pending stays as it is. */
  remove(address: u32): void {
    if (Timer.isPending(address)) this.unlink(Timer.at(address));
  }

  /** Whether a timer may be due at `until` or before: false is certain, true is not. */
  @inline mayBeDue(until: u64): bool {
    return this.notBefore <= until;
  }

  /** Takes out and returns the earliest timer, and runs time forward to it; 0 when it lies after `until` or none is pending. */
  @inline takeDue(until: u64): u32 {
    return this.mayBeDue(until) ? this.search(until) : 0;
  }

  private search(until: u64): u32 {
    while (this.pending) {
      const level = ctz(this.occupancy);
      const slot = <u32>ctz(this.bitmap(level));
      const head = load<u32>(this.list(level * WHEEL_SLOTS_PER_LEVEL + slot), HEAD);
      const timer = Timer.at(head);
      if (level == 0 || timer.next == 0) {
        this.notBefore = timer.time;
        if (timer.time > until) return 0;
        this.take(timer);
        return head;
      }
      const start = this.slotStart(level, slot);
      this.notBefore = start;
      if (start > until) return 0;
      this.moveTo(start);
    }
    this.notBefore = NEVER;
    return 0;
  }

  @inline private bitmap(level: u32): u64 {
    return load<u64>(changetype<usize>(this) + (level << 3), BITMAPS);
  }

  @inline private setBitmap(level: u32, bits: u64): void {
    store<u64>(changetype<usize>(this) + (level << 3), bits, BITMAPS);
  }

  /** What HEAD and TAIL are offsets from, for a slot by its index in the wheel. */
  @inline private list(slot: u32): usize {
    return changetype<usize>(this) + slot * SLOT_BYTES;
  }

  /** The first time of the slot: now down to the digit above, the slot's own digit, zeros. */
  @inline private slotStart(level: u32, slot: u32): u64 {
    const shift = <u64>(level * DIGIT_BITS);
    return (((this.now >> shift) & ~DIGIT_MASK) | slot) << shift;
  }

  /** The level on which a timer lies whose time differs from now in the given bits. */
  @inline private levelOf(differing: u64): u32 {
    return (63 - <u32>clz(differing | 1)) / DIGIT_BITS;
  }

  /**
   * Takes the first timer of the first slot. On level 0 the others there have the same time; on a higher level it must
   * be alone in its slot, so that now enters an empty one and nothing cascades.
   */
  @inline private take(timer: Timer): void {
    this.now = timer.time;
    const isLast = timer.next == 0;
    this.unlink(timer);
    if (isLast) this.notBefore = this.firstSlotStart();
  }

  /** The start of the first slot that holds a timer. */
  @inline private firstSlotStart(): u64 {
    if (this.occupancy == 0) return NEVER;
    const level = ctz(this.occupancy);
    return this.slotStart(level, <u32>ctz(this.bitmap(level)));
  }

  /** Puts the timer at the end of its slot. */
  @inline private append(address: u32, time: u64): void {
    const level = this.levelOf(time ^ this.now);
    const digit = (time >> (level * DIGIT_BITS)) & DIGIT_MASK;
    const slot = level * WHEEL_SLOTS_PER_LEVEL + <u32>digit;
    const list = this.list(slot);
    const timer = Timer.at(address);
    const tail = load<u32>(list, TAIL);
    timer.next = 0;
    timer.previous = tail;
    timer.slot = slot + 1;
    store<u32>(list, address, TAIL);
    if (tail) {
      Timer.at(tail).next = address;
      return;
    }
    store<u32>(list, address, HEAD);
    this.setBitmap(level, this.bitmap(level) | ((<u64>1) << digit));
    this.occupancy |= 1 << level;
  }

  @inline private unlink(timer: Timer): void {
    const slot = timer.slot - 1;
    const list = this.list(slot);
    const next = timer.next;
    const previous = timer.previous;
    if (next) Timer.at(next).previous = previous;
    else store<u32>(list, previous, TAIL);
    if (previous) Timer.at(previous).next = next;
    else store<u32>(list, next, HEAD);
    if (!(next | previous)) this.markEmpty(slot);
    timer.slot = NOT_PENDING;
    this.pending--;
  }

  @inline private markEmpty(slot: u32): void {
    const level = slot / WHEEL_SLOTS_PER_LEVEL;
    const bits = this.bitmap(level) & ~((<u64>1) << (slot & <u32>DIGIT_MASK));
    this.setBitmap(level, bits);
    if (bits == 0) this.occupancy &= ~(1 << level);
  }

  /** Sets now, which may enter one slot: those of lower levels are empty whenever a higher digit changes. */
  @inline private moveTo(time: u64): void {
    const differing = time ^ this.now;
    this.now = time;
    if (differing <= DIGIT_MASK) return;
    const level = this.levelOf(differing);
    const digit = (time >> (level * DIGIT_BITS)) & DIGIT_MASK;
    if ((this.bitmap(level) >> digit) & 1) this.cascade(level * WHEEL_SLOTS_PER_LEVEL + <u32>digit);
  }

  /** Moves the timers of the slot that now lies in to lower levels, in order. */
  private cascade(slot: u32): void {
    const list = this.list(slot);
    let address = load<u32>(list, HEAD);
    store<u32>(list, 0, HEAD);
    store<u32>(list, 0, TAIL);
    this.markEmpty(slot);
    while (address) {
      const timer = Timer.at(address);
      const following = timer.next;
      this.append(address, timer.time);
      address = following;
    }
  }
}

if (
  offsetof<Timer>("next") != TimerField.Next << 2 ||
  offsetof<Timer>("previous") != TimerField.Previous << 2 ||
  offsetof<Timer>("slot") != TimerField.Slot << 2 ||
  offsetof<Timer>("kind") != TimerField.Kind << 2 ||
  offsetof<Timer>("time") != TimerField.TimeLow << 2 ||
  offsetof<Timer>() != TimerField.Length << 2
) {
  ERROR("Timer disagrees with TimerField");
}
if (
  offsetof<Wheel>("now") != WheelField.NowLow << 2 ||
  offsetof<Wheel>("notBefore") != WheelField.NotBeforeLow << 2 ||
  offsetof<Wheel>("pending") != WheelField.Pending << 2 ||
  offsetof<Wheel>("occupancy") != WheelField.Occupancy << 2 ||
  offsetof<Wheel>() != WheelField.Bitmaps << 2
) {
  ERROR("Wheel disagrees with WheelField");
}
