import {
  STACK_RANGES_MOST,
  type StackDetection,
  StackField,
  StackGuard,
  StackOverrun,
} from "../../assembly/stack/stack-map.ts";
import type { Guard } from "../scenario/model.ts";
import type { Engine } from "./engine.ts";

/** What the host says of a stack before it is prepared. */
export interface StackSetup {
  /** Lowest address; 0 for a task that is spawned, whose stack the kernel takes from a heap. */
  readonly base: number;
  readonly bytes: number;
  readonly fromHeap: boolean;
  readonly guards: readonly Guard[];
  /** What the address of a protected region is a multiple of on this core. */
  readonly guardAlignment: number;
  /** Exception frames that can be open at once: on the main stack one for each priority of interrupts, else one. */
  readonly exceptionsMost: number;
  /** Segmented stacks: index of the heap, and bytes kept free below each frame for an exception and the saved context. */
  readonly stackletHeap: number;
  readonly stackletReserve: number;
}

/** A stack as the run left it. */
export interface StackState {
  readonly guards: number;
  /** Bytes of the deepest stack pointer, stacklets included. */
  readonly observedBytes: number;
  /** `claimed`: the stack pointer went below the end, but nothing was written there. */
  readonly overrun: "none" | "claimed" | "written";
  /** Simulated microseconds. */
  readonly overflowAtUs: number;
  readonly bytesBeyond: number;
  /** Address ranges below the end that were written. */
  readonly written: readonly { readonly low: number; readonly bytes: number }[];
  readonly detection: StackDetection;
  readonly detectedAtUs: number;
  readonly detectedAddress: number;
  readonly stackletsTaken: number;
  /** What the firmware would read from the paint: bytes up to the lowest that no longer shows it. */
  readonly paintedBytes: number;
}

/** FreeRTOS fills stacks with 0xa5 (tskSTACK_FILL_BYTE), Zephyr with 0xaa (CONFIG_INIT_STACKS). */
const PAINT_BYTE = 0xa5;
const ZEPHYR_PAINT_BYTE = 0xaa;

/** Engine memory of a stack's record with its list of exception frames. */
export function stackRecordBytes(exceptionsMost: number): number {
  return (StackField.Length + exceptionsMost + (exceptionsMost & 1)) * 4;
}

/** Writes the record at an 8-aligned address of zeroed engine memory (`stackRecordBytes`); it still is to be prepared. */
export function writeStackRecord(engine: Engine, address: number, setup: StackSetup): void {
  const set = (field: StackField, value: number) => engine.setWord(address + field * 4, value);
  set(StackField.Base, setup.base);
  set(StackField.Bytes, setup.bytes);
  set(StackField.FromHeap, setup.fromHeap ? 1 : 0);
  set(StackField.Exceptions, address + StackField.Length * 4);
  set(StackField.ExceptionsMost, setup.exceptionsMost);
  set(StackField.GuardAlignment, setup.guardAlignment);
  set(StackField.PaintByte, PAINT_BYTE);
  set(StackField.StackletHeap, setup.stackletHeap);
  set(StackField.StackletReserve, setup.stackletReserve);
  let bits = 0;
  for (const guard of setup.guards) bits |= writeGuard(guard, set);
  set(StackField.Guards, bits);
  set(StackField.GuardBytes, Math.max(0, ...setup.guards.map(regionBytes)));
}

function regionBytes(guard: Guard): number {
  return guard.kind === "mpu" || guard.kind === "probe" ? guard.bytes : 0;
}

function writeGuard(guard: Guard, set: (field: StackField, value: number) => void): StackGuard {
  switch (guard.kind) {
    case "freertos-1":
      return StackGuard.Freertos1;
    case "freertos-2":
      return StackGuard.Freertos2;
    case "zephyr-sentinel":
      set(StackField.PaintByte, ZEPHYR_PAINT_BYTE);
      return StackGuard.ZephyrSentinel;
    case "stack-protector":
      return StackGuard.StackProtector;
    case "watchpoint":
      set(StackField.WatchBytes, guard.bytes);
      return StackGuard.Watchpoint;
    case "mpu":
      return StackGuard.Mpu;
    case "limit-register":
      return StackGuard.LimitRegister;
    case "probe":
      set(StackField.ProbeInterval, guard.interval);
      return StackGuard.Probe;
    case "segmented":
      set(StackField.StackletBytes, guard.stackletBytes);
      return StackGuard.Segmented;
    case "stack-below-data": // a matter of where the stack lies
      return StackGuard.None;
  }
}

const OVERRUNS: Readonly<Record<number, StackState["overrun"]>> = {
  [StackOverrun.Claimed]: "claimed",
  [StackOverrun.Written]: "written",
};

/** 0 while a spawned task does not exist: its stack is another's memory. */
function paintedNow(engine: Engine, address: number): number {
  if (engine.word(address + StackField.Top * 4) === 0) return 0;
  return engine.exact.stackPaintedBytes(address) >>> 0;
}

/** What the record at `address` says now. */
export function readStackRecord(engine: Engine, address: number): StackState {
  const word = (field: StackField) => engine.word(address + field * 4);
  const long = (field: StackField) => word(field) + word(field + 1) * 2 ** 32;
  const written = Array.from({ length: Math.min(word(StackField.RangeCount), STACK_RANGES_MOST) }, (_, i) => {
    const low = word(StackField.Ranges + 2 * i);
    return { low, bytes: word(StackField.Ranges + 2 * i + 1) - low };
  });
  return {
    guards: word(StackField.Guards),
    observedBytes: Math.max(word(StackField.DeepestBytes), word(StackField.Top) - word(StackField.LowestSp)),
    overrun: OVERRUNS[word(StackField.Overrun)] ?? "none",
    overflowAtUs: long(StackField.OverflowAt),
    bytesBeyond: word(StackField.BytesBeyond),
    written: written.sort((a, b) => a.low - b.low),
    detection: word(StackField.DetectedBy),
    detectedAtUs: long(StackField.DetectedAt),
    detectedAddress: word(StackField.DetectedAddress),
    stackletsTaken: long(StackField.StackletsTaken),
    paintedBytes: Math.max(word(StackField.PaintedMost), paintedNow(engine, address)),
  };
}
