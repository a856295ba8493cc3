/** What is known of the registers at one place of a function, whatever way led there. */
import { Register } from "./instruction.ts";

/** A register's contents: a number, an address in this function's stack, the return address, or a table's entry. */
export type Value =
  | { readonly kind: "number"; readonly value: number }
  /** `depthBytes` below the stack pointer at the function's entry. */
  | { readonly kind: "stack"; readonly depthBytes: number }
  | { readonly kind: "return" }
  | { readonly kind: "table-entry"; readonly table: number }
  /** An address at an unknown distance behind a known one. */
  | { readonly kind: "inside-table"; readonly table: number }
  /** Address of the vector table, as VTOR holds it: its first word is the start of the main stack. */
  | { readonly kind: "vectors" }
  | undefined;

interface Comparison {
  readonly register: number;
  readonly value: number;
}

export interface MachineState {
  readonly registers: readonly Value[];
  readonly depthBytes: number;
  /** Return addresses and places in the stack that are saved on it, by the depth where. */
  readonly saved: ReadonlyMap<number, Value>;
  /** What remains of an if-then block on this way. */
  readonly carriedOut: readonly boolean[];
  /** The last comparison with a number. */
  readonly compared: Comparison | undefined;
  /** The last comparison that a branch made a bound: the highest index of a table. */
  readonly bound: Comparison | undefined;
  /** The stack pointer was moved by an unknown amount: what is popped is not known either. */
  readonly adrift: boolean;
  /** Right after a call, which may never return. */
  readonly afterCall: boolean;
}

/** At the first instruction of a function. */
export function entryState(): MachineState {
  const registers: Value[] = Array.from({ length: 16 }, () => undefined);
  registers[Register.Sp] = { kind: "stack", depthBytes: 0 };
  registers[Register.Lr] = { kind: "return" };
  return {
    registers,
    depthBytes: 0,
    saved: new Map(),
    carriedOut: [],
    compared: undefined,
    bound: undefined,
    adrift: false,
    afterCall: false,
  };
}

/** The state with one register changed. */
export function withRegister(state: MachineState, register: number, value: Value): MachineState {
  const registers = state.registers.slice();
  registers[register] = value;
  return { ...withoutComparisons(state, 1 << register), registers };
}

/** The state with the registers of a bit mask unknown; the stack pointer is changed by other means only. */
export function without(state: MachineState, mask: number): MachineState {
  if (mask === 0) return state;
  const registers = state.registers.map((value, register) => {
    return register !== Register.Sp && mask & (1 << register) ? undefined : value;
  });
  return { ...withoutComparisons(state, mask), registers };
}

/** A register that is written is not what was compared. */
function withoutComparisons(state: MachineState, mask: number): MachineState {
  const keeps = (comparison: Comparison | undefined) =>
    comparison && mask & (1 << comparison.register) ? undefined : comparison;
  return { ...state, compared: keeps(state.compared), bound: keeps(state.bound) };
}

/** What holds whichever of the two ways was taken; the stack as deep as the deeper. The first is returned if it is that already. */
export function join(before: MachineState, now: MachineState): MachineState {
  const depthBytes = Math.max(before.depthBytes, now.depthBytes);
  const registers = before.registers.map((value, register) => {
    if (register === Register.Sp) return { kind: "stack", depthBytes } as const;
    return sameValue(value, now.registers[register]) ? value : undefined;
  });
  const saved = new Map([...before.saved].filter(([depth, value]) => sameValue(value, now.saved.get(depth))));
  const compared = sameComparison(before.compared, now.compared) ? before.compared : undefined;
  const bound = sameComparison(before.bound, now.bound) ? before.bound : undefined;
  const adrift = before.adrift || now.adrift;
  const afterCall = before.afterCall && now.afterCall;
  const isSame =
    depthBytes === before.depthBytes &&
    registers.every((value, register) => sameValue(value, before.registers[register])) &&
    saved.size === before.saved.size &&
    compared === before.compared &&
    bound === before.bound &&
    adrift === before.adrift &&
    afterCall === before.afterCall;
  if (isSame) return before;
  return { ...before, depthBytes, registers, saved, compared, bound, adrift, afterCall };
}

function sameComparison(a: Comparison | undefined, b: Comparison | undefined): boolean {
  return a?.register === b?.register && a?.value === b?.value;
}

function sameValue(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.kind !== b.kind) return false;
  switch (a.kind) {
    case "number":
      return a.value === (b as typeof a).value;
    case "stack":
      return a.depthBytes === (b as typeof a).depthBytes;
    case "table-entry":
    case "inside-table":
      return a.table === (b as typeof a).table;
    default:
      return true;
  }
}
