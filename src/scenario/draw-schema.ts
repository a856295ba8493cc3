import { z } from "zod";
import { HeapsoakError } from "../errors.ts";
import { acceptedShare } from "./draws.ts";
import { parseExpression } from "./expression.ts";
import type { Amount, Draw, DrawRule } from "./model.ts";
import { parseQuantity, type Unit } from "./quantities.ts";
import { fields, keyed, quantity, sentence } from "./schema-parts.ts";

/** A draw from a file that is not read yet: one value a line. */
export interface FileDraw {
  readonly kind: "file";
  readonly file: string;
  readonly unit: Unit;
  readonly minimum?: number;
  readonly maximum?: number;
}
export type DrawDocument = Draw | FileDraw;
export type AmountDocument = Amount | FileDraw;

/** A draw whose limits leave less than this repeats too often to end in reasonable time. */
const ACCEPTED_LEAST = 0.001;
const CHOICES_MOST = 1000;

const positive = (what: string) =>
  z
    .number({ error: `expected ${what}, a number` })
    .positive({ error: `expected ${what} above 0` })
    .max(1e6);

const EXPECTED: Readonly<Record<Unit, { expected: string; example: string | number }>> = {
  bytes: { expected: "a size such as 512, 40 KiB or 1 MiB", example: "40 KiB" },
  time: { expected: "a time with its unit: us, ms, s, min, h, d or y", example: "250 ms" },
  count: { expected: "a whole number from 0", example: 3 },
  number: { expected: "a number, or a size in bytes", example: 100 },
};

/** A plain quantity of the unit. */
export function plain(unit: Unit) {
  const { expected, example } = EXPECTED[unit];
  return quantity((value) => parseQuantity(unit, value), expected, example);
}

export const time = plain("time");
export const size = plain("bytes");

/** A time above zero. */
export const span = quantity(
  (value) => {
    const us = parseQuantity("time", value);
    if (us < 1) throw new HeapsoakError("bad-scenario", `got "${value}", expected at least 1 us`);
    return us;
  },
  "a time of at least 1 us",
  "30 d",
);

/** The maps that draw a value of the unit. */
function drawMaps(unit: Unit) {
  const value = plain(unit);
  const pair = (what: string, second: z.ZodType<number>) => z.tuple([value, second], { error: `expected [${what}]` });
  const limits = { min: value.optional(), max: value.optional() };
  const rules = {
    uniform: fields({ uniform: pair("least, most", value), ...limits }),
    normal: fields({ normal: pair("mean, standard deviation", value), ...limits }),
    lognormal: fields({ lognormal: pair("median, sigma", positive("sigma")), ...limits }),
    exponential: fields({ exponential: value, ...limits }),
    pareto: fields({ pareto: pair("minimum, alpha", positive("alpha")), ...limits }),
    geometric: fields({ geometric: z.number().min(1, { error: "expected a mean of at least 1" }).max(1e9), ...limits }),
    choice: fields({ choice: choiceOf(unit), ...limits }),
    empirical: fields({ empirical: sentence.min(1), ...limits }),
  };
  const { uniform, normal, lognormal, exponential, pareto, geometric, choice, empirical } = rules;
  return {
    uniform: uniform.transform((map, context) => {
      const [low, high] = map.uniform;
      return checked({ kind: "uniform", low, high }, map, context);
    }),
    normal: normal.transform((map, context) => {
      const [mean, deviation] = map.normal;
      return checked({ kind: "normal", mean, deviation }, map, context);
    }),
    lognormal: lognormal.transform((map, context) => {
      const [median, sigma] = map.lognormal;
      return checked({ kind: "lognormal", median, sigma }, map, context);
    }),
    exponential: exponential.transform((map, context) =>
      checked({ kind: "exponential", mean: map.exponential }, map, context),
    ),
    pareto: pareto.transform((map, context) => {
      const [least, alpha] = map.pareto;
      return checked({ kind: "pareto", least, alpha }, map, context);
    }),
    geometric: geometric.transform((map, context) => checked({ kind: "geometric", mean: map.geometric }, map, context)),
    choice: choice.transform((map, context) => {
      const [values, weights] = map.choice;
      return checked({ kind: "choice", values, weights }, map, context);
    }),
    empirical: empirical.transform((map): FileDraw => ({ kind: "file", file: map.empirical, unit, ...limitsOf(map) })),
  };
}

