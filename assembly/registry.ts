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
import { perform } from "./perform";

/** Performs `verb` (see perform.ts) on the heap whose record lies at `record`. */
export function dispatch(record: u32, verb: u32, a: u32, b: u32): u32 {
  switch (load<u32>(record, HeapField.Kind << 2)) {
    case AllocatorKind.Bump:
      return perform<Bump>(record, verb, a, b);
    case AllocatorKind.FixedPool:
      return perform<FixedPool>(record, verb, a, b);
    case AllocatorKind.Buddy:
      return perform<Buddy>(record, verb, a, b);
    case AllocatorKind.ListFit:
      return hasHeader(record) ? perform<ListFit>(record, verb, a, b) : perform<MapFit>(record, verb, a, b);
    case AllocatorKind.FreertosHeap4:
      return perform<FreertosHeap4>(record, verb, a, b);
    case AllocatorKind.Tlsf:
      return perform<Tlsf>(record, verb, a, b);
    case AllocatorKind.TlsfEsp:
      return perform<TlsfEsp>(record, verb, a, b);
    case AllocatorKind.O1heap:
      return perform<O1heap>(record, verb, a, b);
    case AllocatorKind.Umm:
      return perform<Umm>(record, verb, a, b);
    case AllocatorKind.ZephyrSysHeap:
      return perform<ZephyrSysHeap>(record, verb, a, b);
    case AllocatorKind.ThreadxByte:
      return perform<ThreadxByte>(record, verb, a, b);
    case AllocatorKind.MicropythonGc:
      return perform<MicropythonGc>(record, verb, a, b);
    case AllocatorKind.FreertosHeap1:
      return perform<FreertosHeap1>(record, verb, a, b);
    case AllocatorKind.FreertosHeap2:
      return perform<FreertosHeap2>(record, verb, a, b);
    case AllocatorKind.FreertosHeap5:
      return perform<FreertosHeap5>(record, verb, a, b);
    case AllocatorKind.Lwmem:
      return perform<Lwmem>(record, verb, a, b);
    case AllocatorKind.RustLinkedList:
      return perform<RustLinkedList>(record, verb, a, b);
    case AllocatorKind.NewlibNano:
      return perform<NewlibNano>(record, verb, a, b);
    case AllocatorKind.Newlib:
      return perform<Newlib>(record, verb, a, b);
    case AllocatorKind.Picolibc:
      return perform<Picolibc>(record, verb, a, b);
    case AllocatorKind.AvrLibc:
      return perform<AvrLibc>(record, verb, a, b);
    default:
      return unreachable();
  }
}

/** The list allocators keep what they know in front of each payload, or, without a header, beside the arena. */
function hasHeader(record: u32): bool {
  return load<u32>(record, (HeapField.Options + ListFitOption.HeaderBytes) << 2) != 0;
}
