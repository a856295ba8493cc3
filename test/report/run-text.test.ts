import { describe, expect, test } from "vitest";
import { runText } from "../../src/report/run-text.ts";
import type { Drift, RunFailureKind } from "../../src/soak/record.ts";
import { failedRecord, heapRecord, runRecord, stackRecord } from "../support/run-records.ts";

const DAY_US = 86_400e6;
const drift: Drift = {
  bytesPerDay: -212.3,
  low: -240.2,
  high: -180.4,
  shrinking: true,
  exhaustionUs: 60.5 * DAY_US,
  steadyFromUs: null,
};
const lines = (text: string) => text.split("\n");

describe("the verdict of a run", () => {
  test("says what failed, when, what was asked, what was free, and who holds the memory", () => {
    expect(runText(failedRecord())).toBe(`FAIL  A gateway: crashed for want of memory after 11 d 3 h 14 min of 30 d
  when    day 12, 03:14:07.250113
  where   tasks.connection.do[0].do[0] allocate record-in
  asked   16,717 B from main (freertos-heap4, 40,960 B)
  free    20,480 B in total, the largest request that fits is 15,360 B: fragmentation
  heap    [####################+...........................................]  # live  . free  + both
  held by 4,128 B in  3  tasks.uplink.do[2] allocate packet
            768 B in 12  tasks.sensor.do[0] allocate reading, leaked

  NOT MET    survives: 30 d  failed after 11 d 3 h 14 min

                                  main
allocator               freertos-heap4
size                            40 KiB
requests                     1,234,567
failed requests                      0
  by fragmentation                   0
peak live bytes                 30,000
free bytes                      20,480
  at the least                  10,960
largest free                    15,360
  at the least                   9,000
external fragmentation          25.0 %
internal fragmentation           7.2 %
visits p50 / p99 / max     2 / 17 / 40

        STACK SIZE  OBSERVED  WORST CASE  PAINTED      HEADROOM
uplink       1,024       400         512      380  512 (50.0 %)

        STARTS  SKIPPED  ALLOCATIONS  REFUSED  LEAKED BLOCKS
uplink  43,200        3       86,400        0              0

next, the same command with:
  --rewind 10s            shows the last operations before the failure
  --heap-size main=42KiB  adds the bytes that were missing

digest 0123abcd  (stm32f407vg, seed 1, heapsoak 0.1.0)
`);
  });

  test("of the same record is the same text", () => {
    expect(runText(failedRecord())).toBe(runText(failedRecord()));
  });

  test.each([
    ["pass", runRecord(), "PASS  A gateway: no failure in 30 d"],
    ["fail", failedRecord(), "FAIL  A gateway: crashed for want of memory after 11 d 3 h 14 min of 30 d"],
    [
      "pass with a failure",
      failedRecord({ verdict: "pass" }),
      "PASS  A gateway: crashed for want of memory after 11 d 3 h 14 min of 30 d, as expected",
    ],
    [
      "fail without a failure",
      runRecord({ verdict: "fail", expectations: [{ text: "periodic: true", met: false, observed: "it draws" }] }),
      "FAIL  A gateway: 1 of 1 expectations not met, though no failure in 30 d",
    ],
    [
      "undecided",
      runRecord({ verdict: "undecided", simulatedUs: DAY_US }),
      "UNDECIDED  A gateway: interrupted after 1 d of 30 d, no failure so far",
    ],
  ])("begins with the word and the simulated time: %s", (_, record, first) => {
    expect(lines(runText(record))[0]).toBe(first);
  });

  test("has a word for every way to fail", () => {
    const kinds: Record<RunFailureKind, true> = {
      crash: true,
      "reboot-by-policy": true,
      fault: true,
      "stack-overflow": true,
      "stack-corruption": true,
      deadlock: true,
      "boot-loop": true,
      overload: true,
      "no-progress": true,
      "queue-full": true,
      "allocation-in-interrupt": true,
      "too-many-blocks": true,
    };
    const firsts = Object.keys(kinds).map((kind) => {
      const { failure } = failedRecord();
      if (!failure) throw new Error("it failed");
      return lines(runText(failedRecord({ failure: { ...failure, kind: kind as RunFailureKind } })))[0];
    });
    expect(new Set(firsts).size).toBe(12);
  });

  test("ends with the digest", () => {
    expect(runText(runRecord())).toMatch(/\n\ndigest 0123abcd {2}\(.*\)\n$/);
  });

  test("without expectations says so", () => {
    expect(runText(runRecord({ expectations: [] }))).toContain("\nIt states no expectations.\n");
  });

  test("lists the expectations with the figures that decided", () => {
    const expectations = [
      { text: "survives: 30 d", met: true, observed: "no failure in 30 d" },
      { text: "periodic: true", met: null, observed: "not repeated yet" },
    ];
    expect(runText(runRecord({ verdict: "undecided", expectations }))).toContain(
      "  met        survives: 30 d  no failure in 30 d\n  undecided  periodic: true  not repeated yet\n",
    );
  });

  test("says how fast a heap shrinks and when it is exhausted", () => {
    const text = runText(runRecord({ heaps: { main: heapRecord({ drift }) } }));
    expect(text).toContain("\nmain loses 212 B a day (95 %: 180 to 240): exhausted on day 61\n");
  });

  test("gives no date for what has happened already, and does not advise a larger heap against a leak", () => {
    const past = runText(runRecord({ heaps: { main: heapRecord({ drift: { ...drift, exhaustionUs: DAY_US } }) } }));
    expect(past).toContain("\nmain loses 212 B a day (95 %: 180 to 240)\n");
    const text = runText(failedRecord({ heaps: { main: heapRecord({ drift }) } }));
    expect(text).toContain("\nmain loses 212 B a day (95 %: 180 to 240)\n");
    expect(text).not.toContain("--heap-size");
  });

  test("says since when a heap is steady", () => {
    const steady: Drift = {
      bytesPerDay: -0.31,
      low: -2,
      high: 1.54,
      shrinking: false,
      exhaustionUs: null,
      steadyFromUs: 26 * 3600e6,
    };
    const text = runText(runRecord({ heaps: { main: heapRecord({ drift: steady }) } }));
    expect(text).toContain(
      "\nmain is steady since day 2, 02:00; its free memory changes by −0.31 B a day (95 %: −2 to +1.5)\n",
    );
  });

  test("says that the largest hole goes while free memory stays", () => {
    const text = runText(runRecord({ heaps: { main: heapRecord({ largestFreeDrift: drift, inconsistentUs: 61e6 }) } }));
    expect(text).toContain("\nthe largest hole of main loses 212 B a day (95 %: 180 to 240): gone on day 61\n");
    expect(text).toContain("\nthe metadata of main was found broken at day 1, 00:01:01.000000\n");
  });

  test("states the proof that a run is periodic", () => {
    const text = runText(runRecord({ periodic: { periodUs: 10e6, fromUs: 1e6 }, reboots: 2 }));
    expect(text).toContain("\nProved periodic: from 1 s on its whole state returns every 10 s,\n");
    expect(text).toContain("\nIt rebooted 2 times.\n");
  });

  test("tells an overflow from its first byte to what noticed it, and how deep the stack must be", () => {
    const overflow = {
      atUs: 3.2e6,
      detectedBy: "freertos-2",
      detectedAfterUs: 184e6,
      bytesBeyond: 96,
      overwrote: ["stack of sensor", "heap main: block of 64 B at 0x20001b40"],
    };
    const { failure } = failedRecord();
    const text = runText(
      failedRecord({
        failure: failure && {
          ...failure,
          kind: "stack-overflow",
          heap: null,
          requestBytes: null,
          freeBytes: null,
          largestFreeBytes: null,
          message: "a stack overflowed",
        },
        stacks: { uplink: stackRecord({ worstCaseBytes: 1100, overflow }) },
      }),
    );
    expect(text).toContain("\nuplink       1,024       400       1,100      380  OVER by 76\n");
    expect(text).toContain(`  stack uplink went 96 B past its end on day 1, 00:00:03.200000
    noticed by freertos-2, 3 min 04 s later
    it overwrote stack of sensor, heap main: block of 64 B at 0x20001b40
`);
    expect(text).toContain("  what    a stack overflowed\n");
    expect(text).toContain("  --set tasks.uplink.stack.size=1152  is what its worst case needs\n");
  });

  test("shows the registers of a fault", () => {
    const text = runText(
      failedRecord({
        faults: [
          {
            atUs: 5e6,
            kind: "unmapped",
            address: "0xdeadbeef",
            access: "load",
            exception: "BusFault",
            registers: [{ name: "CFSR", value: "0x00008200", meaning: "PRECISERR, BFARVALID" }],
            task: "uplink",
            step: "tasks.uplink.do[1] free packet",
          },
        ],
      }),
    );
    expect(text).toContain(
      "BusFault: load at 0xdeadbeef (unmapped), day 1, 00:00:05.000000 in tasks.uplink.do[1] free packet\n" +
        "  CFSR     0x00008200  PRECISERR, BFARVALID\n",
    );
  });

  test("sums up the holders that are too many to list", () => {
    const holders = Array.from({ length: 8 }, (_, index) => ({
      task: "uplink",
      step: `tasks.uplink.do[${index}] allocate a`,
      blocks: 1,
      bytes: 100 - index,
      oldestUs: 0,
      leaked: false,
    }));
    expect(runText(failedRecord({ heaps: { main: heapRecord({ holders }) } }))).toContain("282 B by 3 others");
  });
});
