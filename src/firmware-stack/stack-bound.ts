/**
 * The bound of every stack of a program: its entry points, its interrupt handlers, and the main stack with the
 * handlers nested on it.
 */
import type { CoreFrames } from "../device/frames.ts";
import { HeapsoakError } from "../errors.ts";
import type { AnalysedProgram, EntryPoint, Handler } from "./program.ts";
import type { StackFunction } from "./stack-function.ts";
import { type Depth, type LocatedUnknown, type PathStep, WorstPaths } from "./worst-path.ts";

/** An entry point and the stack it needs. */
export interface EntryBound {
  readonly name: string;
  readonly function: string;
  readonly kind: EntryPoint["kind"];
  /** What the functions on the deepest path take. */
  readonly pathBytes: number;
  /** For a task: what its kernel leaves free above it, an exception frame, its padding, and what the kernel saves. */
  readonly savedBytes: number;
  readonly bytes: number;
  /** False where `bytes` is a lower bound. */
  readonly bounded: boolean;
  /** What the program gives the task, where its code shows it. */
  readonly stackBytes: number | null;
  readonly floatingPoint: boolean;
  readonly path: readonly PathStep[];
  /** Indices of the record's unknowns. */
  readonly unknowns: readonly number[];
}

export interface HandlerBound {
  readonly name: string;
  /** Exception numbers of the vector table, 16 and above the device's interrupts. */
  readonly exceptions: readonly number[];
  /** Handlers of one priority never interrupt each other. */
  readonly priority: number | null;
  /** What its functions take, the exception frame aside. */
  readonly bytes: number;
  readonly bounded: boolean;
  /** It never returns: the program has ended there. */
  readonly trap: boolean;
  readonly floatingPoint: boolean;
  readonly path: readonly PathStep[];
  readonly unknowns: readonly number[];
}

/** A handler that interrupts what is below it. */
export interface NestedHandler {
  readonly name: string;
  readonly priority: number | null;
  readonly times: number;
  /** Its exception frame and padding, once. */
  readonly exceptionBytes: number;
  readonly bytes: number;
}

export interface MainStackBound {
  readonly bytes: number;
  readonly bounded: boolean;
  /** The entry point that runs on it, if any does. */
  readonly thread: string | null;
  readonly threadBytes: number;
  readonly nested: readonly NestedHandler[];
}

export interface StackBounds {
  readonly entries: readonly EntryBound[];
  readonly interrupts: readonly HandlerBound[];
  readonly mainStack: MainStackBound;
  /** Every unknown that any of them can reach, once. */
  readonly unknowns: readonly LocatedUnknown[];
}

/** The bounds of the program's stacks with these frames of its core and kernel. */
export function stackBounds(program: AnalysedProgram, frames: CoreFrames): StackBounds {
  const paths = new WorstPaths(program.graph);
  const unknowns = new UnknownList();
  const entries = program.entries.map((entry) => entryBound(entry, paths.of(entry.key), frames, unknowns));
  const interrupts = program.handlers.map((handler) => {
    const depth = paths.of(handler.key);
    return handlerBound(handler, program.graph.get(handler.key), depth, unknowns);
  });
  const thread = entries.find(({ kind }) => kind === "reset") ?? entries.find(({ kind }) => kind === "main");
  const mainStack = mainStackBound(thread, interrupts, frames, program.handlersKnown);
  return { entries, interrupts, mainStack, unknowns: unknowns.all };
}

/** Unknowns in the order of their first mention, each once. */
class UnknownList {
  readonly all: LocatedUnknown[] = [];
  readonly #indices = new Map<string, number>();

  indicesOf(unknowns: readonly LocatedUnknown[]): number[] {
    return unknowns.map((unknown) => {
      const key = `${unknown.function}:${unknown.kind}:${unknown.at}:${unknown.text}`;
      const index = this.#indices.get(key) ?? this.all.length;
      if (index === this.all.length) {
        this.#indices.set(key, index);
        this.all.push(unknown);
      }
      return index;
    });
  }
}

function entryBound(entry: EntryPoint, depth: Depth, frames: CoreFrames, unknowns: UnknownList): EntryBound {
  const { floatingPoint, path } = depth;
  const savedBytes = entry.kind === "task" ? savedOf(depth, frames) : 0;
  return {
    name: entry.name,
    function: path[0]?.function ?? entry.name,
    kind: entry.kind,
    pathBytes: depth.bytes,
    savedBytes,
    bytes: depth.bytes + savedBytes,
    bounded: depth.unknowns.length === 0,
    stackBytes: entry.stackBytes ?? null,
    floatingPoint,
    path,
    unknowns: unknowns.indicesOf(depth.unknowns),
  };
}

/**
 * An interrupt at the deepest call, and then a switch to another task. Kernels begin a task at an aligned place below
 * the stack's end: FreeRTOS (prvInitialiseNewTask) at most the alignment below it, all others not farther.
 */
function savedOf({ bytes, floatingPoint }: Depth, frames: CoreFrames): number {
  const start = frames.stackAlignment;
  const end = start + aligned(bytes + exceptionBytes(frames, floatingPoint), frames);
  return end - bytes + (floatingPoint ? frames.contextFpuBytes : frames.contextBytes);
}

