import { describe, expect, onTestFinished, test } from "vitest";
import { NEWLIB_BINS_OFFSET, Opcode } from "../../assembly/memory-map.ts";
import { findAllocator } from "../../src/allocators/catalogue.ts";
import { BoardHeap } from "../../src/board/twin/board-heap.ts";
import { versionWarning } from "../../src/board/twin/versions.ts";
import { SIZE_MEANINGS } from "../../src/board/wire/protocol.ts";
import { findDevice } from "../../src/device/catalogue/devices.ts";
import { Device } from "../../src/device/device.ts";
import { REFUSED } from "../../src/trace/format.ts";
import { openTrace } from "../../src/trace/reader.ts";
import { bootFrame, firmwareLife } from "../support/board-life.ts";
import { goldenFiles } from "../support/golden.ts";

function named(allocator: string, version = "") {
  return bootFrame({ names: ["some board", "b", allocator, version] });
}

describe("the emulated heap of a board", () => {
  test("lies at the board's address", () => {
    const { heap } = new BoardHeap(named("newlib-nano"));
    expect(heap.regions).toEqual([{ low: 0x2000_1000, bytes: 16 * 1024 }]);
    expect(heap.allocate(10)).toBe(0x2000_1008);
  });

  test("may begin where the RAM does", () => {
    const { heap, warnings } = new BoardHeap(
      bootFrame({ heapLow: 0x2000_0000, names: ["stm32f407vg", "b", "tlsf", "3"] }),
    );
    expect(heap.regions[0]?.low).toBe(0x2000_0000);
    expect(warnings).toEqual([]);
  });

  test("is on the device that the board calls itself", () => {
    const board = new BoardHeap(bootFrame({ names: ["mps2-an385", "b", "newlib-nano", "3.3.0"] }));
    expect(board.device.description.id).toBe("mps2-an385");
  });

  test("is in made-up RAM where the board's device has none there, and says so", () => {
    const board = new BoardHeap(
      bootFrame({ heapLow: 0x3000_0000, names: ["mps2-an385", "b", "newlib-nano", "3.3.0"] }),
    );
    expect(board.device.description.id).toBe("board");
    expect(board.warnings).toEqual([expect.stringContaining("mps2-an385 has no RAM")]);
  });

  test("is refused on a device that was asked for and has no RAM there", () => {
    const boot = bootFrame({ heapLow: 0x3000_0000 });
    expect(() => new BoardHeap(boot, { device: findDevice("stm32f407vg") })).toThrow(/not in RAM/);
  });

  test("knows allocators by their other names", () => {
    expect(new BoardHeap(named("heap_4")).allocator.name).toBe("freertos-heap4");
  });
});

describe("newlib's links from the arena to its table of bins", () => {
  const boot = bootFrame({ names: ["b", "b", "newlib", "3.3.0"], allocatorState: 0x2000_0408 });

  test("lead to where the board has the table", () => {
    const { heap } = new BoardHeap(boot);
    expect(heap.stateAddress).toBe(boot.allocatorState - NEWLIB_BINS_OFFSET);
    const first = heap.allocate(200);
    heap.allocate(200);
    heap.release(first);
    const [block] = [...heap.blocks()].filter(({ state }) => state === "free");
    const board = new BoardHeap(boot);
    expect(block).toBeDefined();
    const links = new DataView(heap.load(first, 8).data.buffer);
    const bin = boot.allocatorState + 8 * (208 >> 3);
    expect([links.getUint32(0, true), links.getUint32(4, true)]).toEqual([bin, bin]);
    expect(board.heap.stateAddress).toBe(heap.stateAddress);
  });

  test("do not move any block", () => {
    const near = new BoardHeap(boot).heap;
    const far = new BoardHeap({ ...boot, allocatorState: 0x2000_8000 }).heap;
    const life = firmwareLife(near, 5, { moves: true });
    const other = firmwareLife(far, 5, { moves: true });
    for (let event = 0; event < 4000; event++) expect(life.next().value).toEqual(other.next().value);
  });

  test("may lie in another bank than the heap", () => {
    const { heap, device } = new BoardHeap({ ...boot, heapLow: 0x6000_0000 });
    expect(device.description.banks.map(({ name }) => name)).toEqual(["RAM", "RAM2"]);
    expect(heap.allocate(8)).toBe(0x6000_0008);
  });

  test("are taken over where the last remainder is the only free chunk", () => {
    const board = new BoardHeap(boot);
    const hole = board.heap.allocate(600);
    board.heap.allocate(40);
    board.heap.release(hole);
    const small = board.heap.allocate(64);
    const image = board.device.readRam(boot.heapLow, boot.heapBytes);
    const state = new DataView(board.device.readRam(board.heap.stateAddress, 4).buffer);
    const twin = new BoardHeap(boot);
    twin.adopt(image, [state.getUint32(0, true)]);
    for (const bytes of [100, 100, 16, 700, 64]) expect(twin.heap.allocate(bytes)).toBe(board.heap.allocate(bytes));
    twin.heap.release(small);
    board.heap.release(small);
    expect(twin.device.readRam(boot.heapLow, boot.heapBytes)).toEqual(
      board.device.readRam(boot.heapLow, boot.heapBytes),
    );
  });
});

