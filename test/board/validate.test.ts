import { describe, expect, onTestFinished, test } from "vitest";
import { linkOver } from "../../src/board/link/stream-link.ts";
import {
  digestOf,
  type OperationSource,
  type SourceOperation,
  traceOperations,
} from "../../src/board/validation/operation-source.ts";
import { type Validation, type ValidationRequest, validateBoard } from "../../src/board/validation/validate.ts";
import { validationText } from "../../src/report/validation-text.ts";
import { FakeBoard, type FakeBoardOptions } from "../support/fake-board.ts";
import { lossyLine, randomFrom } from "../support/lossy-line.ts";
import { QuickTimers } from "../support/quick-timers.ts";

/** Allocations, releases and reallocations that fill the heap until requests are refused, then thin it out. */
function workload(count: number, seed = 1): OperationSource {
  const random = randomFrom(seed);
  const live: number[] = [];
  const operations: SourceOperation[] = [];
  const push = (verb: SourceOperation["verb"], id: number, requestBytes: number, alignment = 0) =>
    operations.push({ verb, id, requestBytes, alignment, line: operations.length + 3 });
  for (let id = 1; operations.length < count; id++) {
    const keep = operations.length % 400 < 250 ? 0.8 : 0.3;
    if (random() < keep || live.length === 0) {
      const aligned = random() < 0.1;
      push(aligned ? "allocateAligned" : "allocate", id, Math.floor(random() * 300), aligned ? 32 : 0);
      live.push(id);
    } else {
      const at = Math.floor(random() * live.length);
      if (random() < 0.2) push("reallocate", live[at] ?? 0, 1 + Math.floor(random() * 400));
      else push("release", live.splice(at, 1)[0] ?? 0, 0);
    }
  }
  return { name: "workload.trace", digest: digestOf(operations), operations };
}

interface Setting {
  readonly board?: FakeBoardOptions;
  readonly request?: Partial<ValidationRequest>;
  readonly seed?: number;
  readonly badRatio?: number;
  /** Something that befalls the board while it runs: called at each progress report. */
  readonly meanwhile?: (fake: FakeBoard, done: number) => void;
  readonly prepare?: (fake: FakeBoard) => void;
}

async function validate({
  board,
  request,
  seed = 1,
  badRatio = 0,
  meanwhile,
  prepare,
}: Setting = {}): Promise<Validation> {
  const old = Uint8Array.from({ length: 16 * 1024 }, (_, index) => (index * 31) & 0xff);
  const fake = new FakeBoard({ ramContent: old, ...board });
  prepare?.(fake);
  const stream = badRatio > 0 ? lossyLine(fake.stream, randomFrom(seed), badRatio) : fake.stream;
  const link = linkOver(stream, "/dev/fake");
  onTestFinished(() => link.close());
  return validateBoard(link, {
    source: async () => workload(1500),
    restart: true,
    timers: new QuickTimers(),
    progress: ({ phase, done }) => phase === "running" && meanwhile?.(fake, done),
    ...request,
  });
}

function wordAt(fake: FakeBoard, address: number): number {
  const { data } = fake.heap.load(address, 4);
  return new DataView(data.buffer).getUint32(0, true);
}

/** Calls once the run has come so far. */
function once(done: number, action: (fake: FakeBoard) => void) {
  let isDone = false;
  return (fake: FakeBoard, operations: number) => {
    if (isDone || operations < done) return;
    isDone = true;
    action(fake);
  };
}

