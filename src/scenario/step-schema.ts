import { z } from "zod";
import { countAmount, drawnNumber, drawnTime, size, sizeAmount } from "./draw-schema.ts";
import { parseShare } from "./quantities.ts";
import { fields, keyed, name, quantity, whole, word } from "./schema-parts.ts";

/** Fewer than this in one list; all lists together are bounded when the file is read. */
const STEPS_MOST = 100_000;
const ALIGNMENT_MOST = 1 << 16;

export const share = quantity(parseShare, "a share from 0 to 1, such as 5 % or 0.05", "5 %");

/** What happens when a request is refused. */
export const failurePolicy = z
  .union(
    [
      word("crash", "drop", "reboot"),
      fields({
        retryAfter: drawnTime,
        times: whole(1, 1_000_000),
        // biome-ignore lint/suspicious/noThenProperty: the format's word; nothing awaits the map.
        then: word("crash", "drop", "reboot").default("crash"),
      }),
    ],
    { error: "expected crash, drop, reboot or { retryAfter: T, times: N, then: POLICY }" },
  )
  .meta({ id: "failurePolicy", description: "What happens when a request is refused." });

/** A heap, or several to try in order. */
export const heapChoice = z
  .union([name, z.array(name).min(1).max(64)], { error: "expected a heap's name, or a list of heaps to try in order" })
  .transform((value) => (typeof value === "string" ? [value] : value));

const requesting = { heap: heapChoice.optional(), onAllocationFailure: failurePolicy.optional() };

const alignment = whole(1, ALIGNMENT_MOST).refine((value) => (value & (value - 1)) === 0, {
  error: "expected a power of two",
});

const touch = z.union([z.literal("all"), z.literal("none"), size], { error: "expected all, none or a size" });

const yes = z.literal(true, { error: "expected true" });

/** Steps inside a step. The interface breaks the circle of types, the lazy schema that of values. */
export interface NestedSteps {
  readonly list: readonly StepDocument[];
}
const nested: z.ZodType<NestedSteps> = z
  .lazy((): z.ZodType => stepsSchema)
  .transform((list) => ({ list: list as StepDocument[] }));

const frame = { frame: size, touch: touch.default("all") };

const heapSteps = {
  allocate: fields({
    allocate: name,
    size: sizeAmount,
    align: alignment.optional(),
    orElse: nested.optional(),
    ...requesting,
  }),
  free: fields({ free: name }),
  reallocate: fields({ reallocate: name, size: sizeAmount, ...requesting }),
  grow: fields({
    grow: name,
    by: sizeAmount,
    policy: word("double", "half-again", "exact").default("double"),
    reserve: sizeAmount.optional(),
    until: sizeAmount.optional(),
    ...requesting,
  }),
  keep: fields({ keep: name, for: drawnTime }),
  cache: fields({ cache: name, in: name }),
  spawn: fields({ spawn: name, from: name.optional(), onAllocationFailure: failurePolicy.optional() }),
  exit: fields({ exit: yes }),
  share: fields({ share: name, as: name }),
  drop: fields({ drop: name }),
  refer: fields({ refer: name, to: name }),
  leak: fields({ leak: name, chance: share.default(1) }),
  misuse: fields({
    misuse: word("double-free", "use-after-free", "overrun"),
    of: name,
    bytes: size.default(1),
  }),
};

const controlSteps = {
  call: fields({
    call: name,
    ...frame,
    raii: z.boolean({ error: "expected true or false" }).default(false),
    do: nested.optional(),
  }),
  recurse: fields({ recurse: name, ...frame, depth: countAmount, do: nested.optional() }),
  repeat: fields({ repeat: countAmount, do: nested }),
  chance: fields({ chance: share, do: nested, else: nested.optional() }),
  choose: fields({
    choose: z
      .array(
        fields({ weight: z.number({ error: "expected a weight, a number above 0" }).positive().max(1e9), do: nested }),
      )
      .min(1, { error: "expected at least one branch" })
      .max(1000, { error: "expected at most 1000 branches" }),
  }),
  sample: fields({ sample: name, from: drawnNumber }),
  work: fields({ work: drawnTime }),
  wait: fields({ wait: drawnTime }),
  send: fields({ send: name, to: name }),
  receive: fields({
    receive: name,
    as: name,
    timeout: drawnTime.optional(),
    onTimeout: word("end", "continue").default("end"),
  }),
  reboot: fields({
    reboot: z.union([yes, z.enum(["warm", "cold"])], { error: "expected true, warm or cold" }),
    fill: whole(0, 255).optional(),
  }),
  // Last: `grow` has an `until` too.
  until: fields({ until: name }),
};

const steps = { ...heapSteps, ...controlSteps };

/** What a step can be, by the key it begins with. */
export type StepDocument = { [Word in keyof typeof steps]: z.output<(typeof steps)[Word]> }[keyof typeof steps];
export type StepDocumentOf<Word extends keyof typeof steps> = z.output<(typeof steps)[Word]>;

const stepSchema = keyed("a step", steps);
z.globalRegistry.add(stepSchema, { id: "step", description: "One step of a task; its first key says which." });

/** A list of steps. */
export const stepsSchema = z
  .array(stepSchema, { error: "expected a list of steps" })
  .max(STEPS_MOST, { error: `expected at most ${STEPS_MOST} steps` });
z.globalRegistry.add(stepsSchema, { id: "steps", description: "Steps, one after the other." });
