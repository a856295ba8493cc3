/**
 * Looking at newlib's heap: walk, check, figures, and what a RAM image alone tells of the static variables.
 *
 *   arena     first                                        top           break         end
 *   ├ padding ┼ live ┼ free ┼ live ┼ fences ┼ live ┼ … ┼ live ┼── top ──────┼─ untouched ─┤
 *
 * Two fences of 4 bytes, with padding 16 bytes, stand where a new top did not continue the old one; the chunk in
 * front of them may be left with 8 bytes, which nobody uses.
 */
import { BlockState, HeapField, Inconsistency, NewlibOption } from "../memory-map";
import { Block, broken, Finding, Heap } from "./heap";
import {
  ALIGNMENT,
  BINS,
  Bins,
  binOf,
  Chunk,
  FLAGS,
  LAST_REMAINDER,
  LEAST_CHUNK_BYTES,
  markOf,
  PAYLOAD_OFFSET,
  PREVIOUS_LIVE,
  SIZE_BYTES,
  SORTED_FROM_BYTES,
  State,
} from "./newlib-bins";
import { NO_BASE } from "./newlib-top";

const FENCES_BYTES: u32 = 16;
const CRUMB_BYTES: u32 = 8;
const BIN_HEADS_BYTES: u32 = BINS * 8;

/** The free chunks and, apart from them, the top. */
@final
@unmanaged
export class Free {
  chunks: u32;
  bytes: u32;
  largestBytes: u32;
  topBytes: u32;
}

/** Sums up the walk, into engine memory that the next call reuses. */
export function freeOfNewlib(heap: Heap): Free {
  const free = changetype<Free>(memory.data(16));
  const block = changetype<Block>(memory.data(32));
  memory.fill(changetype<u32>(free), 0, offsetof<Free>());
  block.address = 0;
  while (nextNewlibBlock(heap, block)) {
    if (block.state != BlockState.Free) continue;
    if (block.address == Bins.top(heap)) {
      free.topBytes = block.bytes;
      continue;
    }
    free.chunks++;
    free.bytes += block.bytes;
    free.largestBytes = max(free.largestBytes, block.bytes);
  }
  return free;
}

/** The walk of `Heap.nextBlock`: the top is a free block, fences and what no size describes are bookkeeping. */
export function nextNewlibBlock(heap: Heap, block: Block): bool {
  const end = heap.arena + heap.arenaBytes;
  const at = block.address ? block.address + block.bytes : heap.arena;
  if (at >= end) return false;
  const given = breakOf(heap);
  const top = topOf(heap, given);
  const lead = min(firstOf(heap), given);
  block.address = at;
  block.payload = 0;
  block.state = BlockState.Bookkeeping;
  if (at < lead) block.bytes = lead - at;
  else if (at < top) describeChunk(block, top);
  else if (at < given) describeTop(block, top, given);
  else {
    block.state = BlockState.Untouched;
    block.bytes = end - at;
  }
  return true;
}

function describeChunk(block: Block, top: u32): void {
  const at = block.address;
  const room = top - at;
  const bytes = sizeAt(at);
  const fenced = bytes == SIZE_BYTES || bytes == CRUMB_BYTES;
  if (fenced || bytes < LEAST_CHUNK_BYTES || bytes > room || (bytes & (ALIGNMENT - 1)) != 0) {
    const skippedBytes: u32 = bytes == SIZE_BYTES ? FENCES_BYTES : bytes == CRUMB_BYTES ? CRUMB_BYTES : room;
    block.bytes = min(skippedBytes, room);
    return;
  }
  block.bytes = bytes;
  block.state = isLiveAt(at, bytes) ? BlockState.Live : BlockState.Free;
  if (block.state == BlockState.Live) block.payload = at + PAYLOAD_OFFSET;
}

function describeTop(block: Block, top: u32, given: u32): void {
  const room = given - block.address;
  const topBytes: u32 = block.address == top ? min(sizeAt(top), room) : 0;
  block.bytes = topBytes ? topBytes : room;
  if (topBytes) block.state = BlockState.Free;
}

/** The break, as far as it can be true; the arena's base before the first call of sbrk. */
function breakOf(heap: Heap): u32 {
  const state = changetype<State>(heap.state);
  if (state.sbrkBase == NO_BASE) return heap.arena;
  return state.breakAddress - heap.arena > heap.arenaBytes ? heap.arena + heap.arenaBytes : state.breakAddress;
}

/** The top chunk, or the break where there is none that can be true. */
function topOf(heap: Heap, given: u32): u32 {
  const first = firstOf(heap),
    top = Bins.top(heap);
  return top >= first && top < given && (top & (ALIGNMENT - 1)) == 0 ? top : given;
}

