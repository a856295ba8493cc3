import type { FaultRecord } from "../wasm/guest-fault.ts";
import type { Core } from "./description.ts";

/** A register as an engineer reads it in the fault handler, with the meaning of its set bits. */
export interface FaultRegister {
  readonly name: string;
  readonly value: number;
  readonly meaning: string;
}

/**
 * The registers of `core` after the fault, before any handler ran. Empty where the core reports nothing
 * (Armv6-M, Armv8-M Baseline and AVR) and where the guest stopped itself (assertion, endless list).
 *
 * Sources: Armv7-M ARM (DDI 0403E) B3.2.15–B3.2.18 and C1.6.1 (DFSR); Armv8-M ARM (DDI 0553) for STKOF; RISC-V privileged specification 1.12, table 3.6;
 * Xtensa ISA reference, table 4-64.
 */
export function faultRegisters(core: Core, fault: FaultRecord): FaultRegister[] {
  if (fault.kind === "assertion" || fault.kind === "endless" || fault.kind === "left-heap") return [];
  switch (core) {
    case "armv7-m":
    case "armv7e-m":
    case "armv8-m-main":
      return armMainline(fault);
    case "riscv":
      return riscv(fault);
    case "xtensa":
      return xtensa(fault);
    case "armv6-m":
    case "armv8-m-base":
    case "avr":
      return [];
  }
}

/** What the core does on the fault, in a few words. */
export function faultException(core: Core, fault: FaultRecord): string {
  if (fault.kind === "assertion") return "the assertion hook; configASSERT and its like spin there";
  if (fault.kind === "endless") return "no exception: the core spins in the allocator until a watchdog bites";
  if (fault.kind === "left-heap") return "not decided: the exact build answers what the device does";
  if (fault.kind === "watchpoint") {
    return core === "xtensa" || core === "riscv" ? "a debug exception into the handler" : "DebugMonitor";
  }
  if (core === "avr") return "nothing: AVR has no memory faults; a load reads an undefined value, a store is lost";
  if (core === "riscv" || core === "xtensa") return "an exception into the trap handler";
  return "HardFault (BusFault, UsageFault and MemManage are off after reset, so they escalate)";
}

const FORCED = { name: "HFSR", value: 0x4000_0000, meaning: "FORCED" };

function armMainline(fault: FaultRecord): FaultRegister[] {
  switch (fault.kind) {
    case "stack-guard":
      return [
        { name: "CFSR", value: 0x82, meaning: "DACCVIOL, MMARVALID" },
        { name: "MMFAR", value: fault.address, meaning: "faulting address" },
        FORCED,
      ];
    case "stack-guard-stacking":
      return [{ name: "CFSR", value: 0x10, meaning: "MSTKERR, MMFAR not valid" }, FORCED];
    case "stack-limit":
      return [{ name: "CFSR", value: 0x0010_0000, meaning: "STKOF" }, FORCED];
    case "watchpoint":
      return [{ name: "DFSR", value: 0x4, meaning: "DWTTRAP" }];
    default:
      return armAccess(fault);
  }
}

function armAccess(fault: FaultRecord): FaultRegister[] {
  if (fault.kind === "unaligned") return [{ name: "CFSR", value: 0x0100_0000, meaning: "UNALIGNED" }, FORCED];
  // A store leaves through the write buffer: when the bus answers, the core no longer knows which it was.
  if (fault.access === "store") return [{ name: "CFSR", value: 0x400, meaning: "IMPRECISERR" }, FORCED];
  return [
    { name: "CFSR", value: 0x8200, meaning: "PRECISERR, BFARVALID" },
    { name: "BFAR", value: fault.address, meaning: "faulting address" },
    FORCED,
  ];
}

function riscv(fault: FaultRecord): FaultRegister[] {
  if (fault.kind === "watchpoint") {
    return [
      { name: "mcause", value: 3, meaning: "breakpoint" },
      { name: "mtval", value: fault.address, meaning: "watched address" },
    ];
  }
  const store = fault.access === "store";
  const misaligned = fault.kind === "unaligned";
  const cause = (misaligned ? 4 : 5) + (store ? 2 : 0);
  const meaning = `${store ? "store" : "load"} ${misaligned ? "address misaligned" : "access fault"}`;
  return [
    { name: "mcause", value: cause, meaning },
    { name: "mtval", value: fault.address, meaning: "faulting address" },
  ];
}

function xtensa(fault: FaultRecord): FaultRegister[] {
  if (fault.kind === "watchpoint") return [{ name: "DEBUGCAUSE", value: 0x4, meaning: "DBREAK" }];
  const prohibited = fault.access === "store" ? 29 : 28;
  const unaligned = fault.kind === "unaligned";
  const meaning = unaligned ? "LoadStoreAlignment" : prohibited === 29 ? "StoreProhibited" : "LoadProhibited";
  return [
    { name: "EXCCAUSE", value: unaligned ? 9 : prohibited, meaning },
    { name: "EXCVADDR", value: fault.address, meaning: "faulting address" },
  ];
}
