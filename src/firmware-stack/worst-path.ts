/** The deepest path through a call graph, which may have cycles. */
import type { StackFunction, StackGraph, Unknown } from "./stack-function.ts";

/** A function on the deepest path, with what it adds to the stack there. */
export interface PathStep {
  readonly function: string;
  readonly bytes: number;
  readonly source: StackFunction["source"];
}

/** Something not known, and in which function. */
export interface LocatedUnknown extends Unknown {
  readonly function: string;
}

/** What is known of the stack below one function. */
export interface Depth {
  readonly bytes: number;
  readonly path: readonly PathStep[];
  /** Whatever can be reached and is not known: with any of these, `bytes` is a lower bound. */
  readonly unknowns: readonly LocatedUnknown[];
  readonly floatingPoint: boolean;
  /** Number of functions that can be reached. */
  readonly functions: number;
}

interface Deepest {
  readonly bytes: number;
  readonly callee: string | undefined;
}

/** The deepest paths of a graph. A cycle is gone through once, and named. */
export class WorstPaths {
  readonly #graph: StackGraph;
  readonly #deepest = new Map<string, Deepest>();
  /** By the key of a function in it. */
  readonly #cycles = new Map<string, LocatedUnknown>();

  constructor(graph: StackGraph) {
    this.#graph = graph;
    const search = new DepthFirstSearch(graph, this.#deepest);
    for (const group of search.run()) this.#nameCycle(group);
  }

  /** The stack below the function `key`, itself included. */
  of(key: string): Depth {
    const reached = this.#reached(key);
    const unknowns = reached.flatMap((reachedKey) => this.#unknownsOf(reachedKey));
    return {
      bytes: this.#deepest.get(key)?.bytes ?? 0,
      path: this.#path(key),
      unknowns,
      floatingPoint: reached.some((reachedKey) => this.#graph.get(reachedKey)?.floatingPoint),
      functions: reached.length,
    };
  }

  #unknownsOf(key: string): LocatedUnknown[] {
    const { name = key, unknowns = [] } = this.#graph.get(key) ?? {};
    const cycle = this.#cycles.get(key);
    return [...unknowns.map((unknown) => ({ ...unknown, function: name })), ...(cycle ? [cycle] : [])];
  }

  #path(key: string): PathStep[] {
    const path: PathStep[] = [];
    for (let at: string | undefined = key; at !== undefined; ) {
      const found = this.#graph.get(at);
      const deepest = this.#deepest.get(at);
      if (!found || !deepest) break;
      const below = deepest.callee === undefined ? 0 : (this.#deepest.get(deepest.callee)?.bytes ?? 0);
      path.push({ function: found.name, bytes: deepest.bytes - below, source: found.source });
      at = deepest.callee;
    }
    return path;
  }

  #reached(key: string): string[] {
    const seen = new Set<string>([key]);
    for (const at of seen) for (const { callee } of this.#graph.get(at)?.calls ?? []) seen.add(callee);
    return [...seen].filter((at) => this.#graph.has(at));
  }

  /** Where the group is a cycle: the shortest way round from its first function. */
  #nameCycle(group: readonly string[]): void {
    const [first] = group;
    if (first === undefined) return;
    const inside = new Set(group);
    const from = new Map<string, string>();
    const pending = [first];
    for (const at of pending) {
      for (const { callee } of this.#graph.get(at)?.calls ?? []) {
        if (!inside.has(callee) || from.has(callee)) continue;
        from.set(callee, at);
        pending.push(callee);
      }
    }
    if (!from.has(first)) return;
    const way = [first];
    for (let at = from.get(first); at !== undefined && at !== first; at = from.get(at)) way.unshift(at);
    const name = (key: string) => this.#graph.get(key)?.name ?? key;
    const shown =
      way.length > 8 ? [...way.slice(-1), ...way.slice(0, 6), "…"] : [...way.slice(-1), ...way.slice(0, -1)];
    const text = `calls itself: ${[...shown, first].map(name).join(" → ")}`;
    this.#cycles.set(first, { kind: "recursion", at: 0, text, function: name(first) });
  }
}

/** Tarjan's algorithm without recursion of our own; each function's depth is found when it is left. */
class DepthFirstSearch {
  readonly #graph: StackGraph;
  readonly #deepest: Map<string, Deepest>;
  readonly #order = new Map<string, number>();
  readonly #low = new Map<string, number>();
  readonly #open: string[] = [];
  readonly #isOpen = new Set<string>();

  constructor(graph: StackGraph, deepest: Map<string, Deepest>) {
    this.#graph = graph;
    this.#deepest = deepest;
  }

  /** Groups of functions that reach each other. */
  run(): string[][] {
    const groups: string[][] = [];
    for (const root of this.#graph.keys()) if (!this.#order.has(root)) this.#visit(root, groups);
    return groups;
  }

  #visit(root: string, groups: string[][]): void {
    const way = [{ key: root, next: 0 }];
    this.#enter(root);
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const call = this.#graph.get(top.key)?.calls[top.next++];
      if (!call) {
        way.pop();
        this.#leave(top.key, way.at(-1)?.key, groups);
      } else if (!this.#graph.has(call.callee)) continue;
      else if (!this.#order.has(call.callee)) {
        this.#enter(call.callee);
        way.push({ key: call.callee, next: 0 });
      } else if (this.#isOpen.has(call.callee)) this.#lower(top.key, this.#order.get(call.callee) ?? 0);
    }
  }

  #enter(key: string): void {
    const number = this.#order.size;
    this.#order.set(key, number);
    this.#low.set(key, number);
    this.#open.push(key);
    this.#isOpen.add(key);
  }

  #lower(key: string, number: number): void {
    this.#low.set(key, Math.min(this.#low.get(key) ?? number, number));
  }

  #leave(key: string, caller: string | undefined, groups: string[][]): void {
    this.#deepest.set(key, this.#deepestOf(key));
    const low = this.#low.get(key) ?? 0;
    if (caller !== undefined) this.#lower(caller, low);
    if (low !== this.#order.get(key)) return;
    const group = this.#open.splice(this.#open.lastIndexOf(key));
    for (const member of group) this.#isOpen.delete(member);
    groups.push(group);
  }

  /** A callee that has not been left yet lies on the way here: it closes a cycle, which is gone through once. */
  #deepestOf(key: string): Deepest {
    const { frameBytes = 0, calls = [] } = this.#graph.get(key) ?? {};
    let deepest: Deepest = { bytes: frameBytes, callee: undefined };
    for (const { callee, depthBytes } of calls) {
      const below = this.#deepest.get(callee);
      if (below && depthBytes + below.bytes > deepest.bytes) deepest = { bytes: depthBytes + below.bytes, callee };
    }
    return deepest;
  }
}
