import { Access, FAULT, FaultCode, FaultField } from "../../assembly/memory-map.ts";

/** Why the guest stopped. */
export type FaultKind =
  | "unmapped"
  | "read-only"
  | "unaligned"
  | "left-heap"
  | "assertion"
  | "endless"
  /** A store into the protected region of a stack, and the processor's own stacking there. */
  | "stack-guard"
  | "stack-guard-stacking"
  | "stack-limit"
  | "watchpoint";

/** What the guest did when it stopped. */
export interface FaultRecord {
  readonly kind: FaultKind;
  readonly address: number;
  readonly access: "load" | "store";
  /** Width of the access. */
  readonly bytes: number;
}

const KINDS: Readonly<Record<number, FaultKind>> = {
  [FaultCode.Unmapped]: "unmapped",
  [FaultCode.ReadOnly]: "read-only",
  [FaultCode.Unaligned]: "unaligned",
  [FaultCode.LeftHeap]: "left-heap",
  [FaultCode.Assertion]: "assertion",
  [FaultCode.Endless]: "endless",
};

const SENTENCES: Readonly<Record<FaultKind, string>> = {
  unmapped: "no memory there",
  "read-only": "the memory there cannot be written",
  unaligned: "this core cannot access unaligned addresses",
  "left-heap": "heap metadata led out of the heap",
  assertion: "the allocator's own assertion failed",
  endless: "a list of the allocator never ends; the device hangs until its watchdog bites",
  "stack-guard": "the guard of a stack lies there",
  "stack-guard-stacking": "the guard of a stack lies there, and an exception was being stacked",
  "stack-limit": "the stack pointer may not go below its limit register",
  watchpoint: "a watchpoint lies there",
};

/** The guest stopped: thrown through the WASM frames by the engine. */
export class GuestFault extends Error {
  readonly record: FaultRecord;

  constructor(record: FaultRecord) {
    const where = `0x${record.address.toString(16).padStart(8, "0")}`;
    super(`${record.access} of ${record.bytes} bytes at ${where}: ${SENTENCES[record.kind]}`);
    this.name = "GuestFault";
    this.record = record;
  }
}

/** The fault record in engine memory. */
export function readFaultRecord(words: Uint32Array): FaultRecord {
  const word = (field: FaultField) => words[(FAULT >>> 2) + field] ?? 0;
  return {
    kind: KINDS[word(FaultField.Code)] ?? "unmapped",
    address: word(FaultField.Address),
    access: word(FaultField.Access) === Access.Store ? "store" : "load",
    bytes: word(FaultField.Bytes),
  };
}
