/**
 * The 32-bit Thumb instructions, as far as stacks and calls depend on them.
 *
 * Source: Armv7-M ARM (DDI 0403E), A5.3; the floating-point loads and stores A6.6. Armv8.1-M's loop instructions
 * lie where Armv7-M has none; their targets are reached by the ordinary flow as well.
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
import { signed } from "./thumb-narrow.ts";

/** Whether a half-word begins a 32-bit instruction. */
export function isWide(half: number): boolean {
  return half >>> 11 >= 0b11101;
}

/** Decodes the two half-words at `address`; `literal` reads a word of the program. */
export function decodeWide(
  first: number,
  second: number,
  address: number,
  literal: (at: number) => number | undefined,
): Instruction {
  if ((first & 0xfe40) === 0xe800) return multiple(first, second);
  if ((first & 0xfe40) === 0xe840) return dualOrTable(first, second);
  if ((first & 0xfe00) === 0xea00) return shiftedRegister(first, second);
  if ((first & 0xec00) === 0xec00) return coprocessor(first, second);
  if ((first & 0xf800) === 0xf000) {
    return second & 0x8000 ? branchOrSystem(first, second, address) : immediate(first, second, address);
  }
  if ((first & 0xfe00) === 0xf800) return single(first, second, address, literal);
  const result = (second >>> 8) & 15;
  if ((first & 0xff80) === 0xfb80) return instruction(4, NO_EFFECT, ((1 << (second >>> 12)) | (1 << result)) & 0x7fff);
  return instruction(4, NO_EFFECT, (1 << result) & 0x7fff);
}

const bit = (half: number, position: number): number => (half >>> position) & 1;

/** ldm and stm; with the stack pointer and write-back they are push and pop. */
function multiple(first: number, second: number): Instruction {
  const base = first & 15;
  const load = bit(first, 4) === 1;
  const writeBack = bit(first, 5) === 1;
  const registers = registersOf(second);
  const bytes = registers.length * 4;
  const descending = bit(first, 8) === 1;
  if (base === Register.Sp) {
    const move = writeBack ? (descending ? -bytes : bytes) : 0;
    return instruction(4, { kind: "stack", load, registers, offset: descending ? -bytes : 0, move });
  }
  return instruction(4, NO_EFFECT, (load ? second : 0) | (writeBack ? 1 << base : 0));
}

/** sg, where code of the non-secure world enters. */
const SECURE_GATEWAY = 0xe97f;

function dualOrTable(first: number, second: number): Instruction {
  if (first === SECURE_GATEWAY && second === SECURE_GATEWAY) return instruction(4, { kind: "hint" });
  const base = first & 15;
  if ((first & 0xfff0) === 0xe8d0 && (second & 0xffe0) === 0xf000) {
    return instruction(4, { kind: "table-branch", base, index: second & 15, entryBytes: bit(second, 4) ? 2 : 1 });
  }
  const load = bit(first, 4) === 1;
  const registers = [second >>> 12, (second >>> 8) & 15];
  const indexedBefore = bit(first, 8) === 1;
  const writeBack = bit(first, 5) === 1;
  // Neither: exclusive accesses and their like, which write one register or three.
  if (!indexedBefore && !writeBack) {
    return instruction(4, NO_EFFECT, ((1 << (second & 15)) | bits(registers)) & 0x5fff);
  }
  const distance = (second & 0xff) * (bit(first, 7) ? 4 : -4);
  if (base === Register.Sp) {
    const effect = stackAccess(load, registers, distance, indexedBefore, writeBack);
    return instruction(4, effect);
  }
  return instruction(4, NO_EFFECT, ((load ? bits(registers) : 0) | (writeBack ? 1 << base : 0)) & 0x7fff);
}

function bits(registers: readonly number[]): number {
  return registers.reduce((all, register) => all | (1 << register), 0);
}

function stackAccess(
  load: boolean,
  registers: readonly number[],
  distance: number,
  indexedBefore: boolean,
  writeBack: boolean,
): Effect {
  return {
    kind: "stack",
    load,
    registers,
    offset: indexedBefore ? distance : 0,
    move: writeBack ? distance : 0,
  };
}

