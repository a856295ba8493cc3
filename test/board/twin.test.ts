import { describe, expect, test } from "vitest";
import type { LinkItem } from "../../src/board/link/link.ts";
import { BoardHeap } from "../../src/board/twin/board-heap.ts";
import { Twin } from "../../src/board/twin/twin.ts";
import {
  allocateFrame,
  bootFrame,
  firmwareLife,
  identityFrame,
  reallocateFrame,
  releaseFrame,
} from "../support/board-life.ts";

const GAP: LinkItem = { kind: "gap", frames: 12, certain: true };

/** A twin and a board of which it has heard the first `count` events. */
function following(count: number, boot = bootFrame()) {
  const board = new BoardHeap(boot);
  const life = firmwareLife(board.heap, 7, { moves: board.allocator.reallocates });
  const twin = new Twin();
  twin.apply(boot);
  const hear = (events: number) => {
    for (let event = 0; event < events; event++) twin.apply(life.next().value);
  };
  const miss = (events: number) => {
    for (let event = 0; event < events; event++) life.next();
  };
  hear(count);
  return { board, twin, hear, miss, life };
}

/** What a debugger would read of the board. */
function memoryOf(board: BoardHeap) {
  const image = board.device.readRam(board.identity.heapLow, board.identity.heapBytes);
  const words = new DataView(board.device.readRam(board.heap.stateAddress, 12).buffer);
  const statics = (board.allocator.statics ?? []).map((_, index) => words.getUint32(4 * index, true));
  return { image, statics };
}

test("a twin of which nothing is known waits, and says for what", () => {
  const twin = new Twin();
  twin.apply(allocateFrame(0x2000_1008, 16));
  expect(twin.state).toBe("waiting");
  expect(twin.reason).toMatch(/introduced itself/);
  expect(twin.heap).toBeUndefined();
});

describe.each([
  ["newlib-nano", "3.3.0", 0],
  ["newlib", "3.3.0", 0x2000_0408],
  ["freertos-heap4", "11.1.0", 0],
])("a twin of a board with %s", (allocator, version, allocatorState) => {
  const boot = bootFrame({ names: ["some board", "b", allocator, version], allocatorState });

  test("gives every address that the board gives", () => {
    const { twin } = following(5000, boot);
    expect(twin.state).toBe("synchronised");
    expect(twin.reason).toBeUndefined();
    expect(twin.comparisons.placements).toBeGreaterThan(2000);
    expect(twin.comparisons.differences).toBe(0);
    expect(twin.operations).toBe(5000);
    expect(twin.heap?.counters()).toMatchObject({ wildFrees: 0, doubleFrees: 0 });
  });

  test("has the metadata that the board has, byte for byte", () => {
    const { twin, board } = following(3000, boot);
    const { heapLow, heapBytes } = boot;
    expect(twin.board?.device.readRam(heapLow, heapBytes)).toEqual(board.device.readRam(heapLow, heapBytes));
  });

  test("goes on without a difference after a gap, once memory was read back", () => {
    const { twin, board, hear, miss } = following(1000, boot);
    const before = twin.comparisons.placements;
    miss(37);
    twin.apply(GAP);
    hear(20);
    expect(twin.state).toBe("unsynchronised");
    expect(twin.reason).toBe("12 frames are missing");
    expect(twin.comparisons.placements).toBe(before);
    const { image, statics } = memoryOf(board);
    twin.adopt(image, statics);
    expect(twin.reason).toBeUndefined();
    hear(4000);
    expect(twin.state).toBe("synchronised");
    expect(twin.comparisons.placements).toBeGreaterThan(before + 1500);
    expect(twin.comparisons.differences).toBe(0);
    expect(twin.heap?.counters()).toMatchObject({ wildFrees: 0, doubleFrees: 0 });
    expect(twin.heap?.summary()).toEqual(board.heap.summary());
  });
});

