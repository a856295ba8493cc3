/**
 * Looking at heaps whose chunks tile the arena from its start to a break, with no mark that tells a live chunk
 * from a free one: free are those on one singly linked list in address order. Walk, check and figures for all
 * of them; how a chunk is laid out is the type parameter's business.
 *
 *   arena    first                                         top              end
 *   ├ padding ┼ live ┼ free ┼ live ┼ … ┼ free ┼ live ┼ live ┼── untouched ───┤
 *                       └────────────────┘ list, ends with 0
 */
import { Block, broken, Finding, Heap } from "../allocators/heap";
import { BlockState, Inconsistency } from "../memory-map";
import { EndlessList } from "./endless-list";

/** How one allocator's chunks are laid out; stateless, reached as `changetype<F>(0)`. */
@unmanaged
export abstract class ChunkFormat {
  /** Linear address of the free chunk at `chunk`, access-checked: its size and its link may be read there. */
  abstract checked(heap: Heap, chunk: u32): u32;
  /** Bytes of the chunk at a linear address, header included. */
  abstract bytes(chunk: u32): u32;
  /** Link of the free chunk at a linear address. */
  abstract next(chunk: u32): u32;
  abstract leastLiveBytes(): u32;
  abstract leastFreeBytes(): u32;
  /** Every chunk's size is a multiple of it: a power of two. */
  abstract sizeAlignment(): u32;
}

/** Sum and maximum over the free list. */
@final
@unmanaged
export class FreeFigures {
  chunks: u32;
  bytes: u32;
  largestBytes: u32;
}

/** Reads the free list that starts at `firstFree` into engine memory that the next call reuses. */
export function freeFigures<F extends ChunkFormat>(heap: Heap, firstFree: u32): FreeFigures {
  const format = changetype<F>(0);
  const figures = changetype<FreeFigures>(memory.data(16));
  memory.fill(changetype<u32>(figures), 0, offsetof<FreeFigures>());
  for (let chunk = firstFree; chunk != 0; ) {
    const at = format.checked(heap, chunk);
    const bytes = format.bytes(at);
    if (++figures.chunks > heap.checkSpan) EndlessList.at(chunk);
    figures.bytes += bytes;
    figures.largestBytes = max(figures.largestBytes, bytes);
    chunk = format.next(at);
  }
  return figures;
}

/** The walk of `Heap.nextBlock`. `first` and `top` bound the chunks; the payload is left to the caller. */
export function nextOrderedBlock<F extends ChunkFormat>(
  heap: Heap,
  block: Block,
  first: u32,
  top: u32,
  firstFree: u32,
): bool {
  const end = heap.arena + heap.arenaBytes;
  if (block.address == 0) block.cursor = firstFree;
  const at = block.address ? block.address + block.bytes : heap.arena;
  if (top - heap.arena > heap.arenaBytes) top = end;
  if (at >= end) return false;
  block.address = at;
  block.payload = 0;
  if (at < top && at >= first) {
    describeChunk<F>(block, top);
    return true;
  }
  const lead = min(first, top);
  block.state = at < lead ? BlockState.Bookkeeping : BlockState.Untouched;
  block.bytes = (at < lead ? lead : end) - at;
  return true;
}

/** Bytes that no size describes are reported as bookkeeping up to `top`. */
function describeChunk<F extends ChunkFormat>(block: Block, top: u32): void {
  const format = changetype<F>(0);
  const at = block.address;
  const room = top - at;
  const bytes = room >= format.leastLiveBytes() ? format.bytes(at) : 0;
  const sound = bytes >= format.leastLiveBytes() && bytes <= room;
  block.bytes = sound ? bytes : room;
  if (sound && block.cursor == at) {
    block.state = BlockState.Free;
    block.cursor = bytes >= format.leastFreeBytes() ? format.next(at) : 0;
  } else block.state = sound ? BlockState.Live : BlockState.Bookkeeping;
}

/**
 * Verifies that chunks tile [first, top) and that the list at `listAt` names some of them, each once, in order,
 * no two of them neighbours. Trusts nothing, faults never.
 */
export function checkOrderedChunks<F extends ChunkFormat>(
  finding: Finding,
  first: u32,
  top: u32,
  listAt: u32,
  firstFree: u32,
): bool {
  const format = changetype<F>(0);
  let linkAt = listAt,
    listed = firstFree,
    freeEnd: u32 = 0;
  for (let at = first; at < top; ) {
    const room = top - at;
    const bytes = room >= format.leastLiveBytes() ? format.bytes(at) : room;
    const least = listed == at ? format.leastFreeBytes() : format.leastLiveBytes();
    if (bytes < least) return broken(finding, Inconsistency.BlockTooSmall, at, least, bytes);
    if (bytes & (format.sizeAlignment() - 1))
      return broken(finding, Inconsistency.BlockMisaligned, at, bytes & ~(format.sizeAlignment() - 1), bytes);
    if (bytes > room) return broken(finding, Inconsistency.BlockBeyondArena, at, room, bytes);
    if (listed == at) {
      if (freeEnd == at) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, bytes);
      freeEnd = at + bytes;
      linkAt = at;
      listed = format.next(at);
      if (listed == at) return broken(finding, Inconsistency.ListLoop, at, 0, listed);
    }
    at += bytes;
    if (listed == 0 || listed >= at) continue;
    if (listed < first) return broken(finding, Inconsistency.ListPointerOutsideArena, linkAt, 0, listed);
    return broken(
      finding,
      listed < linkAt && linkAt != listAt ? Inconsistency.ListOutOfOrder : Inconsistency.ListedBlockNotFree,
      linkAt,
      0,
      listed,
    );
  }
  return listed == 0 ? true : broken(finding, Inconsistency.ListPointerOutsideArena, linkAt, 0, listed);
}

/** End of the chunks that tile from `first` by their sizes: where a RAM image alone puts the break. */
export function tiledEnd<F extends ChunkFormat>(heap: Heap, first: u32): u32 {
  const format = changetype<F>(0);
  const end = heap.arena + heap.arenaBytes;
  let at = first;
  while (at < end && end - at >= format.leastLiveBytes()) {
    const bytes = format.bytes(at);
    if (bytes < format.leastFreeBytes() || bytes > end - at || (bytes & (format.sizeAlignment() - 1)) != 0) break;
    at += bytes;
  }
  return at;
}