describe("a board that places as the emulator does", () => {
  test.each(["freertos-heap4", "freertos-heap2", "tlsf"])(
    "is equal where its allocator leaves old contents alone until it is first called: %s",
    async (allocator) => {
      const { record } = await validate({
        board: { allocator, startsLate: true },
        prepare: (fake) => fake.allocate(40),
      });
      expect(record).toMatchObject({ verdict: "equal", start: "fresh", ram: { equal: true } });
    },
  );

  const ALLOCATORS = [
    "newlib-nano",
    "newlib",
    "picolibc",
    "freertos-heap4",
    "freertos-heap2",
    "tlsf",
    "o1heap",
    "lwmem",
  ];

  test.each(ALLOCATORS)("is equal in every address, refusal, figure and byte: %s", async (allocator) => {
    const { record, views } = await validate({ board: { allocator } });
    expect(record).toMatchObject({
      verdict: "equal",
      allocator,
      emulatedAs: allocator,
      start: "fresh",
      ram: { bytes: 16 * 1024, equal: true },
      firstDifference: null,
    });
    expect(record.operations).toBeGreaterThan(1200);
    expect(record.compared.placements).toBeGreaterThan(300);
    expect(record.compared.refusals).toBeGreaterThan(10);
    expect(views).toBeUndefined();
  });

  test.each([1, 2, 3, 4, 5, 6])(
    "is equal over a line that loses, flips, doubles and delays (seed %i)",
    async (seed) => {
      const { record } = await validate({ seed, badRatio: 0.05, request: { source: async () => workload(600) } });
      expect(record).toMatchObject({ verdict: "equal", ram: { equal: true } });
      expect(record.line.retries).toBeGreaterThan(0);
    },
  );

  test.each(["newlib-nano", "newlib", "freertos-heap4", "tlsf"])(
    "is taken over as it is without a restart: %s",
    async (allocator) => {
      const { record } = await validate({
        board: { allocator },
        request: { restart: false },
        prepare: (fake) => {
          const blocks = Array.from({ length: 30 }, (_, index) => fake.allocate(20 + 13 * index));
          for (const [index, block] of blocks.entries()) if (index % 3 === 0) fake.release(block);
        },
      });
      expect(record).toMatchObject({ verdict: "equal", start: "adopted", ram: { equal: true } });
    },
  );

  test("is equal for a recorded trace of another allocator", async () => {
    const trace = "test/golden/freertos-heap4/freertos-heap4-churn-16384-s1.trace.gz";
    const { record } = await validate({ request: { source: () => traceOperations(trace, 700) } });
    expect(record).toMatchObject({ verdict: "equal", source: { name: trace } });
    expect(record.operations + record.leftOut).toBe(700);
  });

  test("gives the line between visits and cycles", async () => {
    const { record } = await validate({ board: { cycleHz: 25_000_000 } });
    expect(record.calibration?.cycleHz).toBe(25_000_000);
    for (const line of record.calibration?.lines ?? []) {
      expect(line).toMatchObject({ baseCycles: 40, cyclesPerVisit: 9, residualCycles: 0, explainedRatio: 1 });
    }
    expect(record.calibration?.lines.map(({ verb }) => verb).sort()).toEqual([
      "allocate",
      "allocateAligned",
      "reallocate",
      "release",
    ]);
  });
});

/** An operation that allocates. */
const WRONG_AT = 61;

describe("a board that differs", () => {
  test("in an address is shown at the operation, with both heaps as they were then", async () => {
    const validation = await validate({
      meanwhile: once(1, (fake) => {
        fake.wrongAddressAt = WRONG_AT;
      }),
    });
    expect(validation.record.verdict).toBe("different");
    const { firstDifference } = validation.record;
    expect(firstDifference).toMatchObject({ kind: "placement", operation: WRONG_AT + 1 });
    if (firstDifference?.kind !== "placement") throw new Error("not a placement");
    expect(firstDifference.boardAddress).toBe(firstDifference.emulatedAddress + 8);
    expect(validation.record.operations).toBe(WRONG_AT);
    expect(validation.views).toMatchObject({ operations: WRONG_AT + 1, happenedAgain: true });
    await expect(validationText(validation)).toMatchFileSnapshot("validation/placement.txt");
  });

  test("in a byte of RAM is shown with that byte's surroundings", async () => {
    const validation = await validate({
      meanwhile: once(1000, (fake) => {
        fake.wrongByteAt = 0x2000_4123;
      }),
    });
    expect(validation.record).toMatchObject({
      verdict: "different",
      ram: { equal: false },
      firstDifference: { kind: "ram", address: 0x2000_4123, differingBytes: 1 },
    });
    await expect(validationText(validation)).toMatchFileSnapshot("validation/ram.txt");
  });

  test("in a figure of the allocator's own is named by it", async () => {
    const free = async () => (await validate({ board: { allocator: "freertos-heap4" } })).record.compared.statistics;
    expect(await free()).toBeGreaterThan(0);
    const validation = await validate({
      board: { allocator: "freertos-heap4" },
      meanwhile: once(900, (fake) => {
        // xFreeBytesRemaining is one of the static variables in front of the arena.
        const address = fake.heap.stateAddress;
        const words = Array.from({ length: 16 }, (_, index) => address + 4 * index);
        const value = fake.heap.statistics().free ?? 0;
        for (const word of words) if (wordAt(fake, word) === value) fake.poke(word, Uint8Array.of((value & 0xff) ^ 8));
      }),
    });
    expect(validation.record.firstDifference).toMatchObject({ kind: "statistic", key: "free" });
  });

  test("by its allocator differs where the two first part", async () => {
    const { record } = await validate({ board: { allocator: "picolibc" }, request: { allocator: "newlib-nano" } });
    expect(record).toMatchObject({ verdict: "different", allocator: "picolibc", emulatedAs: "newlib-nano" });
  });
});

