/** Quantities of a scenario as operands: constants, draw descriptors (DrawField) and expressions. */
import { DrawKind } from "../../assembly/soak/draw-map.ts";
import { EXPRESSION_DEPTH_MOST, ExpressionOp } from "../../assembly/soak/program-map.ts";
import { HeapsoakError } from "../errors.ts";
import type { Amount, Draw, Expression } from "../scenario/model.ts";
import { type ImageBuilder, type Label, type Operand, Reference, realWords } from "./compiler-image.ts";

/** The two operands of an amount: [draw, site] (program-map.ts). */
export type AmountOperands = readonly [draw: Operand, site: Operand];

/** What is counted: a real number, a whole one (bytes, levels, rounds), or microseconds. */
export type Measure = "real" | "whole" | "time";

/** Where a program's random streams and sampled numbers are numbered. */
export interface StreamNumbers {
  /** The number of the draw site at `path`. */
  site(path: string): number;
  /** The number of the sampled name. */
  number(name: string): number;
}

export const NOTHING: AmountOperands = [0, 0];
const IMMEDIATE_MOST = 0xffff_ffff;

/** The value that a draw always has, or undefined. */
export function constantValue(draw: Draw): number | undefined {
  if (draw.kind === "constant") return draw.value;
  if (draw.kind === "uniform" && draw.low === draw.high) return draw.low;
  if (draw.kind === "empirical" && new Set(draw.values).size === 1) return draw.values[0];
  if (draw.kind !== "choice") return undefined;
  const possible = new Set(draw.values.filter((_, index) => (draw.weights[index] ?? 0) > 0));
  return possible.size === 1 ? [...possible][0] : undefined;
}

/** The operands of a time in microseconds. `path` names its draw site. */
export function timeOperands(image: ImageBuilder, numbers: StreamNumbers, draw: Draw, path: string): AmountOperands {
  const constant = constantValue(draw);
  if (constant !== undefined && Number.isInteger(constant) && constant <= IMMEDIATE_MOST) return [0, constant];
  return drawOperands(image, numbers, draw, "time", path);
}

/** The operands of a size or a count. `path` names its draw site. */
export function wholeOperands(
  image: ImageBuilder,
  numbers: StreamNumbers,
  amount: Amount,
  path: string,
): AmountOperands {
  if (amount.kind === "expression") return expressionOperands(image, numbers, amount.expression);
  const constant = constantValue(amount);
  if (constant !== undefined) return [0, wholeConstant(constant)];
  return drawOperands(image, numbers, amount, "whole", path);
}

/** The operands of a draw descriptor. Constants have a site, too: for what is drawn ahead, and what rounding leaves over. */
export function drawOperands(
  image: ImageBuilder,
  numbers: StreamNumbers,
  draw: Draw,
  measure: Measure,
  path: string,
): AmountOperands {
  return [new Reference(descriptor(image, draw, measure)), numbers.site(path)];
}

/** The place of a draw's descriptor. */
export function descriptor(image: ImageBuilder, draw: Draw, measure: Measure): Label {
  const constant = constantValue(draw);
  const rule: Draw = constant === undefined ? draw : { kind: "constant", value: constant };
  return image.record(`draw ${measure} ${JSON.stringify(rule)}`, () => descriptorWords(image, rule, measure));
}

/** In the order of DrawField. */
function descriptorWords(image: ImageBuilder, draw: Draw, measure: Measure): Operand[] {
  const { kind, a, b } = parameters(draw, measure);
  const table = tableOf(image, draw);
  // No quantity is negative; only a normal distribution would reach there by itself.
  const minimum = draw.minimum ?? (draw.kind === "normal" ? 0 : Number.NEGATIVE_INFINITY);
  const maximum = draw.maximum ?? Number.POSITIVE_INFINITY;
  const tableWords = table ? [table.count, new Reference(table.label)] : [0, 0];
  return [kind, ...tableWords, 0, ...realWords(a), ...realWords(b), ...realWords(minimum), ...realWords(maximum)];
}

function parameters(draw: Draw, measure: Measure): { kind: DrawKind; a: number; b: number } {
  switch (draw.kind) {
    case "constant":
      return { kind: DrawKind.Constant, a: draw.value, b: 0 };
    case "uniform":
      return uniform(draw.low, draw.high, measure);
    case "normal":
      return { kind: DrawKind.Normal, a: draw.mean, b: draw.deviation };
    case "lognormal":
      return { kind: DrawKind.Lognormal, a: draw.median, b: draw.sigma };
    case "exponential":
      return { kind: DrawKind.Exponential, a: draw.mean, b: 0 };
    case "pareto":
      return { kind: DrawKind.Pareto, a: draw.least, b: draw.alpha };
    case "geometric":
      return { kind: DrawKind.Geometric, a: draw.mean, b: 0 };
    case "choice":
      return { kind: DrawKind.Choice, a: 0, b: 0 };
    case "empirical":
      return { kind: DrawKind.Empirical, a: 0, b: 0 };
  }
}

