/** What an overflow of a stack did: what noticed it, when, and whose memory it overwrote. */
import { StackDetection } from "../../assembly/stack/stack-map.ts";
import { architectureName } from "../device/cores.ts";
import type { Core } from "../device/description.ts";
import type { Placement } from "../device/memory-plan.ts";
import { formatAddress, formatBytes } from "../quantities.ts";
import type { FaultKind, FaultRecord } from "../wasm/guest-fault.ts";
import type { StackState } from "../wasm/stack-record.ts";
import type { StackOverflowRecord } from "./record.ts";

/** A block of a heap; `low` is where it begins, its header included. */
export interface HeapPart {
  readonly heap: string;
  readonly low: number;
  readonly bytes: number;
  /** The memory between two live blocks, whatever the allocator makes of it. */
  readonly free?: true;
}

interface Range {
  readonly low: number;
  readonly bytes: number;
}

/** More blocks of a heap than this are counted, not named. */
const BLOCKS_NAMED_MOST = 4;

/**
 * Names what lies in the ranges, lowest address first: `stack of sensor`, `heap main: block of 64 B at 0x20001b40`,
 * `.data and .bss`. `blocks` are those of the heaps when it happened; the rest of a heap is its bookkeeping.
 */
export function nameOverwritten(
  written: readonly Range[],
  placements: readonly Placement[],
  blocks: readonly HeapPart[],
): string[] {
  const names = written.flatMap((range) => {
    const inside = placements.filter((placement) => meet(range, placement)).sort((a, b) => a.low - b.low);
    if (inside.length === 0) return ["RAM that nothing uses"];
    return inside.flatMap((placement) => nameWithin(placement, written, blocks));
  });
  return [...new Set(names)];
}

function nameWithin(placement: Placement, written: readonly Range[], blocks: readonly HeapPart[]): string[] {
  const { kind, name } = placement;
  switch (kind) {
    case "stack":
      return [name === "interrupts" ? "the main stack" : `stack of ${name}`];
    case "static":
      return [name === "static data" ? ".data and .bss" : name];
    case "state":
      return [name.replace(/^(.*): allocator state$/, "heap $1: allocator state")];
    case "taken":
      return [name];
    case "heap":
      return nameBlocks(placement, written, blocks);
  }
}

function nameBlocks({ name, low, bytes }: Placement, written: readonly Range[], blocks: readonly HeapPart[]): string[] {
  const hit = blocks
    .filter(
      (block) => block.heap === name && meet(block, { low, bytes }) && written.some((range) => meet(range, block)),
    )
    .sort((a, b) => a.low - b.low);
  if (hit.length === 0) return [`${heapPrefix(name)}bookkeeping`];
  const named = hit.slice(-BLOCKS_NAMED_MOST).map((block) => {
    return `${heapPrefix(name)}${block.free ? "free block" : "block"} of ${formatBytes(block.bytes)} at ${formatAddress(block.low)}`;
  });
  const others = hit.length - named.length;
  return others > 0 ? [`${heapPrefix(name)}${others} more ${others === 1 ? "block" : "blocks"}`, ...named] : named;
}

/** Whether the stack had overwritten some of the heap itself by then. */
export function hadOverwritten(overflow: StackOverflowRecord | null, heap: string, byUs: number): boolean {
  if (!overflow || overflow.atUs > byUs) return false;
  return overflow.overwrote.some((name) => name.startsWith(heapPrefix(heap)));
}

function heapPrefix(name: string): string {
  return `heap ${name}: `;
}

function meet(a: Range, b: Range): boolean {
  return a.low < b.low + b.bytes && b.low < a.low + a.bytes;
}

