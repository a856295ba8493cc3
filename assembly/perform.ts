/** One verb on one heap, compiled once per allocator: the only place where all verbs meet all allocators. */
import { Finding, Heap } from "./allocators/heap";
import { observedAllocate, observedReallocate, observedRelease } from "./inspect/observe";
import { summarize, walkBlocks } from "./inspect/report";
import { survey } from "./inspect/survey";
import { OUTPUT } from "./memory-map";
import { replay, replayBare } from "./replay";
import { ledgerAllocate, ledgerReallocate, ledgerRelease } from "./soak/ledger";
import { openAccount, openWindow, SoakHeap } from "./soak/soak-heap";

export const enum Verb {
  Plan,
  Initialize,
  Adopt,
  Allocate,
  Reallocate,
  Release,
  UsableBytes,
  Walk,
  Check,
  Statistics,
  Summarize,
  Survey,
  Replay,
  ReplayBare,
  ReleaseBare,
  LedgerAllocate,
  LedgerRelease,
  LedgerReallocate,
  OpenAccount,
  OpenWindow,
}

/** A class because asc inlines its members only. */
export class Perform {
  @inline static verb<H extends Heap>(record: u32, verb: u32, a: u32, b: u32): u32 {
    const heap = changetype<H>(record);
    switch (verb) {
      case Verb.Plan:
        heap.plan();
        return 0;
      case Verb.Initialize:
        return heap.initialize() ? 1 : 0;
      case Verb.Adopt:
        return heap.adopt() ? 1 : 0;
      case Verb.Allocate:
        return observedAllocate<H>(heap, a, b);
      case Verb.Reallocate:
        return observedReallocate<H>(heap, a, b);
      case Verb.Release:
        observedRelease<H>(heap, a);
        return 0;
      case Verb.UsableBytes:
        return heap.usableBytes(a, b);
      case Verb.Walk:
        return walkBlocks<H>(heap, a != 0);
      case Verb.Check:
        return heap.check(changetype<Finding>(OUTPUT)) ? 1 : 0;
      case Verb.Statistics:
        return heap.statistics(OUTPUT);
      case Verb.Summarize:
        summarize<H>(heap);
        return 0;
      case Verb.Survey:
        survey<H>(heap);
        return 0;
      case Verb.Replay:
        replay<H>(heap, a, b);
        return 0;
      case Verb.ReplayBare:
        replayBare<H>(heap, a, b);
        return 0;
      case Verb.ReleaseBare:
        heap.release(a, b);
        return 0;
      case Verb.LedgerAllocate:
        return ledgerAllocate<H>(heap, a, b);
      case Verb.LedgerRelease:
        return ledgerRelease<H>(heap, a);
      case Verb.LedgerReallocate:
        return ledgerReallocate<H>(heap, a, b);
      case Verb.OpenAccount:
        openAccount<H>(heap, changetype<SoakHeap>(a));
        return 0;
      case Verb.OpenWindow:
        openWindow<H>(heap, changetype<SoakHeap>(a));
        return 0;
      default:
        return unreachable();
    }
  }
}