/** Sizes and counts, and samples between whole ends, are whole numbers with both ends included; times are real. */
function uniform(low: number, high: number, measure: Measure): { kind: DrawKind; a: number; b: number } {
  const [least, most] = measure === "real" ? [low, high] : [Math.ceil(low), Math.floor(high)];
  const isWhole = measure !== "time" && Number.isInteger(least) && Number.isInteger(most) && least <= most;
  if (!isWhole || most - least > IMMEDIATE_MOST) return { kind: DrawKind.Uniform, a: low, b: high };
  return { kind: DrawKind.UniformWhole, a: least, b: most };
}

/** The table of a choice (ChoiceField) or of an empirical distribution (an f64 each). */
function tableOf(image: ImageBuilder, draw: Draw): { count: number; label: Label } | undefined {
  if (draw.kind === "empirical") {
    const { values } = draw;
    const label = image.record(`empirical ${values.join()}`, () => values.flatMap(realWords));
    return { count: values.length, label };
  }
  if (draw.kind !== "choice") return undefined;
  const { values, weights } = draw;
  const label = image.record(`choice ${values.join()} ${weights.join()}`, () => {
    const sums = cumulative(weights);
    return values.flatMap((value, index) => [...realWords(value), ...realWords(sums[index] ?? 0)]);
  });
  return { count: values.length, label };
}

/** Sums of the weights up to and with each. */
function cumulative(weights: readonly number[]): number[] {
  let sum = 0;
  return weights.map((weight) => {
    sum += weight;
    return sum;
  });
}

/** The same as shares of their total: the last is exactly 1. */
export function cumulativeShares(weights: readonly number[]): number[] {
  const sums = cumulative(weights);
  const total = sums.at(-1) ?? 0;
  return sums.map((sum) => sum / total);
}

function expressionOperands(image: ImageBuilder, numbers: StreamNumbers, expression: Expression): AmountOperands {
  const constant = constantOf(expression);
  if (constant !== undefined) return [0, wholeConstant(constant)];
  if (operandDepth(expression) > EXPRESSION_DEPTH_MOST) {
    throw new HeapsoakError("bad-argument", `An expression is nested more than ${EXPRESSION_DEPTH_MOST} deep.`, {
      hint: "Sample an intermediate result under a name of its own.",
    });
  }
  const words = [...expressionWords(numbers, expression), ExpressionOp.End];
  return [
    new Reference(
      image.record(`expression ${words.join()}`, () => words),
      true,
    ),
    0,
  ];
}

const OPERATORS = {
  "+": ExpressionOp.Add,
  "-": ExpressionOp.Subtract,
  "*": ExpressionOp.Multiply,
  "/": ExpressionOp.Divide,
} as const;

/** Operands first, then the operator. */
function expressionWords(numbers: StreamNumbers, expression: Expression): number[] {
  if (expression.kind === "number") return [ExpressionOp.Number, ...realWords(expression.value)];
  if (expression.kind === "name") return [ExpressionOp.Name, numbers.number(expression.name)];
  const { left, right, operator } = expression;
  return [...expressionWords(numbers, left), ...expressionWords(numbers, right), OPERATORS[operator]];
}

/** Operands that must be held at once. */
function operandDepth(expression: Expression): number {
  if (expression.kind !== "operation") return 1;
  return Math.max(operandDepth(expression.left), 1 + operandDepth(expression.right));
}

function constantOf(expression: Expression): number | undefined {
  if (expression.kind === "number") return expression.value;
  if (expression.kind === "name") return undefined;
  const [left, right] = [constantOf(expression.left), constantOf(expression.right)];
  if (left === undefined || right === undefined) return undefined;
  if (expression.operator === "+") return left + right;
  if (expression.operator === "-") return left - right;
  return expression.operator === "*" ? left * right : left / right;
}

/** As the core rounds a drawn size: to the nearest whole number, never negative. */
function wholeConstant(value: number): number {
  return Math.min(Math.max(Math.floor(value + 0.5) || 0, 0), IMMEDIATE_MOST);
}
