/**
 * How the guest stops: the record is written, the host is told, and nothing of the guest runs any more.
 * That this path never returns is what lets the compiler keep the access check to three instructions.
 */
import { Access, FAULT, FaultCode, FaultField } from "./memory-map";

/** Throws on the host (src/wasm/core.ts), which reads the record. */
declare function raiseFault(): void;

/** Stops the guest at `address`. `bytes` is the width of the access. Does not return. */
export function fault(code: u32, address: u32, access: u32, bytes: u32): void {
  store<u32>(FAULT + (FaultField.Code << 2), code);
  store<u32>(FAULT + (FaultField.Address << 2), address);
  store<u32>(FAULT + (FaultField.Access << 2), access);
  store<u32>(FAULT + (FaultField.Bytes << 2), bytes);
  raiseFault();
  unreachable();
}

/** The device would loop for ever over the list node at `address`. Does not return. */
export function endless(address: u32): void {
  fault(FaultCode.Endless, address, Access.Load, 4);
}
