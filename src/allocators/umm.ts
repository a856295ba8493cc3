import { AllocatorKind, UmmFit, UmmOption } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

const UMM = {
  kind: AllocatorKind.Umm,
  source: "rhempel/umm_malloc src/umm_malloc.c (MIT)",
  versions: "ed68d0b, UMM_BLOCK_BODY_SIZE 8: heaps up to 256 KiB",
  evidence: "original",
  headerBytes: "4",
  alignment: "4 (every payload is at 4 modulo 8)",
  statisticKeys: ["free", "largest", "blocks", "used_entries", "used_blocks", "frag", "usage"],
  signedStatisticKeys: ["usage"],
  reallocates: true,
  aligns: false,
  pointerBytes: 4,
  arenaAlignment: 4,
  manyRegions: false,
} as const;

const fit = {
  word: UmmOption.Fit,
  describe: "which of the free blocks that fit is taken: the smallest, or the first of the list",
  choices: { best: UmmFit.Best, first: UmmFit.First },
};

/** umm_malloc in its two configurations. */
export const umm: readonly AllocatorEntry[] = [
  {
    ...UMM,
    name: "umm-bestfit",
    aliases: ["umm", "umm_malloc"],
    summary: "Best fit over an unsorted list of 8-byte units; the newest hole wins among equals.",
    cost: { allocate: "O(free blocks)", release: "O(1)" },
    options: { fit: { ...fit, default: UmmFit.Best } },
    bound: "best-fit",
  },
  {
    ...UMM,
    name: "umm-firstfit",
    aliases: [],
    summary: "As umm-bestfit, but the first hole of the list that is large enough is taken: the newest one.",
    cost: { allocate: "O(free blocks)", release: "O(1)" },
    options: { fit: { ...fit, default: UmmFit.First } },
    bound: "none",
  },
];