function handlerBound(
  handler: Handler,
  found: StackFunction | undefined,
  depth: Depth,
  unknowns: UnknownList,
): HandlerBound {
  return {
    name: handler.name,
    exceptions: handler.exceptions,
    priority: handler.priority ?? null,
    bytes: depth.bytes,
    bounded: depth.unknowns.length === 0,
    trap: found?.returns === false,
    floatingPoint: depth.floatingPoint,
    path: depth.path,
    unknowns: unknowns.indicesOf(depth.unknowns),
  };
}

/**
 * The thread on the main stack with handlers nested on its deepest call: of those with one priority the deepest, of
 * those without a known priority each, once for each of its interrupts. Of the traps the deepest counts, once: the
 * program has ended there. Every level is rounded up to the alignment, so that the order of nesting does not matter.
 */
function mainStackBound(
  thread: EntryBound | undefined,
  handlers: readonly HandlerBound[],
  frames: CoreFrames,
  handlersKnown: boolean,
): MainStackBound {
  const floatingPoint = [thread, ...handlers].some((level) => level?.floatingPoint);
  const exception = aligned(exceptionBytes(frames, floatingPoint), frames);
  const nested = nestedHandlers(handlers).map(({ handler, times }) => {
    const ownBytes = aligned(handler.bytes, frames);
    const bytes = times * (exception + ownBytes);
    return {
      name: handler.name,
      priority: handler.priority,
      times,
      exceptionBytes: exception + ownBytes - handler.bytes,
      bytes,
    };
  });
  const threadBytes = thread?.bytes ?? 0;
  const start = nested.length > 0 ? aligned(threadBytes, frames) : threadBytes;
  return {
    bytes: nested.reduce((sum, { bytes }) => sum + bytes, start),
    bounded: handlersKnown && thread?.bounded === true && handlers.every(({ bounded }) => bounded),
    thread: thread?.name ?? null,
    threadBytes,
    nested,
  };
}

function nestedHandlers(handlers: readonly HandlerBound[]): { handler: HandlerBound; times: number }[] {
  const levels = new Map<string, { handler: HandlerBound; times: number }>();
  for (const handler of handlers) {
    const level = handler.trap ? "trap" : handler.priority === null ? `own ${handler.name}` : `at ${handler.priority}`;
    const times = handler.trap || handler.priority !== null ? 1 : Math.max(1, handler.exceptions.length);
    const deepest = levels.get(level);
    if (!deepest || deepest.handler.bytes < handler.bytes) levels.set(level, { handler, times });
  }
  return [...levels.values()];
}

function exceptionBytes(frames: CoreFrames, floatingPoint: boolean): number {
  return floatingPoint ? frames.exceptionFpuBytes : frames.exceptionBytes;
}

function aligned(bytes: number, { stackAlignment }: CoreFrames): number {
  return Math.ceil(bytes / stackAlignment) * stackAlignment;
}

/** A limit on one stack, and how it is met. */
export interface LimitResult {
  readonly name: string;
  readonly limitBytes: number;
  readonly bytes: number;
  readonly bounded: boolean;
  readonly verdict: StackVerdict;
}

/** `undecided`: only a lower bound is known, and the limit is not exceeded by it. */
export type StackVerdict = "pass" | "fail" | "undecided";

/** Name of the main stack in limits. */
export const MAIN_STACK = "main-stack";

/** Judges the bounds by limits on entry points, handlers and the main stack. Throws `bad-argument` for a name that none has. */
export function judgeLimits(bounds: StackBounds, limits: ReadonlyMap<string, number>): LimitResult[] {
  const all = new Map<string, { bytes: number; bounded: boolean }>();
  for (const handler of bounds.interrupts) all.set(handler.name, handler);
  for (const entry of bounds.entries) all.set(entry.function, entry);
  for (const entry of bounds.entries) all.set(entry.name, entry);
  all.set(MAIN_STACK, bounds.mainStack);
  return [...limits].map(([name, limitBytes]) => {
    const found = all.get(name);
    if (!found) {
      const hint = `Limits are for: ${[...all.keys()].slice(0, 40).join(", ")}.`;
      throw new HeapsoakError("bad-argument", `--limit: there is no entry point or handler "${name}".`, { hint });
    }
    const { bytes, bounded } = found;
    return { name, limitBytes, bytes, bounded, verdict: bytes > limitBytes ? "fail" : bounded ? "pass" : "undecided" };
  });
}

/** The worst of the verdicts on the limits; without limits, whether the bounds are bounds. */
export function overallVerdict(bounds: StackBounds, limits: readonly LimitResult[]): StackVerdict {
  if (limits.some(({ verdict }) => verdict === "fail")) return "fail";
  if (limits.length > 0) return limits.every(({ verdict }) => verdict === "pass") ? "pass" : "undecided";
  const all = [...bounds.entries, ...bounds.interrupts, bounds.mainStack];
  return all.every(({ bounded }) => bounded) ? "pass" : "undecided";
}
