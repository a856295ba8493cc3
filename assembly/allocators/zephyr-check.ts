/** Verifies zephyr-sys-heap's invariants (see zephyr-sys-heap.ts) without trusting a chunk. */
import { Inconsistency } from "../memory-map";
import { broken, Finding, Heap } from "./heap";
import {
  bucketOf,
  Chunk,
  Control,
  controlBytes,
  keepsStatistics,
  leastUnits,
  payloadBytesOf,
  UNIT_BYTES,
  UNIT_SHIFT,
  ZephyrState,
} from "./zephyr-chunk";

/** `base` and `endUnit` are what the arena's place and size say, not what memory says. */
export function checkZephyr<C extends Chunk>(heap: Heap, finding: Finding, base: u32, endUnit: u32): bool {
  const state = changetype<ZephyrState>(heap.state);
  const control = changetype<Control>(base);
  if (state.control != base) return broken(finding, Inconsistency.StateOverwritten, heap.state, base, state.control);
  if (control.endUnit != endUnit) {
    return broken(
      finding,
      Inconsistency.StateOverwritten,
      base + <u32>offsetof<Control>("endUnit"),
      endUnit,
      control.endUnit,
    );
  }
  return checkChunks<C>(heap, finding, base, endUnit) && checkRings<C>(heap, finding, base, endUnit);
}

function chunk<C extends Chunk>(base: u32, unit: u32): C {
  return changetype<C>(base + (unit << UNIT_SHIFT));
}

function bucketsOf<C extends Chunk>(endUnit: u32): u32 {
  return bucketOf<C>(endUnit) + 1;
}

function checkChunks<C extends Chunk>(heap: Heap, finding: Finding, base: u32, endUnit: u32): bool {
  const firstUnit = (controlBytes(heap) + (bucketsOf<C>(endUnit) << 2) + UNIT_BYTES - 1) >> UNIT_SHIFT;
  const zero = chunk<C>(base, 0);
  if (zero.units() != firstUnit || !zero.isUsed())
    return broken(finding, Inconsistency.SentinelOverwritten, base, firstUnit, zero.units());
  let leftUnits: u32 = 0,
    liveBytes: u32 = 0;
  let leftFree = false;
  for (let unit: u32 = 0; unit != endUnit; ) {
    const at = base + (unit << UNIT_SHIFT);
    const own = chunk<C>(base, unit);
    const units = own.units();
    if (own.leftUnits() != leftUnits)
      return broken(finding, Inconsistency.NeighbourSizeMismatch, at, leftUnits, own.leftUnits());
    if (units == 0) return broken(finding, Inconsistency.BlockTooSmall, at, 1, units);
    if (units > endUnit - unit) return broken(finding, Inconsistency.BlockBeyondArena, at, endUnit - unit, units);
    if (leftFree && !own.isUsed()) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, units);
    if (own.isUsed() && unit != 0) liveBytes += payloadBytesOf<C>(units);
    leftFree = !own.isUsed();
    leftUnits = units;
    unit += units;
  }
  return checkEnd<C>(finding, base, endUnit, leftUnits) && checkLiveBytes(heap, finding, base, liveBytes);
}

function checkEnd<C extends Chunk>(finding: Finding, base: u32, endUnit: u32, leftUnits: u32): bool {
  const end = chunk<C>(base, endUnit);
  const at = base + (endUnit << UNIT_SHIFT);
  if (end.leftUnits() != leftUnits)
    return broken(finding, Inconsistency.NeighbourSizeMismatch, at, leftUnits, end.leftUnits());
  return (end.units() == 0 && end.isUsed()) || broken(finding, Inconsistency.SentinelOverwritten, at, 0, end.units());
}

function checkLiveBytes(heap: Heap, finding: Finding, base: u32, liveBytes: u32): bool {
  const control = changetype<Control>(base);
  if (!keepsStatistics(heap) || control.liveBytes == liveBytes) return true;
  return broken(
    finding,
    Inconsistency.FreeBytesMismatch,
    base + <u32>offsetof<Control>("liveBytes"),
    liveBytes,
    control.liveBytes,
  );
}

