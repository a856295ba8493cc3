/** Core registers by number. */
export const Register = { Ip: 12, Sp: 13, Lr: 14, Pc: 15 } as const;

/** What an instruction does, as far as the stack pointer and the flow of control can depend on it. */
export type Effect =
  | { readonly kind: "none" }
  /** nop and its like: also what fills the room between two functions. */
  | { readonly kind: "hint" }
  | { readonly kind: "constant"; readonly to: number; readonly value: number }
  /** The upper half of a register (movt). */
  | { readonly kind: "upper-half"; readonly to: number; readonly value: number }
  /** `to = from + add`; moves too. */
  | { readonly kind: "add"; readonly to: number; readonly from: number; readonly add: number }
  /** `to = left + sign * (right << shift)`. */
  | {
      readonly kind: "add-register";
      readonly to: number;
      readonly left: number;
      readonly right: number;
      readonly shift: number;
      readonly sign: 1 | -1;
    }
  /** `to = apply(from)`. */
  | {
      readonly kind: "compute";
      readonly to: number;
      readonly from: number;
      readonly apply: (value: number) => number;
    }
  /** Sets or clears bits: the return address of a handler stays one. `cleared`: these bits, and no others. */
  | { readonly kind: "bits"; readonly to: number; readonly from: number; readonly cleared?: number }
  /** A word from `base + offset`. */
  | { readonly kind: "load"; readonly to: number; readonly base: number; readonly offset: number }
  /** A word from `base` and an index. */
  | { readonly kind: "load-indexed"; readonly to: number; readonly base: number }
  /** Words to or from the stack at `sp + offset`, ascending; then `sp += move`. Registers without number are not core registers. */
  | {
      readonly kind: "stack";
      readonly load: boolean;
      readonly registers: readonly number[];
      readonly offset: number;
      readonly move: number;
    }
  | { readonly kind: "compare"; readonly register: number; readonly value: number }
  /** `bounds`: on one of the two ways the register compared last is at most (or below) the number. */
  | { readonly kind: "branch"; readonly target: number; readonly conditional: boolean; readonly bounds?: boolean }
  | { readonly kind: "call"; readonly target: number }
  | { readonly kind: "branch-register"; readonly register: number }
  | { readonly kind: "call-register"; readonly register: number }
  /** tbb and tbh: `base` may be the program counter. */
  | { readonly kind: "table-branch"; readonly base: number; readonly index: number; readonly entryBytes: 1 | 2 }
  /** For the up to four instructions that follow: whether each is carried out when the condition holds. */
  | { readonly kind: "if-then"; readonly carriedOut: readonly boolean[] }
  | { readonly kind: "set-main-stack"; readonly from: number }
  /** Ends the flow: an undefined instruction on purpose. */
  | { readonly kind: "trap" }
  /** A debugger or a host may go on behind it (semihosting does), or nobody. */
  | { readonly kind: "breakpoint" }
  | { readonly kind: "unknown"; readonly what: string };

export interface Instruction {
  readonly bytes: 2 | 4;
  readonly effect: Effect;
  /** A bit for each core register that is written besides what `effect` says. */
  readonly writes: number;
  /** Uses the floating-point (or vector) registers. */
  readonly floatingPoint: boolean;
}

/** An instruction without floating point. */
export function instruction(bytes: 2 | 4, effect: Effect, writes = 0): Instruction {
  return { bytes, effect, writes, floatingPoint: false };
}

export const NO_EFFECT: Effect = { kind: "none" };

/** An instruction that writes a register with what is not followed. */
export function writing(bytes: 2 | 4, register: number): Instruction {
  return instruction(bytes, NO_EFFECT, 1 << register);
}

/** Whether a conditional branch asks for unsigned higher, or lower or same. */
export function isBound(condition: number): boolean {
  return condition === 8 || condition === 9;
}

/** The numbers of the bits that are set, ascending. */
export function registersOf(list: number): number[] {
  return Array.from({ length: 16 }, (_, register) => register).filter((register) => list & (1 << register));
}
