/** The tasks of a program: made in its code, described in its tables, or known by their stacks. */
import type { DeviceDescription } from "../device/description.ts";
import { coreFrames } from "../device/frames.ts";
import { HeapsoakError } from "../errors.ts";
import { analyseProgram } from "../firmware-stack/program.ts";
import type { EntryBound } from "../firmware-stack/stack-bound.ts";
import { type StackBoundRecord, stackRecord } from "../firmware-stack/stack-record.ts";
import { ElfMachine } from "../image/elf.ts";
import type { Configuration } from "./configuration.ts";
import { configuredTasks } from "./configured-tasks.ts";
import type { DraftStack, DraftTask, StackOrigin } from "./draft.ts";
import type { LinkedProgram } from "./linked-program.ts";
import { isStackSize, type StackArray, stackArrays, stackAt } from "./stacks.ts";
import { type TableTask, tasksOfTables } from "./static-tables.ts";

export interface FoundTasks {
  readonly tasks: readonly DraftTask[];
  readonly handlers: readonly { readonly name: string; readonly bytes: number; readonly bounded: boolean }[];
  readonly hasScheduler: boolean;
  /** What main() needs, where no task does anything. */
  readonly main: DraftTask["frame"];
  readonly notes: readonly string[];
}

const SCHEDULERS = [
  "vTaskStartScheduler",
  "osKernelStart",
  "_tx_thread_schedule",
  "z_swap_irqlock",
  "z_reschedule",
  "z_thread_entry",
];
/** What makes a task whose stack comes from the kernel's heap. */
const FROM_HEAP = ["xTaskCreate", "osThreadNew"];
/** What a kernel function hands on to another is no task of its own. */
const FORWARDED = /^(xTaskCreate\w*|osThreadNew|_txe?_thread_create|z_impl_k_thread_create|prv\w+) makes a task /;
/** What another command can be told. */
const ADVICE = /: name (it|the handlers) with --\w+\.?$/;
const TASKS_MOST = 200;

/** The tasks with what is known of their stacks. `device` says what words and frames are. */
export function findTasks(
  program: LinkedProgram | undefined,
  configuration: Configuration,
  device: DeviceDescription,
): FoundTasks {
  const notes: string[] = [];
  const tables = program ? tasksOfTables(program) : [];
  const analysed = program && analyse(program, tables, device, notes);
  const merged = program ? new TaskList(program, tables, analysed).tasks() : [];
  const known = withConfigured(merged, configuration, device, program);
  if (known.length > TASKS_MOST) notes.push(`${known.length} tasks were found; the first ${TASKS_MOST} are written.`);
  const main =
    analysed?.entries.find(({ kind }) => kind === "reset") ?? analysed?.entries.find(({ kind }) => kind === "main");
  return {
    tasks: known.slice(0, TASKS_MOST),
    handlers: analysed?.interrupts.filter(({ trap }) => !trap) ?? [],
    hasScheduler: known.length > 0 || SCHEDULERS.some((name) => program?.has(name)),
    main: main && frameOf(main),
    notes,
  };
}

/** The worst cases of the program's code; undefined where it cannot be read, which is told. */
function analyse(
  program: LinkedProgram,
  tables: readonly TableTask[],
  device: DeviceDescription,
  notes: string[],
): StackBoundRecord | undefined {
  const { elf } = program;
  if (!elf || !program.hasSymbols || elf.symbols.length === 0) return undefined;
  if (elf.machine !== ElfMachine.Arm) {
    notes.push("Depths of calls are not known: heapsoak reads Arm's code only.");
    return undefined;
  }
  const entries = tables.flatMap(({ name, entry }) => {
    const found = entry === undefined ? undefined : elf.symbols.at(entry - (entry % 2));
    return found?.offset === 0 && elf.symbols.named(found.symbol.name)?.value === found.symbol.value
      ? [{ name, function: found.symbol.name }]
      : [];
  });
  try {
    const analysed = analyseProgram({ elf, entries, calls: new Map() });
    notes.push(...analysed.notes.filter((note) => !FORWARDED.test(note)).map((note) => note.replace(ADVICE, ".")));
    return stackRecord(analysed, {
      elf: elf.name,
      coreName: device.coreName,
      frames: coreFrames(device),
      limits: new Map(),
    });
  } catch (error) {
    if (!(error instanceof HeapsoakError)) throw error;
    notes.push(`Depths of calls are not known: ${error.message}`);
    return undefined;
  }
}

/** Puts together what the sources say of one task. */
class TaskList {
  readonly #program: LinkedProgram;
  readonly #tables: readonly TableTask[];
  readonly #entries: readonly EntryBound[];
  readonly #main: EntryBound | undefined;
  readonly #arrays: StackArray[];

  constructor(program: LinkedProgram, tables: readonly TableTask[], analysed: StackBoundRecord | undefined) {
    this.#program = program;
    this.#tables = tables;
    this.#entries = analysed?.entries.filter(({ kind }) => kind === "task") ?? [];
    this.#main = analysed?.entries.find(({ kind }) => kind === "main");
    this.#arrays = stackArrays(program);
  }

