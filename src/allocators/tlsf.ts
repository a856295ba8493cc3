import { AllocatorKind, TlsfEspOption, TlsfOption } from "../../assembly/memory-map.ts";
import type { AllocatorEntry, OptionValues, TraceHeader } from "./entry.ts";

const TLSF = {
  evidence: "original",
  headerBytes: "4",
  alignment: "4",
  cost: { allocate: "O(1)", release: "O(1)" },
  statisticKeys: ["free", "largest", "blocks"],
  bound: "none",
  reallocates: true,
  aligns: true,
  pointerBytes: 4,
  arenaAlignment: 4,
  manyRegions: false,
} as const;

/** Two-level segregated fit: the original and Espressif's fork. */
export const tlsf: readonly AllocatorEntry[] = [
  {
    ...TLSF,
    name: "tlsf",
    kind: AllocatorKind.Tlsf,
    aliases: ["tlsf-3.1", "mattconte-tlsf"],
    summary:
      "Two-level segregated fit in constant time: the newest block of the first size class that surely suffices, cut to the request.",
    source: "mattconte/tlsf tlsf.c (BSD-3-Clause)",
    versions: "3.1 (deff9ab) with 4-byte pointers",
    options: {
      secondLevelLog2: {
        word: TlsfOption.SecondLevelLog2,
        describe: "log2 of the size classes each power of two is cut into (SL_INDEX_COUNT_LOG2)",
        default: 5,
        least: 1,
        most: 5,
      },
      firstLevelMax: {
        word: TlsfOption.FirstLevelMax,
        describe: "log2 of the size that no block reaches (FL_INDEX_MAX)",
        default: 30,
        least: 8,
        most: 30,
      },
    },
    // A request is rounded up by at most one second-level class: 1 / 2^secondLevelLog2 of its power of two.
    holeSlackShift: (options) => Math.max(1, (options[TlsfOption.SecondLevelLog2] ?? 1) - 1),
    optionsFromTrace: tlsfOptions,
  },
  {
    ...TLSF,
    name: "tlsf-esp",
    kind: AllocatorKind.TlsfEsp,
    aliases: ["esp-tlsf", "multi_heap", "heap_caps_malloc"],
    traceNames: ["tlsf-esp-max1m"],
    summary:
      "ESP-IDF's TLSF: the index is sized for the heap, and a request keeps all that it was rounded up to, so equal requests reuse each other's blocks.",
    source: "espressif/tlsf tlsf.c (BSD-3-Clause)",
    versions: "branch idf at ba64d19, without poisoning and without multi_heap's own structure in front of the arena",
    options: {
      maxBytes: {
        word: TlsfEspOption.MaxBytes,
        describe: "largest heap the index is laid out for; 0: this heap's bytes",
        default: 0,
        least: 0,
        most: 2 ** 30,
      },
    },
    optionsFromTrace: tlsfEspOptions,
  },
];

/** `config=SL_INDEX_COUNT_LOG2=5,FL_INDEX_MAX=30,ALIGN_SIZE_LOG2=2` */
function tlsfOptions(header: TraceHeader): OptionValues {
  const config = header.get("config") ?? "";
  return {
    ...numberIn(config, "SL_INDEX_COUNT_LOG2", "secondLevelLog2"),
    ...numberIn(config, "FL_INDEX_MAX", "firstLevelMax"),
  };
}

/** `config=max_bytes=1048576 (0: same as the pool)` */
function tlsfEspOptions(header: TraceHeader): OptionValues {
  return numberIn(header.get("config") ?? "", "max_bytes", "maxBytes");
}

function numberIn(config: string, key: string, option: string): OptionValues {
  const match = new RegExp(`\\b${key}=(\\d+)`).exec(config);
  return match ? { [option]: Number(match[1]) } : {};
}
