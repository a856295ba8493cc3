/**
 * The 16-bit Thumb instructions, as far as stacks and calls depend on them.
 *
 * Source: Armv7-M ARM (DDI 0403E), A5.2; Armv8-M's additions in this space do not touch the stack pointer.
 */
import {
  type Effect,
  type Instruction,
  instruction,
  isBound,
  NO_EFFECT,
  Register,
  registersOf,
  writing,
} from "./instruction.ts";

/** Decodes the half-word at `address`; `literal` reads a word of the program. */
export function decodeNarrow(half: number, address: number, literal: (at: number) => number | undefined): Instruction {
  if (half === 0) return instruction(2, { kind: "hint" }); // movs r0, r0, and what lies between functions
  const top = half >>> 11;
  const low = half & 7;
  const middle = (half >>> 3) & 7;
  const high = (half >>> 8) & 7;
  const byte = half & 0xff;
  const plain = (effect: Effect) => instruction(2, effect);
  const aligned = (address + 4) & ~3;
  if (top <= 2) return shifted(top, (half >>> 6) & 31, low, middle);
  if (top === 3) return addOrSubtract(half, low, middle);
  if (top === 4) return plain({ kind: "constant", to: high, value: byte });
  if (top === 5) return plain({ kind: "compare", register: high, value: byte });
  if (top === 6 || top === 7) return plain({ kind: "add", to: high, from: high, add: top === 6 ? byte : -byte });
  if (top === 8) return half & 0x400 ? highRegisters(half) : dataProcessing((half >>> 6) & 15, low, middle);
  if (top === 9) return loaded(high, literal((aligned >>> 0) + byte * 4));
  if (top === 10 || top === 11) return indexed((half >>> 9) & 7, low, middle);
  if (top === 12 || top === 14 || top === 16) return plain(NO_EFFECT);
  if (top === 13) return plain({ kind: "load", to: low, base: middle, offset: ((half >>> 6) & 31) * 4 });
  if (top === 15 || top === 17) return writing(2, low);
  if (top === 18 || top === 19)
    return plain({ kind: "stack", load: top === 19, registers: [high], offset: byte * 4, move: 0 });
  if (top === 20) return plain({ kind: "constant", to: high, value: (aligned + byte * 4) >>> 0 });
  if (top === 21) return plain({ kind: "add", to: high, from: Register.Sp, add: byte * 4 });
  if (top === 22 || top === 23) return miscellaneous(half, address);
  if (top === 24) return writing(2, high);
  if (top === 25) return instruction(2, NO_EFFECT, byte | (1 << high));
  if (top === 26 || top === 27) return conditional(half, address);
  return plain({ kind: "branch", target: (address + 4 + signed(half & 0x7ff, 11) * 2) >>> 0, conditional: false });
}

/** The number whose `bits` low bits are given, as two's complement. */
export function signed(value: number, bits: number): number {
  const half = 2 ** (bits - 1);
  return value >= half ? value - half * 2 : value;
}

function loaded(to: number, value: number | undefined): Instruction {
  return value === undefined ? writing(2, to) : instruction(2, { kind: "constant", to, value });
}

/** lsl, lsr and asr by a number; lsl by 0 is a move. */
function shifted(operation: number, by: number, to: number, from: number): Instruction {
  if (operation === 0 && by === 0) return instruction(2, { kind: "add", to, from, add: 0 });
  if (operation === 2) return writing(2, to);
  const apply = operation === 0 ? (value: number) => value << by : (value: number) => (by === 0 ? 0 : value >>> by);
  return instruction(2, { kind: "compute", to, from, apply });
}

function addOrSubtract(half: number, to: number, left: number): Instruction {
  const operand = (half >>> 6) & 7;
  const sign = half & 0x200 ? -1 : 1;
  if (half & 0x400) return instruction(2, { kind: "add", to, from: left, add: sign * operand });
  return instruction(2, { kind: "add-register", to, left, right: operand, shift: 0, sign });
}

