/** Which class serves which allocator kind: one line each. */
import { AllocatorKind, HeapField } from "./memory-map";
import { Bump } from "./allocators/bump";
import { perform } from "./perform";
import { FreertosHeap4 } from "./allocators/freertos-heap4";
import { MicropythonGc } from "./allocators/micropython-gc";
import { O1heap } from "./allocators/o1heap";
import { Tlsf } from "./allocators/tlsf";
import { ThreadxByte } from "./allocators/threadx-byte";
import { TlsfEsp } from "./allocators/tlsf-esp";
import { Umm } from "./allocators/umm";
import { ZephyrSysHeap } from "./allocators/zephyr-sys-heap";

/** Performs `verb` (see perform.ts) on the heap whose record lies at `record`. */
export function dispatch(record: u32, verb: u32, a: u32, b: u32): u32 {
  switch (load<u32>(record, HeapField.Kind << 2)) {
    case AllocatorKind.Bump: return perform<Bump>(record, verb, a, b);
    case AllocatorKind.FreertosHeap4: return perform<FreertosHeap4>(record, verb, a, b);
    case AllocatorKind.Tlsf: return perform<Tlsf>(record, verb, a, b);
    case AllocatorKind.TlsfEsp: return perform<TlsfEsp>(record, verb, a, b);
    case AllocatorKind.O1heap: return perform<O1heap>(record, verb, a, b);
    case AllocatorKind.Umm: return perform<Umm>(record, verb, a, b);
    case AllocatorKind.ZephyrSysHeap: return perform<ZephyrSysHeap>(record, verb, a, b);
    case AllocatorKind.ThreadxByte: return perform<ThreadxByte>(record, verb, a, b);
    case AllocatorKind.MicropythonGc: return perform<MicropythonGc>(record, verb, a, b);
    default: return unreachable();
  }
}
