import { architectureName } from "../device/cores.ts";
import type { Core, DeviceDescription } from "../device/description.ts";
import type { DocumentPath } from "../yaml-document.ts";
import type { Guard, StackModel } from "./model.ts";
import type { Reading } from "./reading.ts";
import type { GuardDocument, StackDocument } from "./schema.ts";

/** A stack of less holds not even an exception frame. */
const STACK_BYTES_LEAST = 32;
const STACK_BYTES_MOST = 16 * 1024 * 1024;

/** What the hardware of a core can guard a stack with. */
interface Protection {
  /** Memory protection: what a region's size must be, or undefined where there is none. */
  readonly mpu: "power of two" | "multiple of 32" | "multiple of 4" | undefined;
  /** Whether the firmware itself can take a data watchpoint: a debug monitor, or a trigger that raises an exception. */
  readonly watchpoint: boolean;
  readonly limitRegister: boolean;
}

const NONE: Protection = { mpu: undefined, watchpoint: false, limitRegister: false };

/**
 * Armv6-M and Armv8-M Baseline have comparators, but no debug monitor: only a probe sees them hit. RISC-V's
 * triggers and Xtensa's DBREAK registers raise exceptions (ESP-IDF guards the end of stacks with them). RISC-V
 * guards by physical memory protection, in words. Xtensa's protection works by large pages: none for stacks.
 */
const PROTECTION: Readonly<Record<Core, Protection>> = {
  "armv6-m": { ...NONE, mpu: "power of two" },
  "armv7-m": { mpu: "power of two", watchpoint: true, limitRegister: false },
  "armv7e-m": { mpu: "power of two", watchpoint: true, limitRegister: false },
  "armv8-m-base": { ...NONE, mpu: "multiple of 32" },
  "armv8-m-main": { mpu: "multiple of 32", watchpoint: true, limitRegister: true },
  avr: NONE,
  riscv: { mpu: "multiple of 4", watchpoint: true, limitRegister: false },
  xtensa: { ...NONE, watchpoint: true },
};

/** Cores whose architecture has an optional protection unit that they were built without. */
const WITHOUT_MPU: ReadonlySet<string> = new Set(["Cortex-M0", "Cortex-M1"]);
const PROBE_GUARD_BYTES = 32;
const WATCHPOINT_BYTES_MOST = 32 * 1024;

/** The stack with its guards, after a check that the core can have them. */
export function buildStack(reading: Reading, stack: StackDocument, path: DocumentPath): StackModel {
  const written = stack.guard === undefined ? [] : Array.isArray(stack.guard) ? stack.guard : [stack.guard];
  const mpu = written.find((guard) => guard.kind === "mpu");
  const guards = written.flatMap((guard, index) => {
    const place = [...path, "guard", ...(Array.isArray(stack.guard) ? [index] : [])];
    return guardOf(reading, guard, mpu?.bytes, place);
  });
  for (const [index, guard] of guards.entries()) {
    const place = [...path, "guard", ...(Array.isArray(stack.guard) ? [index] : [])];
    const problem = guardProblem(reading.device, guard, stack.size);
    if (problem) reading.issues.add(place, problem);
    if (guards.findIndex((other) => other.kind === guard.kind) < index) {
      reading.issues.add(place, `the guard "${guard.kind}" is there twice`);
    }
  }
  refuseSize(reading, stack.size, [...path, "size"]);
  const { region, at } = stack;
  return { sizeBytes: stack.size, guards, ...(region !== undefined && { region }), ...(at !== undefined && { at }) };
}

/** What a stack has where the scenario does not say: 1 KiB, on AVR 256 bytes, unguarded. */
export function defaultStack(reading: Reading): StackModel {
  return { sizeBytes: reading.device.core === "avr" ? 256 : 1024, guards: [] };
}

/** What the low end of a stack with these guards must be a multiple of. */
export function stackAlignment(device: DeviceDescription, guards: readonly Guard[]): number {
  const needed = guards.map((guard) => {
    if (guard.kind === "watchpoint") return guard.bytes;
    if (guard.kind !== "mpu") return 1;
    const rule = PROTECTION[device.core].mpu;
    if (rule === "power of two") return guard.bytes;
    return rule === "multiple of 32" ? 32 : 4;
  });
  return Math.max(8, ...needed);
}

