/**
 * What a scenario file may say: the one definition behind validation, the types of a document and the published
 * JSON Schema. Quantities leave it in their base units; names are resolved, and everything that needs the device
 * is judged, in build.ts and the checks.
 */
import { z } from "zod";
import { deviceSchema } from "../device/device-file.ts";
import { parseAddress } from "../quantities.ts";
import { drawnTime, size, span, time } from "./draw-schema.ts";
import { expectationSchema } from "./expectation-schema.ts";
import { suggestion } from "./issues.ts";
import { parseRate } from "./quantities.ts";
import { fields, list, name, quantity, region, sentence, whole, word } from "./schema-parts.ts";
import { failurePolicy, heapChoice, share, stepsSchema } from "./step-schema.ts";

const address = quantity((value) => parseAddress(value), "an address such as 0x20000000", "0x20000000");
const flag = z.boolean({ error: "expected true or false" });

/** A map from names to `value`. */
function named<Value extends z.ZodType>(what: string, value: Value, most: number) {
  return z
    .record(name, value, { error: `expected a map of ${what}` })
    .refine((map) => Object.keys(map).length <= most, { error: `expected at most ${most} ${what}` });
}

const regionPart = z.union([region, fields({ region: region.optional(), size, at: address.optional() })], {
  error: "expected a bank's name, or { region: BANK, size: SIZE }",
});

const heap = fields({
  allocator: z.string({ error: "expected an allocator's name" }).min(1).max(64),
  size: z
    .union([size, z.array(size).min(1).max(8)], { error: "expected a size, or a list of sizes for `regions`" })
    .optional(),
  region: region.optional(),
  regions: z.array(regionPart, { error: "expected a list of regions" }).min(1).max(8).optional(),
  at: address.optional(),
  options: z
    .record(z.string().max(64), z.union([z.number(), z.string().max(64), z.boolean()]), {
      error: "expected a map of the allocator's options",
    })
    .default({}),
  isrSafe: flag.default(false),
  ownership: word("manual", "counted", "traced").default("manual"),
  onAllocationFailure: failurePolicy.optional(),
  assertionsStop: flag.default(true),
});

const guards = [
  fields({ kind: z.literal("none") }),
  fields({ kind: z.literal("freertos-1") }),
  fields({ kind: z.literal("freertos-2") }),
  fields({ kind: z.literal("zephyr-sentinel") }),
  fields({ kind: z.literal("stack-protector") }),
  fields({ kind: z.literal("watchpoint"), bytes: size.default(4) }),
  fields({ kind: z.literal("mpu"), bytes: size.default(32) }),
  fields({ kind: z.literal("limit-register") }),
  fields({ kind: z.literal("probe"), interval: size.default(4096), bytes: size.optional() }),
  fields({ kind: z.literal("segmented"), heap: name.optional(), stacklet: size.default(1024) }),
  fields({ kind: z.literal("stack-below-data") }),
] as const;

/** Every kind of guard. */
export const GUARD_KINDS: readonly string[] = guards.map((guard) => guard.shape.kind.value);

const guard = z
  .discriminatedUnion("kind", guards, {
    error: (issue) => {
      const kind = (issue.input as { kind?: unknown } | undefined)?.kind;
      const hint = typeof kind === "string" ? suggestion(kind, GUARD_KINDS) : "";
      return `expected a guard: { kind: … } with ${list(GUARD_KINDS)}${hint}`;
    },
  })
  .meta({ id: "guard", description: "How a stack notices that it was overrun." });

const stack = fields({
  size,
  guard: z.union([guard, z.array(guard).max(8)]).optional(),
  region: region.optional(),
  at: address.optional(),
});

const hourly = z
  .array(z.number({ error: "expected a factor, a number from 0" }).min(0).max(1e6), {
    error: "expected a list of 24 factors",
  })
  .length(24, { error: "expected 24 factors, one for each hour of the day" })
  .refine((factors) => factors.some((factor) => factor > 0), { error: "expected a factor above 0" });

