/** What the schemas of records are built from: figures of which none is NaN, infinite, or negative where it counts. */
import { z } from "zod";
import type { OptionValues } from "../allocators/entry.ts";
import type { Column } from "../soak/record.ts";

/**
 * A map with the fields of `T`: the type checker refuses a schema that misses one, has one too many, or takes what
 * `T` does not hold. Keys that `T` does not know are left out of what is read.
 */
export function object<T extends object>(shape: { readonly [K in keyof T]-?: z.ZodType<T[K]> }): z.ZodType<T> {
  return z.object(shape) as unknown as z.ZodType<T>;
}

/** One of the words of `W`; the type checker asks for all of them. */
export function word<W extends string>(words: Readonly<Record<W, true>>): z.ZodType<W> {
  return z.enum(Object.keys(words) as W[]);
}

/** A list. It is read up to the first item that is refused: a list of a million wrong items is one issue, not a million. */
export function list<T>(schema: z.ZodType<T>): z.ZodType<T[]> {
  return z.unknown().transform((value, context) => {
    if (!Array.isArray(value)) return refuse(context, "a list");
    return Array.from(itemsOf(schema, value.entries(), context), ([, item]) => item);
  });
}

/** By name. No name, not even `constructor`, leads to more than what is written under it. */
export function mapOf<T>(schema: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z.unknown().transform((value, context) => {
    if (!isMap(value)) return refuse(context, "a map");
    const entries: Record<string, T> = Object.create(null);
    for (const [name, item] of itemsOf(schema, Object.entries(value), context)) entries[name] = item;
    return entries;
  });
}

export function nullable<T>(schema: z.ZodType<T>): z.ZodType<T | null> {
  return z.nullable(schema);
}

/** A field that may be missing. */
export function absent<T>(schema: z.ZodType<T>) {
  return z.exactOptional(schema);
}

/** The schema that `choose` finds for a map; a value for which it finds none should have been `expected`. */
export function chosen<T>(
  choose: (value: Readonly<Record<string, unknown>>) => z.ZodType<T> | undefined,
  expected: string,
): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    const schema = isMap(value) ? choose(value) : undefined;
    if (!schema) return refuse(context, expected);
    const read = schema.safeParse(value);
    return read.success ? read.data : passOn(context, read.error.issues, []);
  });
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The items that the schema takes, up to the first that it refuses. */
function* itemsOf<K extends PropertyKey, T>(
  schema: z.ZodType<T>,
  items: Iterable<readonly [K, unknown]>,
  context: z.RefinementCtx,
): Generator<readonly [K, T]> {
  for (const [key, item] of items) {
    const read = schema.safeParse(item);
    if (!read.success) {
      passOn(context, read.error.issues, [key]);
      return;
    }
    yield [key, read.data];
  }
}

function refuse(context: z.RefinementCtx, expected: string): never {
  context.addIssue({ code: "custom", message: expected });
  return z.NEVER;
}

function passOn(context: z.RefinementCtx, issues: readonly z.core.$ZodIssue[], below: readonly PropertyKey[]): never {
  for (const issue of issues) context.issues.push({ ...issue, path: [...below, ...issue.path], input: undefined });
  return z.NEVER;
}

export const text = z.string();
export const flag = z.boolean();
export const number = z.number();
export const count = z.int().nonnegative();
/** Sizes and addresses. */
export const bytes = count;
export const signedBytes = z.int();
export const timeUs = z.number().nonnegative();
export const ratio = z.number().min(0).max(1);
export const amount = z.number().nonnegative();
/** Decimal of a u64. */
export const seed = z.string().regex(/^\d{1,20}$/, "a seed of at most 20 digits");
export const interval: z.ZodType<readonly [number, number]> = z.tuple([ratio, ratio]);
export const optionValues: z.ZodType<OptionValues> = mapOf(z.union([z.number(), z.string(), z.boolean()]));
export const region = object<{ readonly low: number; readonly bytes: number }>({ low: bytes, bytes });

/** A column of counts; by hand, for a record holds some hundred thousand of them. */
export const column = columnOf("a whole number of at least 0", () => true);
/** The same, none smaller than the one before it. */
export const ascendingColumn = columnOf(
  "a whole number no smaller than the one before it",
  (value, before) => value >= before,
);

function columnOf(expected: string, follows: (value: number, before: number) => boolean): z.ZodType<Column> {
  const isWrong = (value: unknown, row: number, column: readonly number[]) =>
    !Number.isSafeInteger(value) || Number(value) < 0 || !follows(Number(value), column[row - 1] ?? 0);
  return z.unknown().transform((value, context) => {
    if (!Array.isArray(value)) return refuse(context, "a list of numbers");
    const wrong = value.findIndex(isWrong);
    if (wrong < 0) return value;
    context.addIssue({ code: "custom", path: [wrong], message: expected });
    return z.NEVER;
  });
}
