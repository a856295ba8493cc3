/** The stacks that a program reserves: the main stack, and arrays that are stacks of tasks by their names. */
import { mainStackOf, placedSections } from "../device/elf-memory.ts";
import type { Configuration } from "./configuration.ts";
import type { DraftStack } from "./draft.ts";
import type { LinkedProgram, PlacedObject } from "./linked-program.ts";

/** An array that is the stack of a task. */
export interface StackArray extends PlacedObject {
  /** The task's name as the array's says it. */
  readonly task: string;
}

const STACK_NAME =
  /^(_k_thread_stack_\w+|z_(main|idle)_stacks?|\w*([a-z_]Stack|STACK|_stack|_stk|[a-z]Stk)(s|_?(area|mem|memory|buf|buffer|Area|Mem|Memory|Buf|Buffer))?)$/;
/** The stacks of handlers: there is one, the main stack. */
const HANDLER_STACK =
  /^(z_interrupt_stacks?|xISRStack|uc?ISRStack|port_IntStack|xIsrStack|_tx_system_stack\w*|isr_stack)$/;
const STACK_SECTION = /^\.(_user_stack|user_stack|stack|stack_dummy|cstack|ustack|msp_stack|main_stack)$/i;
/** Less does not hold the context of a task. */
const STACK_BYTES_LEAST = 64;
const STACK_BYTES_MOST = 1024 * 1024;
/** What stacks are aligned to; AVR's are not. */
const STEP = 8;

/** The stack of main() and of handlers. */
export function findMainStack(
  program: LinkedProgram | undefined,
  configuration: Configuration,
): DraftStack | undefined {
  if (program) {
    const array = program.objects(HANDLER_STACK)[0];
    if (array) return stackAt(array, `symbol ${array.name} of ${program.name}`);
    const bounds = mainStackOf(program);
    if (bounds) return stackAt(bounds, `symbols ${bounds.from} of ${program.name}`);
    const section = placedSections(program).find(({ name }) => STACK_SECTION.test(name));
    if (section) return stackAt(section, `section ${section.name} of ${program.name}`);
  }
  for (const option of ["CONFIG_ISR_STACK_SIZE", "CONFIG_FREERTOS_ISR_STACKSIZE", "configISR_STACK_SIZE_WORDS"]) {
    const found = configuration.number(option);
    if (!found) continue;
    const bytes = option.endsWith("WORDS") ? found.value * 4 : found.value;
    if (isStackSize(bytes)) return { bytes: bytes - (bytes % STEP), at: undefined, source: found.source };
  }
  return undefined;
}

/** Arrays that are stacks of tasks, in the order of their addresses. */
export function stackArrays(program: LinkedProgram): StackArray[] {
  return program
    .objects(STACK_NAME)
    .filter(({ name, bytes }) => !HANDLER_STACK.test(name) && isStackSize(bytes))
    .map((object) => ({ ...object, task: taskOf(object.name) }));
}

/** The 8-aligned stack inside an array: kernels align both ends. */
export function stackAt({ low, bytes }: { low: number; bytes: number }, source: string): DraftStack {
  const at = Math.ceil(low / STEP) * STEP;
  const end = Math.floor((low + bytes) / STEP) * STEP;
  const rest = bytes - (end - at);
  return { bytes: end - at, at, source: rest === 0 ? source : `${source}: ${bytes} B, less ${rest} for alignment` };
}

export function isStackSize(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= STACK_BYTES_LEAST && bytes <= STACK_BYTES_MOST;
}

/** `uxIdleTaskStack`, `_k_thread_stack_blinky`, `xTimerStack`: idle, blinky, timer. */
function taskOf(name: string): string {
  const bare = name
    .replace(/^_k_thread_stack_/, "")
    .replace(/^z_/, "")
    .replace(/^(ux|ul|uc|us|px|x)(?=[A-Z])/, "")
    .replace(/_?(task|thread)?_?(stack|stk)(s|_?(area|mem|memory|buf|buffer))?$/i, "");
  return bare === "" ? name : bare;
}
