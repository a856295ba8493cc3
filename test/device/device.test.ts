import { describe, expect, test } from "vitest";
import { Device, findDevice, GuestFault, HeapsoakError } from "../../src/index.ts";

const f407 = () => new Device(findDevice("stm32f407vg"));

/** Overwrites the link of the hole in front of `neighbour` and asks for more than the hole holds. */
function followWildPointer(device: Device, pointer: number): GuestFault {
  const heap = device.addHeap({ allocator: "freertos-heap4", bytes: 4096 });
  const first = heap.allocate(100);
  heap.allocate(100);
  heap.release(first);
  device.writeRam(first - 8, Uint8Array.of(pointer, pointer >>> 8, pointer >>> 16, pointer >>> 24));
  try {
    heap.allocate(200);
  } catch (fault) {
    if (fault instanceof GuestFault) return fault;
    throw fault;
  }
  throw new Error("the allocator followed the pointer without a fault");
}

describe("a device", () => {
  test("lays heaps into the datasheet's banks one behind the other, static variables in front", () => {
    const device = f407();
    const main = device.addHeap({ name: "main", allocator: "freertos-heap4", bytes: 1024 });
    const second = device.addHeap({ name: "second", allocator: "freertos-heap4", bytes: 1024 });
    const fast = device.addHeap({ name: "fast", allocator: "bump", bytes: 64, region: "CCM" });
    expect(main.stateAddress).toBe(0x2000_0000);
    expect(main.regions).toEqual([{ low: 0x2000_0020, bytes: 1024 }]);
    expect(second.stateAddress).toBeGreaterThanOrEqual(0x2000_0420);
    expect(fast.allocate(8)).toBeGreaterThanOrEqual(0x1000_0000);
    expect(main.allocate(100)).toBe(0x2000_0028);
    expect(second.allocate(100)).toBe((second.regions[0]?.low ?? 0) + 8);
  });

  test("refuses a heap that its RAM does not hold, and is as before", () => {
    const device = f407();
    expect(() => device.addHeap({ allocator: "freertos-heap4", bytes: 200_000 })).toThrow(HeapsoakError);
    expect(() => device.addHeap({ allocator: "o1heap", bytes: 64 })).toThrow(/cannot use the arena/);
    expect(device.heaps).toEqual([]);
    expect(device.addHeap({ allocator: "freertos-heap4", bytes: 100_000 }).allocate(1)).not.toBe(0);
  });

  test("refuses several regions for an allocator that takes one, and a heap without a size", () => {
    const device = f407();
    const parts = [{ bytes: 64 }, { bytes: 64 }];
    expect(() => device.addHeap({ allocator: "tlsf", parts })).toThrow(/2 regions, more than tlsf takes/);
    expect(() => device.addHeap({ allocator: "tlsf" })).toThrow(/has no size/);
  });

  test("spreads a heap over banks where the allocator takes several", () => {
    const device = f407();
    const heap = device.addHeap({
      allocator: "freertos-heap5",
      parts: [{ bytes: 1024, region: "CCM" }, { bytes: 1024 }],
    });
    expect(heap.allocate(900)).toBeLessThan(0x1001_0000);
    expect(heap.allocate(900)).toBeGreaterThanOrEqual(0x2000_0000);
    expect(heap.check()).toBeUndefined();
  });

  test("is restored by a snapshot, heaps, counters and RAM alike", () => {
    const device = f407();
    const heap = device.addHeap({ allocator: "freertos-heap4", bytes: 4096 });
    heap.allocate(100);
    const before = device.snapshot();
    const ram = device.readRam(0x2000_0000, 8192);
    heap.allocate(200);
    device.addHeap({ name: "later", allocator: "bump", bytes: 64 });
    device.restore(before);
    expect(device.readRam(0x2000_0000, 8192)).toEqual(ram);
    expect(heap.counters().requests).toBe(1);
    expect(device.heaps).toEqual([heap]);
  });

  test("reads through an alias what lies at its home", () => {
    const device = new Device(findDevice("stm32g474re"));
    const alias = device.description.banks.find(({ aliasOf, kind }) => aliasOf && kind === "ram");
    const home = device.description.banks.find(({ name }) => name === alias?.aliasOf?.bank);
    const homeLow = (home?.low ?? 0) + (alias?.aliasOf?.offset ?? 0);
    device.writeRam(alias?.low ?? 0, Uint8Array.of(1, 2, 3, 4));
    expect(device.readRam(homeLow, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  test("says which bank is missing when a debugger reads where there is none", () => {
    expect(() => f407().readRam(0x3000_0000, 4)).toThrow(/No bank of stm32f407vg holds 0x30000000/);
  });
});

describe("a wild pointer in a heap's metadata", () => {
  test("faults as an Armv7-M does: PRECISERR with the address in BFAR", () => {
    const device = f407();
    const fault = followWildPointer(device, 0x6000_0000);
    expect(fault.record).toMatchObject({ kind: "unmapped", address: 0x6000_0000, access: "load" });
    expect(device.describeFault(fault).registers).toEqual([
      { name: "CFSR", value: 0x8200, meaning: "PRECISERR, BFARVALID" },
      { name: "BFAR", value: 0x6000_0000, meaning: "faulting address" },
      { name: "HFSR", value: 0x4000_0000, meaning: "FORCED" },
    ]);
  });

  test("cannot reach the engine", () => {
    const fault = followWildPointer(f407(), 0x5801_0000);
    expect(fault.record).toMatchObject({ kind: "unmapped", address: 0x5801_0000 });
  });

  test("is a plain HardFault on an Armv6-M, also for an unaligned one that points into RAM", () => {
    const device = new Device(findDevice("rp2040"));
    const fault = followWildPointer(device, 0x2000_0102);
    expect(fault.record).toMatchObject({ kind: "unaligned", address: 0x2000_0102 });
    expect(device.describeFault(fault)).toMatchObject({
      registers: [],
      exception: expect.stringContaining("HardFault"),
    });
  });
});

describe("the sanitizer beside a heap", () => {
  const heapOf = () => f407().addHeap({ allocator: "freertos-heap4", bytes: 1024 });

  test("names an overrun into the neighbour's header, which check then finds", () => {
    const heap = heapOf();
    const block = heap.allocate(24);
    heap.allocate(24);
    expect(heap.store(block, new Uint8Array(24))).toBeUndefined();
    expect(heap.check()).toBeUndefined();
    expect(heap.store(block, new Uint8Array(32).fill(0x41))).toBe("overrun");
    expect(heap.check()).toBeDefined();
  });

  test("names use after free and wild accesses", () => {
    const heap = heapOf();
    const block = heap.allocate(24);
    heap.release(block);
    expect(heap.load(block, 4).misuse).toBe("use-after-free");
    expect(heap.store(block + 512, Uint8Array.of(1))).not.toBe(undefined);
    expect(heap.load(0x1000_0000, 1).misuse).toBe("wild");
  });

  test("counts a double free, which the original's assertion stops", () => {
    const heap = heapOf();
    const block = heap.allocate(24);
    heap.release(block);
    expect(() => heap.release(block)).toThrow(/assertion/);
    expect(heap.counters()).toMatchObject({ doubleFrees: 1, frees: 1 });
  });

  test("lists what was never released", () => {
    const heap = heapOf();
    heap.release(heap.allocate(10));
    const kept = heap.allocate(20);
    expect(heap.leaks()).toEqual([{ payload: kept, requestBytes: 20 }]);
  });
});

test("the ten-byte heap: seven bytes are free and five do not fit", () => {
  const device = new Device(findDevice("atmega328p"));
  const options = { headerBytes: 0, alignment: 1 };
  const heap = device.addHeap({ allocator: "first-fit", bytes: 10, options });
  const names = new Map<number, string>();
  const label = ({ payload }: { payload: number }) => `${names.get(payload)}:`;
  const story: string[] = [];
  const allocate = (name: string, bytes: number) => {
    const payload = heap.allocate(bytes);
    if (payload) names.set(payload, name);
    story.push(heap.picture({ label }));
    return payload;
  };
  const a = allocate("A", 5);
  allocate("B", 1);
  heap.release(a);
  allocate("C", 2);
  expect(allocate("A", 5)).toBe(0);
  expect(heap.summary()).toMatchObject({ freeBytes: 7, largestFreeBytes: 4 });
  expect(story).toEqual(["A:5 [5]", "A:5 B:1 [4]", "C:2 [3] B:1 [4]", "C:2 [3] B:1 [4]"]);
  expect(heap.counters()).toMatchObject({ failedRequests: 1, fragmentationFailures: 1 });
});

test("a heap at address 0 is refused: no pointer to its first block could be told from NULL", () => {
  const device = new Device(findDevice("mps2-an385"));
  expect(() =>
    device.addHeap({ allocator: "newlib-nano", bytes: 4096, region: "SSRAM1", at: 0, stateAt: 0x2000 }),
  ).toThrow(/null pointer/);
});
