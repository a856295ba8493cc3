/** A draft as the text of a scenario: every fact with its source, and what is to be filled in. */
import { formatAddress } from "../quantities.ts";
import type { Draft, DraftHeap, DraftStack, DraftTask } from "./draft.ts";
import { commentText, scenarioName, yamlText } from "./yaml-text.ts";

/** What of the real places is given up where a scenario cannot have it. */
export interface Concessions {
  readonly taskStacks: boolean;
  readonly heaps: boolean;
  readonly mainStack: boolean;
  /** The task that makes the others stands on the main stack, where there is no room for a stack of its own. */
  readonly starterOnMainStack: boolean;
}

const WIDTH = 108;
/** A stack that holds no more than the context of a task that calls nothing. */
const STARTER_STACK_BYTES = 128;
const FOR_EVER = 1_000_000_000;

/** The scenario's text. */
export function scenarioText(draft: Draft, given: Concessions): string {
  const writer = new Writer(draft, given);
  return `${writer.lines().join("\n")}\n`;
}

class Writer {
  readonly #draft: Draft;
  readonly #given: Concessions;
  readonly #names: ReadonlyMap<DraftTask, string>;

  constructor(draft: Draft, given: Concessions) {
    this.#draft = draft;
    this.#given = given;
    // The main stack is called `interrupts`, and what makes the tasks `start`.
    const taken = new Set(["interrupts", "start"]);
    this.#names = new Map(
      draft.tasks.map((task) => {
        const name = scenarioName(task.name, taken);
        taken.add(name);
        return [task, name];
      }),
    );
  }

  lines(): string[] {
    const { title, device } = this.#draft;
    return [
      "heapsoak: 1",
      `title: ${yamlText(title)}`,
      ...comment("", 'Begun by heapsoak init: facts have their source beside them, what only you know says "fill in".'),
      ...this.#remarks(),
      "",
      ...device.lines.map((line, index) => (index === 0 ? withSource(line, device.source) : line)),
      "uptime: 1 d  # fill in: how long the firmware must last",
      "",
      ...this.#statics(),
      ...this.#heaps(),
      ...this.#stacks(),
      "tasks:",
      ...this.#tasks(),
      "",
      "expect:",
      "  - { survives: 1 d }  # fill in: what must hold, such as { heap: NAME, largestFree: { atLeast: 4 KiB } }",
    ];
  }

  #remarks(): string[] {
    const { notes, missing } = this.#draft;
    return [
      ...notes.flatMap((note) => comment("", `Note: ${note}`)),
      ...missing.flatMap((what) => comment("", `Not found: ${what}`)),
    ];
  }

  #statics(): string[] {
    const { statics } = this.#draft;
    if (statics.length === 0) return ["# fill in: static: { BANK: SIZE }, what .data and .bss take", ""];
    const rows = statics.flatMap(({ bank, bytes, source }) => [
      ...comment("  ", source),
      `  ${yamlText(bank)}: ${bytes}`,
    ]);
    return ["static:", ...rows, ""];
  }

  #heaps(): string[] {
    const { heaps, placeless } = this.#draft;
    const missing = placeless.flatMap(({ allocator, remark }) => [
      ...comment(
        "",
        `fill in: ${allocator.value} is there (${allocator.source}), and nothing shows where its heap lies. ${remark ?? ""}`,
      ),
      `#   NAME: { allocator: ${allocator.value}, size: SIZE }   (or give it to heapsoak init with --heap)`,
    ]);
    if (heaps.length === 0) return [...missing, ...(missing.length > 0 ? [""] : [])];
    return ["heaps:", ...heaps.flatMap((heap) => this.#heap(heap)), ...missing, ""];
  }

  #heap(heap: DraftHeap): string[] {
    const { name, allocator, bytes, at, options, remarks } = heap;
    const lines = [
      `  ${name}:`,
      `    allocator: ${withSource(allocator.value, allocator.source)}`,
      ...remarks.flatMap((remark) => comment("    ", remark)),
      `    size: ${withSource(String(bytes.value), bytes.source)}`,
    ];
    if (at !== undefined && !this.#given.heaps) lines.push(`    at: ${formatAddress(at)}`);
    if (at !== undefined && this.#given.heaps) {
      lines.push(
        ...comment(
          "    ",
          `It begins at ${formatAddress(at)} in the program: no room is left there beside static data in one piece.`,
        ),
      );
    }
    const words = Object.entries(options).map(([option, value]) => `${option}: ${value}`);
    return words.length > 0 ? [...lines, `    options: { ${words.join(", ")} }`] : lines;
  }

  #stacks(): string[] {
    const { mainStack, hasScheduler } = this.#draft;
    if (!hasScheduler || this.#starterHasMainStack) return [];
    if (!mainStack)
      return ["# fill in: stacks: { interrupts: { size: SIZE } }, the main stack; its size was not found", ""];
    return [
      "stacks:",
      ...comment("  ", `The main stack, which handlers run on: ${mainStack.source}`),
      ...this.#handlers("  "),
      `  interrupts: { ${place(mainStack, this.#given.mainStack)} }`,
      "",
    ];
  }

  get #starterHasMainStack(): boolean {
    const { tasks, mainStack } = this.#draft;
    return (
      this.#given.starterOnMainStack && (this.#spawned.length > 0 || tasks.length === 0) && mainStack !== undefined
    );
  }

  #handlers(indent: string): string[] {
    const { handlers } = this.#draft;
    if (handlers.length === 0) return [];
    const all = handlers.slice(0, 40).map(({ name, bytes, bounded }) => `${name} ${bounded ? "" : "≥ "}${bytes} B`);
    return comment(
      indent,
      `fill in: interrupts:, which run on this stack. Handlers of the vector table, with the frames of their deepest path: ${all.join(", ")}`,
    );
  }

  get #spawned(): DraftTask[] {
    if (this.#draft.heaps.length === 0) return [];
    return this.#draft.tasks.filter(
      ({ origin, stack }) => origin === "heap" && stack !== undefined && stack.at === undefined,
    );
  }

  #tasks(): string[] {
    const { tasks, hasScheduler, mainStack } = this.#draft;
    if (tasks.length === 0) return hasScheduler || !mainStack ? this.#unknownTask() : this.#mainTask(mainStack);
    const spawned = new Set(this.#spawned);
    return [...this.#starter(), ...tasks.flatMap((task) => this.#task(task, spawned.has(task)))];
  }

  /** What stands for main(), which makes the tasks whose stacks come from a heap. */
  #starter(): string[] {
    const from = this.#draft.heaps[0]?.name ?? "";
    if (this.#spawned.length === 0) return [];
    const { mainStack } = this.#draft;
    const onMain = this.#starterHasMainStack && mainStack;
    const remark = onMain
      ? `Stands for main(), on the main stack (${mainStack.source}). When interrupts are added, this stack is theirs: stacks: { interrupts: … }`
      : `Stands for main(), which runs on the main stack: this stack of ${STARTER_STACK_BYTES} B is not in the program`;
    return [
      "  start:",
      ...comment("    ", remark),
      ...comment("    ", "These tasks get their stacks and control blocks from the heap when they are made."),
      "    priority: 255",
      "    at: 0 s",
      `    stack: { ${onMain ? place(mainStack, this.#given.mainStack) : `size: ${STARTER_STACK_BYTES}`} }`,
      "    do:",
      ...this.#spawned.map((task) => `      - { spawn: ${this.#names.get(task)}, from: ${from} }`),
    ];
  }

  #task(task: DraftTask, isSpawned: boolean): string[] {
    const { priority, stack, source } = task;
    const name = this.#names.get(task) ?? "task";
    const written = name === task.name ? "" : `${commentText(task.name)}: `;
    return [
      `  ${name}:`,
      ...(stack?.source === source && written === "" ? [] : comment("    ", `${written}${source}`)),
      priority
        ? `    priority: ${withSource(String(priority.value), priority.source)}`
        : "    priority: 1  # fill in: larger is more urgent",
      ...this.#stackLines(stack, isSpawned, task),
      ...this.#activity(task, isSpawned),
    ];
  }

  #stackLines(stack: DraftStack | undefined, isSpawned: boolean, task: DraftTask): string[] {
    const { guards } = this.#draft;
    const kinds = guards.map(({ kind }) => `{ kind: ${kind} }`);
    const guard = kinds.length === 0 ? "" : `, guard: ${kinds.length === 1 ? kinds[0] : `[${kinds.join(", ")}]`}`;
    const sources = guards.map(({ kind, source }) => `${kind}: ${source}`);
    if (!stack)
      return [`    # fill in: stack: { size: SIZE${guard} }; its size was not found, and 1 KiB is what heapsoak takes`];
    const free = this.#given.taskStacks && stack.at !== undefined;
    const where = free ? `; it lies at ${formatAddress(stack.at ?? 0)} in the program` : "";
    const heap = isSpawned
      ? "; from the heap"
      : task.origin === "heap"
        ? "; fill in: it comes from the kernel's heap"
        : "";
    return [
      ...comment("    ", [`${stack.source}${where}${heap}`, ...sources].join("; ")),
      `    stack: { ${place(stack, this.#given.taskStacks)}${guard} }`,
    ];
  }

  /** What a task does is not in its code's symbols: it only goes down its deepest known path. */
  #activity({ frame }: DraftTask, isSpawned: boolean): string[] {
    const todo = "fill in: when it runs and what it allocates (heapsoak import and heapsoak fit tell from a log)";
    if (!isSpawned) return [`    every: 1 s  # ${todo}`, ...callLines(frame, "    ")];
    return [
      `    # ${todo}`,
      "    do:",
      `      - repeat: ${FOR_EVER}  # for ever`,
      ...callLines(frame, "        ", ["          - { wait: 1 s }"]),
    ];
  }

  #unknownTask(): string[] {
    const { mainStack } = this.#draft;
    const stack =
      this.#starterHasMainStack && mainStack ? place(mainStack, this.#given.mainStack) : `size: ${STARTER_STACK_BYTES}`;
    return [
      "  fill-in:",
      "    # No task was found. A scenario needs one: this one does nothing, and its stack is not the program's.",
      `    stack: { ${stack} }`,
      "    every: 1 s",
      "    do: []",
    ];
  }

  #mainTask(mainStack: DraftStack): string[] {
    const { frame } = this.#draft;
    return [
      "  main:",
      ...comment("    ", `No scheduler was found: main() and the handlers share the main stack, ${mainStack.source}`),
      ...this.#handlers("    "),
      `    stack: { ${place(mainStack, this.#given.mainStack)} }`,
      "    every: 1 s  # fill in: when it runs and what it allocates (heapsoak import and heapsoak fit tell from a log)",
      ...callLines(frame, "    "),
    ];
  }
}

function callLines(frame: DraftTask["frame"], indent: string, more: readonly string[] = []): string[] {
  if (!frame || frame.bytes === 0) return more.length === 0 ? [`${indent}do: []`] : [`${indent}do:`, ...more];
  const least = frame.bounded
    ? "the deepest path of its code"
    : "at least: not all of its calls are known; see heapsoak stack";
  return [
    `${indent}do:`,
    `${indent}  - call: ${scenarioName(frame.function, new Set())}`,
    `${indent}    frame: ${frame.bytes}  # ${least}`,
    ...more,
  ];
}

function place({ bytes, at }: DraftStack, isFree: boolean): string {
  return at === undefined || isFree ? `size: ${bytes}` : `size: ${bytes}, at: ${formatAddress(at)}`;
}

function withSource(text: string, source: string): string {
  return `${text}  # ${commentText(source)}`;
}

/** A comment in lines of bounded width. */
function comment(indent: string, text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of commentText(text).split(" ")) {
    if (line !== "" && indent.length + 3 + line.length + word.length > WIDTH) {
      lines.push(`${indent}# ${line}`);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, `${indent}# ${line}`];
}
