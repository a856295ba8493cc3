/** A program made ready for bounds: its call graph, and where its stacks begin. */
import { closest, HeapsoakError } from "../errors.ts";
import { type Elf, ElfMachine, machineName } from "../image/elf.ts";
import { formatAddress } from "../quantities.ts";
import { CodeGraph, keyOf, StepBudget } from "./code-graph.ts";
import type { CompilerFiles } from "./compiler-files.ts";
import { type FrameComparison, graphOfFiles, withCompilerFrames } from "./compiler-graph.ts";
import { type MadeTask, tasksOf, type UnknownTask, type VectorTable, vectorTableOf } from "./entry-points.ts";
import { ProgramCode } from "./program-code.ts";
import type { StackFunction, StackGraph } from "./stack-function.ts";

/** Where a stack begins. `reset` and `main` run on the main stack, each task on its own. */
export interface EntryPoint {
  readonly name: string;
  readonly key: string;
  readonly kind: "reset" | "main" | "task";
  readonly stackBytes?: number | undefined;
}

export interface Handler {
  readonly name: string;
  readonly key: string;
  readonly exceptions: readonly number[];
  readonly priority?: number | undefined;
}

export interface AnalysedProgram {
  readonly graph: StackGraph;
  readonly entries: readonly EntryPoint[];
  readonly handlers: readonly Handler[];
  /** False where nothing says which handlers there are. */
  readonly handlersKnown: boolean;
  /** What the reader must know besides the bounds. */
  readonly notes: readonly string[];
  readonly comparison: FrameComparison | undefined;
}

export interface WantedEntry {
  readonly name: string;
  /** A function's name, `FILE:NAME` where several have it. */
  readonly function: string;
}

export interface WantedHandler {
  readonly function: string;
  readonly priority: number | undefined;
}

