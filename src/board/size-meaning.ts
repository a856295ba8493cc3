import { SIZE_MEANINGS } from "./wire/protocol.ts";

/** Bytes of a block's header where sizes other than requests are told: FreeRTOS on a 32-bit core. */
const FREERTOS_HEADER_BYTES = 8;
/** The heaps of FreeRTOS whose traceMALLOC tells sizes with the header. */
const TELL_WITH_HEADER: readonly string[] = ["freertos-heap2", "freertos-heap4", "freertos-heap5"];

/** The name of a meaning, as headers of recordings give it; its number where it is not known. */
export function sizeMeaningName(sizeMeaning: number): string {
  const known = Object.entries(SIZE_MEANINGS).find(([, code]) => code === sizeMeaning);
  return known?.[0] ?? String(sizeMeaning);
}

/** Bytes to take off an event's size so that what is left is placed as the request was; `allocator` by its catalogue name. */
export function headerInSizes(sizeMeaning: number, allocator: string): number {
  const hasHeader = sizeMeaning === SIZE_MEANINGS.withHeader || sizeMeaning === SIZE_MEANINGS.block;
  return hasHeader && TELL_WITH_HEADER.includes(allocator) ? FREERTOS_HEADER_BYTES : 0;
}
