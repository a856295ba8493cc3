/**
 * Quantities as a scenario writes them: a constant, or a draw from a distribution, by the record of DrawField.
 * Each sample is a function of one 64-bit word of its site's stream, so a draw consumes exactly one counter value.
 * Logarithms, exponentials and powers are AssemblyScript's own, compiled with the core: every machine draws the same.
 */

import { ChoiceField, DrawField, DrawKind, LONGEST_US } from "./draw-map";
import { Random } from "./random";
import { Ziggurat } from "./ziggurat";

/** Tries within the limits before the last sample is clamped: a share of 1 % inside is missed once in 30,000 draws. */
const TRIES_MOST: u32 = 1024;
const WHOLE_MOST: f64 = 2147483647;
const CHOICE_BYTES: u32 = ChoiceField.Length << 2;
/** Up to here counting the entries of a choice is faster than halving them. */
const COUNTED_MOST: u32 = 16;

@final
@unmanaged
class Draw {
  kind: u32;
  tableCount: u32;
  table: u32;
  padding: u32;
  a: f64;
  b: f64;
  minimum: f64;
  maximum: f64;
}

/** A class because asc inlines its members only. */
export class Draws {
  /**
   * The next value of the quantity, within its limits. A constant costs a comparison and consumes nothing.
   * `site` (DrawSiteField) may be 0 for a constant.
   */
  @inline static next(descriptor: u32, site: u32): f64 {
    const quantity = changetype<Draw>(descriptor);
    const kind = quantity.kind;
    if (kind == DrawKind.Constant) return quantity.a;
    const word = Random.nextBits(site);
    const value = kind == DrawKind.Exponential ? quantity.a * Ziggurat.exponential(word) : sample(quantity, word);
    return value >= quantity.minimum && value <= quantity.maximum ? value : sampleAgain(quantity, word);
  }

  /** A size or a count from a drawn value: the nearest whole number in 0..2^31 − 1; 0 for what is no number. */
  @inline static whole(value: f64): u32 {
    return value > 0 ? <u32>(<i32>floor(min(value + 0.5, WHOLE_MOST))) : 0;
  }

  /**
   * A time from a drawn value, in whole microseconds of 0..LONGEST_US. What is cut off stands in the f64 at `residue`
   * (0 at first, in [0, 1)) and is added to the next one, so that the sum of all times is exact to a microsecond.
   */
  @inline static microseconds(value: f64, residue: u32): u64 {
    const time = value + load<f64>(residue);
    const bounded = time > 0 ? min(time, <f64>LONGEST_US) : 0;
    const whole = floor(bounded);
    store<f64>(residue, time == bounded ? bounded - whole : 0);
    return <u64>(<i64>whole);
  }
}

/** Whether what is left of a time drawn so, at any moment of it, has the same distribution as the whole. */
export function isMemoryless(descriptor: u32): bool {
  const quantity = changetype<Draw>(descriptor);
  return quantity.kind == DrawKind.Exponential && quantity.minimum <= 0 && quantity.maximum == Infinity;
}

/** `Draws.next`, not inlined. */
export function draw(descriptor: u32, site: u32): f64 {
  return Draws.next(descriptor, site);
}

/** The value that `word` stands for, limits aside. */
function sample(quantity: Draw, word: u64): f64 {
  switch (quantity.kind) {
    case DrawKind.Exponential:
      return quantity.a * Ziggurat.exponential(word);
    case DrawKind.Uniform:
      return quantity.a + Random.unit(word) * (quantity.b - quantity.a);
    case DrawKind.UniformWhole:
      return quantity.a + <f64>(<i64>Random.below(word, <u64>(<i64>(quantity.b - quantity.a)) + 1));
    case DrawKind.Normal:
      return quantity.a + quantity.b * Ziggurat.normal(word);
    case DrawKind.Lognormal:
      return quantity.a * NativeMath.exp(quantity.b * Ziggurat.normal(word));
    case DrawKind.Pareto:
      return quantity.a * NativeMath.exp(Ziggurat.exponential(word) / quantity.b);
    case DrawKind.Geometric:
      return 1 + floor(Ziggurat.exponential(word) * geometricScale(quantity));
    case DrawKind.Choice:
      return chosen(quantity, word);
    case DrawKind.Empirical:
      return load<f64>(quantity.table + ((<u32>Random.below(word, quantity.tableCount)) << 3));
    default:
      return unreachable();
  }
}

/** A sample within the limits that begins with another word than `word`; clamped when they are hardly ever met. */
function sampleAgain(quantity: Draw, word: u64): f64 {
  let value: f64 = 0;
  for (let tries: u32 = 1; tries < TRIES_MOST; tries++) {
    word = Random.redraw(word);
    value = sample(quantity, word);
    if (value >= quantity.minimum && value <= quantity.maximum) return value;
  }
  return max(quantity.minimum, min(value, quantity.maximum));
}

/**
 * An exponential draw of mean −1 / ln(1 − p), rounded down, counts the misses before a hit of probability p = 1 / mean.
 * A mean of 1 gives 0: always a hit at once.
 */
function geometricScale(quantity: Draw): f64 {
  if (quantity.b == 0 && quantity.a > 1) quantity.b = -1 / NativeMath.log1p(-1 / quantity.a);
  return quantity.b;
}

/** The first entry whose cumulative weight lies above a point of [0, total): entries of weight 0 are never it. */
function chosen(quantity: Draw, word: u64): f64 {
  const table = quantity.table;
  const last = quantity.tableCount - 1;
  const point = Random.unit(word) * cumulativeWeight(table, last);
  const index = last < COUNTED_MOST ? entriesUpTo(table, last, point) : searchAbove(table, last, point);
  return load<f64>(table + index * CHOICE_BYTES, ChoiceField.Value << 2);
}

function cumulativeWeight(table: u32, index: u32): f64 {
  return load<f64>(table + index * CHOICE_BYTES, ChoiceField.CumulativeWeight << 2);
}

/** How many of the first `last` entries do not lie above the point: counted without a branch that depends on it. */
function entriesUpTo(table: u32, last: u32, point: f64): u32 {
  let index: u32 = 0;
  for (let i: u32 = 0; i < last; i++) index += cumulativeWeight(table, i) <= point ? 1 : 0;
  return index;
}

/** The same by halving, for long tables. */
function searchAbove(table: u32, last: u32, point: f64): u32 {
  let low: u32 = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulativeWeight(table, middle) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}

if (
  offsetof<Draw>("kind") != DrawField.Kind << 2 ||
  offsetof<Draw>("tableCount") != DrawField.TableCount << 2 ||
  offsetof<Draw>("table") != DrawField.Table << 2 ||
  offsetof<Draw>("a") != DrawField.A << 2 ||
  offsetof<Draw>("b") != DrawField.B << 2 ||
  offsetof<Draw>("minimum") != DrawField.Minimum << 2 ||
  offsetof<Draw>("maximum") != DrawField.Maximum << 2 ||
  offsetof<Draw>() != DrawField.Length << 2
) {
  ERROR("Draw disagrees with DrawField");
}
