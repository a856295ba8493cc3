import { beforeAll, describe, expect, test } from "vitest";
import { BankKind } from "../../assembly/memory-map.ts";
import { StackDetection, StackField, StackGuard, StackOverrun } from "../../assembly/stack/stack-map.ts";
import { compileStacks, StackCore } from "../support/stack-core.ts";

const LOW = 0x2000_1000;
const BYTES = 512;
const RETURN = 0x0800_1235;
const BELOW = { low: LOW - 0x800, bytes: 0x800 };

describe.each(["release", "debug"] as const)("a stack in the %s build", (build) => {
  let binary: Uint8Array<ArrayBuffer>;
  let device: StackCore;
  beforeAll(async () => {
    binary = await compileStacks(build);
  }, 60_000);

  function stackWith(guards: number, fields: Partial<Record<StackField, number>> = {}): number {
    device = new StackCore(binary);
    device.engine.bytes.fill(0x11, BELOW.low, LOW);
    device.setNow(1000);
    return device.stack({ low: LOW, bytes: BYTES, guards, fields });
  }
  const call = (stack: number, frameBytes: number, touchBytes = frameBytes) =>
    device.core.enterFrame(stack, frameBytes, touchBytes, RETURN);
  const leave = (stack: number, frameBytes: number) => device.core.leaveFrame(stack, frameBytes, RETURN);
  const overwritten = () => device.engine.bytes.subarray(BELOW.low, LOW).filter((byte) => byte !== 0x11).length;
  const ranges = (stack: number) =>
    Array.from({ length: device.get(stack, StackField.RangeCount) }, (_, i) => [
      device.get(stack, StackField.Ranges + 2 * i) - LOW,
      device.get(stack, StackField.Ranges + 2 * i + 1) - LOW,
    ]);

  test("a call writes return address, saved register and the touched locals, and nothing else", () => {
    const stack = stackWith(StackGuard.None);
    expect(call(stack, 96, 24)).toBe(StackDetection.None);
    const top = LOW + BYTES;
    expect(device.engine.word(top - 4)).toBe(RETURN);
    expect([...device.engine.bytes.subarray(top - 96, top - 72)]).toEqual(Array(24).fill(0xcc));
    expect([...device.engine.bytes.subarray(top - 72, top - 8)]).toEqual(Array(64).fill(0xa5));
    expect(leave(stack, 96)).toBe(StackDetection.None);
    expect(device.get(stack, StackField.Sp)).toBe(top);
    expect(device.core.observedBytes(stack)).toBe(96);
  });

  test.each([0, 2, 4, 7, 8, 12, 13, 31])("a frame of %i bytes is entered and left", (frameBytes) => {
    const stack = stackWith(StackGuard.None);
    expect(call(stack, frameBytes)).toBe(StackDetection.None);
    expect(device.get(stack, StackField.Sp)).toBe(LOW + BYTES - frameBytes);
    expect(leave(stack, frameBytes)).toBe(StackDetection.None);
    expect(device.engine.bytes[LOW + BYTES]).toBe(0);
  });

  test("untouched locals make the paint lie: the painted mark is less than the observed one", () => {
    const stack = stackWith(StackGuard.None);
    call(stack, 64);
    call(stack, 300, 0);
    expect(device.core.observedBytes(stack)).toBe(364);
    expect(device.core.paintedBytes(stack)).toBe(72);
    leave(stack, 300);
    call(stack, 80);
    expect(device.core.paintedBytes(stack)).toBe(144);
  });

  test("nested exceptions reach as deep as the sum of their frames by hand", () => {
    const stack = stackWith(StackGuard.None);
    call(stack, 76); // 4 short of a multiple of 8: 4 bytes of padding
    device.core.enterException(stack, 32, 32);
    call(stack, 40);
    device.core.enterException(stack, 104, 32);
    call(stack, 20);
    device.core.enterException(stack, 32, 32);
    const byHand = 76 + (32 + 4) + 40 + 104 + 20 + (32 + 4);
    expect(device.core.observedBytes(stack)).toBe(byHand);
    expect(device.core.leaveException(stack)).toBe(StackDetection.None);
    leave(stack, 20);
    expect(device.core.leaveException(stack)).toBe(StackDetection.None);
    leave(stack, 40);
    expect(device.core.leaveException(stack)).toBe(StackDetection.None);
    leave(stack, 76);
    expect(device.get(stack, StackField.Sp)).toBe(LOW + BYTES);
  });

  test("lazily reserved floating-point state leaves the paint as it was", () => {
    const stack = stackWith(StackGuard.None);
    device.core.enterException(stack, 104, 32);
    const sp = LOW + BYTES - 104;
    expect(device.engine.bytes[sp + 31]).not.toBe(0xa5);
    expect([...device.engine.bytes.subarray(sp + 32, sp + 104)]).toEqual(Array(72).fill(0xa5));
  });

  test("an overwritten return address, exception frame or context is noticed when it is used", () => {
    let stack = stackWith(StackGuard.None);
    call(stack, 96);
    device.engine.setWord(LOW + BYTES - 4, 0);
    expect(leave(stack, 96)).toBe(StackDetection.ReturnAddress);
    stack = stackWith(StackGuard.None);
    device.core.enterException(stack, 32, 32);
    device.engine.bytes[LOW + BYTES - 9] = 0;
    expect(device.core.leaveException(stack)).toBe(StackDetection.SavedContext);
    stack = stackWith(StackGuard.None);
    device.core.saveContext(stack, 36);
    device.engine.bytes[LOW + BYTES - 1] = 0;
    expect(device.core.restoreContext(stack, 36)).toBe(StackDetection.SavedContext);
    expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.None);
  });

  describe("without protection", () => {
    test("an overflow tramples what lies below, silently, and is on record", () => {
      const stack = stackWith(StackGuard.None);
      device.setNow(2000);
      call(stack, 400);
      expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.None);
      device.setNow(3000);
      expect(call(stack, 200)).toBe(StackDetection.None);
      expect(device.get(stack, StackField.OverflowAt)).toBe(3000);
      expect(device.get(stack, StackField.BytesBeyond)).toBe(88);
      expect(device.get(stack, StackField.LowestWritten)).toBe(LOW - 88);
      expect(ranges(stack)).toEqual([[-88, 0]]);
      expect(overwritten()).toBe(88);
      device.setNow(4000);
      expect(call(stack, 40)).toBe(StackDetection.None);
      expect(device.get(stack, StackField.OverflowAt)).toBe(3000);
      expect(device.get(stack, StackField.BytesBeyond)).toBe(128);
      expect(leave(stack, 40)).toBe(StackDetection.None);
      expect(leave(stack, 200)).toBe(StackDetection.None);
      expect(leave(stack, 400)).toBe(StackDetection.None);
    });

    test("a frame that is claimed but not written is an overflow that tramples nothing", () => {
      const stack = stackWith(StackGuard.None);
      call(stack, 1000, 0);
      expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.Claimed);
      expect(device.get(stack, StackField.BytesBeyond)).toBe(488);
      expect(overwritten()).toBe(0);
      call(stack, 16);
      expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.Written);
      expect(ranges(stack)).toEqual([[-504, -488]]);
      expect(overwritten()).toBe(16);
    });

    test("the ranges that were written are kept apart, and the nearest are merged when there are more than four", () => {
      const stack = stackWith(StackGuard.None);
      call(stack, 500, 0);
      for (let i = 0; i < 6; i++) call(stack, 100, 8);
      expect(device.get(stack, StackField.RangeCount)).toBe(4);
      const written = ranges(stack);
      expect(Math.min(...written.map(([low]) => low as number))).toBe(500 + 600 > BYTES ? BYTES - 1100 : 0);
    });

    test("memory that no bank holds faults at the first store below RAM", () => {
      device = new StackCore(binary);
      const stack = device.stack({ low: 0x2000_0000, bytes: 64 });
      call(stack, 48);
      expect(() => call(stack, 48)).toThrow("store of 4 bytes at 0x1fffffe0");
      expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.Claimed);
      expect(device.get(stack, StackField.LowestWritten)).toBe(0xffff_ffff);
    });

    test("a stack pointer that would pass below address 0 faults instead of reaching the engine", () => {
      const stack = stackWith(StackGuard.None);
      expect(() => call(stack, 0x3000_0000, 0)).toThrow("no memory there");
      expect(() => call(stack, 0xffff_fff0, 0)).toThrow("no memory there");
    });

    test("an alias below the stack is written at its home", () => {
      device = new StackCore(binary, [
        { low: 0x2000_0000, bytes: 0x1000, home: 0x2000_0000, kind: BankKind.Ram },
        { low: 0x1fff_f000, bytes: 0x1000, home: 0x2000_0000, kind: BankKind.Ram },
      ]);
      const stack = device.stack({ low: 0x2000_0000, bytes: 64 });
      call(stack, 128);
      expect(device.engine.bytes[0x2000_0fff]).toBe(0xcc);
      expect(device.engine.bytes[0x1fff_ffff]).toBe(0);
    });

    test("a stack without alignment (AVR) is filled byte by byte below its end", () => {
      device = new StackCore(binary, [{ low: 0x100, bytes: 0x800, home: 0x100, kind: BankKind.Ram }], 1);
      const stack = device.stack({ low: 0x401, bytes: 33 });
      expect(call(stack, 27)).toBe(StackDetection.None);
      expect(call(stack, 27)).toBe(StackDetection.None);
      expect(device.get(stack, StackField.BytesBeyond)).toBe(21);
      expect(leave(stack, 27)).toBe(StackDetection.None);
      expect(leave(stack, 27)).toBe(StackDetection.None);
      device.core.enterException(stack, 2, 2);
      device.core.saveContext(stack, 33);
      expect(device.core.restoreContext(stack, 33)).toBe(StackDetection.None);
      expect(device.core.leaveException(stack)).toBe(StackDetection.None);
    });
  });

  describe("freertos-1", () => {
    test("sees a saved stack pointer at or below the end", () => {
      const stack = stackWith(StackGuard.Freertos1);
      call(stack, 440);
      device.core.enterException(stack, 32, 32);
      device.core.saveContext(stack, 32);
      expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.None);
      device.core.restoreContext(stack, 32);
      device.core.leaveException(stack);
      call(stack, 8);
      device.core.enterException(stack, 32, 32);
      device.core.saveContext(stack, 32);
      expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.Freertos1);
    });

    test("does not see an overflow that has gone back before the switch", () => {
      const stack = stackWith(StackGuard.Freertos1);
      call(stack, 600);
      leave(stack, 600);
      device.core.saveContext(stack, 32);
      expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.None);
      expect(device.get(stack, StackField.DetectedBy)).toBe(StackDetection.None);
      expect(overwritten()).toBe(88);
    });
  });

  test("freertos-2 sees it later, unless the lowest 16 bytes were stepped over", () => {
    let stack = stackWith(StackGuard.Freertos2);
    call(stack, 600);
    leave(stack, 600);
    device.setNow(5000);
    expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.Freertos2);
    expect(device.get(stack, StackField.OverflowAt)).toBe(1000);
    expect(device.get(stack, StackField.DetectedAt)).toBe(5000);
    stack = stackWith(StackGuard.Freertos2);
    call(stack, 600, 64);
    leave(stack, 600);
    expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.None);
    expect(overwritten()).toBe(64);
  });

  test("freertos-2 compares all of the 16 bytes", () => {
    const stack = stackWith(StackGuard.Freertos2);
    call(stack, 500);
    leave(stack, 500);
    expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.Freertos2);
    expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.None);
  });

  test("zephyr-sentinel is looked at when an interrupt returns, and its word is not counted as used", () => {
    const stack = stackWith(StackGuard.ZephyrSentinel);
    expect(device.core.paintedBytes(stack)).toBe(0);
    call(stack, 600);
    leave(stack, 600);
    device.core.enterException(stack, 32, 32);
    expect(device.core.leaveException(stack)).toBe(StackDetection.ZephyrSentinel);
    expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.ZephyrSentinel);
  });

  test("stack-protector notices on return what another stack did to the frame, before the return address is used", () => {
    const victim = stackWith(StackGuard.StackProtector);
    const culprit = device.stack({ low: LOW + BYTES, bytes: 64 });
    call(victim, 96);
    call(culprit, 128);
    expect(device.core.checkSwitchOut(victim)).toBe(StackDetection.None);
    expect(leave(victim, 96)).toBe(StackDetection.Canary);
    expect(device.get(victim, StackField.Overrun)).toBe(StackOverrun.None);
    expect(device.get(culprit, StackField.Overrun)).toBe(StackOverrun.Written);
  });

  test("a watchpoint stops behind the store that hit it", () => {
    const stack = stackWith(StackGuard.Watchpoint, { [StackField.WatchBytes]: 32 });
    expect(call(stack, 480)).toBe(StackDetection.None);
    expect(call(stack, 16)).toBe(StackDetection.Watchpoint);
    expect(device.get(stack, StackField.DetectedAddress)).toBe(LOW + 24);
    expect(device.engine.word(LOW + 24)).not.toBe(0xa5a5_a5a5);
    expect(overwritten()).toBe(0);
  });

  describe("mpu", () => {
    const region = { [StackField.GuardBytes]: 64, [StackField.GuardAlignment]: 64 };

    test("faults in front of the region before anything outside the stack is written", () => {
      const stack = stackWith(StackGuard.Mpu, region);
      expect(call(stack, 448)).toBe(StackDetection.None);
      expect(call(stack, 16)).toBe(StackDetection.Mpu);
      expect(device.get(stack, StackField.DetectedAddress)).toBe(LOW + 56);
      expect(device.engine.word(LOW + 56)).toBe(0xa5a5_a5a5);
      expect(device.get(stack, StackField.BytesBeyond)).toBe(0);
    });

    test("is stepped over by a large untouched array, and what comes behind tramples on", () => {
      const stack = stackWith(StackGuard.Mpu, region);
      expect(call(stack, 600, 0)).toBe(StackDetection.None);
      expect(call(stack, 48)).toBe(StackDetection.None);
      expect(overwritten()).toBe(48);
      expect(device.get(stack, StackField.DetectedBy)).toBe(StackDetection.None);
    });

    test("stops an array that is written upwards at the region, after the bytes below it", () => {
      const stack = stackWith(StackGuard.Mpu, region);
      expect(call(stack, 600)).toBe(StackDetection.Mpu);
      expect(device.get(stack, StackField.DetectedAddress)).toBe(LOW);
      expect(overwritten()).toBe(88);
    });

    test("tells the processor's own stacking from a store of the program", () => {
      const stack = stackWith(StackGuard.Mpu, region);
      call(stack, 440);
      expect(device.core.enterException(stack, 32, 32)).toBe(StackDetection.MpuStacking);
    });
  });

  test("a limit register catches the decrement itself: nothing is written, the stack pointer stays", () => {
    const stack = stackWith(StackGuard.LimitRegister);
    call(stack, 448);
    expect(call(stack, 600, 0)).toBe(StackDetection.LimitRegister);
    expect(device.get(stack, StackField.BytesBeyond)).toBe(0);
    expect(overwritten()).toBe(0);
    expect(device.core.enterException(stack, 104, 32)).toBe(StackDetection.LimitRegister);
  });

  describe("probe", () => {
    const probes = { [StackField.GuardBytes]: 64, [StackField.GuardAlignment]: 64, [StackField.ProbeInterval]: 64 };

    test("catches at once the array that steps over the same region without probes", () => {
      const stack = stackWith(StackGuard.Probe, probes);
      expect(call(stack, 600, 0)).toBe(StackDetection.Probe);
      expect(device.get(stack, StackField.DetectedAddress)).toBe(LOW);
      expect(overwritten()).toBe(0);
    });

    test("misses when the region is smaller than the interval", () => {
      const stack = stackWith(StackGuard.Probe, {
        ...probes,
        [StackField.GuardBytes]: 32,
        [StackField.ProbeInterval]: 120,
      });
      expect(call(stack, 590, 0)).toBe(StackDetection.None);
      expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.Claimed);
    });

    test("touches large frames inside the stack, which the paint shows", () => {
      const stack = stackWith(StackGuard.Probe, probes);
      call(stack, 200, 0);
      expect(device.core.paintedBytes(stack)).toBe(192);
      expect(leave(stack, 200)).toBe(StackDetection.None);
    });
  });

  describe("segmented", () => {
    const fields = { [StackField.StackletBytes]: 256, [StackField.StackletReserve]: 64 };

    test("puts a frame that does not fit on a stacklet and gives it back on return, every time", () => {
      const stack = stackWith(StackGuard.Segmented, fields);
      device.stackletArena(0x2001_0000, 4096);
      call(stack, 400);
      for (let i = 0; i < 5; i++) {
        expect(call(stack, 100)).toBe(StackDetection.None);
        expect(device.stackletsHeld).toBe(1);
        expect(device.get(stack, StackField.Sp)).toBe(0x2001_0000 + 256 - 100);
        expect(leave(stack, 100)).toBe(StackDetection.None);
        expect(device.stackletsHeld).toBe(0);
      }
      expect(device.get(stack, StackField.StackletsTaken)).toBe(5);
      expect(device.get(stack, StackField.Sp)).toBe(LOW + BYTES - 400);
      expect(device.core.observedBytes(stack)).toBe(400 + 256);
      expect(device.get(stack, StackField.Overrun)).toBe(StackOverrun.None);
    });

    test("chains stacklets for deep calls and large frames, interrupts on them included", () => {
      const stack = stackWith(StackGuard.Segmented, fields);
      device.stackletArena(0x2001_0000, 4096);
      for (const bytes of [400, 100, 150, 1000]) expect(call(stack, bytes)).toBe(StackDetection.None);
      expect(device.stackletsHeld).toBe(3);
      expect(device.core.observedBytes(stack)).toBe(400 + 256 + 256 + (1000 + 64 + 16));
      device.core.enterException(stack, 32, 32);
      device.core.saveContext(stack, 32);
      expect(device.core.restoreContext(stack, 32)).toBe(StackDetection.None);
      expect(device.core.leaveException(stack)).toBe(StackDetection.None);
      for (const bytes of [1000, 150, 100, 400]) expect(leave(stack, bytes)).toBe(StackDetection.None);
      expect(device.stackletsHeld).toBe(0);
      expect(device.get(stack, StackField.Sp)).toBe(LOW + BYTES);
    });

    test("stops when the heap has no stacklet, and gives all back when the task ends", () => {
      const stack = stackWith(StackGuard.Segmented, fields);
      device.stackletArena(0x2001_0000, 300);
      call(stack, 400);
      expect(call(stack, 100)).toBe(StackDetection.None);
      expect(call(stack, 500)).toBe(StackDetection.NoStacklet);
      device.core.retireStack(stack);
      expect(device.stackletsHeld).toBe(0);
      expect(device.core.observedBytes(stack)).toBe(656);
    });
  });

  test("a second overrun of a stack is not announced again", () => {
    const stack = stackWith(StackGuard.None);
    call(stack, 600);
    const announced = device.announced();
    expect(announced).toBe(stack);
    device.acknowledge();
    leave(stack, 600);
    call(stack, 700);
    expect(device.announced()).toBe(0);
  });

  test("a restart leaves contents and marks, and writes the guards' patterns anew", () => {
    const stack = stackWith(StackGuard.Freertos2);
    call(stack, 600);
    device.core.resetStack(stack);
    expect(device.get(stack, StackField.Sp)).toBe(LOW + BYTES);
    expect(device.core.observedBytes(stack)).toBe(600);
    expect(device.core.checkSwitchOut(stack)).toBe(StackDetection.None);
    expect(device.engine.bytes[LOW + 100]).toBe(0xcc);
  });

  test("a stack from a heap that is gone after a restart is not written to", () => {
    const stack = stackWith(StackGuard.Freertos2, { [StackField.FromHeap]: 1 });
    call(stack, 100);
    device.engine.bytes.fill(0x77, LOW, LOW + BYTES);
    device.core.resetStack(stack);
    expect(device.engine.bytes.subarray(LOW, LOW + BYTES).every((byte) => byte === 0x77)).toBe(true);
    expect(device.core.observedBytes(stack)).toBe(100);
  });
});