export interface ProgramRequest {
  readonly elf: Elf;
  readonly files?: CompilerFiles | undefined;
  readonly entries: readonly WantedEntry[];
  /** Undefined: those of the vector table. */
  readonly handlers?: readonly WantedHandler[] | undefined;
  /** What calls through pointers in a function can lead to, by the caller's name. */
  readonly calls: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads the program's code (Arm), or the compiler's files alone for other machines. Throws `bad-elf` for what is not a
 * linked program with symbols, and `bad-argument` for names that it does not have.
 */
export function analyseProgram(request: ProgramRequest): AnalysedProgram {
  const { elf, files } = request;
  if (elf.kind !== "executable" && elf.kind !== "shared") {
    throw new HeapsoakError("bad-elf", `${elf.name}: a ${elf.kind} file, expected a linked program.`);
  }
  if (elf.machine === ElfMachine.Arm) return analyseCode(request);
  if (files && files.nodes.size > 0) return analyseFiles(request, files);
  throw new HeapsoakError(
    "bad-elf",
    `${elf.name}: it is for ${machineName(elf.machine)}; heapsoak reads Arm's code only.`,
    {
      hint: "For others, compile with -fcallgraph-info=su and give the folder of the .ci files with --su.",
    },
  );
}

function analyseCode(request: ProgramRequest): AnalysedProgram {
  const code = new ProgramCode(request.elf);
  const table = vectorTableOf(code);
  const starts = startsOf(code, request, table);
  const made = withTasks(code, starts.roots);
  const merged = request.files ? withCompilerFrames(made.graph.toGraph(), code, request.files) : undefined;
  const keyNamed = (name: string) => keyOf(addressNamed(code, name));
  const handlersKnown = request.handlers !== undefined || table !== undefined;
  const notes = [
    ...made.unknown.map((task) => unknownTaskNote(code, task)),
    ...(starts.reset === undefined
      ? ["Neither a vector table nor the file's entry says where the program starts."]
      : []),
    ...(handlersKnown ? [] : ["There is no vector table to be found: name the handlers with --interrupts."]),
    ...leftOutNotes(made.graph.toGraph(), code, starts.handlers, table),
    ...comparisonNotes(merged?.comparison),
  ];
  return {
    graph: withDeclaredCalls(merged?.graph ?? made.graph.toGraph(), request.calls, keyNamed),
    entries: entriesOf(code, starts, made.tasks),
    handlers: starts.handlers,
    handlersKnown,
    notes,
    comparison: merged?.comparison,
  };
}

/** Handlers that return, of the vector table, which the user's list does not have. */
function leftOutNotes(
  graph: StackGraph,
  code: ProgramCode,
  counted: readonly Handler[],
  table: VectorTable | undefined,
): string[] {
  const keys = new Set(counted.map(({ key }) => key));
  const names = (table?.handlers ?? [])
    .filter(({ address }) => !keys.has(keyOf(address)) && graph.get(keyOf(address))?.returns !== false)
    .map(({ address }) => code.nameOf(address));
  return names.length === 0
    ? []
    : [
        `The vector table has handlers that --interrupts does not name, and which are not counted: ${names.join(", ")}.`,
      ];
}

function unknownTaskNote(code: ProgramCode, { caller, creator, at }: UnknownTask): string {
  return `${code.nameOf(caller)} makes a task by ${creator} (${formatAddress(at)}) of a function that is only known when it runs: name it with --entry.`;
}

/** What speaks for the compiler's files being of another build. */
function comparisonNotes(comparison: FrameComparison | undefined): string[] {
  if (!comparison) return [];
  if (comparison.compared === 0) {
    return [
      "No function of the program is in the compiler's files: they are of another program, or C++ with .su files alone.",
    ];
  }
  // Where the code has more, assembly in the function pushed it; more than the code has no compiler says of it.
  const isOther = comparison.different.some(({ compilerBytes, codeBytes }) => compilerBytes > codeBytes);
  return isOther ? ["The compiler's files give functions larger frames than they have: are they of this build?"] : [];
}

/** Where the code of a program begins to run. */
interface Starts {
  readonly reset: number | undefined;
  readonly main: number | undefined;
  readonly wanted: readonly { readonly name: string; readonly address: number }[];
  readonly handlers: readonly Handler[];
  /** All of them, and what calls through pointers lead to. With the compiler's files every function, to compare. */
  readonly roots: Set<number>;
}

function startsOf(code: ProgramCode, request: ProgramRequest, table: VectorTable | undefined): Starts {
  const { elf } = request;
  const reset = table?.reset ?? (elf.entry % 2 === 1 ? elf.entry - 1 : undefined);
  const symbol = elf.symbols.named("main");
  const main = symbol?.kind === "function" ? symbol.value : undefined;
  const wanted = request.entries.map((entry) => ({ name: entry.name, address: addressNamed(code, entry.function) }));
  const handlers = codeHandlers(code, request.handlers, table);
  const declared = [...request.calls].flatMap(([caller, callees]) => [caller, ...callees]);
  const roots = new Set([
    ...[reset, main].filter((address) => address !== undefined),
    ...wanted.map(({ address }) => address),
    ...handlers.map(({ address }) => address),
    ...(table?.handlers.map(({ address }) => address) ?? []),
    ...declared.map((name) => addressNamed(code, name)),
    ...(request.files ? code.functions().map(({ value }) => value) : []),
  ]);
  return { reset, main, wanted, handlers, roots };
}

function codeHandlers(code: ProgramCode, wanted: readonly WantedHandler[] | undefined, table: VectorTable | undefined) {
  const known = table?.handlers ?? [];
  const handler = (address: number, priority: number | undefined) => {
    const exceptions = known.find((entry) => entry.address === address)?.exceptions ?? [];
    return { address, name: code.nameOf(address), key: keyOf(address), exceptions, priority };
  };
  if (!wanted) return known.map(({ address }) => handler(address, undefined));
  return wanted.map(({ function: name, priority }) => handler(addressNamed(code, name), priority));
}

/** Reset, main, the tasks that were asked for, and those that the code makes. */
function entriesOf(code: ProgramCode, { reset, main, wanted }: Starts, tasks: readonly MadeTask[]): EntryPoint[] {
  const entries: EntryPoint[] = [];
  if (reset !== undefined) entries.push({ name: code.nameOf(reset), key: keyOf(reset), kind: "reset" });
  if (main !== undefined && main !== reset) entries.push({ name: "main", key: keyOf(main), kind: "main" });
  for (const { name, address } of wanted) {
    const stackBytes = tasks.find((task) => task.address === address)?.stackBytes;
    entries.push({ name, key: keyOf(address), kind: "task", stackBytes });
  }
  const named = new Set(wanted.map(({ address }) => address));
  for (const { name, address, stackBytes } of tasks) {
    if (!named.has(address)) entries.push({ name, key: keyOf(address), kind: "task", stackBytes });
  }
  return entries;
}

/** The graph from the roots and from the tasks that the code makes, which may make further tasks. */
function withTasks(code: ProgramCode, roots: Set<number>) {
  const budget = new StepBudget(code);
  for (;;) {
    const graph = new CodeGraph(code, roots, budget);
    const found = tasksOf(code, graph);
    const before = roots.size;
    for (const { address } of found.tasks) roots.add(address);
    if (roots.size === before) return { graph, ...found };
  }
}

/** Calls through pointers that the user has named the targets of are known. */
function withDeclaredCalls(
  graph: StackGraph,
  calls: ReadonlyMap<string, readonly string[]>,
  keyNamed: (name: string) => string,
): StackGraph {
  const changed = new Map(graph);
  for (const [caller, callees] of calls) {
    const key = keyNamed(caller);
    const known = graph.get(key);
    const indirect = known?.unknowns.filter(({ kind }) => kind === "indirect-call") ?? [];
    if (!known || indirect.length === 0) {
      throw new HeapsoakError("bad-argument", `--calls: ${caller} has no call through a pointer that can be reached.`);
    }
    const depthBytes = Math.max(...indirect.map(({ depthBytes: bytes }) => bytes ?? known.frameBytes));
    const added = callees.map((callee) => ({ callee: keyNamed(callee), depthBytes }));
    const unknowns = known.unknowns.filter(({ kind }) => kind !== "indirect-call");
    changed.set(key, { ...known, calls: [...known.calls, ...added], unknowns });
  }
  return changed;
}

/** The address of the function called `NAME`, or `FILE:NAME`. Throws `bad-argument`. */
function addressNamed(code: ProgramCode, wanted: string): number {
  const colon = wanted.lastIndexOf(":");
  const file = colon > 0 ? wanted.slice(0, colon) : undefined;
  const name = wanted.slice(colon + 1);
  const found = new Map<number, string | undefined>();
  for (const symbol of code.elf.symbols) {
    if (symbol.name !== name || symbol.kind !== "function") continue;
    const source = code.sourceFileOf(symbol);
    if (file === undefined || source === file) found.set(symbol.value, source);
  }
  const [only, ...others] = found;
  if (only && others.length === 0) return only[0];
  if (!only) {
    const meant = closest(
      name,
      code.functions().map((symbol) => symbol.name),
    );
    throw new HeapsoakError(
      "bad-argument",
      `${code.elf.name}: it has no function "${wanted}".`,
      meant ? { hint: `Did you mean "${meant}"?` } : {},
    );
  }
  const names = [...found.values()].map((source) => `${source ?? "?"}:${name}`).join(", ");
  throw new HeapsoakError("bad-argument", `${code.elf.name}: several functions are called "${name}".`, {
    hint: `Say which: ${names}.`,
  });
}

/** AVR's handlers, by the names that its C library gives them. */
const AVR_HANDLER = /^__vector_\d+$/;

function analyseFiles(request: ProgramRequest, files: CompilerFiles): AnalysedProgram {
  const graph = graphOfFiles(files);
  const find = (name: string) => titleNamed(graph, request.elf.name, name);
  const full = withDeclaredCalls(graph, request.calls, find);
  const entries: EntryPoint[] = full.has("main") ? [{ name: "main", key: "main", kind: "main" }] : [];
  for (const { name, function: wanted } of request.entries) entries.push({ name, key: find(wanted), kind: "task" });
  const own = [...full.keys()]
    .filter((title) => AVR_HANDLER.test(title))
    .map((title) => ({ function: title, priority: undefined }));
  const handlersKnown = request.handlers !== undefined || own.length > 0;
  const notes = handlersKnown
    ? []
    : ["The compiler's files do not say which functions are handlers: name them with --interrupts."];
  const handlers = (request.handlers ?? own).map((handler) => {
    return { name: handler.function, key: find(handler.function), exceptions: [], priority: handler.priority };
  });
  return { graph: full, entries, handlers, handlersKnown, notes, comparison: undefined };
}

function titleNamed(graph: ReadonlyMap<string, StackFunction>, file: string, wanted: string): string {
  if (graph.has(wanted)) return wanted;
  const found = [...graph].filter(([, { name }]) => name === wanted).map(([title]) => title);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const hint = only === undefined ? closest(wanted, graph.keys()) : found.join(", ");
  const message = only === undefined ? `no function "${wanted}"` : `several functions "${wanted}"`;
  throw new HeapsoakError(
    "bad-argument",
    `${file}: the compiler's files have ${message}.`,
    hint ? { hint: `There is: ${hint}.` } : {},
  );
}
