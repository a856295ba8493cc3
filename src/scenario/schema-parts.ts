import { z } from "zod";
import { HeapsoakError, printable } from "../errors.ts";
import { shown, suggestion } from "./issues.ts";

/** A map with exactly these keys; each unknown one is refused with the closest key that exists. */
export function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "invalid_type") return `expected a map with ${list(Object.keys(shape).slice(0, 6))}`;
      if (issue.code !== "unrecognized_keys") return undefined;
      // One line a key: translated() in issues.ts takes them apart.
      return issue.keys.map((key) => `unknown key${suggestion(key, Object.keys(shape))}`).join("\n");
    },
  });
}

/**
 * One of several maps, told apart by the one key that each begins with: `{ allocate: … }`, `{ free: … }`. Unlike
 * z.union, which tries every branch (at each level of nested steps again) and reports them all, it looks the
 * branch up and reports that branch's issues alone. `scalar` takes what is not a map.
 */
export function keyed<const Options extends Readonly<Record<string, z.ZodType>>, Scalar extends z.ZodType = z.ZodNever>(
  what: string,
  options: Options,
  scalar?: Scalar,
): z.ZodUnion<readonly (Options[keyof Options] | Scalar)[]> {
  const all = [...(scalar ? [scalar] : []), ...Object.values(options)] as (Options[keyof Options] | Scalar)[];
  const union = z.union(all);
  const words = Object.keys(options);
  const parse: typeof union._zod.parse = (payload, context) => {
    const { value } = payload;
    const map = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!map && scalar && !Array.isArray(value)) return scalar._zod.run(payload, context) as typeof payload;
    const word = map ? words.find((candidate) => Object.hasOwn(value, candidate)) : undefined;
    const branch = word === undefined ? undefined : options[word];
    if (branch) return branch._zod.run(payload, context) as typeof payload;
    payload.issues.push({ code: "custom", input: value, inst: union, message: unknownWord(what, value, words) });
    return payload;
  };
  union._zod.parse = parse;
  union._zod.run = parse;
  return union;
}

function unknownWord(what: string, value: unknown, words: readonly string[]): string {
  const keys = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  const expected = `expected ${what}: a map with one of ${words.join(", ")}`;
  const [first] = keys;
  if (first === undefined) return expected;
  const meant = keys.map((key) => suggestion(key, words)).find((text) => text !== "") ?? "";
  return `"${shown(first)}" is not ${what}${meant || `; ${expected}`}`;
}

/** A text or number that one of the quantity parsers reads; its refusal becomes an issue at the value's place. */
export function quantity<T>(parse: (value: string | number) => T, expected: string, example: string | number) {
  return z
    .union([z.string(), z.number()], { error: `expected ${expected}` })
    .meta({ description: `${expected[0]?.toUpperCase()}${expected.slice(1)}.`, examples: [example] })
    .transform((value, context) => {
      try {
        return parse(value);
      } catch (error) {
        if (!(error instanceof HeapsoakError)) throw error;
        const message = error.hint ? `${error.message} ${error.hint}` : error.message;
        context.addIssue({ code: "custom", message: message.replace(/\.$/, "") });
        return z.NEVER;
      }
    });
}

/** Names of heaps, tasks, blocks and the like. */
export const name = z
  .string({ error: "expected a name" })
  .regex(/^[A-Za-z][\w-]*$/, { error: "expected a name: a letter, then letters, digits, - or _" })
  .max(64, { error: "expected a name of at most 64 characters" });

/** A bank, contiguous banks joined by `+`, or `ram` for the main bank. */
export const region = z.string({ error: "expected the name of a bank" }).trim().min(1).max(200);

/** It is shown as it is: what a terminal would obey is refused. */
export const sentence = z
  .string({ error: "expected a text" })
  .max(2000, { error: "expected at most 2000 characters" })
  .refine((text) => text === printable(text), { error: "expected a text without control characters" });

/** One of these words, with the closest one suggested. */
export function word<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, {
    error: (issue) => {
      const hint = typeof issue.input === "string" ? suggestion(issue.input, words) : "";
      return `expected ${list(words)}${hint}`;
    },
  });
}

export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** A whole number between two bounds. */
export function whole(least: number, most: number) {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}
