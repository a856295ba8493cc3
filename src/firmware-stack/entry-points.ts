/** Where a program's stacks begin: after reset, in interrupt handlers, in tasks. */
import type { Elf } from "../image/elf.ts";
import type { CodeGraph } from "./code-graph.ts";
import type { ProgramCode } from "./program-code.ts";

/** A handler in the vector table. */
export interface VectorHandler {
  readonly address: number;
  /** Exception numbers: 2 is NMI, 16 and above are the device's interrupts. */
  readonly exceptions: readonly number[];
}

export interface VectorTable {
  readonly low: number;
  readonly reset: number;
  /** By address, the reset handler aside. */
  readonly handlers: readonly VectorHandler[];
}

const TABLE_SYMBOLS = [
  "__isr_vector",
  "g_pfnVectors",
  "__Vectors",
  "__vector_table",
  "_vector_table",
  "__VECTOR_TABLE",
  "vector_table",
  "_vectors",
  "vectors",
  "__vectors",
  "__interrupt_vector",
];
const TABLE_SECTION = /^\.?(isr_vectors?|vectors?|intvecs|interrupts|vector_table|vtable|rom_start)$/i;
const EXCEPTIONS_MOST = 16 + 480;

/** The vector table, found by its symbol, its section, or at the beginning of what is lowest in memory. */
export function vectorTableOf(code: ProgramCode): VectorTable | undefined {
  for (const { low, bytes } of candidates(code.elf)) {
    const table = readTable(code, low, bytes);
    if (table) return table;
  }
  return undefined;
}

function candidates(elf: Elf): { low: number; bytes: number }[] {
  const symbols = TABLE_SYMBOLS.flatMap((name) => {
    const symbol = elf.symbols.named(name);
    return symbol ? [{ low: symbol.value - (symbol.value % 2), bytes: symbol.bytes }] : [];
  });
  const placed = elf.sections.filter(({ allocated, contents }) => allocated && contents.length >= 8);
  const named = placed
    .filter(({ name }) => TABLE_SECTION.test(name))
    .map(({ low, contents }) => ({ low, bytes: contents.length }));
  const lowest = [...placed].sort((a, b) => a.low - b.low).slice(0, 1);
  return [...symbols, ...named, ...lowest.map(({ low }) => ({ low, bytes: 0 }))];
}

/** Undefined unless the first word can be a stack's top and the second a Thumb function. */
function readTable(code: ProgramCode, low: number, bytes: number): VectorTable | undefined {
  const top = code.entryAt(low, 4) ?? 1;
  const reset = code.entryAt(low + 4, 4) ?? 0;
  if (top === 0 || top % 4 !== 0 || !isHandler(code, reset)) return undefined;
  const last = bytes > 0 ? Math.min(EXCEPTIONS_MOST, bytes >>> 2) : EXCEPTIONS_MOST;
  const handlers = new Map<number, number[]>();
  for (let exception = 2; exception < last; exception++) {
    const entry = code.entryAt(low + exception * 4, 4);
    if (entry === undefined) break;
    if (!isHandler(code, entry)) {
      // Words without a handler are 0 or a checksum; behind the table's end there is code.
      if (bytes === 0 && entry !== 0 && exception >= 16) break;
      continue;
    }
    const address = entry - 1;
    handlers.set(address, [...(handlers.get(address) ?? []), exception]);
  }
  return {
    low,
    reset: reset - 1,
    handlers: [...handlers].map(([address, exceptions]) => ({ address, exceptions })),
  };
}

function isHandler(code: ProgramCode, entry: number): boolean {
  return entry % 2 === 1 && code.isCode(entry - 1);
}

/** A task that the program makes. */
export interface MadeTask {
  readonly name: string;
  readonly address: number;
  /** Bytes of stack it is given, where the code shows it. */
  readonly stackBytes: number | undefined;
}

/** A call that makes a task of a function only known when it runs. */
export interface UnknownTask {
  readonly caller: number;
  readonly at: number;
  readonly creator: string;
}

/** Which of r0–r3 holds what. */
interface Creator {
  readonly entry: number;
  readonly name?: number;
  /** Words of stack (FreeRTOS counts in words on Arm). */
  readonly stackWords?: number;
  readonly stackBytes?: number;
}

/** Sources: FreeRTOS's task.h; CMSIS-RTOS2's cmsis_os2.h; ThreadX's tx_api.h; Zephyr's kernel.h. */
const CREATORS: Readonly<Record<string, Creator>> = {
  xTaskCreate: { entry: 0, name: 1, stackWords: 2 },
  xTaskCreateStatic: { entry: 0, name: 1, stackWords: 2 },
  osThreadNew: { entry: 0 },
  _tx_thread_create: { entry: 2, name: 1 },
  _txe_thread_create: { entry: 2, name: 1 },
  z_impl_k_thread_create: { entry: 3, stackBytes: 2 },
};
const TASK_NAME = /^[\x21-\x7e][\x20-\x7e]{0,63}$/;

/** The tasks that the code makes with constants, and the calls that make others. */
export function tasksOf(code: ProgramCode, graph: CodeGraph): { tasks: MadeTask[]; unknown: UnknownTask[] } {
  const tasks = new Map<string, MadeTask>();
  const unknown: UnknownTask[] = [];
  for (const [creator, where] of Object.entries(CREATORS)) {
    for (const { caller, call } of graph.callsOf(creator)) {
      const entry = call.parameters[where.entry];
      if (Object.hasOwn(CREATORS, code.functionAt(caller)?.name ?? "")) continue; // hands its parameters on
      if (entry === undefined || !isHandler(code, entry)) unknown.push({ caller, at: call.at, creator });
      else {
        const task = madeTask(code, entry - 1, call.parameters, where);
        tasks.set(`${task.name}:${task.address}`, task);
      }
    }
  }
  return { tasks: [...tasks.values()].sort((a, b) => a.address - b.address), unknown };
}

function madeTask(
  code: ProgramCode,
  address: number,
  parameters: readonly (number | undefined)[],
  { name, stackWords, stackBytes }: Creator,
): MadeTask {
  const words = stackWords === undefined ? undefined : parameters[stackWords];
  const bytes = stackBytes === undefined ? undefined : parameters[stackBytes];
  const nameAt = name === undefined ? undefined : parameters[name];
  const called = nameAt === undefined ? undefined : textAt(code, nameAt);
  return {
    name: called ?? code.nameOf(address),
    address,
    stackBytes: words === undefined ? bytes : words * 4,
  };
}

function textAt(code: ProgramCode, address: number): string | undefined {
  let text = "";
  for (let at = address; text.length <= 64; at++) {
    const byte = code.entryAt(at, 1);
    if (byte === undefined) return undefined;
    if (byte === 0) return TASK_NAME.test(text) ? text : undefined;
    text += String.fromCharCode(byte);
  }
  return undefined;
}
