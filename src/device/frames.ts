/**
 * What a core and its kernel put on a stack besides the frames of functions: the frame of an exception, and the
 * registers that a kernel saves of a task it switches away from.
 *
 * Sources: Armv7-M ARM (DDI 0403E) B1.5.6–B1.5.8 for the exception frames; FreeRTOS's ports ARM_CM0, ARM_CM3,
 * ARM_CM4F, ARM_CM33_NTZ, ATMega323 and RISC-V (portASM) for the contexts; ESP-IDF's rvruntime-frames.h
 * (RV_STK_FRMSZ) and xtensa_context.h (XT_STK_FRMSZ). ESP-IDF saves everything at once in the exception frame.
 */
import type { DeviceDescription } from "./description.ts";

/** All in bytes. */
export interface CoreFrames {
  /** An exception frame without and with floating-point state, padding aside. */
  readonly exceptionBytes: number;
  readonly exceptionFpuBytes: number;
  /** Of `exceptionFpuBytes`, what lazy stacking reserves without writing it. */
  readonly lazyBytes: number;
  /** What the kernel saves below the exception frame, of a task without and with floating-point state. */
  readonly contextBytes: number;
  readonly contextFpuBytes: number;
  /** What the stack pointer is aligned to when an exception is taken. */
  readonly stackAlignment: number;
}

/** Cores with the Arm floating-point unit whose name does not end in F. */
const WITH_FPU: ReadonlySet<string> = new Set(["Cortex-M55", "Cortex-M85"]);
/** R0–R3, R12, LR, PC, xPSR. */
const ARM_EXCEPTION_BYTES = 32;
/** S0–S15, FPSCR and a reserved word. */
const ARM_LAZY_BYTES = 72;
/** S16–S31. */
const ARM_FPU_CONTEXT_BYTES = 64;

const AVR_WIDE_COUNTER_FLASH_BYTES = 128 * 1024;
/** R0–R31 and SREG. */
const AVR_CONTEXT_BYTES = 33;
/** 37 words, rounded up to 16 bytes. */
const ESP_RISCV_EXCEPTION_BYTES = 160;
/** 31 words: the registers but x0, sp, gp and tp, mstatus, mepc and the nesting count. */
const RISCV_EXCEPTION_BYTES = 124;
/** 28 words, the optional registers (48 bytes, from memory), and 32 for the window's save areas. */
const XTENSA_EXCEPTION_BYTES = 192;

/** The frames of a device's core. */
export function coreFrames({
  core,
  coreName,
  flashOutside,
}: Pick<DeviceDescription, "core" | "coreName" | "flashOutside">): CoreFrames {
  switch (core) {
    case "armv6-m":
    case "armv7-m":
      return arm(32);
    case "armv7e-m":
      return arm(hasFpu(coreName) ? 36 : 32);
    // R4–R11, EXC_RETURN and PSPLIM (on Baseline a word in its place).
    case "armv8-m-base":
    case "armv8-m-main":
      return arm(40);
    case "avr":
      // The program counter alone; what the handler pushes is its own frame.
      return unitless((flashOutside?.bytes ?? 0) > AVR_WIDE_COUNTER_FLASH_BYTES ? 3 : 2, AVR_CONTEXT_BYTES, 1);
    case "riscv":
      return unitless(coreName === "Hazard3" ? RISCV_EXCEPTION_BYTES : ESP_RISCV_EXCEPTION_BYTES, 0, 16);
    case "xtensa":
      return unitless(XTENSA_EXCEPTION_BYTES, 0, 16);
  }
}

/** Bytes of a function's frame as a compiler lays it out: whole registers, so that the stack pointer stays aligned. */
export function wholeFrame({ core }: DeviceDescription, bytes: number): number {
  return core === "avr" ? bytes : Math.ceil(bytes / 4) * 4;
}

/** The most that an interrupt and a switch to another task add to a stack, padding included. */
export function interruptedBytes(frames: CoreFrames, fpu: boolean): number {
  const frame = fpu ? frames.exceptionFpuBytes : frames.exceptionBytes;
  return frame + frames.stackAlignment + (fpu ? frames.contextFpuBytes : frames.contextBytes);
}

function hasFpu(coreName: string): boolean {
  return coreName.endsWith("F") || WITH_FPU.has(coreName);
}

function arm(contextBytes: number): CoreFrames {
  return {
    exceptionBytes: ARM_EXCEPTION_BYTES,
    exceptionFpuBytes: ARM_EXCEPTION_BYTES + ARM_LAZY_BYTES,
    lazyBytes: ARM_LAZY_BYTES,
    contextBytes,
    contextFpuBytes: contextBytes + ARM_FPU_CONTEXT_BYTES,
    stackAlignment: 8,
  };
}

/** A core that saves nothing more for tasks with floating-point state. */
function unitless(exceptionBytes: number, contextBytes: number, stackAlignment: number): CoreFrames {
  return {
    exceptionBytes,
    exceptionFpuBytes: exceptionBytes,
    lazyBytes: 0,
    contextBytes,
    contextFpuBytes: contextBytes,
    stackAlignment,
  };
}