const rate = quantity(parseRate, "a rate such as 4/s, 10/min, 2/h or 1/d", "4/s");
const priority = whole(0, 255).default(1);

/** What tasks and interrupts have in common. */
const runnable = {
  priority,
  every: drawnTime.optional(),
  poisson: rate.optional(),
  at: time.optional(),
  on: name.optional(),
  jitter: share.optional(),
  start: z.union([z.literal("random"), time], { error: "expected a time, or random" }).optional(),
  rate: fields({ hourly }).optional(),
  fpu: flag.default(false),
  heap: heapChoice.optional(),
};

const task = fields({
  ...runnable,
  stack: stack.optional(),
  loop: z.literal(true, { error: "expected true" }).optional(),
  instances: whole(1, 1000).default(1),
  overrun: word("catch-up", "skip", "queue").optional(),
  onAllocationFailure: failurePolicy.optional(),
  do: stepsSchema,
});

const interrupt = fields({ ...runnable, frame: size.default(0), do: stepsSchema.default([]) });

const successor = z.union([name, z.record(name, z.number().min(0).max(1e9))], {
  error: "expected the mode that follows, or a map of modes and their weights",
});

const mode = fields({
  for: drawnTime.optional(),
  // biome-ignore lint/suspicious/noThenProperty: the format's word; nothing awaits the map.
  then: successor.optional(),
});

/** A whole scenario. */
export const scenarioSchema = fields({
  heapsoak: z.literal(1, { error: "expected 1, the version of the format" }),
  title: sentence.optional(),
  why: sentence.default(""),
  device: z.union([z.string().min(1).max(1000), deviceSchema], {
    error: "expected a device: an id from `heapsoak devices`, a path, or a map with core and banks",
  }),
  uptime: span.optional(),
  warmup: time.default(0),
  seed: z
    .union([z.int().min(0), z.string().regex(/^\d{1,20}$/)], { error: "expected a whole number from 0" })
    .transform((value) => BigInt(value))
    .refine((seed) => seed < 1n << 64n, { error: "expected a seed below 2^64" })
    .optional(),
  bootTime: time.default(0),
  static: z.record(region, size, { error: "expected a map of banks and sizes" }).default({}),
  heaps: named("heaps", heap, 64).default({}),
  stacks: fields({ region: region.optional(), interrupts: stack.optional() }).default({}),
  queues: named(
    "queues",
    fields({
      capacity: whole(1, 65_535),
      whenFull: word("drop-newest", "drop-oldest", "block", "fail").default("block"),
    }),
    256,
  ).default({}),
  caches: named(
    "caches",
    fields({ slots: whole(1, 65_535), evict: word("oldest", "newest", "random").default("oldest") }),
    256,
  ).default({}),
  modes: named("modes", mode, 256).default({}),
  tasks: named("tasks", task, 1000).default({}),
  interrupts: named("interrupts", interrupt, 256).default({}),
  expect: z.array(expectationSchema, { error: "expected a list of expectations" }).max(1000).default([]),
  mutant: z.record(z.string().max(500), z.unknown(), { error: "expected a map of paths and values" }).optional(),
});

export type ScenarioDocument = z.output<typeof scenarioSchema>;
export type TaskDocument = ScenarioDocument["tasks"][string];
export type InterruptDocument = ScenarioDocument["interrupts"][string];
export type HeapDocument = ScenarioDocument["heaps"][string];
export type StackDocument = z.output<typeof stack>;
export type GuardDocument = z.output<typeof guard>;
export type PolicyDocument = z.output<typeof failurePolicy>;

/** The JSON Schema of a scenario as a file holds it: what firmware-scenarios/scenario.schema.json must contain. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(scenarioSchema, { io: "input", unrepresentable: "any" });
  return { title: "heapsoak scenario, version 1", ...schema };
}
