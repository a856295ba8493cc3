/**
 * Follows the code of one function along all its ways and finds how deep its stack gets, what it calls at which
 * depth, and what cannot be known from the code.
 */
import { type Effect, type Instruction, Register } from "./instruction.ts";
import { tableTargets } from "./jump-table.ts";
import { entryState, join, type MachineState, type Value, without, withRegister } from "./machine-state.ts";
import { isPartOf, type ProgramCode } from "./program-code.ts";
import { loadedFrom, storedTo, valueAfter } from "./register-values.ts";
import type { Unknown, UnknownKind } from "./stack-function.ts";

/** A call, or a jump that leaves the function for good. */
export interface CodeCall {
  readonly at: number;
  readonly target: number;
  /** Bytes of this function's frame that are in use at the call. */
  readonly depthBytes: number;
  readonly tail: boolean;
  /** r0–r3 where they hold a number. */
  readonly parameters: readonly (number | undefined)[];
}

export interface FunctionCode {
  /** The most bytes that the function itself has on the stack. */
  readonly frameBytes: number;
  readonly calls: readonly CodeCall[];
  readonly unknowns: readonly Unknown[];
  readonly floatingPoint: boolean;
  /** Some way leads back to the caller (or out of the handler), the callees aside. */
  readonly returns: boolean;
  /** Instructions gone through, each as often as something new was known of it. */
  readonly steps: number;
}

/** The most that libgcc's __gnu_thumb1_case functions push. */
const CASE_CALL_BYTES = 8;
/** Compilers' code needs 2 or 3 steps an instruction; what needs more than this is no code. */
const STEPS_PER_INSTRUCTION = 16;
const STEPS_FREE = 4096;
/** A place that is reached ever deeper lies in a loop that never gives back what it pushes. */
const DEEPER_MOST = 8;
/** Of the places in one function that are not known, so many are named one by one. */
const UNKNOWNS_MOST = 256;
/** From here on an address in the program counter is EXC_RETURN or its like. */
const RETURN_CODES = 0xff00_0000;
/** r0–r3, r12 and lr: what a call need not preserve. */
const CALL_CLOBBERS = 0b0101_0000_0000_1111;

/** Follows the function at `entry`; `returns` says whether a callee ever comes back. */
export function followFunction(code: ProgramCode, entry: number, returns: (target: number) => boolean): FunctionCode {
  return new FunctionWalk(code, entry, returns).walk();
}

interface Arrival {
  readonly address: number;
  readonly state: MachineState;
}

class FunctionWalk {
  readonly #code: ProgramCode;
  readonly #entry: number;
  readonly #returnsFrom: (target: number) => boolean;
  readonly #seen = new Map<string, { state: MachineState; deeper: number }>();
  readonly #pending: Arrival[] = [];
  readonly #calls = new Map<string, CodeCall>();
  readonly #unknowns = new Map<string, Unknown>();
  #steps = 0;
  #frameBytes = 0;
  #returns = false;
  #floatingPoint = false;

  constructor(code: ProgramCode, entry: number, returnsFrom: (target: number) => boolean) {
    this.#code = code;
    this.#entry = entry;
    this.#returnsFrom = returnsFrom;
  }

