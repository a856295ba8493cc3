import { AllocatorKind } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

/** Allocators of Rust firmware. */
export const rust: readonly AllocatorEntry[] = [
  {
    name: "rust-linked-list-allocator",
    kind: AllocatorKind.RustLinkedList,
    aliases: ["linked_list_allocator", "linked-list-allocator", "rust-linked-list", "embedded-alloc", "llffheap"],
    summary:
      "First fit over address-ordered holes, no header on live blocks: the allocator of embedded-alloc's LlffHeap.",
    source: "rust-osdev/linked-list-allocator (Apache-2.0 or MIT)",
    versions: "0.10.5 and later (b5caf32) on a 32-bit target; realloc is GlobalAlloc's default, always a new block",
    evidence: "original",
    headerBytes: "0 (a block takes at least 8)",
    alignment: "4, or as the Layout asks",
    cost: { allocate: "O(holes)", release: "O(holes)" },
    options: {},
    statics: ["used", "first.size", "first.next"],
    statisticKeys: ["free", "used"],
    bound: "none",
    reallocates: false,
    aligns: true,
    pointerBytes: 4,
    arenaAlignment: 1,
    manyRegions: false,
    walkNeedsShadow: true,
  },
];
