/** Free chunks of zephyr-sys-heap: rings by power of two, and the splits and merges that feed them. */
import { Heap } from "./heap";
import {
  bucketAt,
  bucketOf,
  Chunk,
  Control,
  chunkAt,
  freeChunkAt,
  keepsStatistics,
  leastUnits,
  payloadBytesOf,
} from "./zephyr-chunk";

/** Appends the chunk to its ring, just before the front. One that is too small for links stays unlisted. */
export function listChunk<C extends Chunk>(heap: Heap, control: u32, unit: u32): void {
  const units = chunkAt<C>(heap, control, unit).units();
  if (units < leastUnits<C>()) return;
  const bucket = bucketOf<C>(units);
  const front = bucketAt(heap, control, bucket);
  const chunk = freeChunkAt<C>(heap, control, unit);
  const second = load<u32>(front);
  if (second == 0) {
    changetype<Control>(control).availableBuckets |= 1 << bucket;
    store<u32>(front, unit);
    chunk.setPrevious(unit);
    chunk.setNext(unit);
  } else {
    // … first ⇄ second … => … first ⇄ chunk ⇄ second …
    const behind = freeChunkAt<C>(heap, control, second);
    const first = behind.previous();
    chunk.setPrevious(first);
    chunk.setNext(second);
    freeChunkAt<C>(heap, control, first).setNext(unit);
    behind.setPrevious(unit);
  }
  if (keepsStatistics(heap)) changetype<Control>(control).freeBytes += payloadBytesOf<C>(units);
}

/** Takes the chunk out of its ring, if it is in one. */
export function unlistChunk<C extends Chunk>(heap: Heap, control: u32, unit: u32): void {
  const units = chunkAt<C>(heap, control, unit).units();
  if (units >= leastUnits<C>()) unlistFrom<C>(heap, control, unit, bucketOf<C>(units));
}

function unlistFrom<C extends Chunk>(heap: Heap, control: u32, unit: u32, bucket: u32): void {
  const chunk = freeChunkAt<C>(heap, control, unit);
  const front = bucketAt(heap, control, bucket);
  const next = chunk.next();
  if (next == unit) {
    changetype<Control>(control).availableBuckets &= ~(1 << bucket);
    store<u32>(front, 0);
  } else {
    const first = chunk.previous();
    store<u32>(front, next);
    freeChunkAt<C>(heap, control, first).setNext(next);
    freeChunkAt<C>(heap, control, next).setPrevious(first);
  }
  if (keepsStatistics(heap)) changetype<Control>(control).freeBytes -= payloadBytesOf<C>(chunk.units());
}

/**
 * Unlists and returns a chunk of at least `units`, or 0: one of the first `loops` of the ring for this size
 * (those that are too small go to its end), else the front of the next larger ring that is not empty.
 */
export function takeChunk<C extends Chunk>(heap: Heap, control: u32, units: u32, loops: u32): u32 {
  const bucket = bucketOf<C>(units);
  const front = bucketAt(heap, control, bucket);
  const first = load<u32>(front);
  if (first != 0) {
    let unit = first;
    do {
      const chunk = freeChunkAt<C>(heap, control, unit);
      heap.visits++;
      if (chunk.units() >= units) {
        unlistFrom<C>(heap, control, unit, bucket);
        return unit;
      }
      unit = chunk.next();
      store<u32>(front, unit);
    } while (--loops != 0 && unit != first);
  }
  const larger = bucket < 31 ? changetype<Control>(control).availableBuckets & (u32.MAX_VALUE << (bucket + 1)) : 0;
  if (larger == 0) return 0;
  const largerBucket = ctz<u32>(larger);
  const unit = load<u32>(bucketAt(heap, control, largerBucket));
  heap.visits++;
  unlistFrom<C>(heap, control, unit, largerBucket);
  return unit;
}

/** [      unit      ] => [unit][rightUnit], both marked free, neither listed */
export function splitChunk<C extends Chunk>(heap: Heap, control: u32, unit: u32, rightUnit: u32): void {
  const left = chunkAt<C>(heap, control, unit);
  const right = chunkAt<C>(heap, control, rightUnit);
  const leftUnits = rightUnit - unit;
  const rightUnits = left.units() - leftUnits;
  left.setUnits(leftUnits);
  right.setUnits(rightUnits);
  right.setLeftUnits(leftUnits);
  chunkAt<C>(heap, control, rightUnit + right.units()).setLeftUnits(rightUnits);
}

/** [unit][rightUnit] => [      unit      ] */
export function mergeChunks<C extends Chunk>(heap: Heap, control: u32, unit: u32, rightUnit: u32): void {
  const left = chunkAt<C>(heap, control, unit);
  const right = chunkAt<C>(heap, control, rightUnit);
  const units = left.units() + right.units();
  left.setUnits(units);
  chunkAt<C>(heap, control, rightUnit + right.units()).setLeftUnits(units);
}

/** Merges the chunk, already marked free, with free neighbours, the right one first, and lists the result. */
export function freeChunk<C extends Chunk>(heap: Heap, control: u32, unit: u32): void {
  const right = unit + chunkAt<C>(heap, control, unit).units();
  heap.visits += 3;
  if (!chunkAt<C>(heap, control, right).isUsed()) {
    unlistChunk<C>(heap, control, right);
    mergeChunks<C>(heap, control, unit, right);
  }
  const left = unit - chunkAt<C>(heap, control, unit).leftUnits();
  if (!chunkAt<C>(heap, control, left).isUsed()) {
    unlistChunk<C>(heap, control, left);
    mergeChunks<C>(heap, control, left, unit);
    unit = left;
  }
  listChunk<C>(heap, control, unit);
}