  walk(): FunctionCode {
    this.#arrive(this.#entry, entryState(), "jump");
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) {
      if (++this.#steps > this.#seen.size * STEPS_PER_INSTRUCTION + STEPS_FREE) {
        this.#unknown("unknown-code", this.#entry, "its ways are too tangled to be followed");
        break;
      }
      this.#step(next.address, next.state);
    }
    const byAddress = (a: { at: number }, b: { at: number }) => a.at - b.at;
    return {
      frameBytes: this.#frameBytes,
      calls: [...this.#calls.values()].sort(byAddress),
      unknowns: [...this.#unknowns.values()].sort(byAddress),
      floatingPoint: this.#floatingPoint,
      returns: this.#returns,
      steps: this.#steps,
    };
  }

  /** Goes on at `address`, unless that is another function or was seen in the same state. */
  #arrive(address: number, state: MachineState, by: "next" | "jump"): void {
    this.#frameBytes = Math.max(this.#frameBytes, state.depthBytes);
    const other = address === this.#entry ? undefined : this.#code.functionAt(address);
    const isElsewhere = other !== undefined && !isPartOf(other.name);
    if (by === "next" && state.afterCall && (isElsewhere || !this.#code.isCode(address))) return; // never returns
    if (isElsewhere) {
      this.#call(address, address, state, true);
      return;
    }
    if (!this.#code.isCode(address)) {
      this.#unknown("unknown-code", address, "it goes on at what is not code of the file");
      return;
    }
    const key = `${address}:${state.carriedOut.map(Number).join("")}`;
    const before = this.#seen.get(key);
    const joined = before ? join(before.state, state) : state;
    if (before?.state === joined) return;
    const isDeeper = before !== undefined && state.depthBytes > before.state.depthBytes;
    const deeper = (before?.deeper ?? 0) + (isDeeper ? 1 : 0);
    if (deeper > DEEPER_MOST) {
      this.#unknown("dynamic-frame", address, "a loop takes more stack each time round");
      return;
    }
    this.#seen.set(key, { state: joined, deeper });
    this.#pending.push({ address, state: joined });
  }

  #step(address: number, arrived: MachineState): void {
    const instruction = this.#code.instructionAt(address);
    if (!instruction) {
      this.#unknown("unknown-code", address, "its code is not in the file");
      return;
    }
    const [carriedOut = true, ...rest] = arrived.carriedOut;
    const isFiller = instruction.effect.kind === "hint";
    const state = { ...arrived, carriedOut: rest, afterCall: arrived.afterCall && isFiller };
    const next = address + instruction.bytes;
    if (!carriedOut) {
      this.#arrive(next, state, "next");
      return;
    }
    if (instruction.floatingPoint) this.#floatingPoint = true;
    this.#apply(instruction, address, next, without(state, instruction.writes));
    if (instruction.writes & (1 << Register.Pc)) {
      this.#unknown("indirect-call", address, "jumps to an address from memory");
    }
  }

  #apply(instruction: Instruction, address: number, next: number, state: MachineState): void {
    const { effect } = instruction;
    const goOn = (after: MachineState) => this.#arrive(next, after, "next");
    switch (effect.kind) {
      case "branch":
        this.#branch(effect, next, state);
        return;
      case "hint":
        goOn(state);
        return;
      case "call":
        this.#callAndGoOn(address, next, effect.target, state);
        return;
      case "call-register":
        this.#callRegister(address, next, state.registers[effect.register], state);
        return;
      case "branch-register":
        this.#jump(address, state.registers[effect.register], state, next);
        return;
      case "table-branch":
        this.#tableBranch(effect, address, state);
        return;
      case "if-then":
        goOn({ ...state, carriedOut: effect.carriedOut });
        goOn({ ...state, carriedOut: effect.carriedOut.map((then) => !then) });
        return;
      case "stack":
        this.#stack(effect, address, next, state);
        return;
      case "trap":
        return;
      case "breakpoint":
        goOn({ ...state, afterCall: true });
        return;
      case "unknown":
        this.#unknown("unknown-code", address, effect.what);
        goOn(state);
        return;
      default:
        if (!(instruction.writes & (1 << Register.Pc))) this.#assign(effect, address, next, state);
    }
  }

