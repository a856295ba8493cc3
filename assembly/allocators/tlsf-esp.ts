/**
 * tlsf-esp: Espressif's fork of TLSF, the heap of ESP-IDF's multi_heap. Its index grows with the largest size it
 * must hold, and a request is rounded up to its list's boundary and keeps all of it, so that equal requests reuse
 * each other's blocks; unlike tlsf, which rounds up for the search only.
 *
 * Source: espressif/tlsf (BSD-3-Clause), branch idf at ba64d19. Left out: further pools, poisoning hooks, and what
 * multi_heap puts in front of the arena.
 *
 *                  31                              0
 *                 ├─────────────────────────────────┤
 *   arena  +0     │ the null block (see tlsf.ts)    │
 *                 ├──────┬───┬─────┬───┬─────┬──────┤
 *          +16    │ small│log│count│max│shift│levels│  8, 3, 6, 6, 3 and 5 bits
 *                 ├──────┴───┴─────┴───┴─────┴──────┤
 *          +20    │ control bytes                   │
 *          +24    │ bitmap of first levels          │
 *          +28    │ address of the second levels    │
 *          +32    │ address of the list heads       │
 *                 ├─────────────────────────────────┤
 *          +36    │ bitmaps of second levels        │  levels × 4
 *                 │ list heads                      │  levels × 2^log × 4
 *                 ├─────────────────────────────────┤
 *                 │ blocks, end marker (tlsf.ts)    │
 *                 └─────────────────────────────────┘
 *
 * small: bytes below which lists are 4 apart; count = 2^log second levels; max: bit length of the largest size;
 * shift = log + 2. The verbs read levels, max and log, and take the others as following from log.
 *
 * Invariants: parts/tlsf-check.ts, and +16 to +35 never change. Cost: as tlsf.
 */

import { Guest } from "../guest";
import { Inconsistency, TlsfEspOption } from "../memory-map";
import { HEADER_BYTES, LEAST_PAYLOAD_BYTES, TlsfControl } from "../parts/tlsf-blocks";
import { tlsfCheck } from "../parts/tlsf-check";
import { tlsfLargestRequest, tlsfNextBlock, tlsfStatistics, tlsfUsableBytes } from "../parts/tlsf-inspect";
import { tlsfHolds, tlsfOpen } from "../parts/tlsf-open";
import { tlsfAllocate, tlsfAllocateAligned, tlsfReallocate, tlsfRelease } from "../parts/tlsf-verbs";
import { Block, broken, Finding, Heap, optionOf } from "./heap";

@final
@unmanaged
class Control {
  nullLower: u32;
  nullWord: u32;
  nullNext: u32;
  nullPrevious: u32;
  geometry: u32;
  controlBytes: u32;
  levels: u32;
  rows: u32;
  heads: u32;
}

@final
@unmanaged
class EspIndex extends TlsfControl {
  @inline secondLog2(arena: u32): u32 {
    return Geometry.log2(changetype<Control>(arena).geometry);
  }
  @inline lists(arena: u32): u32 {
    return Geometry.lists(changetype<Control>(arena).geometry);
  }
  @inline limitLog2(arena: u32): u32 {
    return Geometry.max(changetype<Control>(arena).geometry);
  }
  @inline levelsAt(arena: u32): u32 {
    return arena + offsetof<Control>("levels");
  }
  @inline rowAt(arena: u32, span: u32, level: u32): u32 {
    return Guest.word(changetype<Control>(arena).rows + (level << 2), arena, span);
  }
  @inline headAt(arena: u32, span: u32, index: u32): u32 {
    return Guest.word(changetype<Control>(arena).heads + (index << 2), arena, span);
  }
  @inline cutsToBoundary(): bool {
    return true;
  }
  @inline refusesOversize(): bool {
    return true;
  }
}

/** The bit fields of +16. */
class Geometry {
  @inline static levels(geometry: u32): u32 {
    return geometry & 31;
  }
  @inline static max(geometry: u32): u32 {
    return (geometry >> 8) & 63;
  }
  @inline static log2(geometry: u32): u32 {
    return (geometry >> 20) & 7;
  }
  @inline static lists(geometry: u32): u32 {
    return Geometry.levels(geometry) << Geometry.log2(geometry);
  }

