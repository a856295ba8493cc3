/** The call graph of a program, from its own code. */
import { HeapsoakError } from "../errors.ts";
import { type CodeCall, type FunctionCode, followFunction } from "./function-code.ts";
import type { ProgramCode } from "./program-code.ts";
import type { StackFunction } from "./stack-function.ts";

/** A file with more functions is not a microcontroller's. */
const FUNCTIONS_MOST = 200_000;

/**
 * How much of the code may be gone through, by its size: newlib needs less than 1 step for a byte, all
 * repetitions included, and a file made to be tangled must end as well.
 */
const STEPS_PER_BYTE = 4;
const STEPS_FREE = 20_000;

/** Steps that following a program's functions may still take. */
export class StepBudget {
  #left: number;
  readonly #name: string;

  constructor(code: ProgramCode) {
    this.#name = code.elf.name;
    this.#left = code.executableBytes * STEPS_PER_BYTE + STEPS_FREE;
  }

  /** Throws `bad-elf` when the budget is used up. */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) {
      throw new HeapsoakError("bad-elf", `${this.#name}: its code is too tangled to be followed; is it Thumb code?`);
    }
  }
}

/** The functions that `roots` reach, by address. */
export class CodeGraph {
  readonly functions: ReadonlyMap<number, FunctionCode>;
  readonly #code: ProgramCode;
  readonly #returning: ReadonlySet<number>;

  /** Follows the code from the addresses in `roots`. Throws `bad-elf` for a file that has too much of it. */
  constructor(code: ProgramCode, roots: Iterable<number>, budget = new StepBudget(code)) {
    this.#code = code;
    const functions = new Map<number, FunctionCode>();
    follow(code, functions, [...roots], budget);
    let returning = returningFunctions(functions);
    let known: ReadonlySet<number> = new Set(functions.keys());
    // What lies behind a call that never returns is not this function's code: those callers are followed again.
    while (returning.size < known.size) {
      const isNew = (target: number) => known.has(target) && !returning.has(target);
      const callers = [...functions].filter(([, { calls }]) =>
        calls.some(({ tail, target }) => !tail && isNew(target)),
      );
      const returns = (target: number) => !functions.has(target) || returning.has(target);
      for (const [address] of callers) functions.set(address, followOne(code, address, returns, budget));
      known = returning;
      returning = returningFunctions(functions);
    }
    this.functions = functions;
    this.#returning = returning;
  }

  /** All calls of the function called `name`, with what they pass. */
  callsOf(name: string): { caller: number; call: CodeCall }[] {
    const calls: { caller: number; call: CodeCall }[] = [];
    for (const [caller, { calls: all }] of this.functions) {
      for (const call of all) if (this.#code.functionAt(call.target)?.name === name) calls.push({ caller, call });
    }
    return calls;
  }

  /** The functions as a graph by key, which is `keyOf` the address. */
  toGraph(): Map<string, StackFunction> {
    const graph = new Map<string, StackFunction>();
    for (const [address, { frameBytes, calls, unknowns, floatingPoint }] of this.functions) {
      graph.set(keyOf(address), {
        key: keyOf(address),
        name: this.#code.nameOf(address),
        frameBytes,
        source: "code",
        calls: calls.map(({ target, depthBytes }) => ({ callee: keyOf(target), depthBytes })),
        unknowns,
        floatingPoint,
        returns: this.#returning.has(address),
      });
    }
    return graph;
  }
}

/** The key of the function at an address. */
export function keyOf(address: number): string {
  return `0x${address.toString(16)}`;
}

function follow(
  code: ProgramCode,
  functions: Map<number, FunctionCode>,
  roots: readonly number[],
  budget: StepBudget,
): void {
  const pending = [...roots];
  for (let address = pending.pop(); address !== undefined; address = pending.pop()) {
    if (functions.has(address)) continue;
    if (functions.size >= FUNCTIONS_MOST) {
      throw new HeapsoakError("bad-elf", `${code.elf.name}: more than ${FUNCTIONS_MOST} functions.`);
    }
    const followed = followOne(code, address, () => true, budget);
    functions.set(address, followed);
    for (const { target } of followed.calls) pending.push(target);
  }
}

function followOne(
  code: ProgramCode,
  address: number,
  returns: (target: number) => boolean,
  budget: StepBudget,
): FunctionCode {
  const followed = followFunction(code, address, returns);
  budget.spend(followed.steps);
  return followed;
}

/** Functions that come back: by themselves, or because one they jump to at their end does. */
function returningFunctions(functions: ReadonlyMap<number, FunctionCode>): Set<number> {
  const jumpedFrom = new Map<number, number[]>();
  const pending: number[] = [];
  for (const [address, { calls, returns }] of functions) {
    if (returns) pending.push(address);
    for (const { tail, target } of calls) {
      if (!tail) continue;
      const from = jumpedFrom.get(target);
      if (from) from.push(address);
      else jumpedFrom.set(target, [address]);
    }
  }
  const returning = new Set<number>();
  for (let address = pending.pop(); address !== undefined; address = pending.pop()) {
    if (returning.has(address)) continue;
    returning.add(address);
    pending.push(...(jumpedFrom.get(address) ?? []));
  }
  return returning;
}
