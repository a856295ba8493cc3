/**
 * Segmented stacks, as -fsplit-stack and early Rust had them: a function whose frame does not fit runs on a
 * stacklet from a heap, which goes back on return. A loop that calls across the edge pays an allocation and a
 * release for every call (the hot split); StackField.StackletsTaken counts them.
 *
 *        heap                              the stack itself
 *   ┌───────────────────────┐         ┌─────────┬──────────────┐
 *   │ reserve │ frame, …    │ ◄────── │ reserve │ callers …    │
 *   └───────────────────────┘         └─────────┴──────────────┘
 *   Low       Sp           payload + request    LeftAt
 *
 * The links of the chain are kept in the ledger's records, not in the stacklets: LengthBytes is the stack
 * pointer to go back to, Before the record of the stacklet before, or 0. `reserve` is what an interrupt, the
 * saved context and functions without the check need (libgcc keeps such a red zone as well).
 */
import { returnKernelBlock, takeKernelBlock } from "../soak/ledger";
import { LedgerField } from "../soak/ledger-map";
import { SOAK, SoakField } from "../soak-map";
import { ALWAYS_CAREFUL, Stack } from "./record";

/** Makes a stacklet for a frame of `frameBytes` the current one. False: the heap refused. */
export function enterStacklet(stack: Stack, frameBytes: u32): bool {
  const alignment = load<u32>(SOAK, SoakField.StackAlignment << 2);
  const bytes = max(stack.stackletBytes, frameBytes + stack.stackletReserve + 2 * alignment);
  const record = takeKernelBlock(stack.stackletHeap, bytes);
  if (record == 0) return false;
  store<u32>(record, stack.sp, LedgerField.LengthBytes << 2);
  store<u32>(record, stack.stacklet, LedgerField.Before << 2);
  if (stack.stacklet == 0) stack.leftAt = stack.sp;
  stack.stacklet = record;
  stack.low = load<u32>(record, LedgerField.Payload << 2);
  stack.sp = highOf(record);
  stack.carefulBelow = ALWAYS_CAREFUL;
  stack.stackletsTaken++;
  stack.stackletsHeldBytes += bytes;
  stack.deepestBytes = max(stack.deepestBytes, stack.top - stack.leftAt + stack.stackletsHeldBytes);
  return true;
}

/** Whether the stack pointer is back at the upper end of the current stacklet. */
export function stackletIsEmpty(stack: Stack): bool {
  return stack.stacklet != 0 && stack.sp == highOf(stack.stacklet);
}

/** Gives the current stacklet back and goes on where it was entered; the caller then renews CarefulBelow. */
export function leaveStacklet(stack: Stack): void {
  const record = stack.stacklet;
  const before = load<u32>(record, LedgerField.Before << 2);
  stack.sp = load<u32>(record, LedgerField.LengthBytes << 2);
  stack.stacklet = before;
  stack.low = before == 0 ? stack.base : load<u32>(before, LedgerField.Payload << 2);
  stack.stackletsHeldBytes -= requestOf(record);
  returnKernelBlock(record);
}

function requestOf(record: u32): u32 {
  return load<u32>(record, LedgerField.RequestBytes << 2);
}

function highOf(record: u32): u32 {
  const alignment = load<u32>(SOAK, SoakField.StackAlignment << 2);
  return (load<u32>(record, LedgerField.Payload << 2) + requestOf(record)) & ~(alignment - 1);
}
