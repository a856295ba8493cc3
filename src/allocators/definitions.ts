import {
  AllocatorKind,
  BuddyOption,
  BumpOption,
  FitPolicy,
  FixedPoolOption,
  ListFitOption,
} from "../../assembly/memory-map.ts";
import type { AllocatorEntry, OptionSpec } from "./entry.ts";

const byDefinition = {
  source: "by definition",
  versions: "not applicable",
  evidence: "definition",
  pointerBytes: 4,
  arenaAlignment: 1,
  manyRegions: false,
} as const;

const HEADERS = [0, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64];

function alignmentOption(word: number, least: number, byDefault: number): OptionSpec {
  return {
    word,
    describe: "bytes every payload is aligned to",
    default: byDefault,
    least,
    most: 4096,
    powerOfTwo: true,
  };
}

/** The same list four times: only the choice among the holes that fit differs. */
function listFit(
  policy: FitPolicy,
  facts: Pick<AllocatorEntry, "name" | "aliases" | "summary" | "bound">,
): AllocatorEntry {
  return {
    ...byDefinition,
    ...facts,
    kind: AllocatorKind.ListFit,
    headerBytes: "0 to 64 (option), 8 by default",
    alignment: "1 to 4096 (option), 8 by default; at least 4 with a header",
    cost: { allocate: "O(holes)", release: "O(holes); O(1) without a header" },
    options: {
      policy: {
        word: ListFitOption.Policy,
        describe: "which hole serves a request",
        default: policy,
        choices: { [facts.name]: policy },
      },
      headerBytes: {
        word: ListFitOption.HeaderBytes,
        describe: "bytes in front of each payload; 0 keeps all knowledge outside the arena",
        default: 8,
        choices: Object.fromEntries(HEADERS.map((bytes) => [String(bytes), bytes])),
      },
      alignment: alignmentOption(ListFitOption.Alignment, 1, 8),
      coalesce: {
        word: ListFitOption.Coalesce,
        describe: "merge a released block with its free neighbours",
        default: 1,
        choices: { false: 0, true: 1 },
      },
      splitThreshold: {
        word: ListFitOption.SplitThresholdBytes,
        describe:
          "least surplus in bytes that becomes a hole of its own; 0 is the smallest block that can serve a request",
        default: 0,
      },
    },
    statisticKeys: ["free", "largest", "blocks"],
    holeSlackShift: (options) =>
      options[ListFitOption.Coalesce] && (options[ListFitOption.Alignment] ?? 0) <= 32 ? 1 : 0,
    reallocates: false,
    aligns: false,
  };
}

/** The allocators that textbooks define instead of a C original. */
export const definitions: readonly AllocatorEntry[] = [
  listFit(FitPolicy.First, {
    name: "first-fit",
    aliases: ["firstfit"],
    summary: "The lowest hole that is large enough: the textbook's list of holes in address order.",
    bound: "first-fit",
  }),
  listFit(FitPolicy.Next, {
    name: "next-fit",
    aliases: ["nextfit"],
    summary: "First fit that goes on where the last search ended, and wraps.",
    bound: "none",
  }),
  listFit(FitPolicy.Best, {
    name: "best-fit",
    aliases: ["bestfit"],
    summary: "The smallest hole that is large enough; among equals the lowest.",
    bound: "best-fit",
  }),
  listFit(FitPolicy.Worst, {
    name: "worst-fit",
    aliases: ["worstfit"],
    summary: "The largest hole; among equals the lowest.",
    bound: "none",
  }),
  {
    ...byDefinition,
    name: "fixed-pool",
    kind: AllocatorKind.FixedPool,
    aliases: ["pool", "slab"],
    summary: "Equal blocks: every request up to the block's size takes one, a larger one is refused. Never fragments.",
    headerBytes: "0",
    alignment: "4 to 4096 (option), 4 by default",
    cost: { allocate: "O(1)", release: "O(1)" },
    options: {
      blockBytes: {
        word: FixedPoolOption.BlockBytes,
        describe: "the largest request; blocks are this, rounded up to the alignment",
        default: 32,
        least: 1,
        most: 0x1000_0000,
      },
      alignment: alignmentOption(FixedPoolOption.Alignment, 4, 4),
    },
    walkNeedsShadow: true,
    statics: ["free"],
    statisticKeys: ["free", "free_blocks", "most_live_blocks"],
    bound: "never-fragments",
    reallocates: true,
    aligns: false,
  },
  {
    ...byDefinition,
    name: "buddy",
    holeSlackShift: () => 0,
    kind: AllocatorKind.Buddy,
    aliases: ["binary-buddy"],
    summary: "Powers of two that split into buddies and merge again; a byte for each least block outside the arena.",
    headerBytes: "0",
    alignment: "the least block (option), 16 by default",
    cost: { allocate: "O(log(arena / least block))", release: "O(log(arena / least block))" },
    options: {
      leastBlock: {
        word: BuddyOption.LeastBlockBytes,
        describe: "bytes of the smallest block",
        default: 16,
        least: 8,
        most: 65536,
        powerOfTwo: true,
      },
    },
    statisticKeys: ["free", "largest", "blocks"],
    bound: "none",
    reallocates: false,
    aligns: false,
  },
  {
    ...byDefinition,
    name: "bump",
    kind: AllocatorKind.Bump,
    aliases: ["arena", "linear"],
    summary: "Hands out ascending addresses and never takes one back: the arena that start-up code uses.",
    headerBytes: "0",
    alignment: "1 to 4096 (option), 8 by default",
    cost: { allocate: "O(1)", release: "nothing happens" },
    options: { alignment: alignmentOption(BumpOption.Alignment, 1, 8) },
    walkNeedsShadow: true,
    statisticKeys: ["free"],
    bound: "none",
    reallocates: false,
    aligns: true,
  },
];
