import { AllocatorKind, BumpOption } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

const byDefinition = {
  source: "by definition",
  versions: "not applicable",
  evidence: "definition",
  pointerBytes: 4,
  arenaAlignment: 1,
  manyRegions: false,
} as const;

/** The allocators that textbooks define instead of a C original. */
export const definitions: readonly AllocatorEntry[] = [
  {
    ...byDefinition,
    name: "bump",
    kind: AllocatorKind.Bump,
    aliases: ["arena", "linear"],
    summary: "Hands out ascending addresses and never takes one back: the arena that start-up code uses.",
    headerBytes: "0",
    alignment: "1 to 4096 (option), 8 by default",
    cost: { allocate: "O(1)", release: "nothing happens" },
    options: {
      alignment: {
        word: BumpOption.Alignment,
        describe: "bytes every payload is aligned to",
        default: 8,
        least: 1,
        most: 4096,
        powerOfTwo: true,
      },
    },
    statisticKeys: ["free"],
    bound: "none",
    reallocates: false,
    aligns: true,
  },
];
