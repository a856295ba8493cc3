import { beforeAll, describe, expect, test } from "vitest";
import { SOAK, SoakField } from "../../assembly/soak-map.ts";
import { StackDetection, StackField } from "../../assembly/stack/stack-map.ts";
import type { Placement } from "../../src/device/memory-plan.ts";
import { stackTable } from "../../src/report/stack-table.ts";
import type { Guard } from "../../src/scenario/model.ts";
import type { StackOverflowRecord } from "../../src/soak/record.ts";
import {
  describeDetection,
  hadOverwritten,
  lateSymptom,
  nameOverwritten,
  overflowRecord,
  stackFault,
} from "../../src/soak/stack-overflow.ts";
import { readStackRecord, stackRecordBytes, writeStackRecord } from "../../src/wasm/stack-record.ts";
import { compileStacks, StackCore } from "../support/stack-core.ts";

const LOW = 0x2000_2000;
const RETURN = 0x0800_0401;

describe("what an overflow overwrote", () => {
  const placements: Placement[] = [
    { kind: "static", name: "static data", low: 0x2000_0000, bytes: 0x100 },
    { kind: "state", name: "main: allocator state", low: 0x2000_0100, bytes: 0x20 },
    { kind: "heap", name: "main", low: 0x2000_0120, bytes: 0x1000 },
    { kind: "stack", name: "sensor", low: 0x2000_1800, bytes: 0x400 },
    { kind: "stack", name: "interrupts", low: 0x2000_1c00, bytes: 0x400 },
  ];
  const blocks = Array.from({ length: 8 }, (_, i) => ({ heap: "main", low: 0x2000_0120 + i * 64, bytes: 64 }));
  const names = (...ranges: [number, number][]) =>
    nameOverwritten(
      ranges.map(([low, high]) => ({ low, bytes: high - low })),
      placements,
      blocks,
    );

  test("is named by owner, and what was stepped over is not", () => {
    expect(names([0x2000_0050, 0x2000_0060], [0x2000_1900, 0x2000_1910])).toEqual([
      ".data and .bss",
      "stack of sensor",
    ]);
    expect(names([0x2000_1ffc, 0x2000_2000])).toEqual(["the main stack"]);
    expect(names([0x2000_0110, 0x2000_0118])).toEqual(["heap main: allocator state"]);
    expect(names([0x2000_1400, 0x2000_1408])).toEqual(["RAM that nothing uses"]);
  });

  test("names the blocks of a heap that were live, and counts them when they are many", () => {
    expect(names([0x2000_0130, 0x2000_0134])).toEqual(["heap main: block of 64 B at 0x20000120"]);
    expect(names([0x2000_0800, 0x2000_0804])).toEqual(["heap main: bookkeeping"]);
    expect(names([0x2000_0120, 0x2000_0320])).toEqual([
      "heap main: 4 more blocks",
      ...[4, 5, 6, 7].map((i) => `heap main: block of 64 B at 0x${(0x2000_0120 + i * 64).toString(16)}`),
    ]);
  });
});

test("the free memory that was hit is named beside the blocks", () => {
  const heap: Placement = { kind: "heap", name: "main", low: 0x2000_0000, bytes: 0x1000 };
  const blocks = [
    { heap: "main", low: 0x2000_0000, bytes: 64 },
    { heap: "main", low: 0x2000_0040, bytes: 96, free: true as const },
    { heap: "main", low: 0x2000_00a0, bytes: 64 },
  ];
  expect(nameOverwritten([{ low: 0x2000_0020, bytes: 0x24 }], [heap], blocks)).toEqual([
    "heap main: block of 64 B at 0x20000000",
    "heap main: free block of 96 B at 0x20000040",
  ]);
});

