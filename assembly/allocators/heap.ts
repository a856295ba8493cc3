/**
 * What every allocator is: a record in engine memory (HeapField) and the same verbs.
 *
 * An allocator is a `@final` class over that record, reached as `changetype<H>(recordAddress)`; generic code
 * takes `H extends Heap` and is compiled once per allocator, so calls are direct. Everything here is abstract:
 * overriding a concrete method of an unmanaged class would dispatch on a runtime id that is not there.
 */
import { fault } from "../fault";
import { Access, BlockField, FaultCode, FindingField, HeapField, RegionField } from "../memory-map";

@unmanaged
export abstract class Heap {
  kind: u32;
  checkLow: u32;
  checkSpan: u32;
  arena: u32;
  arenaBytes: u32;
  state: u32;
  stateBytes: u32;
  granuleShift: u32;
  assertionsStop: u32;
  visits: u32;
  visitsHistogram: u32;
  regionCount: u32;

  /**
   * Tells from the options what the host must reserve before `initialize`: sets `stateBytes` (bytes of static
   * variables; they are placed 8-aligned in front of the arena) and `granuleShift`. Touches no device memory.
   */
  abstract plan(): void;
  /** Start-up: what the C original's static initialisers and init function do. False: the arena cannot be used. */
  abstract initialize(): bool;
  /**
   * Autopsy of a board's RAM: rebuilds the static variables at `state` from the arena alone (on the board they lie
   * somewhere else), trusting nothing and writing nothing to the arena. Words of the state that are not 0 were
   * supplied by the user (in the order of the catalogue's `statics`) and are kept. False: the arena does not tell
   * and the words were not supplied. Allocators whose state `initialize` fixes for good rebuild just that.
   */
  abstract adopt(): bool;
  /** The payload's address, or 0 when the request is refused. */
  abstract allocate(requestBytes: u32): u32;
  /** As `allocate`, with an address that is a multiple of `alignment` (a power of two). */
  abstract allocateAligned(alignment: u32, requestBytes: u32): u32;
  /**
   * The payload's new address, or 0 when refused (the old block stays). `oldRequestBytes` is what the firmware
   * asked for the block; only allocators whose interface takes it may use it. A `requestBytes` of 0 that
   * returns 0 has freed the block. `payload` is never 0.
   */
  abstract reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32;
  /** Gives a block back; `payload` is never 0 but may be anything else. `requestBytes` as in `reallocate`. */
  abstract release(payload: u32, requestBytes: u32): void;
  /** Bytes the firmware may use of a live block. */
  abstract usableBytes(payload: u32, requestBytes: u32): u32;
  /** Bytes of a live block, header and padding included. */
  abstract blockBytes(payload: u32, requestBytes: u32): u32;
  /** The largest request (below 2^31) that `allocate` would grant now. Changes nothing. */
  abstract largestRequest(): u32;
  /**
   * Walks the blocks in address order: fills `block` with the one after it (or the first, when its address is
   * 0) and returns true, or returns false behind the last. Trusts the metadata; `check` does not.
   */
  abstract nextBlock(block: Block): bool;
  /** Verifies the allocator's invariants without trusting a single word; false and `finding` filled when one is broken. */
  abstract check(finding: Finding): bool;
  /** Writes the figures that the original reports, in the order of the catalogue's keys; returns how many. */
  abstract statistics(out: u32): u32;
}

@final
@unmanaged
export class Block {
  address: u32;
  bytes: u32;
  payload: u32;
  requestBytes: u32;
  state: u32;
  cursor: u32;
}

@final
@unmanaged
export class Finding {
  inconsistency: u32;
  address: u32;
  expected: u32;
  found: u32;
}

/** Fills `finding` and returns false, so that a check can end with `return broken(…)`. */
export function broken(finding: Finding, inconsistency: u32, address: u32, expected: u32, found: u32): bool {
  finding.inconsistency = inconsistency;
  finding.address = address;
  finding.expected = expected;
  finding.found = found;
  return false;
}

/** Refuses an aligned request that the allocator has no call for: nothing is looked at. */
export function refused(heap: Heap): u32 {
  heap.visits = 0;
  return 0;
}

/** The original's assertion about `address` failed: stops the device, or does nothing where assertions are compiled out. */
export function assertionFailed(heap: Heap, address: u32): void {
  if (heap.assertionsStop) fault(FaultCode.Assertion, address, Access.Load, 4);
}

/** The word of option `index` (the allocator's `…Option` enum). */
export function optionOf(heap: Heap, index: u32): u32 {
  return load<u32>(changetype<u32>(heap) + (index << 2), HeapField.Options << 2);
}

/** The record of region `index`, to be read with RegionField. */
export function regionOf(heap: Heap, index: u32): u32 {
  return changetype<u32>(heap) + (HeapField.Regions << 2) + index * (RegionField.Length << 2);
}

/** Compile-time proof that the overlays above are the records of memory-map.ts. */
export function pinRecords(): void {
  if (offsetof<Heap>("checkLow") != HeapField.CheckLow * 4) ERROR("Heap.checkLow is not where HeapField says");
  if (offsetof<Heap>("state") != HeapField.State * 4) ERROR("Heap.state is not where HeapField says");
  if (offsetof<Heap>("visits") != HeapField.Visits * 4) ERROR("Heap.visits is not where HeapField says");
  if (offsetof<Heap>("regionCount") != HeapField.RegionCount * 4) ERROR("Heap.regionCount is not where HeapField says");
  if (offsetof<Block>() != BlockField.Length * 4) ERROR("Block is not BlockField");
  if (offsetof<Finding>() != FindingField.Length * 4) ERROR("Finding is not FindingField");
}