/** `{ VALUE: WEIGHT, … }` as values and weights. */
function choiceOf(unit: Unit) {
  return z
    .record(z.string(), z.number({ error: "expected a weight, a number from 0" }).min(0).max(1e12), {
      error: "expected a map of values and their weights",
    })
    .transform((map, context): [number[], number[]] => {
      const entries = Object.entries(map);
      const weights = entries.map(([, weight]) => weight);
      if (!(weights.reduce((sum, weight) => sum + weight, 0) > 0)) context.addIssue("expected a weight above 0");
      if (entries.length > CHOICES_MOST) context.addIssue(`expected at most ${CHOICES_MOST} values`);
      const values = entries.map(([key]) => {
        try {
          return parseQuantity(unit, key);
        } catch (error) {
          if (!(error instanceof HeapsoakError)) throw error;
          context.addIssue({ code: "custom", path: [key], message: error.message.replace(/\.$/, "") });
          return 0;
        }
      });
      return [values, weights];
    });
}

type Limits = { min?: number | undefined; max?: number | undefined };

function limitsOf({ min, max }: Limits): { minimum?: number; maximum?: number } {
  return { ...(min !== undefined && { minimum: min }), ...(max !== undefined && { maximum: max }) };
}

/** The draw, unless it cannot be drawn or its limits leave next to nothing of it. */
function checked(rule: DrawRule, limits: Limits, context: z.core.$RefinementCtx): Draw {
  const problem = ruleProblem(rule, limits);
  if (problem) {
    context.addIssue({ code: "custom", message: problem });
    return z.NEVER;
  }
  return { ...rule, ...limitsOf(limits) };
}

function ruleProblem(rule: DrawRule, limits: Limits): string | undefined {
  if (rule.kind === "uniform" && rule.low > rule.high) return "expected [least, most] in this order";
  if (rule.kind === "exponential" && rule.mean === 0) return "expected a mean above 0";
  if (rule.kind === "lognormal" && rule.median === 0) return "expected a median above 0";
  if (rule.kind === "lognormal" && rule.sigma > 20) return "expected a sigma of at most 20";
  if (rule.kind === "pareto" && rule.least === 0) return "expected a minimum above 0";
  if (rule.kind === "pareto" && rule.alpha <= 1 && limits.max === undefined) {
    return "has no mean for alpha ≤ 1: give it a max";
  }
  if (limits.min !== undefined && limits.max !== undefined && limits.min > limits.max) return "min is above max";
  return limitsProblem({ ...rule, ...limitsOf(limits) });
}

/** Why the limits cannot stand, or undefined. */
export function limitsProblem(draw: Draw): string | undefined {
  if (acceptedShare(draw) >= ACCEPTED_LEAST) return undefined;
  return "fewer than 1 in 1000 draws lie within min and max; choose a distribution that does";
}

const constant = (value: number): Draw => ({ kind: "constant", value });

/** A quantity, or a map that draws it. `id` names it in the published schema. */
function drawn(unit: Unit, id: string): z.ZodType<DrawDocument> {
  const union = keyed("a draw", drawMaps(unit), plain(unit).transform(constant));
  z.globalRegistry.add(union, { id, description: "A quantity, or the rule by which it is drawn each time." });
  return union as unknown as z.ZodType<DrawDocument>;
}

/** As `drawn`, or an expression over sampled names. */
function amount(unit: Unit, id: string): z.ZodType<AmountDocument> {
  const { expected, example } = EXPECTED[unit];
  const scalar = quantity((value): Amount => amountOf(unit, value), `${expected}, or an expression`, example);
  const union = keyed("a draw", drawMaps(unit), scalar);
  z.globalRegistry.add(union, {
    id,
    description: "A quantity, the rule by which it is drawn each time, or arithmetic over sampled names.",
  });
  return union as unknown as z.ZodType<AmountDocument>;
}

/** What begins like a number and has no operator is meant as a quantity, so its refusal is the quantity's. */
function amountOf(unit: Unit, value: string | number): Amount {
  const text = String(value).trim();
  if (typeof value === "number" || (/^[\d.]/.test(text) && !/[-+*/()]/.test(text))) {
    return constant(parseQuantity(unit, value));
  }
  const expression = parseExpression(text);
  return expression.kind === "number" ? constant(expression.value) : { kind: "expression", expression };
}

export const drawnTime = drawn("time", "time");
export const drawnNumber = drawn("number", "number");
export const sizeAmount = amount("bytes", "size");
export const countAmount = amount("count", "count");