  tasks(): DraftTask[] {
    const used = new Set<EntryBound>();
    const tabled = this.#tables.map((table) => {
      const entry = this.#entries.find((candidate) => !used.has(candidate) && isSameTask(candidate, table.name));
      if (entry) used.add(entry);
      return this.#ofTable(table, entry);
    });
    const made = this.#entries.filter((entry) => !used.has(entry)).map((entry) => this.#ofCode(entry));
    return [...tabled, ...made, ...this.#arrays.map((array) => this.#ofArray(array))];
  }

  #ofTable(table: TableTask, entry: EntryBound | undefined): DraftTask {
    const { name, source, stackBytes, stackLow } = table;
    const array =
      this.#takeArray((candidate) => candidate.low === stackLow) ??
      this.#takeArray((candidate) => key(candidate.task) === key(name));
    const stack = array
      ? stackAt(array, `symbol ${array.name} of ${this.#program.name}`)
      : stackLow !== undefined && stackBytes !== undefined && isStackSize(stackBytes)
        ? stackAt({ low: stackLow, bytes: stackBytes }, source)
        : sized(stackBytes, source);
    const value = table.priorities === "larger is more urgent" ? table.priority : 128 - table.priority;
    const turned =
      table.priorities === "larger is more urgent" ? "" : ` (128 - ${table.priority}: there smaller is more urgent)`;
    const priority = { value: Math.min(255, Math.max(0, value)), source: `${source}${turned}` };
    return { name, source, priority, stack, origin: originOf(stack, this.#program), frame: entry && frameOf(entry) };
  }

  #ofCode(entry: EntryBound): DraftTask {
    const { name, stackBytes } = entry;
    const array =
      this.#takeArray(
        (candidate) => key(candidate.task) === key(name) || key(candidate.task) === key(entry.function),
      ) ?? this.#takeBySize(stackBytes);
    const source = `task ${name} made in the code of ${this.#program.name}`;
    const stack = array
      ? stackAt(array, `symbol ${array.name} of ${this.#program.name}`)
      : sized(stackBytes ?? undefined, source);
    return { name, source, priority: undefined, stack, origin: originOf(stack, this.#program), frame: frameOf(entry) };
  }

  #ofArray(array: StackArray): DraftTask {
    const source = `symbol ${array.name} of ${this.#program.name}`;
    const isMain = key(array.task) === "main";
    const frame = isMain && this.#main ? frameOf(this.#main) : undefined;
    return { name: array.task, source, priority: undefined, stack: stackAt(array, source), origin: "static", frame };
  }

  #takeArray(matches: (array: StackArray) => boolean): StackArray | undefined {
    const index = this.#arrays.findIndex(matches);
    return index < 0 ? undefined : this.#arrays.splice(index, 1)[0];
  }

  /** Where every stack is static, the only array of a size is that task's. */
  #takeBySize(stackBytes: number | null): StackArray | undefined {
    if (stackBytes === null || FROM_HEAP.some((name) => this.#program.has(name))) return undefined;
    const same = this.#arrays.filter(({ bytes }) => bytes === stackBytes);
    return same.length === 1 ? this.#takeArray((array) => array === same[0]) : undefined;
  }
}

function isSameTask(entry: EntryBound, name: string): boolean {
  return [entry.name, entry.function].some((other) => key(other) === key(name));
}

/** A task's name without what programs add to it: `StartDefaultTask`, `defaultTask`, `vDefault`. */
function key(name: string): string {
  const bare = name
    .replace(/^(v|prv|pv)(?=[A-Z])/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .replace(/^start/, "")
    .replace(/(task|thread|tid)$/, "");
  return bare === "tmrsvc" ? "timer" : bare;
}

function sized(bytes: number | undefined, source: string): DraftStack | undefined {
  if (bytes === undefined || !isStackSize(bytes)) return undefined;
  return { bytes: bytes - (bytes % 8), at: undefined, source };
}

function originOf(stack: DraftStack | undefined, program: LinkedProgram): StackOrigin {
  if (stack?.at !== undefined) return "static";
  return FROM_HEAP.some((name) => program.has(name)) ? "heap" : "unknown";
}

function frameOf({ function: name, pathBytes, bounded }: EntryBound): NonNullable<DraftTask["frame"]> {
  return { function: name, bytes: pathBytes, bounded };
}

/** Sizes that only the configuration has are added; tasks that only it knows as well, where there is no program. */
function withConfigured(
  tasks: readonly DraftTask[],
  configuration: Configuration,
  device: DeviceDescription,
  program: LinkedProgram | undefined,
): DraftTask[] {
  const configured = configuredTasks(configuration, device);
  const all = tasks.map((task): DraftTask => {
    const found = task.stack ? undefined : configured.find(({ name }) => key(name) === key(task.name));
    return found?.stack ? { ...task, stack: found.stack } : task;
  });
  return program?.hasSymbols ? all : [...all, ...configured];
}
