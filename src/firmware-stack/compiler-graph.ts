/** Brings together what the compiler says and what the code shows; or makes a graph of the compiler's files alone. */

import { keyOf } from "./code-graph.ts";
import type { CompiledFrame, CompilerFiles } from "./compiler-files.ts";
import type { ProgramCode } from "./program-code.ts";
import type { StackCall, StackFunction, StackGraph, Unknown } from "./stack-function.ts";

/** How the compiler's figures and the code's agree. */
export interface FrameComparison {
  /** Functions that both speak of. */
  readonly compared: number;
  readonly equal: number;
  readonly different: readonly {
    readonly function: string;
    readonly compilerBytes: number;
    readonly codeBytes: number;
  }[];
}

const INDIRECT = "__indirect_call";

/**
 * The graph of the code with the compiler's frames: the larger of two that differ counts, since the compiler does
 * not see what assembly inside a function pushes, and files may be of another build.
 */
export function withCompilerFrames(
  graph: StackGraph,
  code: ProgramCode,
  files: CompilerFiles,
): { graph: StackGraph; comparison: FrameComparison } {
  const frames = new FrameIndex(files);
  const merged = new Map(graph);
  const different: { function: string; compilerBytes: number; codeBytes: number }[] = [];
  let compared = 0;
  for (const symbol of code.functions()) {
    const known = graph.get(keyOf(symbol.value));
    const frame = known && frames.find(symbol.name, code.sourceFileOf(symbol));
    if (!known || !frame) continue;
    compared++;
    if (frame.frameBytes !== known.frameBytes) {
      different.push({ function: symbol.name, compilerBytes: frame.frameBytes, codeBytes: known.frameBytes });
    }
    merged.set(known.key, mergedFunction(known, frame));
  }
  return { graph: merged, comparison: { compared, equal: compared - different.length, different } };
}

function mergedFunction(known: StackFunction, frame: CompiledFrame): StackFunction {
  const moreBytes = Math.max(0, frame.frameBytes - known.frameBytes);
  const isNamed = known.unknowns.some(({ kind }) => kind === "dynamic-frame");
  const dynamic: Unknown[] =
    frame.dynamic && !isNamed ? [{ kind: "dynamic-frame", at: 0, text: "has a dynamic frame, says the compiler" }] : [];
  return {
    ...known,
    source: "compiler",
    frameBytes: known.frameBytes + moreBytes,
    calls: known.calls.map((call) => ({ ...call, depthBytes: call.depthBytes + moreBytes })),
    unknowns: [...known.unknowns, ...dynamic],
  };
}

/** Frames by symbol, and by source file where several files have a function of that name. */
class FrameIndex {
  readonly #byName = new Map<string, CompiledFrame[]>();

  constructor({ nodes, lines }: CompilerFiles) {
    for (const frame of [...nodes.values(), ...lines]) {
      const named = this.#byName.get(frame.name);
      if (named) named.push(frame);
      else this.#byName.set(frame.name, [frame]);
    }
  }

  /** The frame of the symbol, the largest where several fit. */
  find(symbol: string, file: string | undefined): CompiledFrame | undefined {
    const named = this.#byName.get(symbol) ?? this.#byName.get(symbol.replace(/\.\d+$/, "")) ?? [];
    const sameFile = file === undefined ? [] : named.filter((frame) => frame.file === file);
    const candidates = sameFile.length > 0 ? sameFile : named;
    return candidates.reduce<CompiledFrame | undefined>(
      (most, frame) => (most && most.frameBytes >= frame.frameBytes ? most : frame),
      undefined,
    );
  }
}

/** The graph of .ci files alone, for programs whose code heapsoak cannot read. Keys are the titles. */
export function graphOfFiles({ nodes, calls }: CompilerFiles): Map<string, StackFunction> {
  const callees = new Map<string, Set<string>>();
  for (const { caller, callee } of calls) {
    const known = callees.get(caller);
    if (known) known.add(callee);
    else callees.set(caller, new Set([callee]));
  }
  const graph = new Map<string, StackFunction>();
  for (const [title, frame] of nodes) graph.set(title, functionOfFiles(title, frame, callees.get(title) ?? new Set()));
  for (const { callee } of calls) {
    if (callee !== INDIRECT && !graph.has(callee)) graph.set(callee, withoutFrame(callee));
  }
  return graph;
}

function functionOfFiles(title: string, frame: CompiledFrame, callees: ReadonlySet<string>): StackFunction {
  const { frameBytes } = frame;
  const unknowns: Unknown[] = [];
  if (frame.dynamic) unknowns.push({ kind: "dynamic-frame", at: 0, text: "has a dynamic frame, says the compiler" });
  if (callees.has(INDIRECT)) {
    unknowns.push({
      kind: "indirect-call",
      at: 0,
      text: "calls a function only known when it runs",
      depthBytes: frameBytes,
    });
  }
  const calls: StackCall[] = [...callees]
    .filter((callee) => callee !== INDIRECT)
    .map((callee) => ({ callee, depthBytes: frameBytes }));
  return {
    key: title,
    name: frame.name,
    frameBytes,
    source: "compiler",
    calls,
    unknowns,
    floatingPoint: false,
    returns: true,
  };
}

function withoutFrame(title: string): StackFunction {
  const text = "no file of the compiler says how much stack it takes";
  return {
    key: title,
    name: title,
    frameBytes: 0,
    source: "none",
    calls: [],
    unknowns: [{ kind: "no-frame", at: 0, text }],
    floatingPoint: false,
    returns: true,
  };
}