describe("the same overflow under each protection", () => {
  let binary: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    binary = await compileStacks("release");
  }, 60_000);

  /** A large array of which 64 bytes are used, then a return, a switch after 2 ms, and a fault after 4 minutes. */
  function overflow(...guards: Guard[]): {
    record: StackOverflowRecord | null;
    state: ReturnType<typeof readStackRecord>;
  } {
    const device = new StackCore(binary);
    const { engine, core } = device;
    const stack = engine.allocatePool(stackRecordBytes(1));
    writeStackRecord(engine, stack, {
      base: LOW,
      bytes: 1024,
      fromHeap: false,
      guards,
      guardAlignment: 32,
      exceptionsMost: 1,
      stackletHeap: 0,
      stackletReserve: 72,
    });
    device.stackletArena(0x2001_0000, 0x4000);
    core.prepareStack(stack);
    device.setNow(1000);
    core.enterFrame(stack, 200, 100, RETURN);
    const stopped =
      core.enterFrame(stack, 1400, 64, RETURN) ||
      core.leaveFrame(stack, 1400, RETURN) ||
      core.leaveFrame(stack, 200, RETURN);
    device.setNow(3000);
    if (!stopped) {
      core.enterException(stack, 32, 32);
      core.saveContext(stack, 36);
      core.checkSwitchOut(stack);
    }
    const state = readStackRecord(engine, stack);
    const overwrote = nameOverwritten(
      state.written,
      [{ kind: "stack", name: "sensor", low: LOW - 0x1000, bytes: 0x1000 }],
      [],
    );
    const end = { atUs: 240_001_000, symptom: "fault in heap walk" };
    return { record: overflowRecord(state, { core: "armv8-m-main", isMainStack: false, overwrote, end }), state };
  }

  const late = { atUs: 1000, detectedBy: "fault in heap walk", detectedAfterUs: 240_000_000, bytesBeyond: 576 };
  const trampled = { overwrote: ["stack of sensor"] };

  test("surfaces minutes later as a fault where nothing guards, or the guard was stepped over", () => {
    expect(overflow().record).toEqual({ ...late, ...trampled });
    expect(overflow({ kind: "mpu", bytes: 64 }).record).toEqual({ ...late, ...trampled });
    expect(overflow({ kind: "freertos-1" }).record).toEqual({ ...late, ...trampled });
    expect(overflow({ kind: "freertos-2" }).record).toEqual({ ...late, ...trampled });
    expect(overflow({ kind: "watchpoint", bytes: 32 }).record).toEqual({ ...late, ...trampled });
  });

  test("is caught at once by the limit register and by probes, and nothing is overwritten", () => {
    const limit = overflow({ kind: "limit-register" });
    const caught = { atUs: 1000, detectedAfterUs: 0, bytesBeyond: 0, overwrote: [] };
    expect(limit.record).toEqual({ ...caught, detectedBy: "PSPLIM (UsageFault STKOF)" });
    expect(stackFault(limit.state)).toMatchObject({ kind: "stack-limit" });
    const probed = overflow({ kind: "probe", interval: 256, bytes: 256 });
    expect(probed.record).toEqual({
      ...caught,
      detectedBy: "stack probe on the guard (MemManage, MMFAR valid)",
    });
    expect(stackFault(probed.state)).toEqual({ kind: "stack-guard", address: LOW + 56, access: "store", bytes: 4 });
  });

  test("does not happen on a segmented stack", () => {
    const { record, state } = overflow({ kind: "segmented", heap: "main", stackletBytes: 512 });
    expect(record).toBeNull();
    expect(state.stackletsTaken).toBe(1);
    expect(state.observedBytes).toBe(200 + 1400 + 72 + 16);
  });

  test("stands side by side in a table", () => {
    const failure = { kind: "fault" as const, atUs: 240_001_000, heap: null, task: null, step: null };
    const rest = { requestBytes: null, freeBytes: null, largestFreeBytes: null, message: "" };
    const run = (record: StackOverflowRecord | null, fails: boolean) => ({
      simulatedUs: 240_001_000,
      failure: fails ? { ...failure, ...rest } : null,
      stacks: { uplink: { sizeBytes: 1024, observedBytes: 0, worstCaseBytes: 0, paintedBytes: 0, overflow: record } },
    });
    const rows = [
      { protection: "none", stack: "uplink", run: run(overflow().record, true) },
      { protection: "segmented", stack: "uplink", run: run(null, false) },
    ];
    expect(stackTable(rows)).toEqual([
      "           detected by         after  bytes beyond  overwrote        the run ends with",
      "none       fault in heap walk  4 min  576 B         stack of sensor  fault at 4 min",
      "segmented  no overflow                                               nothing: it goes on",
    ]);
  });
});

test("a task whose memory another stack overwrote has no overflow of its own", () => {
  const untouched = { guards: 0, observedBytes: 100, overrun: "none" as const, overflowAtUs: 0, bytesBeyond: 0 };
  const noticed = { detection: StackDetection.ReturnAddress, detectedAtUs: 5, detectedAddress: 0x2000_0000 };
  const state = { ...untouched, ...noticed, written: [], stackletsTaken: 0, paintedBytes: 0 };
  const options = { core: "armv7e-m" as const, isMainStack: false, overwrote: [], end: null };
  expect(overflowRecord(state, options)).toBeNull();
  expect(overflowRecord({ ...state, overrun: "claimed" }, options)?.detectedBy).toBe("return address overwritten");
});

test("a fault is told apart by where it happened: in an allocator, or at the end of the memory", () => {
  expect(lateSymptom("unmapped", "heap", "armv7e-m")).toBe("fault in heap walk");
  expect(lateSymptom("assertion", "heap", "armv7e-m")).toBe("assertion in the allocator");
  expect(lateSymptom("endless", "heap", "armv7e-m")).toBe("endless list in the allocator");
  expect(lateSymptom("unmapped", "stack", "armv7e-m")).toBe("bus fault on the stack's own store");
  expect(lateSymptom("unmapped", "stack", "riscv")).toBe("store access fault on the stack's own store");
});

test("a heap counts as overwritten from the overflow on, and only where something of it was", () => {
  const overflow = { atUs: 5, detectedBy: null, detectedAfterUs: null, bytesBeyond: 9 };
  const overwrote = ["stack of sensor", "heap main: free block of 96 B at 0x20000140"];
  expect(hadOverwritten({ ...overflow, overwrote }, "main", 5)).toBe(true);
  expect(hadOverwritten({ ...overflow, overwrote }, "main", 4)).toBe(false);
  expect(hadOverwritten({ ...overflow, overwrote }, "other", 5)).toBe(false);
  expect(hadOverwritten(null, "main", 5)).toBe(false);
});

test("detections are named as the core reports them", () => {
  expect(describeDetection(StackDetection.Mpu, "armv7e-m", false)).toBe("mpu guard (MemManage, MMFAR valid)");
  expect(describeDetection(StackDetection.Mpu, "armv6-m", false)).toBe("mpu guard (HardFault)");
  expect(describeDetection(StackDetection.Mpu, "riscv", false)).toBe("mpu guard (store access fault on RISC-V)");
  expect(describeDetection(StackDetection.LimitRegister, "armv8-m-main", true)).toBe("MSPLIM (UsageFault STKOF)");
});

test("a stack's record survives as words: SOAK, StackField and the core agree on where things lie", () => {
  expect(StackField.Length % 2).toBe(0);
  expect(StackField.StackletsTaken % 2).toBe(0);
  expect((SOAK + SoakField.Now * 4) % 8).toBe(0);
});
