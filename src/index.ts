/** heapsoak's host API: devices and their heaps, at the addresses of the datasheet. */
export { allocators, findAllocator } from "./allocators/catalogue.ts";
export type { AllocatorEntry, OptionSpec, OptionValues } from "./allocators/entry.ts";
export { type Autopsy, type AutopsyRequest, autopsy } from "./device/autopsy.ts";
export { deviceCatalogue, findDevice } from "./device/catalogue/devices.ts";
export type { Bank, Core, DeviceDescription, HeapBounds, StaticUse } from "./device/description.ts";
export { Device, type DeviceOptions, type HeapSpec } from "./device/device.ts";
export type { FaultRegister } from "./device/fault-registers.ts";
export { type AccessMisuse, Heap, type Leak } from "./device/heap.ts";
export type { HeapPart } from "./device/memory-plan.ts";
export { resolveDevice } from "./device/resolve.ts";
export { type ErrorCode, HeapsoakError } from "./errors.ts";
export { type ImageSegment, loadRamImage } from "./image/ram-image.ts";
export { heapMap, heapPicture, type PictureOptions } from "./report/picture.ts";
export type { Snapshot } from "./wasm/engine.ts";
export { type FaultKind, type FaultRecord, GuestFault } from "./wasm/guest-fault.ts";
export type { HeapBlock, HeapCounters, HeapFinding, HeapSummary, Region } from "./wasm/heap-record.ts";
