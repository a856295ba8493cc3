/** The record of a stack (StackField) and what it notes of an overrun. */
import { SOAK, SoakField } from "../soak-map";
import { StackDetection, StackField } from "./stack-map";

/** CarefulBelow of a stack whose every frame takes the careful way. */
export const ALWAYS_CAREFUL: u32 = 0xffffffff;

@final
@unmanaged
export class Stack {
  low: u32;
  carefulBelow: u32;
  sp: u32;
  lowestSp: u32;
  guards: u32;
  exceptions: u32;
  exceptionsMost: u32;
  base: u32;
  bytes: u32;
  paintByte: u32;
  fromHeap: u32;
  guardBytes: u32;
  guardAlignment: u32;
  watchBytes: u32;
  probeInterval: u32;
  stackletHeap: u32;
  stackletBytes: u32;
  stackletReserve: u32;
  top: u32;
  guardLow: u32;
  guardHigh: u32;
  watchLow: u32;
  watchHigh: u32;
  registerImage: u32;
  exceptionCount: u32;
  stacklet: u32;
  leftAt: u32;
  stackletsHeldBytes: u32;
  deepestBytes: u32;
  paintedMost: u32;
  stackletsTaken: u64;
  overflowAt: u64;
  detectedAt: u64;
  overrun: u32;
  detectedBy: u32;
  detectedAddress: u32;
  bytesBeyond: u32;
  lowestWritten: u32;
  rangeCount: u32;
  ranges: u32;

  @inline static at(stack: u32): Stack {
    return changetype<Stack>(stack);
  }

  @inline has(guards: u32): bool {
    return (this.guards & guards) != 0;
  }
}

/** Notes what noticed the overrun; only the first counts. Returns `detection`. */
export function detect(stack: Stack, detection: u32, address: u32): u32 {
  if (stack.detectedBy == StackDetection.None) {
    stack.detectedBy = detection;
    stack.detectedAddress = address;
    stack.detectedAt = load<u64>(SOAK, SoakField.Now << 2);
  }
  return detection;
}

/** Compile-time proof that the overlay is the record of stack-map.ts. */
export function pinStack(): void {
  if (offsetof<Stack>("guards") != StackField.Guards * 4) ERROR("Stack.guards is not StackField's");
  if (offsetof<Stack>("stackletReserve") != StackField.StackletReserve * 4) ERROR("Stack.stackletReserve");
  if (offsetof<Stack>("leftAt") != StackField.LeftAt * 4) ERROR("Stack.leftAt is not StackField's");
  if (offsetof<Stack>("stackletsTaken") != StackField.StackletsTaken * 4) ERROR("Stack.stackletsTaken");
  if (offsetof<Stack>("overrun") != StackField.Overrun * 4) ERROR("Stack.overrun is not StackField's");
  if (offsetof<Stack>("ranges") != StackField.Ranges * 4) ERROR("Stack.ranges is not StackField's");
}
