import { z } from "zod";
import { size, span, time } from "./draw-schema.ts";
import { parseCount, parseShare } from "./quantities.ts";
import { fields, keyed, name, quantity, word } from "./schema-parts.ts";

const count = quantity(parseCount, "a whole number", 1);
const share = quantity(parseShare, "a share from 0 to 1, such as 20 % or 0.2", "20 %");

/** `{ below: X }`, `{ atLeast: X }`, or both. */
function bounded(value: z.ZodType<number>) {
  return fields({ below: value.optional(), atLeast: value.optional() }).refine(
    (bounds) => bounds.below !== undefined || bounds.atLeast !== undefined,
    { error: "expected { below: … } or { atLeast: … }" },
  );
}

/** The figures of a heap that can be bounded, in the order of the messages. */
export const heapFigures = {
  externalFragmentation: bounded(share).optional(),
  internalFragmentation: bounded(share).optional(),
  largestFree: bounded(size).optional(),
  minimumFree: bounded(size).optional(),
  failedRequests: bounded(count).optional(),
  leaks: bounded(count).optional(),
  visits: bounded(count).optional(),
};

/** `20 %` is a share of the stack, `0.2` too, `256` and `1 KiB` are bytes. */
const headroom = z.union(
  [
    z
      .string()
      .regex(/%\s*$/)
      .transform((text, context) => {
        const parsed = share.safeParse(text);
        if (parsed.success) return { kind: "share" as const, share: parsed.data };
        context.addIssue(parsed.error.issues[0]?.message ?? "expected a share");
        return z.NEVER;
      }),
    z
      .number()
      .gt(0)
      .lt(1)
      .transform((value) => ({ kind: "share" as const, share: value })),
    size.transform((bytes) => ({ kind: "bytes" as const, bytes })),
  ],
  { error: "expected a share of the stack such as 20 %, or a size such as 256 B" },
);

export const expectationSchema = keyed("an expectation", {
  survives: fields({ survives: span }),
  fails: fields({
    fails: fields({
      by: span,
      with: word("fragmentation", "exhaustion", "overflow", "corruption", "overload").optional(),
    }),
  }),
  heap: fields({ heap: name, ...heapFigures }),
  stack: fields({ stack: name, headroom: fields({ atLeast: headroom }) }),
  noAllocationIn: fields({ noAllocationIn: z.array(name).min(1, { error: "expected at least one name" }).max(1000) }),
  noAllocationAfter: fields({ noAllocationAfter: time }),
  periodic: fields({ periodic: z.literal(true, { error: "expected true" }) }),
});
z.globalRegistry.add(expectationSchema, { id: "expectation", description: "What a run must show." });

export type ExpectationDocument = z.output<typeof expectationSchema>;
