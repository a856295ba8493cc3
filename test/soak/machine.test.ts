import { describe, expect, test } from "vitest";
import { LedgerField } from "../../assembly/soak/ledger-map.ts";
import { runToEnd, soakMachine } from "../support/soak-scenario.ts";

const STACK = "stack: { size: 1 KiB }";

describe("a run", () => {
  test("starts a periodic task on its grid and accounts for every request", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 10 s, do: [{ allocate: a, size: 100 }, { wait: 1 s }, { free: a }] } }`,
    );
    expect(runToEnd(machine)).toBe("horizon");
    expect(machine.nowUs).toBe(3600e6);
    expect(machine.contexts()[0]).toMatchObject({ activations: 360, allocations: 360, leaks: 0, skipped: 0 });
    expect(machine.contexts()[0]?.lastAllocationUs).toBe(3590e6);
    // heap_4: an 8-byte header, 8-byte granules, and a few bytes of the arena for its end marker.
    expect(machine.heapFigures(0)).toMatchObject({ requests: 360, frees: 360, liveBlocks: 0, peakLiveBytes: 112 });
    expect(machine.failure()).toBeUndefined();
  });

  test("ends in the same state in 1 batch or in many", async () => {
    const lines = `tasks: { t: { priority: 1, ${STACK}, poisson: 20/s, do: [{ allocate: a, size: { uniform: [16, 64] } }, { keep: a, for: { exponential: 1 s } }, { repeat: { uniform: [1, 20] }, do: [{ work: 10 us }] }] } }`;
    const whole = await soakMachine(lines);
    const parts = await soakMachine(lines);
    runToEnd(whole, 1_000_000_000);
    runToEnd(parts, 777);
    expect(parts.heapFigures(0)).toEqual(whole.heapFigures(0));
    expect(parts.contexts()).toEqual(whole.contexts());
    expect(parts.ledgerBlocks()).toEqual(whole.ledgerBlocks());
    const range = whole.heaps[0]?.regions[0] ?? { low: 0, bytes: 0 };
    expect(parts.device.readRam(range.low, range.bytes)).toEqual(whole.device.readRam(range.low, range.bytes));
  });

  test("keeps Poisson arrivals at their rate and live blocks at rate times lifetime", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, poisson: 10/s, do: [{ allocate: a, size: 16 }, { keep: a, for: 2 s }] } }`,
    );
    runToEnd(machine);
    const arrivals = machine.contexts()[0]?.activations ?? 0;
    expect(Math.abs(arrivals - 36_000)).toBeLessThan(5 * Math.sqrt(36_000));
    const ages = machine
      .ledgerBlocks()
      .map(({ allocatedAtUs, owner }) => ({ age: machine.nowUs - allocatedAtUs, owner }));
    expect(ages.every(({ age, owner }) => age <= 2e6 && owner === "keep")).toBe(true);
    expect(ages.length).toBe(machine.heapFigures(0).liveBlocks);
  });

  test("hands blocks through a queue to a more urgent receiver", async () => {
    const machine = await soakMachine(`
queues: { q: { capacity: 4 } }
tasks:
  producer: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 32 }, { send: a, to: q }] }
  consumer: { priority: 2, ${STACK}, loop: true, do: [{ receive: q, as: b }, { work: 1 ms }, { free: b }] }`);
    runToEnd(machine);
    const [producer, consumer] = machine.contexts();
    expect(producer).toMatchObject({ activations: 3600, leaks: 0 });
    expect(consumer?.activations).toBe(3601);
    expect(machine.heapFigures(0)).toMatchObject({ requests: 3600, frees: 3600, peakLiveBytes: 40 });
  });

  test("drops the oldest message of a full queue in the sender's context", async () => {
    const machine = await soakMachine(`
queues: { q: { capacity: 3, whenFull: drop-oldest } }
tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 32 }, { send: a, to: q }] } }`);
    runToEnd(machine);
    expect(machine.heapFigures(0)).toMatchObject({ requests: 3600, frees: 3597, liveBlocks: 3 });
    expect(machine.ledgerBlocks().map(({ allocatedAtUs }) => allocatedAtUs / 1e6)).toEqual([3597, 3598, 3599]);
  });

  test("ends a receive by its timeout, and goes on waiting for the next message afterwards", async () => {
    const machine = await soakMachine(`
queues: { q: { capacity: 4 } }
tasks:
  slow: { priority: 1, ${STACK}, every: 10 s, start: 5 s, do: [{ allocate: a, size: 32 }, { send: a, to: q }] }
  poller: { priority: 2, ${STACK}, loop: true, do: [{ receive: q, as: b, timeout: 4 s, onTimeout: continue }, { free: b }] }`);
    runToEnd(machine);
    // Each 10 s: a message, a time-out 4 s later, another 4 s later, then the next message 2 s after that.
    const [slow, poller] = machine.contexts();
    expect(slow?.activations).toBe(360);
    // Time-out at 4 s, message at 5 s; then three endings a period; the last period is cut at 5 s: one time-out.
    expect(poller?.activations).toBe(1 + 1 + 359 * 3 + 1 + 1);
  });

  test("gives RAII blocks back when an activation is dropped, and leaks the others", async () => {
    const machine = await soakMachine(`
tasks:
  t:
    priority: 1
    ${STACK}
    every: 60 s
    onAllocationFailure: drop
    do:
      - { allocate: plain, size: 16 }
      - call: f
        frame: 32
        raii: true
        do: [{ allocate: owned, size: 16 }, { allocate: huge, size: 100000 }]
      - { free: plain }`);
    runToEnd(machine);
    expect(machine.contexts()[0]).toMatchObject({ activations: 60, failedRequests: 60, leaks: 59, firstLeakStep: 1 });
    expect(machine.heapFigures(0)).toMatchObject({ requests: 180, failedRequests: 60, frees: 60, liveBlocks: 60 });
    expect(machine.ledgerBlocks().filter(({ owner }) => owner === "leaked")).toHaveLength(59);
  });

  test("counts a request once however many attempts it takes", async () => {
    const machine = await soakMachine(`
tasks:
  holder: { priority: 2, ${STACK}, every: 10 s, do: [{ allocate: a, size: 12000 }, { wait: 2 s }, { free: a }] }
  other:
    priority: 1
    ${STACK}
    every: 10 s
    onAllocationFailure: { retryAfter: 300 ms, times: 10, then: crash }
    do: [{ allocate: b, size: 8000 }, { free: b }]`);
    expect(runToEnd(machine)).toBe("horizon");
    // Refused at 0, 0.3 … 1.8 s; granted at 2.1 s.
    expect(machine.contexts()[1]).toMatchObject({ activations: 360, allocations: 360, failedRequests: 0 });
    expect(machine.contexts()[1]?.lastAllocationUs).toBe(3592.1e6);
    expect(machine.heapFigures(0)).toMatchObject({ requests: 720, failedRequests: 0, fragmentationFailures: 0 });
  });

  test("crashes where a request is refused, with what was asked and what was free", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 1000 }, { leak: a }] } }`,
    );
    expect(runToEnd(machine)).toBe("failed");
    // 16,384 bytes hold 16 blocks of 1,008 and the end marker; the 17th is refused at 16 s.
    expect(machine.failure()).toEqual({
      kind: "crash",
      atUs: 16e6,
      halted: true,
      heap: 0,
      context: 0,
      step: 1,
      requestBytes: 1000,
      freeBytes: 16384 - 8 - 16 * 1008,
      largestFreeBytes: 16384 - 8 - 16 * 1008 - 8,
      detail: 0,
    });
    expect(machine.contexts()[0]).toMatchObject({ leaks: 16, firstLeakStep: 2, failedRequests: 1 });
    expect(machine.compiled.steps[1]?.path).toBe("tasks.t.do[0]");
  });

  test("reboots by policy, empties the heap and goes on", async () => {
    const machine = await soakMachine(`bootTime: 2 s
