import type { CoreFrames } from "../device/frames.ts";
import { formatAddress } from "../quantities.ts";
import type { FrameComparison } from "./compiler-graph.ts";
import type { AnalysedProgram } from "./program.ts";
import {
  type EntryBound,
  type HandlerBound,
  judgeLimits,
  type LimitResult,
  type MainStackBound,
  overallVerdict,
  type StackVerdict,
  stackBounds,
} from "./stack-bound.ts";
import type { UnknownKind } from "./stack-function.ts";

/** What `heapsoak stack --json` writes: plain data, the same for the same program. */
export interface StackBoundRecord {
  readonly format: "heapsoak.stack-bound";
  readonly version: 1;
  readonly elf: string;
  readonly core: string;
  /** What the core and its kernel put on a stack, in bytes. */
  readonly frames: CoreFrames;
  readonly verdict: StackVerdict;
  readonly limits: readonly LimitResult[];
  readonly entries: readonly EntryBound[];
  readonly interrupts: readonly HandlerBound[];
  readonly mainStack: MainStackBound;
  /** With any of these reachable, a figure is a lower bound. */
  readonly unknowns: readonly {
    readonly function: string;
    readonly kind: UnknownKind;
    readonly at: string | null;
    readonly text: string;
  }[];
  readonly notes: readonly string[];
  /** Number of functions by what says how large their frames are. */
  readonly functions: { readonly compiler: number; readonly code: number; readonly none: number };
  /** How the compiler's files agree with the code, where both were read. */
  readonly comparison: FrameComparison | null;
}

export interface StackRecordRequest {
  readonly elf: string;
  readonly coreName: string;
  readonly frames: CoreFrames;
  readonly limits: ReadonlyMap<string, number>;
}

/** The record of a program's stacks. Throws `bad-argument` for limits on what is not there. */
export function stackRecord(program: AnalysedProgram, request: StackRecordRequest): StackBoundRecord {
  const bounds = stackBounds(program, request.frames);
  const limits = judgeLimits(bounds, request.limits);
  const functions = { compiler: 0, code: 0, none: 0 };
  for (const { source } of program.graph.values()) functions[source]++;
  return {
    format: "heapsoak.stack-bound",
    version: 1,
    elf: request.elf,
    core: request.coreName,
    frames: request.frames,
    verdict: overallVerdict(bounds, limits),
    limits,
    entries: bounds.entries,
    interrupts: bounds.interrupts,
    mainStack: bounds.mainStack,
    unknowns: bounds.unknowns.map(({ function: name, kind, at, text }) => {
      return { function: name, kind, at: at === 0 ? null : formatAddress(at), text };
    }),
    notes: program.notes,
    functions,
    comparison: program.comparison ?? null,
  };
}