  /** The geometry for an index that holds sizes up to `maxBytes`. */
  static of(maxBytes: u32): u32 {
    const max = 32 - clz<u32>(maxBytes);
    const log2: u32 = maxBytes <= 16 * 1024 ? 3 : maxBytes <= 256 * 1024 ? 4 : 5;
    const shift = log2 + 2;
    const levels = max - shift + 1;
    return levels | (shift << 5) | (max << 8) | ((1 << log2) << 14) | (log2 << 20) | ((1 << shift) << 23);
  }
}

@final
@unmanaged
export class TlsfEsp extends Heap {
  plan(): void {
    this.stateBytes = 0;
    this.granuleShift = 2;
  }

  initialize(): bool {
    if (!fits(this)) return false;
    const arena = this.arena,
      geometry = geometryOf(this);
    const control = changetype<Control>(arena);
    control.geometry = geometry;
    control.controlBytes = controlBytesOf(this);
    control.rows = arena + offsetof<Control>();
    control.heads = control.rows + (Geometry.levels(geometry) << 2);
    tlsfOpen<EspIndex>(this, controlBytesOf(this));
    return true;
  }

  adopt(): bool {
    return fits(this);
  }

  allocate(requestBytes: u32): u32 {
    return tlsfAllocate<EspIndex>(this, requestBytes);
  }

  allocateAligned(alignment: u32, requestBytes: u32): u32 {
    return tlsfAllocateAligned<EspIndex>(this, alignment, requestBytes);
  }

  reallocate(payload: u32, oldRequestBytes: u32, requestBytes: u32): u32 {
    return tlsfReallocate<EspIndex>(this, payload, requestBytes);
  }

  release(payload: u32, requestBytes: u32): void {
    tlsfRelease<EspIndex>(this, payload);
  }

  usableBytes(payload: u32, requestBytes: u32): u32 {
    return tlsfUsableBytes(this, payload);
  }

  blockBytes(payload: u32, requestBytes: u32): u32 {
    return tlsfUsableBytes(this, payload) + HEADER_BYTES;
  }

  largestRequest(): u32 {
    return tlsfLargestRequest<EspIndex>(this);
  }

  nextBlock(block: Block): bool {
    return tlsfNextBlock(this, block, controlBytesOf(this));
  }

  check(finding: Finding): bool {
    return checkControl(this, finding) && tlsfCheck<TlsfEsp, EspIndex>(this, finding, controlBytesOf(this));
  }

  /** free, largest, blocks */
  statistics(out: u32): u32 {
    return tlsfStatistics(this, controlBytesOf(this), out);
  }
}

function maxBytesOf(heap: Heap): u32 {
  const maxBytes = optionOf(heap, TlsfEspOption.MaxBytes);
  return maxBytes ? maxBytes : heap.arenaBytes;
}

/** What `initialize` computes, from the option and the arena alone. */
function geometryOf(heap: Heap): u32 {
  return Geometry.of(maxBytesOf(heap));
}

function controlBytesOf(heap: Heap): u32 {
  const geometry = geometryOf(heap);
  return offsetof<Control>() + (Geometry.levels(geometry) << 2) + (Geometry.lists(geometry) << 2);
}

function fits(heap: Heap): bool {
  const maxBytes = maxBytesOf(heap);
  if (maxBytes < offsetof<Control>() || maxBytes < controlBytesOf(heap) + LEAST_PAYLOAD_BYTES) return false;
  return tlsfHolds(heap, controlBytesOf(heap), 1 << Geometry.max(geometryOf(heap)));
}

function checkControl(heap: Heap, finding: Finding): bool {
  const geometry = geometryOf(heap);
  const rows = heap.arena + offsetof<Control>();
  return (
    isWord(finding, heap.arena + offsetof<Control>("geometry"), geometry) &&
    isWord(finding, heap.arena + offsetof<Control>("controlBytes"), controlBytesOf(heap)) &&
    isWord(finding, heap.arena + offsetof<Control>("rows"), rows) &&
    isWord(finding, heap.arena + offsetof<Control>("heads"), rows + (Geometry.levels(geometry) << 2))
  );
}

function isWord(finding: Finding, address: u32, expected: u32): bool {
  const found = load<u32>(address);
  return found == expected || broken(finding, Inconsistency.StateOverwritten, address, expected, found);
}
