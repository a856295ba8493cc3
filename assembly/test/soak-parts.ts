/** The parts of the soak engine one by one, for test/soak alone: the product's module does not contain this file. */

import { Draws, draw } from "../soak/draws";
import { Random, rekey } from "../soak/random";
import { Wheel } from "../soak/timer-wheel";
import { initializeDraws } from "../soak/ziggurat";

export { draw, initializeDraws, rekey };

export function drawWhole(descriptor: u32, site: u32): u32 {
  return Draws.whole(draw(descriptor, site));
}

export function drawMicroseconds(descriptor: u32, residue: u32, site: u32): u64 {
  return Draws.microseconds(draw(descriptor, site), residue);
}

export function nextBits(site: u32): u64 {
  return Random.nextBits(site);
}

/** Writes `count` words of the site's stream. */
export function fillBits(site: u32, output: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u64>(output + (i << 3), Random.nextBits(site));
}

/** Writes `count` draws as f64. */
export function fillDraws(descriptor: u32, site: u32, output: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<f64>(output + (i << 3), draw(descriptor, site));
}

/** The sum of `count` times. */
export function sumMicroseconds(descriptor: u32, residue: u32, site: u32, count: u32): u64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < count; i++) sum += drawMicroseconds(descriptor, residue, site);
  return sum;
}

export function wheelReset(wheel: u32, now: u64): void {
  Wheel.at(wheel).reset(now);
}

export function wheelInsert(wheel: u32, timer: u32, time: u64): void {
  Wheel.at(wheel).insert(timer, time);
}

export function wheelRemove(wheel: u32, timer: u32): void {
  Wheel.at(wheel).remove(timer);
}

export function wheelTakeDue(wheel: u32, until: u64): u32 {
  return Wheel.at(wheel).takeDue(until);
}

export function wheelMayBeDue(wheel: u32, until: u64): bool {
  return Wheel.at(wheel).mayBeDue(until);
}

export function wheelNow(wheel: u32): u64 {
  return Wheel.at(wheel).now;
}

export function wheelPending(wheel: u32): u32 {
  return Wheel.at(wheel).pending;
}
