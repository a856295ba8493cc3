/** Amounts in instructions (see ExpressionOp in program-map.ts): constants, draws, and arithmetic over sampled numbers. */

import { Context } from "./context";
import { SiteField } from "./context-map";
import { LONGEST_US } from "./draw-map";
import { Draws, draw, isMemoryless } from "./draws";
import { EXPRESSION_DEPTH_MOST, ExpressionOp } from "./program-map";

const SITE_BYTES: u32 = SiteField.Length << 2;
const RESIDUE: u32 = SiteField.Residue << 2;
const NEXT: u32 = SiteField.Next << 2;

export class Amount {
  /** The whole number (bytes, counts) of the amount whose two words lie at `at`. */
  @inline static whole(context: Context, at: u32): u32 {
    const descriptor = load<u32>(at);
    return descriptor == 0 ? load<u32>(at, 4) : wholeOf(context, descriptor, load<u32>(at, 4));
  }

  /** The time in whole microseconds of the amount whose two words lie at `at`. */
  @inline static microseconds(context: Context, at: u32): u64 {
    const descriptor = load<u32>(at);
    return descriptor == 0 ? load<u32>(at, 4) : microsecondsOf(context, descriptor, load<u32>(at, 4));
  }

  /** The next value of a site. The one after it is drawn at once: the processor does that beside what follows. */
  @inline static next(descriptor: u32, site: u32): f64 {
    const value = load<f64>(site, NEXT);
    if (Number.isNaN(value)) return firstOf(descriptor, site);
    store<f64>(site, Draws.next(descriptor, site), NEXT);
    return value;
  }

  /** The next time of a site. */
  @inline static nextMicroseconds(descriptor: u32, site: u32): u64 {
    return Draws.microseconds(Amount.next(descriptor, site), site + RESIDUE);
  }

  /** Engine address of a context's draw site. */
  @inline static site(context: Context, index: u32): u32 {
    return context.sites + index * SITE_BYTES;
  }
}

function wholeOf(context: Context, descriptor: u32, site: u32): u32 {
  if (descriptor & 1) return Draws.whole(evaluate(context, descriptor - 1));
  return Draws.whole(Amount.next(descriptor, Amount.site(context, site)));
}

function microsecondsOf(context: Context, descriptor: u32, site: u32): u64 {
  if (descriptor & 1) return <u64>(<i64>max(0, min(evaluate(context, descriptor - 1), <f64>LONGEST_US)));
  return Amount.nextMicroseconds(descriptor, Amount.site(context, site));
}

/** A time drawn at a site that no context owns (modes), given by address. */
export function microsecondsAt(descriptor: u32, siteOrConstant: u32): u64 {
  return descriptor == 0 ? siteOrConstant : Amount.nextMicroseconds(descriptor, siteOrConstant);
}

/** Whether the amount whose two words lie at `at` is drawn as a time without memory (see `isMemoryless`). */
export function isMemorylessAmount(at: u32): bool {
  const descriptor = load<u32>(at);
  return descriptor != 0 && (descriptor & 1) == 0 && isMemoryless(descriptor);
}

/** Forgets what was drawn ahead at a site: its stream has a new key. */
export function forgetNext(site: u32): void {
  store<f64>(site, NaN, NEXT);
}

function firstOf(descriptor: u32, site: u32): f64 {
  const value = draw(descriptor, site);
  store<f64>(site, draw(descriptor, site), NEXT);
  return value;
}

/** A real number for `sample`. */
export function realOf(context: Context, descriptor: u32, site: u32): f64 {
  return Amount.next(descriptor, Amount.site(context, site));
}

/** Runs an expression in postfix order over a small stack. */
function evaluate(context: Context, code: u32): f64 {
  const operands = memory.data(EXPRESSION_DEPTH_MOST * 8, 8);
  let top = operands;
  while (true) {
    const op = load<u32>(code);
    code += 4;
    if (op == ExpressionOp.End) return load<f64>(top - 8);
    if (op == ExpressionOp.Number) {
      store<f64>(top, load<f64>(code));
      code += 8;
      top += 8;
    } else if (op == ExpressionOp.Name) {
      store<f64>(top, load<f64>(context.numbers + (load<u32>(code) << 3)));
      code += 4;
      top += 8;
    } else {
      top -= 8;
      store<f64>(top - 8, combine(op, load<f64>(top - 8), load<f64>(top)));
    }
  }
}

function combine(op: u32, left: f64, right: f64): f64 {
  if (op == ExpressionOp.Add) return left + right;
  if (op == ExpressionOp.Subtract) return left - right;
  return op == ExpressionOp.Multiply ? left * right : left / right;
}