function guardOf(reading: Reading, guard: GuardDocument, mpuBytes: number | undefined, path: DocumentPath): Guard[] {
  switch (guard.kind) {
    case "none":
      return [];
    case "probe": {
      // Without a size the probes hit whatever guard the stack has; alone, the smallest that any core can have.
      return [{ kind: "probe", interval: guard.interval, bytes: guard.bytes ?? mpuBytes ?? PROBE_GUARD_BYTES }];
    }
    case "segmented": {
      const [first = ""] = reading.names("heaps");
      const heap = guard.heap === undefined ? first : reading.resolved("heaps", guard.heap, [...path, "heap"]);
      if (heap === "") reading.issues.add(path, "segmented stacks take their stacklets from a heap, and there is none");
      return [{ kind: "segmented", heap, stackletBytes: guard.stacklet }];
    }
    case "mpu":
    case "watchpoint":
      return [{ kind: guard.kind, bytes: guard.bytes }];
    default:
      return [{ kind: guard.kind }];
  }
}

/** Why the core or the stack cannot have the guard, or undefined. */
function guardProblem(device: DeviceDescription, guard: Guard, stackBytes: number): string | undefined {
  const core = `${device.coreName} (${architectureName(device.core)})`;
  const protection = PROTECTION[device.core];
  switch (guard.kind) {
    case "mpu":
      if (!protection.mpu || WITHOUT_MPU.has(device.coreName)) {
        return `${core} has no memory protection that could guard a stack`;
      }
      return mpuProblem(protection.mpu, guard.bytes, stackBytes, core);
    case "watchpoint":
      if (!protection.watchpoint) return `${core} has no data watchpoint that its own firmware can take`;
      if (!isPowerOfTwo(guard.bytes) || guard.bytes < 4 || guard.bytes > WATCHPOINT_BYTES_MOST) {
        return `a watchpoint covers a power of two from 4 B to 32 KiB, got ${guard.bytes}`;
      }
      return guard.bytes >= stackBytes ? "the watchpoint covers the whole stack" : undefined;
    case "limit-register":
      if (protection.limitRegister) return undefined;
      return `${core} has no stack limit registers; they came with Armv8-M Mainline (Cortex-M33 and later)`;
    case "probe":
      if (!isPowerOfTwo(guard.interval) || guard.interval < 1024 || guard.interval > 65_536) {
        return `compilers probe every 1, 2, 4 … 64 KiB, got ${guard.interval} B`;
      }
      if (guard.bytes === 0) return "probes need a guard to hit; give it bytes";
      return guard.bytes >= stackBytes ? "the probes' guard covers the whole stack" : undefined;
    case "segmented":
      return guard.stackletBytes < 64 ? `a stacklet needs at least 64 bytes, got ${guard.stackletBytes}` : undefined;
    default:
      return undefined;
  }
}

function mpuProblem(
  rule: NonNullable<Protection["mpu"]>,
  bytes: number,
  stackBytes: number,
  core: string,
): string | undefined {
  if (rule === "power of two" && (!isPowerOfTwo(bytes) || bytes < 32)) {
    return `a protected region of ${core} is a power of two of at least 32 bytes, got ${bytes}`;
  }
  if (rule === "multiple of 32" && (bytes % 32 !== 0 || bytes === 0)) {
    return `a protected region of ${core} is a multiple of 32 bytes, got ${bytes}`;
  }
  if (rule === "multiple of 4" && (bytes % 4 !== 0 || bytes === 0)) {
    return `a protected region of ${core} is a multiple of 4 bytes, got ${bytes}`;
  }
  return bytes >= stackBytes ? `the guard of ${bytes} bytes leaves nothing of the stack's ${stackBytes}` : undefined;
}

function refuseSize(reading: Reading, bytes: number, path: DocumentPath): void {
  const step = reading.device.core === "avr" ? 1 : 8;
  if (bytes < STACK_BYTES_LEAST || bytes > STACK_BYTES_MOST) {
    reading.issues.add(path, `a stack has from ${STACK_BYTES_LEAST} bytes to 16 MiB, got ${bytes}`);
  } else if (bytes % step !== 0) {
    reading.issues.add(path, `a stack of this core is a multiple of ${step} bytes, got ${bytes}`);
  }
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