describe("sizes as FreeRTOS tells them", () => {
  const board = (sizeMeaning: number) => new BoardHeap(bootFrame({ sizeMeaning, names: ["b", "b", "heap_4", "11"] }));

  test("of a request are taken as they are", () => {
    expect(board(SIZE_MEANINGS.request).requestBytes(100)).toBe(100);
  });

  test.each(["withHeader", "block"] as const)("of meaning %s are placed as the request behind them", (meaning) => {
    const real = board(SIZE_MEANINGS.request);
    const twin = board(SIZE_MEANINGS[meaning]);
    let compared = 0;
    const life = firmwareLife(real.heap, 11);
    for (let event = 0; event < 6000; event++) {
      const done = life.next().value;
      if (done.kind === "release") twin.heap.release(done.address);
      if (done.kind !== "allocate") continue;
      expect(twin.heap.allocate(twin.requestBytes(told(real, meaning, done.address, done.requestBytes)))).toBe(
        done.address,
      );
      compared++;
    }
    expect(compared).toBeGreaterThan(2500);
  });

  /** What traceMALLOC gives: of a refused request, nothing is said of a block. */
  function told(real: BoardHeap, meaning: "withHeader" | "block", address: number, requestBytes: number): number {
    if (meaning === "withHeader") return Math.ceil((requestBytes + 8) / 8) * 8;
    return address === 0 ? 0 : real.heap.usableBytes(address) + 8;
  }
});

describe("a version of the allocator", () => {
  test.each([
    ["newlib-nano", "3.3.0", undefined],
    ["newlib-nano", "newlib 3.3", undefined],
    ["newlib-nano", "4.1.0", /has newlib-nano 4\.1\.0; placement is exact from 3\.3 up to, but not including, 4\.0/],
    ["newlib-nano", "2.5.0", /placement is exact/],
    ["newlib-nano", "", /does not tell its version/],
    ["newlib", "4.3.0.20230120", undefined],
    ["newlib", "3.0.0", /from 3\.1 on/],
    ["freertos-heap4", "V10.4.3", undefined],
  ])("%s %s", (allocator, version, warning) => {
    const words = versionWarning(findAllocator(allocator), version);
    if (warning) expect(words).toMatch(warning);
    else expect(words).toBeUndefined();
  });
});

describe("static variables at an address of their own", () => {
  test.each(["uniform", "small", "pressure"])("do not move any block of a recorded run: %s", async (workload) => {
    const path = goldenFiles("newlib").find((file) => file.endsWith(`newlib-${workload}-16384-s1.trace.gz`)) ?? "";
    const trace = await openTrace(path);
    const boot = bootFrame({ names: ["b", "b", "newlib", "3.3.0"], heapLow: 0x2000_4000, heapBytes: 16_384 });
    const { heap } = new BoardHeap({ ...boot, allocatorState: 0x2000_c008 });
    onTestFinished(() => trace.close());
    const addresses = new Map<number, number>();
    let placements = 0;
    for await (const { count, opcodes, ids, requestBytes, expected } of trace.batches()) {
      for (let index = 0; index < count; index++) {
        const id = ids[index] ?? 0;
        if (opcodes[index] === Opcode.Release) heap.release(addresses.get(id) ?? 0);
        else {
          const address = heap.allocate(requestBytes[index] ?? 0);
          addresses.set(id, address);
          placements++;
          const recorded = expected[index] ?? 0;
          expect(address).toBe(recorded === REFUSED ? 0 : boot.heapLow + recorded);
        }
      }
    }
    expect(placements).toBeGreaterThan(500);
  });

  const device = () => new Device(findDevice("stm32f407vg"));
  const spec = { allocator: "newlib", at: 0x2000_1000, bytes: 4096 };

  test("leave the room in front of the arena to others", () => {
    const both = device();
    both.addHeap({ ...spec, stateAt: 0x2000_8000 });
    expect(both.addHeap({ allocator: "bump", at: 0x2000_0f00, bytes: 256 }).regions[0]?.low).toBe(0x2000_0f00);
    expect(() => both.addHeap({ allocator: "bump", at: 0x2000_8000, bytes: 64 })).toThrow(
      /overlaps newlib: allocator state/,
    );
  });

  test.each([
    [0x2000_8002, /not a multiple of 4/],
    [0x2000_1800, /overlaps/],
    [0x2001_fffc, /not in RAM/],
    [0x0800_0000, /not in RAM/],
    [Number.NaN, /not a multiple of 4/],
    [-64, /not in RAM/],
  ])("are refused at %s", (stateAt, why) => {
    expect(() => device().addHeap({ ...spec, stateAt })).toThrow(why);
  });
});