function dataProcessing(operation: number, to: number, from: number): Instruction {
  if (operation === 8 || operation === 10 || operation === 11) return instruction(2, NO_EFFECT);
  if (operation === 9) return instruction(2, { kind: "compute", to, from, apply: (value) => -value });
  if (operation === 15) return instruction(2, { kind: "compute", to, from, apply: (value) => ~value });
  return writing(2, to);
}

/** add, cmp, mov, bx and blx of all registers. */
function highRegisters(half: number): Instruction {
  const to = ((half >>> 4) & 8) | (half & 7);
  const from = (half >>> 3) & 15;
  switch ((half >>> 8) & 3) {
    case 0:
      return instruction(2, { kind: "add-register", to, left: to, right: from, shift: 0, sign: 1 });
    case 1:
      return instruction(2, NO_EFFECT);
    case 2:
      return instruction(2, { kind: "add", to, from, add: 0 });
    default:
      return instruction(2, { kind: half & 0x80 ? "call-register" : "branch-register", register: from });
  }
}

/** Loads and stores with an index register: 4 is ldr, 0 to 2 are stores. */
function indexed(operation: number, to: number, base: number): Instruction {
  if (operation <= 2) return instruction(2, NO_EFFECT);
  return operation === 4 ? instruction(2, { kind: "load-indexed", to, base }) : writing(2, to);
}

function miscellaneous(half: number, address: number): Instruction {
  const operation = (half >>> 8) & 15;
  if (operation === 0) return moveStackPointer((half & 0x7f) * (half & 0x80 ? -4 : 4));
  if ((operation & 5) === 1) {
    // cbz and cbnz: 0xB1, 0xB3, 0xB9, 0xBB.
    const offset = ((half >>> 9) & 1) * 64 + ((half >>> 3) & 31) * 2;
    return instruction(2, { kind: "branch", target: address + 4 + offset, conditional: true });
  }
  if (operation === 4 || operation === 5) return pushed((half & 0xff) | (half & 0x100 ? 1 << Register.Lr : 0));
  if (operation === 12 || operation === 13) return popped((half & 0xff) | (half & 0x100 ? 1 << Register.Pc : 0));
  if (operation === 14) return instruction(2, { kind: "breakpoint" }, 1); // semihosting answers in r0
  if (operation === 15) return instruction(2, ifThen(half));
  return operation === 2 || operation === 10 ? writing(2, half & 7) : instruction(2, NO_EFFECT);
}

function moveStackPointer(add: number): Instruction {
  return instruction(2, { kind: "add", to: Register.Sp, from: Register.Sp, add });
}

function pushed(list: number): Instruction {
  const registers = registersOf(list);
  const bytes = registers.length * 4;
  return instruction(2, { kind: "stack", load: false, registers, offset: -bytes, move: -bytes });
}

function popped(list: number): Instruction {
  const registers = registersOf(list);
  return instruction(2, { kind: "stack", load: true, registers, offset: 0, move: registers.length * 4 });
}

/** it: the mask's lowest set bit ends the block; a bit above it says "then" where it equals the condition's lowest. */
function ifThen(half: number): Effect {
  const mask = half & 15;
  if (mask === 0) return { kind: "hint" }; // nop, wfi, sev …
  const condition = (half >>> 4) & 1;
  const following = 3 - Math.log2(mask & -mask);
  const carriedOut = [true];
  for (let index = 0; index < following; index++) carriedOut.push(((mask >>> (3 - index)) & 1) === condition);
  return { kind: "if-then", carriedOut };
}

/** r0–r3: what the handler, an interrupt of its own, may answer in. */
const SERVICE_CALL_WRITES = 0xf;

function conditional(half: number, address: number): Instruction {
  const condition = (half >>> 8) & 15;
  if (condition === 14) return instruction(2, { kind: "trap" });
  if (condition === 15) return instruction(2, NO_EFFECT, SERVICE_CALL_WRITES);
  const target = (address + 4 + signed(half & 0xff, 8) * 2) >>> 0;
  return instruction(2, { kind: "branch", target, conditional: true, bounds: isBound(condition) });
}