/** Data processing with a register that may be shifted. */
function shiftedRegister(first: number, second: number): Instruction {
  const operation = (first >>> 5) & 15;
  const left = first & 15;
  const to = (second >>> 8) & 15;
  const right = second & 15;
  const by = ((second >>> 12) & 7) * 4 + ((second >>> 6) & 3);
  const shiftsLeft = ((second >>> 4) & 3) === 0;
  if (to === Register.Pc) return instruction(4, NO_EFFECT); // tst, teq, cmn, cmp
  if (!shiftsLeft) return writing(4, to);
  if (operation === 2 && left === 15) {
    if (by === 0) return instruction(4, { kind: "add", to, from: right, add: 0 });
    return instruction(4, { kind: "compute", to, from: right, apply: (value) => value << by });
  }
  if (operation === 8 || operation === 13) {
    return instruction(4, { kind: "add-register", to, left, right, shift: by, sign: operation === 8 ? 1 : -1 });
  }
  return writing(4, to);
}

/** Floating point, and what else goes to coprocessors. */
function coprocessor(first: number, second: number): Instruction {
  const number = (second >>> 8) & 15;
  const floatingPoint = number >= 8;
  return { ...coprocessorAccess(first, second, number), floatingPoint };
}

function coprocessorAccess(first: number, second: number, number: number): Instruction {
  const base = first & 15;
  const load = bit(first, 4) === 1;
  const to = second >>> 12;
  if ((first & 0xffe0) === 0xec40) {
    // Two core registers at once.
    return instruction(4, NO_EFFECT, load ? ((1 << to) | (1 << base)) & 0x7fff : 0);
  }
  if ((first & 0xfe00) === 0xec00) {
    const distance = (second & 0xff) * (bit(first, 7) ? 4 : -4);
    if (bit(first, 5) === 0) return instruction(4, NO_EFFECT);
    if (base !== Register.Sp) return writing(4, base);
    const isVector = number > 11;
    if (isVector) return instruction(4, { kind: "unknown", what: "a vector access that moves the stack pointer" });
    return instruction(4, stackAccess(load, [], distance, bit(first, 8) === 1, true));
  }
  const isFloatingPoint = number >= 9 && number <= 11;
  if (isFloatingPoint && bit(second, 4) === 0) return instruction(4, NO_EFFECT); // between its own registers
  // Between a core register and a coprocessor; whatever else lies here writes at most one of these.
  return instruction(4, NO_EFFECT, ((1 << to) | (1 << number)) & 0x5fff);
}

/** Data processing with a constant. */
function immediate(first: number, second: number, address: number): Instruction {
  const from = first & 15;
  const to = (second >>> 8) & 15;
  const packed = bit(first, 10) * 2048 + ((second >>> 12) & 7) * 256 + (second & 0xff);
  if (bit(first, 9) === 1) return plainImmediate((first >>> 4) & 31, from, to, packed, address);
  const value = expanded(packed);
  const effect = (wanted: Effect) => instruction(4, wanted);
  switch ((first >>> 5) & 15) {
    case 1: // bic
      return effect({ kind: "bits", to, from, cleared: value });
    case 2: // orr, mov
      return effect(from === 15 ? { kind: "constant", to, value } : { kind: "bits", to, from });
    case 3: // orn, mvn
      return from === 15 ? effect({ kind: "constant", to, value: ~value >>> 0 }) : writing(4, to);
    case 8: // add, cmn
      return to === 15 ? effect(NO_EFFECT) : effect({ kind: "add", to, from, add: value });
    case 13: // sub, cmp
      return effect(to === 15 ? { kind: "compare", register: from, value } : { kind: "add", to, from, add: -value });
    case 14: // rsb
      return effect({ kind: "compute", to, from, apply: (number) => value - number });
    default:
      return instruction(4, NO_EFFECT, (1 << to) & 0x7fff);
  }
}

/** addw, subw, movw, movt, and the bit fields. */
function plainImmediate(operation: number, from: number, to: number, packed: number, address: number): Instruction {
  const effect = (wanted: Effect) => instruction(4, wanted);
  if (operation === 0 || operation === 10) {
    const add = operation === 0 ? packed : -packed;
    if (from === Register.Pc) return effect({ kind: "constant", to, value: (((address + 4) & ~3) + add) >>> 0 });
    return effect({ kind: "add", to, from, add });
  }
  if (operation === 4) return effect({ kind: "constant", to, value: from * 4096 + packed });
  if (operation === 12) return effect({ kind: "upper-half", to, value: from * 4096 + packed });
  if (operation === 22 && from === 15) return effect({ kind: "bits", to, from: to, cleared: clearedField(packed) });
  return writing(4, to);
}

/** bfc: the bits from the lowest to the highest that it names. */
function clearedField(packed: number): number {
  const lowest = (packed >>> 6) & 31;
  const highest = packed & 31;
  return 2 ** (highest + 1) - 2 ** lowest;
}

