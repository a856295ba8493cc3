/** The layout of zephyr-sys-heap (drawn there): its control structure, and its chunks in both widths. */

import { Guest } from "../guest";
import { ZephyrSysHeapOption } from "../memory-map";
import { Heap, optionOf } from "./heap";

export const UNIT_SHIFT: u32 = 3;
export const UNIT_BYTES: u32 = 1 << UNIT_SHIFT;
/** The most units that small headers can count. */
export const SMALL_UNITS_MOST: u32 = 0x7fff;

/** The original's `struct sys_heap`, the only part outside the arena. */
@final
@unmanaged
export class ZephyrState {
  control: u32;
  initialAddress: u32;
  initialBytes: u32;
}

/** Begins the arena, inside chunk 0, whose header is its first word or two. Buckets follow. */
@final
@unmanaged
export class Control {
  header0: u32;
  header1: u32;
  endUnit: u32;
  availableBuckets: u32;
  /** From here only with runtime statistics. */
  freeBytes: u32;
  liveBytes: u32;
  mostLiveBytes: u32;

  @inline static at(address: u32, low: u32, span: u32): Control {
    return changetype<Control>(Guest.word(address, low, span - PLAIN_CONTROL_BYTES + 4));
  }
}

const PLAIN_CONTROL_BYTES: u32 = <u32>offsetof<Control>("freeBytes");

export function keepsStatistics(heap: Heap): bool {
  return optionOf(heap, ZephyrSysHeapOption.RuntimeStats) != 0;
}

export function controlBytes(heap: Heap): u32 {
  return keepsStatistics(heap) ? <u32>offsetof<Control>() : PLAIN_CONTROL_BYTES;
}

/** Address of a bucket: the chunk at the front of its ring, 0 when it is empty. */
export function bucketAt(heap: Heap, control: u32, bucket: u32): u32 {
  return Guest.word(control + controlBytes(heap) + (bucket << 2), heap.checkLow, heap.checkSpan);
}

/** A chunk's fields; sizes in units, neighbours by number of the unit they begin at. */
@unmanaged
export abstract class Chunk {
  abstract headerBytes(): u32;
  /** Header and links of a free chunk. */
  abstract recordBytes(): u32;
  abstract leftUnits(): u32;
  abstract setLeftUnits(units: u32): void;
  abstract units(): u32;
  abstract isUsed(): bool;
  /** Sets the size and, as the original does, clears the used flag. */
  abstract setUnits(units: u32): void;
  abstract setUsed(used: bool): void;
  abstract previous(): u32;
  abstract setPrevious(chunk: u32): void;
  abstract next(): u32;
  abstract setNext(chunk: u32): void;
}

@final
@unmanaged
export class SmallChunk extends Chunk {
  left: u16;
  sizeAndUsed: u16;
  previousFree: u16;
  nextFree: u16;

  @inline headerBytes(): u32 {
    return 4;
  }
  @inline recordBytes(): u32 {
    return 8;
  }
  @inline leftUnits(): u32 {
    return this.left;
  }
  @inline setLeftUnits(units: u32): void {
    this.left = <u16>units;
  }
  @inline units(): u32 {
    return this.sizeAndUsed >> 1;
  }
  @inline isUsed(): bool {
    return (this.sizeAndUsed & 1) != 0;
  }
  @inline setUnits(units: u32): void {
    this.sizeAndUsed = <u16>(units << 1);
  }
  @inline setUsed(used: bool): void {
    this.sizeAndUsed = used ? this.sizeAndUsed | 1 : this.sizeAndUsed & 0xfffe;
  }
  @inline previous(): u32 {
    return this.previousFree;
  }
  @inline setPrevious(chunk: u32): void {
    this.previousFree = <u16>chunk;
  }
  @inline next(): u32 {
    return this.nextFree;
  }
  @inline setNext(chunk: u32): void {
    this.nextFree = <u16>chunk;
  }
}

@final
@unmanaged
export class BigChunk extends Chunk {
  left: u32;
  sizeAndUsed: u32;
  previousFree: u32;
  nextFree: u32;

  @inline headerBytes(): u32 {
    return 8;
  }
  @inline recordBytes(): u32 {
    return 16;
  }
  @inline leftUnits(): u32 {
    return this.left;
  }
  @inline setLeftUnits(units: u32): void {
    this.left = units;
  }
  @inline units(): u32 {
    return this.sizeAndUsed >> 1;
  }
  @inline isUsed(): bool {
    return (this.sizeAndUsed & 1) != 0;
  }
  @inline setUnits(units: u32): void {
    this.sizeAndUsed = units << 1;
  }
  @inline setUsed(used: bool): void {
    this.sizeAndUsed = used ? this.sizeAndUsed | 1 : this.sizeAndUsed & ~1;
  }
  @inline previous(): u32 {
    return this.previousFree;
  }
  @inline setPrevious(chunk: u32): void {
    this.previousFree = chunk;
  }
  @inline next(): u32 {
    return this.nextFree;
  }
  @inline setNext(chunk: u32): void {
    this.nextFree = chunk;
  }
}

/** Header bytes of a width, where no chunk is at hand. */
export function headerBytes<C extends Chunk>(): u32 {
  return changetype<C>(0).headerBytes();
}

/** The least units that can be handed out and listed: more than a header. */
export function leastUnits<C extends Chunk>(): u32 {
  return changetype<C>(0).recordBytes() >> UNIT_SHIFT;
}

/** The chunk at that unit, for its header only. */
export function chunkAt<C extends Chunk>(heap: Heap, control: u32, unit: u32): C {
  const span = heap.checkSpan + 4 - changetype<C>(0).headerBytes();
  return changetype<C>(Guest.word(control + (unit << UNIT_SHIFT), heap.checkLow, span));
}

/** The free chunk at that unit, for its header and links. */
export function freeChunkAt<C extends Chunk>(heap: Heap, control: u32, unit: u32): C {
  const span = heap.checkSpan + 4 - changetype<C>(0).recordBytes();
  return changetype<C>(Guest.word(control + (unit << UNIT_SHIFT), heap.checkLow, span));
}

/** Which ring holds free chunks of that size: one for each power of two. */
export function bucketOf<C extends Chunk>(units: u32): u32 {
  return 31 - clz<u32>(units - leastUnits<C>() + 1);
}

/** Units for a payload of `bytes + gapBytes`; what the arena cannot hold becomes the whole arena, which fails. */
export function unitsFor<C extends Chunk>(endUnit: u32, bytes: u32, gapBytes: u32): u32 {
  const whole = (bytes >> UNIT_SHIFT) + (gapBytes >> UNIT_SHIFT);
  const odd = (bytes & (UNIT_BYTES - 1)) + (gapBytes & (UNIT_BYTES - 1)) + headerBytes<C>();
  return min(whole + ((odd + UNIT_BYTES - 1) >> UNIT_SHIFT), endUnit);
}

/** Bytes of a chunk behind its header. */
export function payloadBytesOf<C extends Chunk>(units: u32): u32 {
  return (units << UNIT_SHIFT) - headerBytes<C>();
}
