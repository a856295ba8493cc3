/** What an instruction leaves in registers, as far as numbers, places in the stack and the return address are followed. */
import { type Effect, Register } from "./instruction.ts";
import { type MachineState, type Value, withRegister } from "./machine-state.ts";
import type { ProgramCode } from "./program-code.ts";

const VECTOR_TABLE_OFFSET = 0xe000_ed08;

/** What the register `effect.to` holds afterwards, undefined where that is not known. */
export function valueAfter(effect: Effect & { to: number }, state: MachineState, code: ProgramCode): Value {
  switch (effect.kind) {
    case "constant":
      return { kind: "number", value: effect.value >>> 0 };
    case "upper-half": {
      const value = state.registers[effect.to];
      return value?.kind === "number" ? number((value.value & 0xffff) + effect.value * 65_536) : undefined;
    }
    case "add":
      return sum(state.registers[effect.from], effect.add);
    case "add-register":
      return sumOfRegisters(effect, state);
    case "compute": {
      const value = state.registers[effect.from];
      return value?.kind === "number" ? number(effect.apply(value.value)) : undefined;
    }
    case "bits":
      return withBits(state.registers[effect.from], effect.cleared);
    case "load":
      return loadedWord(state.registers[effect.base], effect.offset, code);
    case "load-indexed": {
      const base = state.registers[effect.base];
      return base?.kind === "number" ? { kind: "table-entry", table: base.value } : undefined;
    }
    default:
      return undefined;
  }
}

/** An address in the stack that is aligned lies at most so much deeper: the stack pointer is aligned to 4 bytes. */
function withBits(value: Value, cleared: number | undefined): Value {
  if (value?.kind === "return") return value;
  if (value?.kind !== "stack" || cleared === undefined || (cleared & (cleared + 1)) !== 0) return undefined;
  return { kind: "stack", depthBytes: value.depthBytes + Math.max(0, cleared + 1 - 4) };
}

function number(value: number): Value {
  return { kind: "number", value: value >>> 0 };
}

function sum(value: Value, add: number): Value {
  if (value?.kind === "number") return number(value.value + add);
  if (value?.kind === "stack") return { kind: "stack", depthBytes: value.depthBytes - add };
  return add === 0 ? value : undefined;
}

function sumOfRegisters(effect: Effect & { kind: "add-register" }, { registers }: MachineState): Value {
  const right = registers[effect.right];
  if (right?.kind === "number") {
    const added = registers[effect.left];
    if (added === undefined && effect.sign === 1 && effect.shift === 0)
      return { kind: "inside-table", table: right.value };
    return sum(added, (effect.sign * (right.value << effect.shift)) | 0);
  }
  const left = registers[effect.left];
  if (left?.kind !== "number" || effect.sign !== 1) return undefined;
  if (right !== undefined && effect.shift === 0) return sum(right, left.value | 0);
  return right === undefined ? { kind: "inside-table", table: left.value } : undefined;
}

function loadedWord(base: Value, offset: number, code: ProgramCode): Value {
  if (base?.kind === "vectors" && offset === 0) return { kind: "stack", depthBytes: 0 };
  if (base?.kind === "inside-table" && offset === 0) return { kind: "table-entry", table: base.table };
  if (base?.kind !== "number") return undefined;
  const address = base.value + offset;
  if (address === VECTOR_TABLE_OFFSET) return { kind: "vectors" };
  const value = code.constantAt(address);
  return value === undefined ? undefined : number(value);
}

/** What registers hold after they were loaded from the stack: what was saved is known again, the rest is not. */
export function loadedFrom(state: MachineState, effect: Effect & { kind: "stack" }, first: number): MachineState {
  return effect.registers.reduce((after, register, index) => {
    if (register === Register.Sp) return after;
    return withRegister(after, register, state.saved.get(first - index * 4));
  }, state);
}

/** The state after registers were stored on the stack: return addresses and stack pointers are found again there. */
export function storedTo(state: MachineState, effect: Effect & { kind: "stack" }, first: number): MachineState {
  const saved = new Map(state.saved);
  for (const [index, register] of effect.registers.entries()) {
    const value = state.registers[register];
    if (value?.kind === "return" || value?.kind === "stack") saved.set(first - index * 4, value);
    else saved.delete(first - index * 4);
  }
  return { ...state, saved };
}