function firstOf(heap: Heap): u32 {
  return (heap.arena + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

function sizeAt(chunk: u32): u32 {
  return changetype<Chunk>(chunk).size & ~FLAGS;
}

function isLiveAt(chunk: u32, bytes: u32): bool {
  return (changetype<Chunk>(chunk + bytes).size & PREVIOUS_LIVE) != 0;
}

/** Address of the table of bins as the chunks' links know it: another one in a RAM image (see adoptNewlib). */
function linkedTable(heap: Heap): u32 {
  const board = load<u32>(changetype<u32>(heap) + (NewlibOption.BoardBins << 2), HeapField.Options << 2);
  return board ? board : Bins.at(heap, 0);
}

/** Where the links of a chunk or bin that a link names can be read, or 0 when the link leads nowhere. */
function linkedHome(heap: Heap, link: u32, top: u32): u32 {
  const offset = link - linkedTable(heap);
  if (offset < BIN_HEADS_BYTES) return (offset & 7) == 0 ? Bins.at(heap, 0) + offset : 0;
  return link >= firstOf(heap) && link < top && (link & (ALIGNMENT - 1)) == 0 ? link : 0;
}

export function checkNewlib(heap: Heap, finding: Finding, trimThreshold: u32): bool {
  const state = changetype<State>(heap.state);
  if (state.topPad != 0) return wrongState(heap, finding, offsetof<State>("topPad"), 0, state.topPad);
  if (state.trimThreshold != trimThreshold) {
    return wrongState(heap, finding, offsetof<State>("trimThreshold"), trimThreshold, state.trimThreshold);
  }
  if (state.sbrkBase == NO_BASE) {
    if (state.breakAddress != heap.arena) return wrongState(heap, finding, 0, heap.arena, state.breakAddress);
    if (Bins.top(heap) != Bins.at(heap, 0))
      return wrongState(heap, finding, offsetof<State>() + 8, Bins.at(heap, 0), Bins.top(heap));
    return checkBins(heap, finding, firstOf(heap), 0);
  }
  if (state.sbrkBase != heap.arena)
    return wrongState(heap, finding, offsetof<State>("sbrkBase"), heap.arena, state.sbrkBase);
  const givenBytes = state.breakAddress - heap.arena;
  if (givenBytes > heap.arenaBytes) {
    return wrongState(heap, finding, 0, heap.arena + heap.arenaBytes, state.breakAddress);
  }
  if (state.sbrkedBytes != givenBytes)
    return wrongState(heap, finding, offsetof<State>("sbrkedBytes"), givenBytes, state.sbrkedBytes);
  return checkTop(heap, finding) && checkChunks(heap, finding);
}

function wrongState(heap: Heap, finding: Finding, offset: u32, expected: u32, found: u32): bool {
  return broken(finding, Inconsistency.StateOverwritten, heap.state + offset, expected, found);
}

/** The top chunk reaches to the break, and what lies in front of it is live. */
function checkTop(heap: Heap, finding: Finding): bool {
  const given = changetype<State>(heap.state).breakAddress;
  const top = Bins.top(heap);
  if (
    given < heap.arena + PAYLOAD_OFFSET ||
    top < firstOf(heap) ||
    top > given - PAYLOAD_OFFSET ||
    (top & (ALIGNMENT - 1)) != 0
  ) {
    return wrongState(heap, finding, offsetof<State>() + 8, given, top);
  }
  const word = changetype<Chunk>(top).size;
  const expected = ((given - top) & ~FLAGS) | PREVIOUS_LIVE;
  if (word == expected || word == PREVIOUS_LIVE) return true; // a top of 0 bytes refuses everything
  const code =
    word == expected - PREVIOUS_LIVE ? Inconsistency.FreeNeighboursNotMerged : Inconsistency.NeighbourSizeMismatch;
  return broken(finding, code, top, expected, word);
}

/** Chunks tile up to the top; each knows whether the one in front is live, and a free one is repeated behind it. */
function checkChunks(heap: Heap, finding: Finding): bool {
  const top = Bins.top(heap);
  let free: u32 = 0;
  let inFront: u32 = PREVIOUS_LIVE;
  let at = firstOf(heap);
  while (at < top) {
    const word = changetype<Chunk>(at).size;
    const bytes = word & ~FLAGS;
    if ((word & FLAGS) != inFront)
      return broken(finding, Inconsistency.NeighbourSizeMismatch, at, bytes | inFront, word);
    if (bytes > top - at) return broken(finding, Inconsistency.BlockBeyondArena, at, top - at, bytes);
    if (bytes == SIZE_BYTES) {
      if (!checkFences(finding, at, top)) return false;
      inFront = PREVIOUS_LIVE;
      at += FENCES_BYTES;
      continue;
    }
    if (bytes & (ALIGNMENT - 1))
      return broken(finding, Inconsistency.BlockMisaligned, at, bytes & ~(ALIGNMENT - 1), bytes);
    const crumb = bytes == CRUMB_BYTES && sizeAt(at + bytes) == SIZE_BYTES;
    if (bytes < LEAST_CHUNK_BYTES && !crumb)
      return broken(finding, Inconsistency.BlockTooSmall, at, LEAST_CHUNK_BYTES, bytes);
    const live: u32 = changetype<Chunk>(at + bytes).size & PREVIOUS_LIVE;
    if (live == 0) {
      if (inFront == 0 || crumb) return broken(finding, Inconsistency.FreeNeighboursNotMerged, at, 0, bytes);
      if (!checkFree(heap, finding, at, bytes, top)) return false;
      free++;
    }
    inFront = live;
    at += bytes;
  }
  return checkBins(heap, finding, top, free);
}

function checkFences(finding: Finding, at: u32, top: u32): bool {
  const second = changetype<Chunk>(at + SIZE_BYTES).size;
  if (top - at >= FENCES_BYTES && second == (SIZE_BYTES | PREVIOUS_LIVE)) return true;
  return broken(finding, Inconsistency.SentinelOverwritten, at + SIZE_BYTES, SIZE_BYTES | PREVIOUS_LIVE, second);
}

/** A free chunk's size stands behind it as well, and its neighbours in the ring link back to it. */
function checkFree(heap: Heap, finding: Finding, at: u32, bytes: u32, top: u32): bool {
  const chunk = changetype<Chunk>(at);
  const repeated = changetype<Chunk>(at + bytes).previousBytes;
  if (repeated != bytes) return broken(finding, Inconsistency.NeighbourSizeMismatch, at + bytes, bytes, repeated);
  const behind = linkedHome(heap, chunk.forward, top);
  if (behind == 0) return broken(finding, Inconsistency.ListPointerOutsideArena, at, 0, chunk.forward);
  const before = linkedHome(heap, chunk.backward, top);
  if (before == 0) return broken(finding, Inconsistency.ListPointerOutsideArena, at, 0, chunk.backward);
  const back = changetype<Chunk>(behind).backward,
    forth = changetype<Chunk>(before).forward;
  if (back != at) return broken(finding, Inconsistency.NeighbourSizeMismatch, chunk.forward, at, back);
  return forth == at ? true : broken(finding, Inconsistency.NeighbourSizeMismatch, chunk.backward, at, forth);
}

/** The rings together hold as many chunks as are free, each in its place; a bin that holds one is marked. */
function checkBins(heap: Heap, finding: Finding, top: u32, free: u32): bool {
  let listed: u32 = 0;
  for (let bin: u32 = LAST_REMAINDER; bin < BINS; bin++) {
    const head = Bins.at(heap, bin),
      linkedHead = linkedTable(heap) + (head - Bins.at(heap, 0));
    const before = listed;
    let previous = linkedHead,
      previousBytes: u32 = u32.MAX_VALUE;
    for (let at = Bins.front(head); at != linkedHead; at = changetype<Chunk>(at).forward) {
      if (at - linkedTable(heap) < BIN_HEADS_BYTES || linkedHome(heap, at, top) == 0) {
        return broken(finding, Inconsistency.ListPointerOutsideArena, previous, linkedHead, at);
      }
      if (++listed > free) return broken(finding, Inconsistency.ListLoop, at, free, listed);
      if (!checkFiled(finding, at, bin, previous, previousBytes, top)) return false;
      previous = at;
      previousBytes = sizeAt(at);
    }
    if (Bins.back(head) != previous)
      return broken(finding, Inconsistency.NeighbourSizeMismatch, head, previous, Bins.back(head));
    if (bin == LAST_REMAINDER && listed > 1) return broken(finding, Inconsistency.IndexMismatch, head, 1, listed);
    if (bin != LAST_REMAINDER && listed > before && (Bins.marks(heap) & markOf(bin)) == 0) {
      return broken(finding, Inconsistency.IndexMismatch, Bins.at(heap, 0) + 4, markOf(bin), Bins.marks(heap));
    }
  }
  return listed == free ? true : broken(finding, Inconsistency.FreeBlockNotListed, Bins.at(heap, 0), free, listed);
}

function checkFiled(finding: Finding, at: u32, bin: u32, previous: u32, previousBytes: u32, top: u32): bool {
  const bytes = sizeAt(at);
  if (changetype<Chunk>(at).backward != previous) {
    return broken(finding, Inconsistency.NeighbourSizeMismatch, at, previous, changetype<Chunk>(at).backward);
  }
  if (bytes > top - at || isLiveAt(at, bytes)) return broken(finding, Inconsistency.ListedBlockNotFree, at, 0, bytes);
  if (bin != LAST_REMAINDER && binOf(bytes) != bin)
    return broken(finding, Inconsistency.IndexMismatch, at, bin, binOf(bytes));
  const sorted = bytes < SORTED_FROM_BYTES || bytes <= previousBytes;
  return sorted ? true : broken(finding, Inconsistency.ListOutOfOrder, at, previousBytes, bytes);
}

/**
 * Rebuilds the static variables of a freshly initialised `heap` over a RAM image: the last chunk in front of the break
 * (0: not known) is the top, and the chunks at the ends of the rings tell where the board keeps its table of bins.
 */
export function adoptNewlib(heap: Heap, breakAddress: u32): bool {
  const end = heap.arena + heap.arenaBytes;
  const known = breakAddress > heap.arena && breakAddress <= end;
  const limit: u32 = known ? breakAddress : end;
  let top: u32 = 0,
    given = firstOf(heap);
  while (given < limit && limit - given >= PAYLOAD_OFFSET) {
    const bytes = sizeAt(given);
    if ((bytes < LEAST_CHUNK_BYTES && bytes != SIZE_BYTES && bytes != CRUMB_BYTES) || bytes > limit - given) break;
    top = given;
    given += bytes == SIZE_BYTES ? FENCES_BYTES : bytes;
  }
  if (top == 0) return breakAddress == 0 || breakAddress == heap.arena;
  const state = changetype<State>(heap.state);
  state.sbrkBase = heap.arena;
  state.breakAddress = known ? breakAddress : given;
  state.sbrkedBytes = state.breakAddress - heap.arena;
  Bins.setTop(heap, top);
  adoptBins(heap, top);
  return true;
}

function adoptBins(heap: Heap, top: u32): void {
  const table = boardTable(heap, top);
  store<u32>(changetype<u32>(heap) + (NewlibOption.BoardBins << 2), table, HeapField.Options << 2);
  for (let bin: u32 = LAST_REMAINDER; bin < BINS; bin++) {
    const head = changetype<Chunk>(Bins.at(heap, bin));
    head.forward = table + bin * 8;
    head.backward = table + bin * 8;
  }
  for (let at = nextFree(heap, 0, top); at != 0; at = nextFree(heap, at, top)) {
    const chunk = changetype<Chunk>(at);
    const forward = chunk.forward - table,
      backward = chunk.backward - table;
    if (forward < BIN_HEADS_BYTES) {
      changetype<Chunk>(Bins.at(heap, forward >> 3)).backward = at;
      Bins.setMarks(heap, Bins.marks(heap) | markOf(forward >> 3));
    }
    if (backward < BIN_HEADS_BYTES && backward >= LAST_REMAINDER * 8)
      changetype<Chunk>(Bins.at(heap, backward >> 3)).forward = at;
  }
}

/** The heap's own table where a link leads into it; else where most of the links that leave the arena would put one. */
function boardTable(heap: Heap, top: u32): u32 {
  const own = Bins.at(heap, 0);
  for (let at = nextFree(heap, 0, top); at != 0; at = nextFree(heap, at, top)) {
    if (changetype<Chunk>(at).forward - own < BIN_HEADS_BYTES) return own;
  }
  return votedTable(heap, top);
}

function votedTable(heap: Heap, top: u32): u32 {
  let best = Bins.at(heap, 0),
    bestVotes: u32 = 0;
  for (let at = nextFree(heap, 0, top); at != 0; at = nextFree(heap, at, top)) {
    const candidate = tableBy(heap, at);
    if (candidate == 0 || candidate == best) continue;
    let votes: u32 = 0;
    for (let other = nextFree(heap, 0, top); other != 0; other = nextFree(heap, other, top)) {
      if (tableBy(heap, other) == candidate) votes++;
    }
    if (votes <= bestVotes) continue;
    best = candidate;
    bestVotes = votes;
  }
  return best;
}

/** Where the table is if the free chunk is the last of the ring of its size, or 0. */
function tableBy(heap: Heap, chunk: u32): u32 {
  const forward = changetype<Chunk>(chunk).forward;
  return forward - heap.arena < heap.arenaBytes ? 0 : forward - binOf(sizeAt(chunk)) * 8;
}

/** The free chunk behind `after` (0: from the start), or 0. */
function nextFree(heap: Heap, after: u32, top: u32): u32 {
  let at = after ? after + sizeAt(after) : firstOf(heap);
  while (at < top) {
    const bytes = sizeAt(at);
    if (bytes == SIZE_BYTES) at += FENCES_BYTES;
    else if (bytes == CRUMB_BYTES) at += bytes;
    else if (bytes < LEAST_CHUNK_BYTES || bytes > top - at) return 0;
    else if (!isLiveAt(at, bytes)) return at;
    else at += bytes;
  }
  return 0;
}