describe("an address that is not the board's", () => {
  const { twin, board, life } = following(100);
  const picture = board.heap.picture();
  const request = 48;
  const right = board.heap.allocate(request);
  twin.apply(allocateFrame(right + 8, request));

  test("is a difference, with both addresses and the heap before it", () => {
    expect(twin.state).toBe("different");
    expect(twin.firstDifference).toMatchObject({
      operation: 101,
      boardAddress: right + 8,
      emulatedAddress: right,
      picture,
    });
    const hex = (address: number) => `0x${address.toString(16)}`;
    expect(twin.reason).toBe(
      `operation 101, an allocation of 48 bytes called from 0x08000421: the board gave ${hex(right + 8)}, the emulator gave ${hex(right)}`,
    );
    expect(twin.comparisons.differences).toBe(1);
  });

  test("ends the comparison until the board boots", () => {
    const { placements } = twin.comparisons;
    for (let event = 0; event < 50; event++) twin.apply(life.next().value);
    twin.apply(GAP);
    expect(twin.state).toBe("different");
    expect(twin.comparisons).toEqual({ placements, differences: 1 });
    twin.apply(bootFrame({ nonce: 2 }));
    expect(twin.state).toBe("synchronised");
    expect(twin.firstDifference?.operation).toBe(101);
  });
});

test("a refusal by the board alone is a difference", () => {
  const twin = new Twin();
  twin.apply(bootFrame());
  twin.apply(allocateFrame(0, 64));
  expect(twin.reason).toMatch(/the board refused it, the emulator gave 0x/);
});

test("a reallocation to another place is a difference", () => {
  const board = new BoardHeap(bootFrame());
  const twin = new Twin();
  twin.apply(bootFrame());
  const address = board.heap.allocate(32);
  twin.apply(allocateFrame(address, 32));
  twin.apply(reallocateFrame(address, 16, address + 16));
  expect(twin.reason).toContain(`a reallocation of 0x${address.toString(16)} to 16 bytes`);
});

test("a picture far behind the boot is that of the moment before the difference", () => {
  const { twin, board } = following(10_000);
  const picture = board.heap.picture();
  twin.apply(allocateFrame(4, 24));
  expect(twin.firstDifference).toMatchObject({ picture, operation: 10_001 });
});

test("a free of an address that nobody was given is carried out and counted", () => {
  const { twin, board } = following(50);
  const address = board.heap.allocate(40);
  twin.apply(allocateFrame(address, 40));
  twin.apply(releaseFrame(address));
  twin.apply(releaseFrame(address));
  board.heap.release(address);
  board.heap.release(address);
  expect(twin.state).toBe("synchronised");
  expect(twin.heap?.counters().doubleFrees).toBe(1);
  expect(twin.heap?.picture()).toBe(board.heap.picture());
});

test("a free that would crash the board leaves the twin faulted, with the heap before it", () => {
  const { twin, board } = following(50);
  const picture = board.heap.picture();
  twin.apply(releaseFrame(0x4000_0000));
  expect(twin.state).toBe("faulted");
  expect(twin.reason).toMatch(
    /^the emulated board faults at operation 51 called from 0x08000421: load of 4 bytes at 0x3ffffffc/,
  );
  expect(twin.heap?.picture()).toBe(picture);
  expect(twin.comparisons.differences).toBe(0);
});

describe("what is not a boot but as good as one", () => {
  test("a board that has served nothing yet is followed from there", () => {
    const twin = new Twin();
    twin.apply(identityFrame({ captured: 0 }));
    expect(twin.state).toBe("synchronised");
  });

  test("a board that has served something is not, and the reason says how much", () => {
    const twin = new Twin();
    twin.apply(identityFrame({ captured: 812 }));
    expect(twin.state).toBe("unsynchronised");
    expect(twin.reason).toContain("812 events");
    twin.apply(allocateFrame(1, 1));
    expect(twin.comparisons.placements).toBe(0);
  });

  test("an identity of the same boot changes nothing", () => {
    const { twin, hear } = following(200);
    twin.apply(identityFrame({ captured: 200 }));
    hear(100);
    expect(twin.state).toBe("synchronised");
    expect(twin.operations).toBe(300);
  });

  test.each(["heartbeat", "identity"] as const)("a restart that only a %s tells of is no difference", (kind) => {
    const { twin } = following(200);
    twin.apply(
      kind === "identity"
        ? identityFrame({ nonce: 9, captured: 3 })
        : { kind, nonce: 9, time: 0, frames: 5, captured: 3, dropped: 0 },
    );
    twin.apply(allocateFrame(0x2000_1008, 16));
    expect(twin.state).toBe("unsynchronised");
    expect(twin.comparisons.differences).toBe(0);
  });
});

