/** Verifies micropython-gc's invariants (see micropython-gc.ts) without trusting a variable. */
import { Inconsistency } from "../memory-map";
import { broken, Finding, Heap } from "./heap";
import {
  AREA_BYTES,
  Area,
  areaOf,
  BLOCKS_PER_BYTE,
  BlockKind,
  bitTableBytes,
  hasFinalisers,
  layOut,
} from "./micropython-table";

export function checkMicropython(heap: Heap, finding: Finding): bool {
  const area = areaOf(heap);
  const expected = changetype<Area>(memory.data(AREA_BYTES));
  layOut(heap, expected);
  for (let offset: u32 = 0; offset < <u32>offsetof<Area>("firstFreeByte"); offset += 4) {
    const right = load<u32>(changetype<u32>(expected) + offset);
    const found = load<u32>(heap.state + offset);
    if (right != found) return broken(finding, Inconsistency.StateOverwritten, heap.state + offset, right, found);
  }
  return checkTable(heap, finding, area) && checkFinalisers(heap, finding, area);
}

/** What the table says of a block, in an area whose layout has been verified. */
function kindOf(area: Area, block: u32): u32 {
  return (load<u8>(area.table + (block >> 2)) >> ((block & 3) << 1)) & 3;
}

function checkTable(heap: Heap, finding: Finding, area: Area): bool {
  let previous: u32 = BlockKind.Free,
    firstFree: u32 = u32.MAX_VALUE,
    lastUsed: u32 = 0;
  for (let block: u32 = 0; block < area.tableBytes * BLOCKS_PER_BYTE; block++) {
    const kind = kindOf(area, block);
    const at = area.table + (block >> 2);
    if (kind == BlockKind.Tail && previous == BlockKind.Free)
      return broken(finding, Inconsistency.NeighbourSizeMismatch, at, BlockKind.Free, kind);
    if (kind == BlockKind.Mark) return broken(finding, Inconsistency.IndexMismatch, at, BlockKind.Head, kind);
    if (kind == BlockKind.Free) firstFree = min(firstFree, block);
    else lastUsed = block;
    previous = kind;
  }
  const gap = area.table + area.tableBytes;
  if (load<u8>(gap) != 0) return broken(finding, Inconsistency.SentinelOverwritten, gap, 0, load<u8>(gap));
  const firstFreeAt = heap.state + <u32>offsetof<Area>("firstFreeByte"),
    lastUsedAt = heap.state + <u32>offsetof<Area>("lastUsedBlock");
  if (area.firstFreeByte > firstFree >> 2)
    return broken(finding, Inconsistency.IndexMismatch, firstFreeAt, firstFree >> 2, area.firstFreeByte);
  if (area.lastUsedBlock < lastUsed)
    return broken(finding, Inconsistency.IndexMismatch, lastUsedAt, lastUsed, area.lastUsedBlock);
  if (area.lastUsedBlock <= area.tableBytes * BLOCKS_PER_BYTE) return true;
  return broken(finding, Inconsistency.IndexMismatch, lastUsedAt, lastUsed, area.lastUsedBlock);
}

function checkFinalisers(heap: Heap, finding: Finding, area: Area): bool {
  if (!hasFinalisers(heap)) return true;
  const blocks = area.tableBytes * BLOCKS_PER_BYTE;
  for (let block: u32 = 0; block < bitTableBytes(area) << 3; block++) {
    const at = area.finalisers + (block >> 3);
    if (((load<u8>(at) >> (block & 7)) & 1) == 0) continue;
    if (block >= blocks || kindOf(area, block) != BlockKind.Head)
      return broken(finding, Inconsistency.IndexMismatch, at, 0, 1 << (block & 7));
  }
  return true;
}