describe("a board that is lost", () => {
  test("by a restart leaves it undecided, with what was equal so far", async () => {
    const validation = await validate({ meanwhile: once(600, (fake) => fake.boot()) });
    expect(validation.record).toMatchObject({ verdict: "undecided", firstDifference: null, ram: null });
    expect(validation.record.operations).toBeGreaterThan(500);
    await expect(validationText(validation)).toMatchFileSnapshot("validation/undecided.txt");
  });

  test("to silence leaves it undecided", async () => {
    const { record } = await validate({
      meanwhile: once(600, (fake) => {
        fake.commandsToLose = 100_000;
      }),
    });
    expect(record).toMatchObject({ verdict: "undecided" });
    expect(record.reason).toMatch(/does not answer any more/);
  });

  test("with its line leaves it undecided", async () => {
    const { record } = await validate({ meanwhile: once(600, (fake) => fake.stream.destroy()) });
    expect(record.verdict).toBe("undecided");
  });

  test("to the user's interruption leaves it undecided", async () => {
    const controller = new AbortController();
    const { record } = await validate({
      request: { signal: controller.signal },
      meanwhile: once(600, () => controller.abort()),
    });
    expect(record).toMatchObject({ verdict: "undecided", reason: "it was interrupted" });
  });
});

describe("a board that cannot be validated", () => {
  test("allocates by itself", async () => {
    await expect(validate({ meanwhile: once(600, (fake) => fake.allocate(40)) })).rejects.toMatchObject({
      code: "board-not-quiet",
    });
  });

  test("allocates by itself while the line loses the event", async () => {
    const lost = once(600, (fake) => {
      fake.line.spoilNext("drop", { kind: "allocate" });
      fake.release(fake.allocate(40));
    });
    await expect(validate({ meanwhile: lost })).rejects.toMatchObject({ code: "board-not-quiet" });
  });

  test("takes no commands", async () => {
    await expect(validate({ board: { commandBytes: 0 } })).rejects.toMatchObject({ code: "board-refused" });
  });

  test("speaks another version", async () => {
    await expect(validate({ board: { protocolVersion: 2 } })).rejects.toMatchObject({ code: "no-agent" });
  });
});

test("an equal validation reads so", async () => {
  const validation = await validate({ board: { cycleHz: 25_000_000 } });
  await expect(validationText(validation)).toMatchFileSnapshot("validation/equal.txt");
});

describe("options of the allocator", () => {
  test("that the allocator does not have are refused before anything is run", async () => {
    await expect(validate({ request: { options: { pools: 3 } } })).rejects.toMatchObject({
      code: "unknown-option",
    });
  });

  test("are what makes the emulated allocator that of the board's build", async () => {
    const tlsf = { allocator: "tlsf", allocatorOptions: { secondLevelLog2: 3 } } as const;
    expect((await validate({ board: tlsf })).record.verdict).toBe("different");
    const validation = await validate({ board: tlsf, request: { options: { secondLevelLog2: 3 } } });
    expect(validation.record).toMatchObject({ verdict: "equal", options: { secondLevelLog2: 3 } });
    expect(validationText(validation)).toContain("emulated with secondLevelLog2=3");
  });
});

test("a board of another version is compared all the same, with a note", async () => {
  const validation = await validate({ board: { allocatorVersion: "2.5.0" } });
  expect(validation.record.verdict).toBe("equal");
  expect(validation.warnings).toEqual([expect.stringContaining("2.5.0")]);
  expect(validationText(validation)).toContain("note: The board has newlib-nano 2.5.0");
});
