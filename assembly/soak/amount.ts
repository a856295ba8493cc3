/** Amounts in instructions (see ExpressionOp in soak-map.ts): constants, draws, and arithmetic over sampled numbers. */
import { EXPRESSION_DEPTH_MOST, ExpressionOp, SiteField } from "../soak-map";
import { Context } from "./context";
import { draw, drawMicroseconds, drawWhole } from "./draws";

const SITE_BYTES: u32 = SiteField.Length << 2;
const RESIDUE: u32 = SiteField.Residue << 2;
const WHOLE_MOST: f64 = 2147483647;
const LONGEST_EXPRESSION_US: f64 = 8987760000000000;

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

  /** Engine address of a context's draw site. */
  @inline static site(context: Context, index: u32): u32 {
    return context.sites + index * SITE_BYTES;
  }
}

function wholeOf(context: Context, descriptor: u32, site: u32): u32 {
  if (descriptor & 1) return roundedWhole(evaluate(context, descriptor - 1));
  return drawWhole(descriptor, Amount.site(context, site));
}

function microsecondsOf(context: Context, descriptor: u32, site: u32): u64 {
  if (descriptor & 1) return <u64>bounded(evaluate(context, descriptor - 1), LONGEST_EXPRESSION_US);
  const at = Amount.site(context, site);
  return drawMicroseconds(descriptor, at + RESIDUE, at);
}

/** A time drawn at a site that no context owns (modes), given by address. */
export function microsecondsAt(descriptor: u32, siteOrConstant: u32): u64 {
  if (descriptor == 0) return siteOrConstant;
  return drawMicroseconds(descriptor, siteOrConstant + RESIDUE, siteOrConstant);
}

/** A real number for `sample`. */
export function realOf(context: Context, descriptor: u32, site: u32): f64 {
  return draw(descriptor, Amount.site(context, site));
}

function roundedWhole(value: f64): u32 {
  return <u32>(<i32>floor(bounded(value + 0.5, WHOLE_MOST)));
}

/** Between 0 and `most`; what is no number (0 / 0) is 0. */
function bounded(value: f64, most: f64): f64 {
  return value > 0 ? min(value, most) : 0;
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
