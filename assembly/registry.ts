/** Which class serves which allocator kind: one line each. */

import { AvrLibc } from "./allocators/avr-libc";
import { Buddy } from "./allocators/buddy";
import { Bump } from "./allocators/bump";
import { FixedPool } from "./allocators/fixed-pool";
import { FreertosHeap1 } from "./allocators/freertos-heap1";
import { FreertosHeap2 } from "./allocators/freertos-heap2";
import { FreertosHeap4 } from "./allocators/freertos-heap4";
import { FreertosHeap5 } from "./allocators/freertos-heap5";
import { ListFit } from "./allocators/list-fit";
import { MapFit } from "./allocators/list-fit-map";
import { Lwmem } from "./allocators/lwmem";
import { MicropythonGc } from "./allocators/micropython-gc";
import { Newlib } from "./allocators/newlib";
import { NewlibNano } from "./allocators/newlib-nano";
import { O1heap } from "./allocators/o1heap";
import { Picolibc } from "./allocators/picolibc";
import { RustLinkedList } from "./allocators/rust-linked-list";
import { ThreadxByte } from "./allocators/threadx-byte";
import { Tlsf } from "./allocators/tlsf";
import { TlsfEsp } from "./allocators/tlsf-esp";
import { Umm } from "./allocators/umm";
import { ZephyrSysHeap } from "./allocators/zephyr-sys-heap";
import { AllocatorKind, HeapField, ListFitOption } from "./memory-map";
import { Perform } from "./perform";

/** A class because asc inlines its members only. */
export class Registry {
  /**
   * As `dispatch`, for the few places where a call less counts: with a constant verb all other verbs fall away.
   * The price is the size of the code.
   */
  @inline static dispatch(record: u32, verb: u32, a: u32, b: u32): u32 {
    switch (load<u32>(record, HeapField.Kind << 2)) {
      case AllocatorKind.Bump:
        return Perform.verb<Bump>(record, verb, a, b);
      case AllocatorKind.FixedPool:
        return Perform.verb<FixedPool>(record, verb, a, b);
      case AllocatorKind.Buddy:
        return Perform.verb<Buddy>(record, verb, a, b);
      case AllocatorKind.ListFit:
        return hasHeader(record) ? Perform.verb<ListFit>(record, verb, a, b) : Perform.verb<MapFit>(record, verb, a, b);
      case AllocatorKind.FreertosHeap4:
        return Perform.verb<FreertosHeap4>(record, verb, a, b);
      case AllocatorKind.Tlsf:
        return Perform.verb<Tlsf>(record, verb, a, b);
      case AllocatorKind.TlsfEsp:
        return Perform.verb<TlsfEsp>(record, verb, a, b);
      case AllocatorKind.O1heap:
        return Perform.verb<O1heap>(record, verb, a, b);
      case AllocatorKind.Umm:
        return Perform.verb<Umm>(record, verb, a, b);
      case AllocatorKind.ZephyrSysHeap:
        return Perform.verb<ZephyrSysHeap>(record, verb, a, b);
      case AllocatorKind.ThreadxByte:
        return Perform.verb<ThreadxByte>(record, verb, a, b);
      case AllocatorKind.MicropythonGc:
        return Perform.verb<MicropythonGc>(record, verb, a, b);
      case AllocatorKind.FreertosHeap1:
        return Perform.verb<FreertosHeap1>(record, verb, a, b);
      case AllocatorKind.FreertosHeap2:
        return Perform.verb<FreertosHeap2>(record, verb, a, b);
      case AllocatorKind.FreertosHeap5:
        return Perform.verb<FreertosHeap5>(record, verb, a, b);
      case AllocatorKind.Lwmem:
        return Perform.verb<Lwmem>(record, verb, a, b);
      case AllocatorKind.RustLinkedList:
        return Perform.verb<RustLinkedList>(record, verb, a, b);
      case AllocatorKind.NewlibNano:
        return Perform.verb<NewlibNano>(record, verb, a, b);
      case AllocatorKind.Newlib:
        return Perform.verb<Newlib>(record, verb, a, b);
      case AllocatorKind.Picolibc:
        return Perform.verb<Picolibc>(record, verb, a, b);
      case AllocatorKind.AvrLibc:
        return Perform.verb<AvrLibc>(record, verb, a, b);
      default:
        return unreachable();
    }
  }
}

/** Performs `verb` (see perform.ts) on the heap whose record lies at `record`. */
export function dispatch(record: u32, verb: u32, a: u32, b: u32): u32 {
  return Registry.dispatch(record, verb, a, b);
}

/** The list allocators keep what they know in front of each payload, or, without a header, beside the arena. */
function hasHeader(record: u32): bool {
  return load<u32>(record, (HeapField.Options + ListFitOption.HeaderBytes) << 2) != 0;
}