/** What a stack's own guard, or a task that came back to overwritten memory, noticed: as reports say it. */
export function describeDetection(detection: StackDetection, core: Core, isMainStack: boolean): string {
  switch (detection) {
    case StackDetection.None:
      return "nothing";
    case StackDetection.ReturnAddress:
      return "return address overwritten";
    case StackDetection.SavedContext:
      return "saved registers overwritten";
    case StackDetection.Freertos1:
      return "freertos-1 stack pointer at switch-out";
    case StackDetection.Freertos2:
      return "freertos-2 pattern at switch-out";
    case StackDetection.ZephyrSentinel:
      return "zephyr-sentinel word at switch-out or interrupt exit";
    case StackDetection.Canary:
      return "stack canary on return";
    case StackDetection.Watchpoint:
      return `watchpoint (${isArm(core) ? "DebugMonitor, DWTTRAP" : "debug exception"})`;
    case StackDetection.Mpu:
      return `mpu guard (${guardFault(core)})`;
    case StackDetection.MpuStacking:
      return `mpu guard (${isMainline(core) ? "MemManage, MSTKERR" : guardFault(core)})`;
    case StackDetection.Probe:
      return `stack probe on the guard (${guardFault(core)})`;
    case StackDetection.LimitRegister:
      return `${isMainStack ? "MSPLIM" : "PSPLIM"} (UsageFault STKOF)`;
    case StackDetection.NoStacklet:
      return "no memory for a stacklet";
  }
}

function isArm(core: Core): boolean {
  return core.startsWith("armv");
}
function isMainline(core: Core): boolean {
  return core === "armv7-m" || core === "armv7e-m" || core === "armv8-m-main";
}
function guardFault(core: Core): string {
  if (isMainline(core)) return "MemManage, MMFAR valid";
  return isArm(core) ? "HardFault" : `store access fault on ${architectureName(core)}`;
}

const STACK_FAULTS: Readonly<Partial<Record<StackDetection, FaultKind>>> = {
  [StackDetection.Mpu]: "stack-guard",
  [StackDetection.Probe]: "stack-guard",
  [StackDetection.MpuStacking]: "stack-guard-stacking",
  [StackDetection.LimitRegister]: "stack-limit",
  [StackDetection.Watchpoint]: "watchpoint",
};

/** The fault that the core takes when a guard in hardware is hit; undefined for what software compares. */
export function stackFault(state: StackState): FaultRecord | undefined {
  const kind = STACK_FAULTS[state.detection];
  return kind && { kind, address: state.detectedAddress, access: "store", bytes: 4 };
}

/** How a run ended, as far as it can be the late symptom of an overflow that no guard saw. */
export interface RunEnd {
  readonly atUs: number;
  /** `fault in heap walk`, `return address of sensor overwritten` … */
  readonly symptom: string;
}

/** What a fault of the device is the symptom of: a broken heap, or a stack that met the end of the memory. */
export function lateSymptom(fault: FaultKind, place: "heap" | "stack", core: Core): string {
  if (place === "stack") return `${isArm(core) ? "bus fault" : "store access fault"} on the stack's own store`;
  if (fault === "assertion") return "assertion in the allocator";
  if (fault === "endless") return "endless list in the allocator";
  return "fault in heap walk";
}

/** Whether the detection is about memory that another stack may have overwritten. */
export function isSymptom(detection: StackDetection): boolean {
  return (
    detection === StackDetection.ReturnAddress ||
    detection === StackDetection.SavedContext ||
    detection === StackDetection.Canary
  );
}

/**
 * The overflow of a stack as the run's record tells it, or null when it had none. `end` is what the run died of
 * when no guard of this stack did: an earlier overflow is then taken to be the cause.
 */
export function overflowRecord(
  state: StackState,
  options: { core: Core; isMainStack: boolean; overwrote: readonly string[]; end: RunEnd | null },
): StackOverflowRecord | null {
  const own = state.detection !== StackDetection.None && !(isSymptom(state.detection) && state.overrun === "none");
  if (!own && state.overrun === "none") return null;
  // A guard inside the stack may stop it before it is past its end.
  const atUs = state.overrun === "none" ? state.detectedAtUs : state.overflowAtUs;
  const late = options.end && options.end.atUs >= atUs ? options.end : null;
  const noticed = own
    ? { by: describeDetection(state.detection, options.core, options.isMainStack), atUs: state.detectedAtUs }
    : late && { by: late.symptom, atUs: late.atUs };
  return {
    atUs,
    detectedBy: noticed ? noticed.by : null,
    detectedAfterUs: noticed ? noticed.atUs - atUs : null,
    bytesBeyond: state.bytesBeyond,
    overwrote: options.overwrote,
  };
}