/** ThumbExpandImm: a byte repeated, or a byte with its top bit set rotated. */
function expanded(packed: number): number {
  const byte = packed & 0xff;
  if (packed >>> 10 === 0) return (byte * ([1, 0x00010001, 0x01000100, 0x01010101][packed >>> 8] ?? 1)) >>> 0;
  const rotation = packed >>> 7;
  const value = 0x80 | (packed & 0x7f);
  return ((value >>> rotation) | (value << (32 - rotation))) >>> 0;
}

function branchOrSystem(first: number, second: number, address: number): Instruction {
  const sign = bit(first, 10);
  const one = bit(second, 13);
  const two = bit(second, 11);
  const low = (second & 0x7ff) * 2;
  const far = (high: number, bitsHigh: number) => (address + 4 + signed(high, bitsHigh) * 4096 + low) >>> 0;
  const wide = () => far(((sign * 2 + (1 - (one ^ sign))) * 2 + (1 - (two ^ sign))) * 1024 + (first & 0x3ff), 13);
  switch (second & 0xd000) {
    case 0xd000:
      return instruction(4, { kind: "call", target: wide() });
    case 0x9000:
      return instruction(4, { kind: "branch", target: wide(), conditional: false });
    case 0xc000: // wls, dls, le of Armv8.1-M; elsewhere a call of Arm code, which no Cortex-M has
      if (second & 1) return writing(4, Register.Lr);
      return instruction(4, { kind: "unknown", what: "a call of Arm code" });
    default:
  }
  if ((first & 0x380) === 0x380) return system(first, second);
  const target = far((sign * 2 + two) * 128 + one * 64 + (first & 0x3f), 9);
  return instruction(4, { kind: "branch", target, conditional: true, bounds: isBound((first >>> 6) & 15) });
}

const MAIN_STACK_POINTER = 8;

/** msr, mrs, hints and barriers. */
function system(first: number, second: number): Instruction {
  if ((first & 0xfff0) === 0xf7f0 && (second & 0xf000) === 0xa000) return instruction(4, { kind: "trap" }); // udf
  if ((first & 0xffe0) === 0xf3e0) return instruction(4, NO_EFFECT, (1 << ((second >>> 8) & 15)) & 0x5fff);
  if ((first & 0xffe0) === 0xf380 && (second & 0xff) === MAIN_STACK_POINTER) {
    return instruction(4, { kind: "set-main-stack", from: first & 15 });
  }
  const isHint = (first & 0xfff0) === 0xf3a0 && second === 0x8000;
  return instruction(4, isHint ? { kind: "hint" } : NO_EFFECT);
}

/** Loads and stores of one register. */
function single(
  first: number,
  second: number,
  address: number,
  literal: (at: number) => number | undefined,
): Instruction {
  const base = first & 15;
  const register = second >>> 12;
  const load = bit(first, 4) === 1;
  const size = (first >>> 5) & 3;
  const isWord = size === 2;
  if (load && !isWord && register === Register.Pc) return instruction(4, NO_EFFECT); // pld, pli
  if (load && base === Register.Pc) {
    const at = (((address + 4) & ~3) + (second & 0xfff) * (bit(first, 7) ? 1 : -1)) >>> 0;
    const value = isWord ? literal(at) : undefined;
    return value === undefined ? writing(4, register) : instruction(4, { kind: "constant", to: register, value });
  }
  if (bit(first, 7) === 1) return offsetAccess({ load, isWord, register, base }, second & 0xfff, true, false);
  if (second & 0x800) {
    const distance = (second & 0xff) * (bit(second, 9) ? 1 : -1);
    return offsetAccess({ load, isWord, register, base }, distance, bit(second, 10) === 1, bit(second, 8) === 1);
  }
  if (!load) return instruction(4, NO_EFFECT);
  return isWord ? instruction(4, { kind: "load-indexed", to: register, base }) : writing(4, register);
}

function offsetAccess(
  access: { load: boolean; isWord: boolean; register: number; base: number },
  distance: number,
  indexedBefore: boolean,
  writeBack: boolean,
): Instruction {
  const { load, isWord, register, base } = access;
  if (base === Register.Sp && (isWord || writeBack)) {
    const effect = stackAccess(load, isWord ? [register] : [], distance, indexedBefore, writeBack);
    return instruction(4, effect, load && !isWord ? 1 << register : 0);
  }
  if (load && isWord && !writeBack) {
    return instruction(4, { kind: "load", to: register, base, offset: indexedBefore ? distance : 0 });
  }
  return instruction(4, NO_EFFECT, (load ? 1 << register : 0) | (writeBack ? 1 << base : 0));
}
