import type { AllocatorEvent } from "../../src/board/twin/twin.ts";
import type { FrameOf } from "../../src/board/wire/messages.ts";

/** What a board says of itself: 16 KiB of heap in the middle of the RAM. */
export function bootFrame(changes: Partial<FrameOf<"boot">> = {}): FrameOf<"boot"> {
  return {
    kind: "boot",
    nonce: 1,
    time: 0,
    clockHz: 1_000_000,
    cycleHz: 0,
    heapLow: 0x2000_1000,
    heapBytes: 16 * 1024,
    allocatorState: 0,
    captured: 0,
    ringBytes: 1024,
    commandBytes: 512,
    sizeMeaning: 0,
    names: ["test-board", "build-1", "newlib-nano", "3.3.0"],
    ...changes,
  };
}

/** The same as an answer to `hello`. */
export function identityFrame(changes: Partial<FrameOf<"boot">> = {}): FrameOf<"identity"> {
  return { ...bootFrame(changes), kind: "identity" };
}

const WHERE = { time: 0, site: 0x0800_0421, task: 0 };

export function allocateFrame(address: number, requestBytes: number): FrameOf<"allocate"> {
  return { kind: "allocate", address, requestBytes, ...WHERE };
}

export function releaseFrame(address: number): FrameOf<"release"> {
  return { kind: "release", address, ...WHERE };
}

export function reallocateFrame(address: number, requestBytes: number, result: number): FrameOf<"reallocate"> {
  return { kind: "reallocate", address, requestBytes, result, ...WHERE };
}

interface SomeHeap {
  allocate(requestBytes: number, alignment?: number): number;
  reallocate(address: number, requestBytes: number): number;
  release(address: number): void;
}

/** A seeded life of firmware on a heap, told as a board would tell it. Ends never. */
export function* firmwareLife(
  heap: SomeHeap,
  seed = 1,
  options: { moves?: boolean } = {},
): Generator<AllocatorEvent, never> {
  const live: number[] = [];
  let random = seed;
  const below = (bound: number) => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((random / 2 ** 32) * bound);
  };
  for (;;) {
    const choice = below(20);
    if (live.length === 0 || (choice < 10 && live.length < 60)) {
      const requestBytes = 1 + below(below(8) === 0 ? 700 : 120);
      const aligned = options.moves === true && choice === 0;
      const address = heap.allocate(requestBytes, aligned ? 64 : 0);
      if (address !== 0) live.push(address);
      yield aligned
        ? { kind: "allocateAligned", address, requestBytes, alignment: 64, ...WHERE }
        : allocateFrame(address, requestBytes);
    } else if (options.moves === true && choice < 13) {
      const index = below(live.length);
      const requestBytes = 1 + below(300);
      const address = live[index] ?? 0;
      const result = heap.reallocate(address, requestBytes);
      if (result !== 0) live[index] = result;
      yield reallocateFrame(address, requestBytes, result);
    } else {
      const [address = 0] = live.splice(below(live.length), 1);
      heap.release(address);
      yield releaseFrame(address);
    }
  }
}
