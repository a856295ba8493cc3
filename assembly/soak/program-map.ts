/** What a compiled scenario consists of: instructions, amounts, policies. See soak-map.ts. */
/** Names, draw sites, queues …: what a word of an instruction may say of a heap besides its index. */
export const HEAP_LIST_LEAST = 64;

export const enum PolicyKind {
  Crash,
  Drop,
  Reboot,
  Retry,
}
/** A failure policy in the program area. */
export const enum PolicyField {
  Kind,
  /** Retry: operands of the delay, how often, and what then (PolicyKind). */
  DelayDraw,
  DelaySite,
  Times,
  Then,
  Length,
}

/**
 * An amount in an instruction is two words, [draw, site]:
 *   draw = 0            the constant `site`
 *   draw odd            the expression at draw − 1 (ExpressionOp words)
 *   otherwise           a draw descriptor (DrawField) with the context's draw site number `site`
 */
export const enum ExpressionOp {
  End,
  /** Followed by the two words of an f64. */
  Number,
  /** Followed by the index of a sampled number. */
  Name,
  Add,
  Subtract,
  Multiply,
  Divide,
}
/** The deepest stack of operands an expression may need. */
export const EXPRESSION_DEPTH_MOST = 16;

/**
 * The first word of an instruction: its code, and the number of the scenario's step behind it.
 *
 *    31                          8 7        0
 *   ├─────────────────────────────┼──────────┤
 *   │ step                        │ code     │
 *   └─────────────────────────────┴──────────┘
 *
 * Operands follow, a word each; `amount` is two words; targets are addresses of instructions. An operand
 * `heaps` is the index of a heap, or the address of a list [count, index…]. A `policy` is the address of a
 * PolicyField record. Names, numbers and locals are indices.
 */
export const INSTRUCTION_STEP_SHIFT = 8;
export const enum Instruction {
  /** The activation ends. */
  End,
  /** name, amount, heaps, alignment (0: the allocator's own), policy, orElse (target, or 0). */
  Allocate,
  /** name. */
  Free,
  /** name, amount, heaps, policy. */
  Reallocate,
  /** name, by (amount), growth (GrowthKind), reserve (amount), until (amount; constant 0: none), heaps, policy. */
  Grow,
  /** frame bytes, touched bytes, raii (0 or 1). */
  Enter,
  /** Ends the innermost call. */
  Leave,
  /**
   * depth (amount), frame bytes, touched bytes, end (target behind RecurseNext, where depth is 0), local that counts
   * the levels still to come. Body follows: it runs once on each level.
   */
  Recurse,
  /** body (target), local. Another level, or all levels are left. */
  RecurseNext,
  /** local, count (amount), end (target, where the count is 0). Body follows. */
  Repeat,
  /** local, body (target). */
  Loop,
  /** probability (the two words of an f64), site, otherwise (target). */
  Chance,
  /** target. */
  Jump,
  /** site, count, then per option: cumulative weight from 0 to 1 (two words of an f64), target. */
  Choose,
  /** number, draw (descriptor), site. */
  Sample,
  /** time (amount). */
  Work,
  /** time (amount). */
  Wait,
  /** mode. */
  Until,
  /** name, queue. */
  Send,
  /** queue, name, timeout (amount), timeout kind (TimeoutKind). */
  Receive,
  /** name, time (amount). */
  Keep,
  /** name, cache. */
  Cache,
  /** first context (index), count of contexts that may serve, heaps, policy. */
  Spawn,
  /** The spawned task ends for good. */
  Exit,
  /** name, as (name). */
  Share,
  /** name. */
  Drop,
  /** name, to (name). */
  Refer,
  /** name, probability (two words of an f64), site. */
  Leak,
  /** kind (MisuseKind), name, bytes. */
  Misuse,
  /** temperature (0 warm, 1 cold), fill byte. */
  Reboot,
}
export const enum GrowthKind {
  Double,
  HalfAgain,
  Exact,
}
export const enum TimeoutKind {
  None,
  /** The activation ends. */
  End,
  Continue,
}
export const enum MisuseKind {
  DoubleFree,
  UseAfterFree,
  Overrun,
}