  #branch(effect: Effect & { kind: "branch" }, next: number, state: MachineState): void {
    const after = effect.bounds ? { ...state, bound: state.compared } : state;
    this.#arrive(effect.target, after, "jump");
    if (effect.conditional) this.#arrive(next, after, "next");
  }

  /** Effects that give a register a value; the program counter among them. */
  #assign(effect: Effect, address: number, next: number, state: MachineState): void {
    const set = (register: number, value: Value) => this.#set(register, value, address, next, state);
    switch (effect.kind) {
      case "compare":
        this.#arrive(next, { ...state, compared: { register: effect.register, value: effect.value } }, "next");
        return;
      case "set-main-stack":
        set(Register.Sp, state.registers[effect.from]);
        return;
      case "none":
        this.#arrive(next, state, "next");
        return;
      default:
        if ("to" in effect) set(effect.to, valueAfter(effect, state, this.#code));
    }
  }

  #set(register: number, value: Value, address: number, next: number, state: MachineState): void {
    if (register === Register.Pc) this.#jump(address, value, state, next);
    else if (register !== Register.Sp) this.#arrive(next, withRegister(state, register, value), "next");
    else this.#arrive(next, this.#movedTo(value, address, state), "next");
  }

  /** The stack pointer gets a value: a place in this stack, the start of another one, or what nobody knows. */
  #movedTo(value: Value, address: number, state: MachineState): MachineState {
    // A number is the address of a stack's top: what follows begins there.
    const depthBytes = value?.kind === "stack" ? value.depthBytes : value?.kind === "number" ? 0 : undefined;
    if (depthBytes !== undefined) {
      if (depthBytes < 0) this.#unknown("unknown-code", address, "it takes back more stack than it used");
      return { ...withRegister(state, Register.Sp, { kind: "stack", depthBytes }), depthBytes, adrift: false };
    }
    this.#unknown("dynamic-frame", address, "moves the stack pointer by an amount only known when it runs");
    return { ...state, adrift: true };
  }

  #stack(effect: Effect & { kind: "stack" }, address: number, next: number, state: MachineState): void {
    const first = state.depthBytes - effect.offset;
    const depthBytes = state.depthBytes - effect.move;
    this.#frameBytes = Math.max(this.#frameBytes, first);
    const after = effect.load ? loadedFrom(state, effect, first) : storedTo(state, effect, first);
    if (effect.registers.includes(Register.Sp) && effect.load) {
      this.#arrive(next, this.#movedTo(undefined, address, after), "next");
      return;
    }
    const moved = this.#movedTo({ kind: "stack", depthBytes }, address, after);
    const settled = state.adrift ? { ...moved, adrift: true } : moved;
    if (effect.load && effect.registers.includes(Register.Pc)) {
      this.#jump(address, state.adrift ? { kind: "return" } : after.registers[Register.Pc], settled, next);
    } else this.#arrive(next, settled, "next");
  }

  /** The program counter gets a value. */
  #jump(address: number, value: Value, state: MachineState, next: number): void {
    if (value?.kind === "return" || (value?.kind === "number" && value.value >= RETURN_CODES)) {
      this.#returns = true;
      if (state.depthBytes !== 0 && !state.adrift) {
        this.#unknown("unknown-code", address, `returns with the stack pointer ${state.depthBytes} bytes off`);
      }
    } else if (value?.kind === "number") {
      this.#arrive(even(value.value), state, "jump");
    } else if (value?.kind === "table-entry") {
      this.#jumpByTable(address, value.table, 4, state, undefined);
    } else if (state.registers[Register.Lr]?.kind === "number") {
      this.#callRegister(address, next, value, state); // mov lr, pc; bx: a call in two instructions
    } else {
      this.#unknown("indirect-call", address, "jumps to a function only known when it runs", state.depthBytes);
      this.#returns = true;
    }
  }

  #tableBranch(effect: Effect & { kind: "table-branch" }, address: number, state: MachineState): void {
    const base = state.registers[effect.base];
    const table = effect.base === Register.Pc ? address + 4 : base?.kind === "number" ? base.value : undefined;
    const bound = state.bound?.register === effect.index ? state.bound.value : undefined;
    if (table === undefined) this.#unknown("unknown-code", address, "jumps by a table only known when it runs");
    else this.#jumpByTable(address, table, effect.entryBytes, state, bound);
  }

  #jumpByTable(address: number, table: number, entryBytes: 1 | 2 | 4, state: MachineState, bound?: number): void {
    const targets = tableTargets(this.#code, { table, entryBytes, origin: address + 4, entry: this.#entry, bound });
    if (targets.length === 0) this.#unknown("unknown-code", address, "jumps by a table that is not one");
    for (const target of targets) this.#arrive(target, state, "jump");
  }

  #callRegister(address: number, next: number, value: Value, state: MachineState): void {
    if (value?.kind === "number") {
      this.#callAndGoOn(address, next, even(value.value), state);
      return;
    }
    this.#unknown("indirect-call", address, "calls a function only known when it runs", state.depthBytes);
    this.#arrive(next, { ...without(state, CALL_CLOBBERS), afterCall: true }, "next");
  }

  #callAndGoOn(address: number, next: number, target: number, state: MachineState): void {
    if (this.#code.functionAt(target)?.name.startsWith("__gnu_thumb1_case_")) {
      this.#caseCall(address, next, target, state);
      return;
    }
    if (this.#code.isInsideSame(address, target)) {
      // Armv6-M's far jump, or a subroutine of an assembly function: both work in this frame.
      this.#arrive(target, withRegister(state, Register.Lr, { kind: "number", value: next + 1 }), "jump");
      return;
    }
    this.#call(address, target, state, false);
    if (!this.#returnsFrom(target)) return;
    this.#arrive(next, { ...without(state, CALL_CLOBBERS), afterCall: true }, "next");
  }

  /** libgcc's stand-in for tbb and tbh on Armv6-M: the table follows the call. */
  #caseCall(address: number, next: number, target: number, state: MachineState): void {
    this.#frameBytes = Math.max(this.#frameBytes, state.depthBytes + CASE_CALL_BYTES);
    const kind = /_(s|u)(q|h|s)i$/.exec(this.#code.functionAt(target)?.name ?? "")?.[2];
    const entryBytes = kind === "q" ? 1 : kind === "h" ? 2 : 4;
    const isSigned = (this.#code.functionAt(target)?.name ?? "").endsWith(`_s${kind}i`);
    const bound = state.bound?.register === 0 ? state.bound.value : undefined;
    const options = { table: next, entryBytes, origin: next, entry: this.#entry, bound, isSigned, relative: true };
    const targets = tableTargets(this.#code, { ...options, entryBytes: entryBytes as 1 | 2 | 4 });
    if (targets.length === 0) this.#unknown("unknown-code", address, "jumps by a table that is not one");
    for (const place of targets) this.#arrive(place, state, "jump");
  }

  #call(at: number, target: number, state: MachineState, tail: boolean): void {
    const key = `${at}:${target}`;
    const before = this.#calls.get(key);
    const parameters = state.registers.slice(0, 4).map((value) => (value?.kind === "number" ? value.value : undefined));
    const depthBytes = Math.max(before?.depthBytes ?? 0, state.depthBytes);
    this.#calls.set(key, { at, target, depthBytes, tail, parameters });
  }

  #unknown(kind: UnknownKind, at: number, what: string, depthBytes?: number): void {
    const key = `${kind}:${at}`;
    if (this.#unknowns.has(key) && depthBytes === undefined) return;
    if (this.#unknowns.size >= UNKNOWNS_MOST && !this.#unknowns.has(key)) return;
    const before = this.#unknowns.get(key)?.depthBytes ?? 0;
    this.#unknowns.set(key, {
      kind,
      at,
      text: what,
      ...(depthBytes === undefined ? {} : { depthBytes: Math.max(before, depthBytes) }),
    });
  }
}

function even(address: number): number {
  return address - (address % 2);
}