/** Every free chunk must be linked both ways within its octave, and the rings must hold as many as the walk. */
function checkRings<C extends Chunk>(heap: Heap, finding: Finding, base: u32, endUnit: u32): bool {
  let freeChunks: u32 = 0,
    freeBytes: u32 = 0;
  for (let unit: u32 = 0; unit != endUnit; unit += chunk<C>(base, unit).units()) {
    const own = chunk<C>(base, unit);
    if (own.isUsed() || own.units() < leastUnits<C>()) continue;
    if (!checkLinks<C>(finding, base, endUnit, unit)) return false;
    freeChunks++;
    freeBytes += payloadBytesOf<C>(own.units());
  }
  const control = changetype<Control>(base);
  const buckets = bucketsOf<C>(endUnit);
  let listed: u32 = 0;
  for (let bucket: u32 = 0; bucket < 32; bucket++) {
    const front = bucket < buckets ? load<u32>(base + controlBytes(heap) + (bucket << 2)) : 0;
    const bit = (control.availableBuckets >> bucket) & 1;
    const at = base + <u32>offsetof<Control>("availableBuckets");
    const filled: u32 = front ? 1 : 0;
    if (bit != filled) return broken(finding, Inconsistency.IndexMismatch, at, filled << bucket, bit << bucket);
    if (front == 0) continue;
    const ring = ringLength<C>(finding, base, endUnit, front, bucket, freeChunks);
    if (ring == 0) return false;
    listed += ring;
  }
  if (listed != freeChunks)
    return broken(finding, Inconsistency.FreeBlockNotListed, base + controlBytes(heap), freeChunks, listed);
  if (!keepsStatistics(heap) || control.freeBytes == freeBytes) return true;
  return broken(
    finding,
    Inconsistency.FreeBytesMismatch,
    base + <u32>offsetof<Control>("freeBytes"),
    freeBytes,
    control.freeBytes,
  );
}

function checkLinks<C extends Chunk>(finding: Finding, base: u32, endUnit: u32, unit: u32): bool {
  const own = chunk<C>(base, unit);
  const at = base + (unit << UNIT_SHIFT) + own.headerBytes();
  const next = own.next(),
    previous = own.previous();
  if (next >= endUnit) return broken(finding, Inconsistency.ListPointerOutsideArena, at, endUnit - 1, next);
  if (previous >= endUnit) return broken(finding, Inconsistency.ListPointerOutsideArena, at, endUnit - 1, previous);
  const behind = chunk<C>(base, next).previous(),
    before = chunk<C>(base, previous).next();
  if (behind != unit) return broken(finding, Inconsistency.FreeBlockNotListed, at, unit, behind);
  return before == unit || broken(finding, Inconsistency.FreeBlockNotListed, at, unit, before);
}

/** Chunks in the ring from `front`; 0 and `finding` filled when one of them does not belong there. */
function ringLength<C extends Chunk>(
  finding: Finding,
  base: u32,
  endUnit: u32,
  front: u32,
  bucket: u32,
  most: u32,
): u32 {
  let length: u32 = 0,
    unit = front;
  do {
    const at = base + (unit << UNIT_SHIFT);
    if (unit == 0 || unit >= endUnit) {
      broken(finding, Inconsistency.ListPointerOutsideArena, at, endUnit - 1, unit);
      return 0;
    }
    const own = chunk<C>(base, unit);
    if (own.isUsed() || own.units() < leastUnits<C>()) {
      broken(finding, Inconsistency.ListedBlockNotFree, at, 0, own.units());
      return 0;
    }
    if (bucketOf<C>(own.units()) != bucket) {
      broken(finding, Inconsistency.IndexMismatch, at, bucket, bucketOf<C>(own.units()));
      return 0;
    }
    if (++length > most) {
      broken(finding, Inconsistency.ListLoop, at, most, length);
      return 0;
    }
    unit = own.next();
  } while (unit != front);
  return length;
}