tasks: { t: { priority: 1, ${STACK}, every: 150 s, onAllocationFailure: reboot, do: [{ allocate: a, size: 5000 }, { leak: a }] } }`);
    expect(runToEnd(machine)).toBe("horizon");
    // Three blocks fit; the fourth start, 450 s after each boot, reboots: one every 452 s.
    expect(machine.reboots).toBe(Math.floor((3600 + 2) / 452));
    expect(machine.failure()).toMatchObject({
      kind: "reboot-by-policy",
      atUs: 450e6,
      halted: false,
      requestBytes: 5000,
    });
    expect(machine.heapFigures(0)).toMatchObject({ liveBlocks: 3, leaks: 24, failedRequests: 7 });
  });

  test("stops at the eleventh reboot within an hour", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 60 s, start: 60 s, do: [{ reboot: true }] } }`,
    );
    expect(runToEnd(machine)).toBe("failed");
    expect(machine.reboots).toBe(11);
    expect(machine.failure()).toMatchObject({ kind: "boot-loop", halted: true });
  });

  test("takes a message that arrives at the instant of the time-out, and then waits in full again", async () => {
    const machine = await soakMachine(`
queues: { q: { capacity: 4 } }
tasks:
  sender: { priority: 2, ${STACK}, at: 4 s, do: [{ allocate: a, size: 32 }, { send: a, to: q }] }
  receiver: { priority: 1, ${STACK}, loop: true, do: [{ receive: q, as: b, timeout: 4 s, onTimeout: continue }, { free: b }] }`);
    machine.setHorizon(7e6);
    runToEnd(machine);
    expect(machine.contexts()[1]?.activations).toBe(2);
  });

  test("lets interrupts nest by priority and merges arrivals of a source that is pending", async () => {
    const machine = await soakMachine(`stacks: { interrupts: { size: 1 KiB } }
tasks: { t: { priority: 1, ${STACK}, every: 10 s, do: [{ work: 1 s }] } }
interrupts:
  slow: { priority: 1, every: 10 s, frame: 16, do: [{ work: 2 s }] }
  fast: { priority: 2, every: 500 ms, frame: 16, do: [{ work: 600 ms }] }`);
    machine.setHorizon(10e6);
    runToEnd(machine);
    const [, slow, fast] = machine.contexts();
    // `fast` never lets the processor go: it starts anew at each end, every 600 ms, and loses what fell between.
    expect(fast?.activations).toBe(17);
    expect((fast?.activations ?? 0) + (fast?.skipped ?? 0)).toBe(20);
    expect(slow?.activations).toBe(1);
  });

  test("refuses an allocation in an interrupt unless the heap allows it", async () => {
    const interrupt =
      "interrupts: { i: { priority: 1, every: 1 s, frame: 16, do: [{ allocate: a, size: 8 }, { free: a }] } }";
    const stacks =
      "stacks: { interrupts: { size: 1 KiB } }\ntasks: { t: { priority: 1, stack: { size: 1 KiB }, at: 0 s, do: [{ work: 1 us }] } }";
    const safe = await soakMachine(`${stacks}\n${interrupt}`, {
      heap: "{ allocator: tlsf, size: 8 KiB, isrSafe: true }",
    });
    expect(runToEnd(safe)).toBe("horizon");
    expect(safe.contexts()[1]).toMatchObject({ activations: 3600, allocations: 3600 });
  });

  test("says deadlock when all tasks wait and nothing is scheduled", async () => {
    const machine = await soakMachine(`queues: { q: { capacity: 4 } }
tasks:
  t: { priority: 1, ${STACK}, loop: true, do: [{ receive: q, as: b }, { free: b }] }
  u: { priority: 1, ${STACK}, at: 3 s, do: [{ allocate: a, size: 8 }, { send: a, to: q }] }`);
    expect(runToEnd(machine)).toBe("failed");
    expect(machine.failure()).toMatchObject({ kind: "deadlock", atUs: 3e6 });
  });

  test("names the step of a loop in which time never passes", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ repeat: 2000000, do: [{ allocate: a, size: 8 }, { free: a }] }] } }`,
    );
    expect(runToEnd(machine)).toBe("failed");
    expect(machine.failure()).toMatchObject({ kind: "no-progress", atUs: 0, context: 0 });
  });

  test("calls a backlog of more than 1,000 starts an overload", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 ms, overrun: queue, do: [{ work: 2 ms }] } }`,
    );
    expect(runToEnd(machine)).toBe("failed");
    // Half the starts wait: the 1,001st is left over when 2,002 have fallen due.
    expect(machine.failure()?.kind).toBe("overload");
    expect(machine.failure()?.atUs).toBeCloseTo(2.002e6, -4);
  });

  test("evicts from a cache after insertion, the oldest first", async () => {
    const machine = await soakMachine(`caches: { c: { slots: 2, evict: oldest } }
tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 16 }, { cache: a, in: c }] } }`);
    runToEnd(machine);
    expect(machine.ledgerBlocks().map(({ allocatedAtUs, owner }) => [allocatedAtUs / 1e6, owner])).toEqual(
      expect.arrayContaining([
        [3598, "cache"],
        [3599, "cache"],
      ]),
    );
    expect(machine.heapFigures(0)).toMatchObject({ liveBlocks: 2, peakLiveBytes: 3 * 24 });
  });

  test("creates tasks with stack and control block from a heap, and the idle task gives both back", async () => {
    const machine = await soakMachine(`tasks:
  parent: { priority: 2, ${STACK}, every: 10 s, do: [{ spawn: child, from: main }] }
  child: { priority: 1, stack: { size: 512 }, instances: 2, do: [{ work: 1 s }] }`);
    machine.setHorizon(15e6);
    runToEnd(machine);
    const [parent, first, second] = machine.contexts();
    expect(parent).toMatchObject({ activations: 2, allocations: 4 });
    expect([first?.activations, second?.activations]).toEqual([2, 0]);
    expect(machine.heapFigures(0)).toMatchObject({ requests: 4, frees: 4, liveBlocks: 0, peakLiveBytes: 520 + 96 });
  });

  test("moves between modes and starts what they start", async () => {
    const machine = await soakMachine(`modes: { day: { for: 10 s, then: night }, night: { for: 20 s, then: day } }
tasks:
  early: { priority: 1, ${STACK}, on: day, do: [{ allocate: a, size: 8 }, { until: night }, { free: a }] }
  late: { priority: 1, ${STACK}, on: night, do: [{ work: 1 s }] }`);
    machine.setHorizon(300e6);
    runToEnd(machine);
    expect(machine.contexts().map(({ activations }) => activations)).toEqual([10, 10]);
    expect(machine.heapFigures(0)).toMatchObject({ requests: 10, frees: 10 });
  });

  test("goes on from a snapshot as before, and differently under another branch", async () => {
    const lines = `tasks: { t: { priority: 1, ${STACK}, poisson: 5/s, do: [{ allocate: a, size: { uniform: [16, 64] } }, { keep: a, for: { exponential: 2 s } }] } }`;
    const machine = await soakMachine(lines);
    machine.setHorizon(600e6);
    runToEnd(machine);
    const snapshot = machine.snapshot();
    const finish = () => {
      machine.setHorizon(1200e6);
      runToEnd(machine);
      return { heap: machine.heapFigures(0), blocks: machine.ledgerBlocks() };
    };
    const first = finish();
    machine.restore(snapshot);
    expect(machine.nowUs).toBe(600e6);
    expect(finish()).toEqual(first);
    machine.restore(snapshot);
    machine.rebranch(1);
    expect(finish()).not.toEqual(first);
  });

  test("writes heap operations to the journal while asked to", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 s, do: [{ allocate: a, size: 100 }, { free: a }] } }`,
    );
    machine.setHorizon(2e6);
    runToEnd(machine);
    expect(machine.journal()).toEqual([]);
    machine.journalling = true;
    machine.setHorizon(3e6);
    runToEnd(machine);
    const [allocated, released] = machine.journal();
    expect(allocated).toMatchObject({ atUs: 2e6, operation: "allocate", context: 0, step: 1, requestBytes: 100 });
    expect(released).toMatchObject({ operation: "release", step: 2, payload: allocated?.result });
    expect(machine.journal()).toEqual([]);
  });

  test("empties a full journal and loses nothing", async () => {
    const machine = await soakMachine(
      `tasks: { t: { priority: 1, ${STACK}, every: 1 ms, do: [{ allocate: a, size: 8 }, { free: a }] } }`,
    );
    machine.journalling = true;
    machine.setHorizon(10e6);
    let entries = 0;
    for (let end = machine.advance(1e9); ; end = machine.advance(1e9)) {
      entries += machine.journal().length;
      if (end === "horizon") break;
      expect(end).toBe("journal-full");
    }
    expect(entries).toBe(20_000);
  });
});

describe("a device whose heap is broken", () => {
  test("ends in a fault of the exact core, with the step that ran", async () => {
    // The overrun gives the hole behind `a` a link of 0x5a5a5a5a, which a request that does not fit there follows.
    const machine = await soakMachine(`tasks:
  t:
    priority: 1
    ${STACK}
    every: 1 s
    do:
      - { allocate: a, size: 40 }
      - { allocate: b, size: 40 }
      - { allocate: c, size: 40 }
      - { free: b }
      - { misuse: overrun, of: a, bytes: 4 }
      - { allocate: e, size: 48 }
      - { wait: 1 h }`);
    expect(runToEnd(machine)).toBe("failed");
    expect(machine.failure()).toMatchObject({ kind: "fault", halted: true, context: 0 });
    expect(machine.faults).toHaveLength(1);
    expect(machine.faults[0]?.fault.record.kind).toBe("unmapped");
    expect(machine.compiled.steps[machine.failure()?.step ?? 0]?.label).toBe("allocate e");
  });
});

describe("engine memory", () => {
  test("a restore clears ledger records taken since, and copies no more of the ledger than is used", async () => {
    const lines = `tasks: { t: { priority: 1, ${STACK}, every: 1 s, onAllocationFailure: drop, do: [{ allocate: a, size: 16 }, { keep: a, for: 1 h }] } }`;
    const machine = await soakMachine(lines);
    machine.setHorizon(10e6);
    runToEnd(machine);
    const before = machine.snapshot();
    machine.setHorizon(500e6);
    runToEnd(machine);
    expect(machine.heapFigures(0).liveBlocks).toBe(500);
    const after = machine.snapshot();
    expect(after.device.bytes.length - before.device.bytes.length).toBe(490 * LedgerField.Length * 4);
    machine.restore(before);
    expect(machine.heapFigures(0).liveBlocks).toBe(10);
    machine.setHorizon(500e6);
    runToEnd(machine);
    expect(Buffer.compare(machine.snapshot().device.bytes, after.device.bytes)).toBe(0);
  });
});
