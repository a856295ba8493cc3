import { describe, expect, test } from "vitest";
import { autopsy, Device, findAllocator, findDevice } from "../../src/index.ts";
import { autopsyText } from "../../src/report/autopsy-text.ts";

/** A board whose heap has been used, and the dump of its RAM. */
function usedBoard(allocator: string) {
  const device = new Device(findDevice("stm32f103c8"));
  const heap = device.addHeap({ allocator, bytes: 4096 });
  const kept: number[] = [];
  for (let i = 0; i < 12; i++) {
    const payload = heap.allocate(40 + 8 * i);
    if (i % 3 === 0) heap.release(payload);
    else kept.push(payload);
  }
  const dump = () => [{ low: 0x2000_0000, bytes: device.readRam(0x2000_0000, 20 * 1024) }];
  return { device, heap, kept, dump };
}

describe.each(["freertos-heap4", "tlsf", "umm-bestfit", "o1heap", "newlib"])("an autopsy of a %s heap", (name) => {
  const { heap, dump } = usedBoard(name);
  const request = {
    segments: dump(),
    allocator: findAllocator(name),
    regions: heap.regions,
    stateAt: heap.stateAddress,
  };

  test("finds the blocks that are there", () => {
    const found = autopsy(request);
    expect(found.finding).toBeUndefined();
    expect(found.walkedToEnd).toBe(true);
    const places = (all: Iterable<{ address: number; bytes: number; state: string }>) =>
      [...all].map(({ address, bytes, state }) => `${address} ${bytes} ${state}`);
    expect(places(found.blocks)).toEqual(places(heap.blocks()));
    expect(found.summary).toEqual(heap.summary());
  });
});

test("without its static variables, a FreeRTOS heap is rebuilt from its blocks", () => {
  const { heap, dump } = usedBoard("freertos-heap4");
  const found = autopsy({ segments: dump(), allocator: findAllocator("heap_4"), regions: heap.regions });
  expect(found.finding).toBeUndefined();
  expect(found.summary).toEqual(heap.summary());
});

describe("a buffer that ran over its end", () => {
  const { heap, kept, dump } = usedBoard("freertos-heap4");
  const victim = kept[3] ?? 0;
  const whole = [...heap.blocks()];
  heap.store(victim, new Uint8Array(heap.usableBytes(victim) + 8).fill(0x41));
  const segments = dump();
  const found = autopsy({ segments, allocator: findAllocator("freertos-heap4"), regions: heap.regions });
  const neighbour = whole[whole.findIndex(({ payload }) => payload === victim) + 1];

  test("is found at the header that it overwrote", () => {
    expect(found.finding).toMatchObject({ address: neighbour?.address });
    expect(found.summary).toBeUndefined();
  });

  test("is shown with the block behind which it lies and the bytes around it", () => {
    const text = autopsyText(found, segments);
    expect(text).toContain(`First inconsistency at 0x${neighbour?.address.toString(16)}`);
    expect(text).toContain("look for what wrote past its end");
    expect(text).toContain("41 41 41 41");
    expect(text).toContain("AAAA");
  });
});

test("an image that does not hold the heap says what it holds", () => {
  const segments = [{ low: 0x2000_0000, bytes: new Uint8Array(1024) }];
  const regions = [{ low: 0x2000_0200, bytes: 1024 }];
  expect(() => autopsy({ segments, allocator: findAllocator("tlsf"), regions })).toThrow(
    /does not hold 0x20000200 \+ 1 KiB/,
  );
});

test("garbage in place of a heap is a finding, never a crash", () => {
  const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 2654435761) >>> 13);
  const regions = [{ low: 0x2000_0000, bytes: 4096 }];
  for (const name of ["freertos-heap4", "freertos-heap2", "tlsf", "umm-bestfit", "o1heap", "lwmem", "threadx-byte"]) {
    const found = autopsy({ segments: [{ low: 0x2000_0000, bytes }], allocator: findAllocator(name), regions });
    expect(found.finding ?? found.walkedToEnd, name).not.toBe(true);
  }
});

test("a heap at address 0 is refused: no pointer to its first block could be told from NULL", () => {
  const segments = [{ low: 0, bytes: new Uint8Array(4096) }];
  const request = { segments, allocator: findAllocator("freertos-heap4"), regions: [{ low: 0, bytes: 4096 }] };
  expect(() => autopsy(request)).toThrow(/null pointer/);
});