test.each([
  [GAP, "12 frames are missing"],
  [{ kind: "gap", frames: 1, certain: true }, "a frame is missing"],
  [{ kind: "gap", frames: 40_000, certain: false }, /or the board has restarted/],
  [{ kind: "disconnected", reason: "unplugged" }, "the connection was lost"],
  [{ kind: "results", batch: 1, results: [{ address: 4, cycles: 0 }] }, /operations that it was sent/],
] as const)("what is lost makes the twin unsynchronised, never different: %o", (item, reason) => {
  const { twin, hear } = following(100);
  const { changes } = twin;
  twin.apply(item as LinkItem);
  expect(twin.changes).toBe(changes + 1);
  expect(twin.state).toBe("unsynchronised");
  expect(twin.reason).toMatch(reason);
  hear(100);
  expect(twin.comparisons.differences).toBe(0);
  twin.apply(bootFrame({ nonce: 5 }));
  expect(twin.state).toBe("synchronised");
});

describe("memory that cannot be taken over", () => {
  const cases: [string, (twin: Twin, board: BoardHeap) => void, RegExp][] = [
    ["without the static variables", (twin, board) => twin.adopt(memoryOf(board).image, undefined), /static variables/],
    ["of another size", (twin, board) => twin.adopt(memoryOf(board).image.subarray(4), []), /16380 were read/],
    [
      "with broken metadata",
      (twin, board) => {
        const { image, statics } = memoryOf(board);
        twin.adopt(image.fill(0xff, 0, 64), statics);
      },
      /broken at 0x/,
    ],
  ];
  test.each(cases)("%s leaves the twin unsynchronised, and says why", (_, adopt, reason) => {
    const { twin, board } = following(300);
    twin.apply(GAP);
    adopt(twin, board);
    expect(twin.state).toBe("unsynchronised");
    expect(twin.reason).toMatch(reason);
  });
});

describe("a board that cannot be emulated", () => {
  test.each([
    [{ names: ["b", "b", "malloc9000", "1"] }, /no allocator "malloc9000"/],
    [{ names: [] }, /does not say which allocator/],
    [{ heapBytes: 0 }, /no range of addresses/],
    [{ heapLow: 0xffff_f000, heapBytes: 0x2000 }, /no range of addresses/],
    [{ heapBytes: 0xf000_0000, heapLow: 0 }, /board's heap/],
    [{ heapBytes: 4096, heapLow: 0 }, /null pointer/],
    [{ heapLow: 0x5900_0000 }, /heapsoak keeps its own state/],
    [{ sizeMeaning: 1 }, /meaning 1, unknown for newlib-nano/],
    [{ sizeMeaning: 200 }, /meaning 200/],
    [{ heapBytes: 4, names: ["b", "b", "tlsf", "3"] }, /cannot use the arena/],
    [{ allocatorState: 8, names: ["b", "b", "newlib", "3.3.0"] }, /allocator state/],
  ])("%o leaves the twin waiting, with the reason", (changes, reason) => {
    const twin = new Twin();
    twin.apply(bootFrame(changes));
    expect(twin.state).toBe("waiting");
    expect(twin.reason).toMatch(reason);
    twin.apply(allocateFrame(1, 1));
    twin.adopt(new Uint8Array(4), []);
    expect(twin.state).toBe("waiting");
  });
});
