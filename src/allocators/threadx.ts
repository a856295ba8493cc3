import { AllocatorKind, ThreadxByteOption } from "../../assembly/memory-map.ts";
import type { AllocatorEntry } from "./entry.ts";

/** ThreadX's byte pools. */
export const threadx: readonly AllocatorEntry[] = [
  {
    name: "threadx-byte",
    kind: AllocatorKind.ThreadxByte,
    aliases: ["threadx", "tx_byte_pool", "tx_byte_allocate"],
    traceNames: ["threadx-byte-txe"],
    summary: "A roving first fit over all blocks, which merges free neighbours only while it passes them.",
    source: "eclipse-threadx/threadx common/src/tx_byte_*.c (MIT)",
    versions:
      "6.1.7 to 7ad78c40, TX_NO_WAIT. Earlier ones refuse at once what is not below the bytes available, " +
      "where these still try if merging could yield it.",
    evidence: "original",
    headerBytes: "8",
    alignment: "4",
    cost: { allocate: "O(blocks)", release: "O(1)" },
    options: {
      errorChecked: {
        word: ThreadxByteOption.ErrorChecked,
        describe:
          "1: the error-checking entry, the default of a ThreadX build; refuses size 0 and sizes above the pool's",
        default: 0,
        most: 1,
      },
    },
    statics: ["id", "name", "available", "fragments", "list", "search"],
    statisticKeys: ["free", "blocks"],
    bound: "none",
    reallocates: false,
    aligns: false,
    pointerBytes: 4,
    arenaAlignment: 4,
    manyRegions: false,
    optionsFromTrace: (header) => ({ errorChecked: header.get("allocator") === "threadx-byte-txe" }),
  },
];
