/**
 * Access to the device's memory. A guest address goes through one of these checks once before the fields
 * behind it are used; what comes back is the address to use (another one only where a bank is an alias).
 *
 * The fast build (release, debug) knows one range, the heap's own: a pointer outside is the fault LeftHeap.
 * The exact build looks the address up in the bank table and answers as the device would.
 * The host runs batches in the fast build and, when one faults, repeats it from a snapshot in the exact one.
 *
 *   address - low                      span
 *   ├───────────┬───────────────────────┤
 *   0         word                     the check is unsigned, so an address below low is a huge offset
 *
 * `rotr(address - low, 2) >= span >> 2` is both tests at once: rotating moves the two alignment bits to the
 * top, so an unaligned address exceeds any span (low and span are multiples of 4).
 */
import { fault } from "./fault";
import {
  Access,
  BANKS,
  BankField,
  BankKind,
  CONTROL,
  ControlField,
  FaultCode,
  OUTPUT,
  OUTPUT_BYTES,
} from "./memory-map";

/** Static methods because asc inlines decorated members, not functions with several callers. */
export class Guest {
  /**
   * A word-aligned address whose record starts in [low, low + span). For a record of N words pass
   * `span - 4 * (N - 1)`, so that its last word is inside as well.
   */
  @inline static word(address: u32, low: u32, span: u32, access: u32 = Access.Load): u32 {
    if (rotr<u32>(address - low, 2) >= span >> 2) {
      if (EXACT_ACCESS) return resolve(address, 4, access);
      fault(FaultCode.LeftHeap, address, access, 4);
      unreachable();
    }
    return address;
  }

  /** As `word`, for cores and structures without alignment: `bytes` bytes that start in [low, low + span - bytes]. */
  @inline static bytes(address: u32, bytes: u32, low: u32, span: u32, access: u32 = Access.Load): u32 {
    if (address - low > span - bytes || span < bytes) {
      if (EXACT_ACCESS) return resolve(address, bytes, access);
      fault(FaultCode.LeftHeap, address, access, bytes);
      unreachable();
    }
    return address;
  }

  /** Copies a payload, as memcpy/memmove of the firmware's C library would. */
  @inline static copy(to: u32, from: u32, bytes: u32, low: u32, span: u32): void {
    if (bytes == 0) return;
    const target = Guest.bytes(to, bytes, low, span, Access.Store);
    const source = Guest.bytes(from, bytes, low, span, Access.Load);
    memory.copy(target, source, bytes);
  }

  /** Fills a payload with one byte value. */
  @inline static fill(address: u32, value: u8, bytes: u32, low: u32, span: u32): void {
    if (bytes == 0) return;
    memory.fill(Guest.bytes(address, bytes, low, span, Access.Store), value, bytes);
  }
}

/**
 * The address at which the device's bytes for [address, address + bytes) really lie: itself, or its home when
 * the bank is an alias. What no bank holds, what the bank does not allow and what the core cannot do faults.
 * A store that a bank ignores goes to a copy outside the device.
 */
export function resolve(address: u32, bytes: u32, access: u32): u32 {
  if (
    load<u32>(CONTROL + (ControlField.UnalignedFaults << 2)) != 0 &&
    bytes > 1 &&
    bytes <= 4 &&
    (address & (bytes - 1)) != 0
  ) {
    fault(FaultCode.Unaligned, address, access, bytes);
  }
  const count = load<u32>(CONTROL + (ControlField.BankCount << 2));
  for (let i: u32 = 0; i < count; i++) {
    const bank = BANKS + i * (BankField.Length << 2);
    const low = load<u32>(bank, BankField.Low << 2);
    const span = load<u32>(bank, BankField.Bytes << 2);
    if (span < bytes || address - low > span - bytes) continue;
    const kind = load<u32>(bank, BankField.Kind << 2);
    const home = load<u32>(bank, BankField.Home << 2) + (address - low);
    if (access == Access.Load || kind == BankKind.Ram) return home;
    if (kind == BankKind.StoresIgnored && bytes <= <u32>OUTPUT_BYTES) {
      memory.copy(OUTPUT, home, bytes);
      return OUTPUT;
    }
    fault(FaultCode.ReadOnly, address, access, bytes);
  }
  fault(FaultCode.Unmapped, address, access, bytes);
  return unreachable();
}
