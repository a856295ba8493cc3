/**
 * What is due when. Two queues of timers behind one face: the lives of blocks, of which there may be tens of
 * thousands, wait in the timing wheel; the few timers of tasks, interrupts and modes in a sorted list, where
 * a handful of comparisons costs less than the wheel does. Beyond AGENDA_MOST they wait in the wheel as well.
 * At one time the wheel's timers come first, so that lives end before anything else happens.
 */
import { AGENDA_MOST, IN_AGENDA, SoakField } from "../soak-map";
import { Control, wheel } from "./control";
import { Timer } from "./timer-wheel";

/** A class because asc inlines its members only. */
export class Agenda {
  /** Takes out and returns the first timer that is due at `until` or before; 0 when there is none. */
  @inline static takeDue(until: u64): u32 {
    const first = Control.get(SoakField.Agenda);
    if (first == 0) return wheel().takeDue(until);
    const at = Timer.at(first).time;
    const life = wheel().takeDue(min(at, until));
    if (life != 0 || at > until) return life;
    takeFirst(Timer.at(first));
    return first;
  }

  /** Whether a timer may be due at `now`: false is certain, true is not. */
  @inline static mayBeDue(now: u64): bool {
    const first = Control.get(SoakField.Agenda);
    return wheel().mayBeDue(now) || (first != 0 && Timer.at(first).time <= now);
  }
}

function takeFirst(timer: Timer): void {
  const next = timer.next;
  if (next) Timer.at(next).previous = 0;
  Control.set(SoakField.Agenda, next);
  Control.set(SoakField.AgendaCount, Control.get(SoakField.AgendaCount) - 1);
  timer.slot = 0;
}

/** Makes a timer pending behind all of the same time; one that is pending moves. */
export function schedule(address: u32, time: u64): void {
  if (Timer.isPending(address)) unschedule(address);
  const count = Control.get(SoakField.AgendaCount);
  if (count >= <u32>AGENDA_MOST) {
    wheel().insert(address, time);
    return;
  }
  Control.set(SoakField.AgendaCount, count + 1);
  insertSorted(Timer.at(address), max(time, wheel().now));
}

function insertSorted(timer: Timer, time: u64): void {
  let previous: u32 = 0;
  let next = Control.get(SoakField.Agenda);
  while (next != 0 && Timer.at(next).time <= time) {
    previous = next;
    next = Timer.at(next).next;
  }
  const address = changetype<u32>(timer);
  timer.time = time;
  timer.slot = IN_AGENDA;
  timer.previous = previous;
  timer.next = next;
  if (next) Timer.at(next).previous = address;
  if (previous) Timer.at(previous).next = address;
  else Control.set(SoakField.Agenda, address);
}

/** Takes a timer out; one that is not pending stays as it is. */
export function unschedule(address: u32): void {
  const timer = Timer.at(address);
  if (timer.slot != <u32>IN_AGENDA) {
    wheel().remove(address);
    return;
  }
  const previous = timer.previous;
  if (previous == 0) {
    takeFirst(timer);
    return;
  }
  const next = timer.next;
  if (next) Timer.at(next).previous = previous;
  Timer.at(previous).next = next;
  Control.set(SoakField.AgendaCount, Control.get(SoakField.AgendaCount) - 1);
  timer.slot = 0;
}

/** Timers that are pending. */
export function pendingTimers(): u32 {
  return wheel().pending + Control.get(SoakField.AgendaCount);
}

/** Forgets all timers, whose own records must be zeroed or made anew, and sets the time. */
export function resetAgenda(now: u64): void {
  Control.set(SoakField.Agenda, 0);
  Control.set(SoakField.AgendaCount, 0);
  wheel().reset(now);
}
