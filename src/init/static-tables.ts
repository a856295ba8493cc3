/**
 * Tasks that a program describes in constant tables. Layouts: struct _static_thread_data of Zephyr's kernel.h (its
 * first nine words have been the same since 2.0), osThreadAttr_t of CMSIS-RTOS2's cmsis_os2.h.
 */
import type { LinkedProgram } from "./linked-program.ts";

export interface TableTask {
  readonly name: string;
  readonly priority: number;
  /** How the kernel counts priorities. */
  readonly priorities: "larger is more urgent" | "smaller is more urgent";
  readonly stackBytes: number | undefined;
  readonly stackLow: number | undefined;
  /** The function, where the table names it. */
  readonly entry: number | undefined;
  readonly source: string;
}

const ZEPHYR = { stack: 4, stackBytes: 8, entry: 12, priority: 28, bytesLeast: 36 } as const;
const CMSIS = { name: 0, stack: 16, stackBytes: 20, priority: 24, bytesLeast: 32, bytesMost: 40 } as const;
const CMSIS_PRIORITY_MOST = 56;
const ZEPHYR_PRIORITY_MOST = 128;

/** The tasks in the tables of Zephyr (K_THREAD_DEFINE) and of CMSIS-RTOS2 (attributes given to osThreadNew). */
export function tasksOfTables(program: LinkedProgram): TableTask[] {
  return [...zephyrThreads(program), ...cmsisThreads(program)];
}

function zephyrThreads(program: LinkedProgram): TableTask[] {
  return program.objects(/^_k_thread_data_\w+$/).flatMap(({ name, low, bytes }) => {
    const word = (offset: number) => program.word(low + offset);
    const stackBytes = word(ZEPHYR.stackBytes);
    const priority = (word(ZEPHYR.priority) ?? 0x7fff_ffff) | 0;
    if (bytes < ZEPHYR.bytesLeast || stackBytes === undefined || Math.abs(priority) > ZEPHYR_PRIORITY_MOST) return [];
    return [
      {
        name: name.replace(/^_k_thread_data_/, ""),
        priority,
        priorities: "smaller is more urgent" as const,
        stackBytes,
        stackLow: word(ZEPHYR.stack),
        entry: word(ZEPHYR.entry),
        source: `K_THREAD_DEFINE, symbol ${name} of ${program.name}`,
      },
    ];
  });
}

function cmsisThreads(program: LinkedProgram): TableTask[] {
  if (!program.has("osThreadNew")) return [];
  return program.objects(/(_attributes|_attr|Attributes|Attr)$/).flatMap(({ name, low, bytes }) => {
    if (bytes < CMSIS.bytesLeast || bytes > CMSIS.bytesMost) return [];
    const word = (offset: number) => program.word(low + offset);
    const stackBytes = word(CMSIS.stackBytes);
    const priority = word(CMSIS.priority);
    if (stackBytes === undefined || stackBytes % 4 !== 0 || priority === undefined || priority > CMSIS_PRIORITY_MOST) {
      return [];
    }
    const written = program.text(word(CMSIS.name) ?? 0);
    // Queues and mutexes have attributes too: shorter ones, and no stack.
    if (stackBytes === 0 && !/task|thread/i.test(name)) return [];
    return [
      {
        name: written ?? name.replace(/_?(attributes|attr)$/i, ""),
        priority,
        priorities: "larger is more urgent" as const,
        stackBytes: stackBytes === 0 ? undefined : stackBytes,
        stackLow: word(CMSIS.stack) || undefined,
        entry: undefined,
        source: `osThreadAttr_t, symbol ${name} of ${program.name}`,
      },
    ];
  });
}
