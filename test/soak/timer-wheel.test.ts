import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { TimerField, WheelField } from "../../assembly/soak/draw-map.ts";
import { SoakParts } from "../support/soak-parts.ts";

const NEVER = 2n ** 64n - 1n;
const TIMERS = 64;

describe.each(["release", "debug"] as const)("the timing wheel (%s)", (build) => {
  let parts: SoakParts;
  let wheel: number;
  let timers: number[];
  beforeAll(async () => {
    parts = await SoakParts.compile(build);
    wheel = parts.reserve(WheelField.Length * 4);
    timers = Array.from({ length: TIMERS }, () => parts.reserve(TimerField.Length * 4));
  }, 60_000);

  function begin(now = 0n): void {
    parts.core.wheelReset(wheel, now);
    for (const timer of timers) new Uint8Array(parts.view.buffer, timer, TimerField.Length * 4).fill(0);
  }
  const at = (index: number) => timers[index] as number;
  const insert = (index: number, time: bigint) => parts.core.wheelInsert(wheel, at(index), time);
  const index = (address: number) => (address === 0 ? -1 : timers.indexOf(address));
  const takeDue = (until: bigint) => index(parts.core.wheelTakeDue(wheel, until));
  const takeFirst = () => takeDue(NEVER - 1n);
  const mayBeDue = (until: bigint) => parts.core.wheelMayBeDue(wheel, until) !== 0;
  const now = () => BigInt.asUintN(64, parts.core.wheelNow(wheel));
  const isPending = (timer: number) => parts.view.getUint32(at(timer) + TimerField.Slot * 4, true) !== 0;
  function drain(): number[] {
    const taken: number[] = [];
    for (let timer = takeFirst(); timer >= 0; timer = takeFirst()) taken.push(timer);
    return taken;
  }

  test("is empty at first", () => {
    begin(123n);
    expect([mayBeDue(NEVER - 1n), takeFirst(), now(), parts.core.wheelPending(wheel)]).toEqual([false, -1, 123n, 0]);
  });

  test("gives timers back in order of their times, whatever the level", () => {
    begin();
    const times = [2n ** 63n, 5n, 2n ** 53n, 64n, 63n, 4096n, 0n, NEVER - 1n, 4095n, 1n];
    for (const [i, time] of times.entries()) insert(i, time);
    const sorted = [...times.entries()].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([i]) => i);
    expect(drain()).toEqual(sorted);
    expect(now()).toBe(NEVER - 1n);
  });

  test("gives timers of one time back in order of insertion, also those that have come down the levels", () => {
    begin();
    insert(0, 300_000n);
    insert(10, 1n);
    insert(1, 300_000n);
    expect(takeFirst()).toBe(10);
    insert(11, 299_500n);
    insert(2, 300_000n);
    expect(takeFirst()).toBe(11);
    insert(3, 300_000n);
    insert(12, 299_999n);
    expect(takeFirst()).toBe(12);
    insert(4, 300_000n);
    expect(drain()).toEqual([0, 1, 2, 3, 4]);
  });

  test("takes a time that has passed for now, behind what is due already", () => {
    begin(1000n);
    insert(0, 1000n);
    insert(1, 3n);
    expect(mayBeDue(1000n)).toBe(true);
    expect(drain()).toEqual([0, 1]);
    expect(now()).toBe(1000n);
  });

  test("removes a timer, and one that is not pending without effect", () => {
    begin();
    for (const i of [0, 1, 2]) insert(i, 70n);
    parts.core.wheelRemove(wheel, at(1));
    parts.core.wheelRemove(wheel, at(1));
    parts.core.wheelRemove(wheel, at(9));
    expect([isPending(0), isPending(1), parts.core.wheelPending(wheel)]).toEqual([true, false, 2]);
    expect(drain()).toEqual([0, 2]);
    expect(isPending(0)).toBe(false);
  });

  test("moves a pending timer that is inserted again", () => {
    begin();
    insert(0, 10n);
    insert(1, 20n);
    insert(0, 20n);
    expect(parts.core.wheelPending(wheel)).toBe(2);
    expect(drain()).toEqual([1, 0]);
  });

  test("takes what is due at a time or before, and leaves what lies after it", () => {
    begin();
    for (const [i, time] of [4000n, 5000n, 5001n].entries()) insert(i, time);
    expect(takeDue(3999n)).toBe(-1);
    insert(3, 3999n);
    expect([takeDue(5000n), now()]).toEqual([3, 3999n]);
    expect([takeDue(5000n), now()]).toEqual([0, 4000n]);
    expect([takeDue(5000n), now()]).toEqual([1, 5000n]);
    expect(takeDue(5000n)).toBe(-1);
    expect([takeDue(6000n), now()]).toEqual([2, 5001n]);
    expect(takeDue(6000n)).toBe(-1);
  });

  test("agrees with a sorted list under any sequence of operations", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        begin();
        const model = new SortedList();
        for (const { verb, timer, delay } of operations) {
          switch (verb) {
            case "insert":
              insert(timer, model.now + delay);
              model.insert(timer, model.now + delay);
              break;
            case "remove":
              parts.core.wheelRemove(wheel, at(timer));
              model.remove(timer);
              break;
            case "take":
              expect(takeFirst()).toBe(model.takeFirst());
              break;
            case "until":
              expect(takeDue(model.now + delay)).toBe(model.takeDue(model.now + delay));
              break;
          }
          // False is certain: no timer is due then.
          if (!mayBeDue(model.now + delay)) expect(model.nextTime()).toBeGreaterThan(model.now + delay);
          expect(now()).toBeLessThanOrEqual(model.now);
          expect(parts.core.wheelPending(wheel)).toBe(model.entries.length);
        }
        expect(drain()).toEqual(model.entries.map((entry) => entry.timer));
      }),
      { seed: 20, numRuns: build === "release" ? 3000 : 300 },
    );
  });

  test("keeps 20,000 timers in exact order", () => {
    const count = 20_000;
    const first = parts.reserve(count * TimerField.Length * 4);
    const address = (i: number) => first + i * TimerField.Length * 4;
    parts.core.wheelReset(wheel, 0n);
    let state = 1;
    const delays = Array.from({ length: count }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return BigInt(state >>> 8) % 50_000n;
    });
    for (const [i, delay] of delays.entries()) parts.core.wheelInsert(wheel, address(i), delay);
    const expected = delays.map((delay, i) => ({ delay, i }));
    expected.sort((a, b) => Number(a.delay - b.delay) || a.i - b.i);
    for (const { delay, i } of expected) {
      expect(parts.core.wheelTakeDue(wheel, NEVER - 1n)).toBe(address(i));
      expect(now()).toBe(delay);
    }
    expect(parts.core.wheelTakeDue(wheel, NEVER - 1n)).toBe(0);
  });
});

