/** The schema of the record of a firmware's stacks. */
import { z } from "zod";
import type { CoreFrames } from "../device/frames.ts";
import type { FrameComparison } from "../firmware-stack/compiler-graph.ts";
import type {
  EntryBound,
  HandlerBound,
  LimitResult,
  MainStackBound,
  NestedHandler,
} from "../firmware-stack/stack-bound.ts";
import type { UnknownKind } from "../firmware-stack/stack-function.ts";
import type { StackBoundRecord } from "../firmware-stack/stack-record.ts";
import type { PathStep } from "../firmware-stack/worst-path.ts";
import { verdict } from "./run-schema.ts";
import { bytes, count, flag, list, nullable, object, text, word } from "./schema-parts.ts";

/** What the bounds of tasks and of handlers have in common. */
const bound = {
  name: text,
  bytes,
  bounded: flag,
  floatingPoint: flag,
  path: list(
    object<PathStep>({
      function: text,
      bytes,
      source: word<PathStep["source"]>({ code: true, compiler: true, none: true }),
    }),
  ),
  unknowns: list(count),
};

const entry = object<EntryBound>({
  ...bound,
  function: text,
  kind: word<EntryBound["kind"]>({ reset: true, main: true, task: true }),
  pathBytes: bytes,
  savedBytes: bytes,
  stackBytes: nullable(bytes),
});

const priority = nullable(z.int());

const handler = object<HandlerBound>({ ...bound, exceptions: list(count), priority, trap: flag });

const mainStack = object<MainStackBound>({
  bytes,
  bounded: flag,
  thread: nullable(text),
  threadBytes: bytes,
  nested: list(object<NestedHandler>({ name: text, priority, times: count, exceptionBytes: bytes, bytes })),
});

const unknown = object<StackBoundRecord["unknowns"][number]>({
  function: text,
  kind: word<UnknownKind>({
    "indirect-call": true,
    recursion: true,
    "dynamic-frame": true,
    "unknown-code": true,
    "no-frame": true,
  }),
  at: nullable(text),
  text,
});

const comparison = object<FrameComparison>({
  compared: count,
  equal: count,
  different: list(
    object<FrameComparison["different"][number]>({ function: text, compilerBytes: bytes, codeBytes: bytes }),
  ),
});

export const stackBoundSchema = object<StackBoundRecord>({
  format: z.literal("heapsoak.stack-bound"),
  version: z.literal(1),
  elf: text,
  core: text,
  frames: object<CoreFrames>({
    exceptionBytes: bytes,
    exceptionFpuBytes: bytes,
    lazyBytes: bytes,
    contextBytes: bytes,
    contextFpuBytes: bytes,
    stackAlignment: count,
  }),
  verdict,
  limits: list(object<LimitResult>({ name: text, limitBytes: bytes, bytes, bounded: flag, verdict })),
  entries: list(entry),
  interrupts: list(handler),
  mainStack,
  unknowns: list(unknown),
  notes: list(text),
  functions: object<StackBoundRecord["functions"]>({ compiler: count, code: count, none: count }),
  comparison: nullable(comparison),
});