/** Delays of every level up to 2^53, small ones and digit boundaries more often than chance would have them. */
const delay = fc.oneof(
  fc.bigInt({ min: 0n, max: 3n }),
  fc.bigInt({ min: 0n, max: 200n }),
  fc
    .tuple(fc.integer({ min: 0, max: 53 }), fc.bigInt({ min: -1n, max: 1n }))
    .map(([power, off]) => 2n ** BigInt(power) + off),
  fc
    .tuple(fc.integer({ min: 0, max: 53 }), fc.bigInt({ min: 0n, max: 2n ** 53n }))
    .map(([shift, bits]) => bits >> BigInt(shift)),
);
const operation = fc.record({
  verb: fc.constantFrom("insert", "insert", "insert", "remove", "take", "take", "until", "until"),
  timer: fc.integer({ min: 0, max: TIMERS - 1 }),
  delay,
});

/** What the wheel stands for. */
class SortedList {
  now = 0n;
  entries: { timer: number; time: bigint }[] = [];

  insert(timer: number, time: bigint): void {
    this.remove(timer);
    const behind = this.entries.findIndex((entry) => entry.time > time);
    this.entries.splice(behind < 0 ? this.entries.length : behind, 0, { timer, time });
  }

  remove(timer: number): void {
    this.entries = this.entries.filter((entry) => entry.timer !== timer);
  }

  nextTime(): bigint {
    return this.entries[0]?.time ?? NEVER;
  }

  takeFirst(): number {
    return this.entries.length ? this.takeDue(NEVER) : -1;
  }

  takeDue(until: bigint): number {
    const entry = this.entries[0];
    if (!entry || entry.time > until) {
      this.now = until;
      return -1;
    }
    this.now = entry.time;
    this.entries.shift();
    return entry.timer;
  }
}
