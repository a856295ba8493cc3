/** The heap operations of a run as a trace, which replays and fits read: what a recorder on the board would have written. */
import { HeapsoakError } from "../errors.ts";
import type { Scenario } from "../scenario/model.ts";
import { everyStep } from "../scenario/step-walk.ts";
import { escapeText } from "../trace/board-events.ts";
import { optionKey } from "../trace/header.ts";
import { TraceText } from "../trace/trace-text.ts";
import { packageVersion } from "../version.ts";
import type { Region } from "../wasm/heap-record.ts";
import type { SoakMachine } from "../wasm/soak-machine.ts";
import type { JournalEntry } from "../wasm/soak-readers.ts";
import { pathText } from "./compiler-numbers.ts";

/** What the header says of the arena's base: its place modulo this. */
const BASE_STEP = 0x1_0000;
/** Farther apart no replay can lay the regions of a heap. */
const SPAN_MOST = 2 ** 27;

/** Where the trace of a run goes. */
export interface RunTraceTarget {
  /** The heap whose operations are written; the first by default. */
  readonly heap?: string;
  /** Takes whole lines. What it throws ends the run. */
  readonly write: (text: string) => Promise<void>;
}

/**
 * Turns the journal of a run into the lines of a trace: `t` in microseconds since the boot, `at` the path of the
 * step, `task` the number of the task instance. What the kernel itself allocates has neither of the last two.
 */
export class RunTrace {
  readonly #heap: number;
  readonly #text: TraceText;
  readonly #sites: readonly string[];
  readonly #tasks: readonly string[];
  readonly #alignments: readonly number[];
  #header: string;
  #bootUs = 0;

  /** Throws `bad-argument` where there is no such heap, `does-not-fit` for one that no trace can describe. */
  constructor(machine: SoakMachine, scenario: Scenario, heapName?: string) {
    this.#heap = heapIndex(scenario, heapName);
    const regions = machine.heaps[this.#heap]?.regions ?? [];
    this.#text = new TraceText(hullOf(regions));
    this.#header = headerOf(scenario, this.#heap, regions);
    const { steps, contexts } = machine.compiled;
    this.#sites = steps.map(({ path }) => path);
    this.#alignments = alignmentsBy(scenario, this.#sites);
    const instances = new Set(contexts.filter(({ instance }) => instance > 0).map(({ name }) => name));
    this.#tasks = contexts.map(({ name, instance }) => (instances.has(name) ? `${name}#${instance}` : name));
  }

  /** Notes what the journal says, in its order. */
  add(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      if (entry.operation === "reboot") this.#reboot(entry.atUs);
      else if (entry.heap === this.#heap) this.#operation(entry);
    }
  }

  /** The lines since the last call, the header first. */
  take(): string {
    const text = this.#header + this.#text.take().toString();
    this.#header = "";
    return text;
  }

  #reboot(atUs: number): void {
    this.#bootUs = atUs;
    this.#text.boot();
  }

  #operation({ operation, atUs, context, step, requestBytes, payload, result }: JournalEntry): void {
    const stamp = {
      timeUs: atUs - this.#bootUs,
      site: step === undefined ? undefined : this.#sites[step],
      task: context === undefined ? undefined : this.#text.taskNumber(this.#tasks[context] ?? ""),
    };
    if (operation === "release") this.#text.release(payload, stamp);
    else if (operation === "reallocate") this.#text.reallocate(payload, result, requestBytes, stamp);
    else this.#text.allocate(result, requestBytes, stamp, step === undefined ? 0 : this.#alignments[step]);
  }
}

function heapIndex({ heaps }: Scenario, name: string | undefined): number {
  const index = name === undefined ? 0 : heaps.findIndex((heap) => heap.name === name);
  if (index >= 0 && index < heaps.length) return index;
  throw new HeapsoakError("bad-argument", "--trace: the scenario has no heap whose operations could be written.");
}

function hullOf(regions: readonly Region[]): Region {
  const low = regions[0]?.low ?? 0;
  const end = Math.max(...regions.map((region) => region.low + region.bytes));
  if (regions.every((region) => region.low >= low) && end - low <= SPAN_MOST) return { low, bytes: end - low };
  throw new HeapsoakError("does-not-fit", "--trace: the heap's regions are too far apart for a trace.");
}

/** What a replay must know to place every block as the run did. */
function headerOf({ title, heaps }: Scenario, heap: number, regions: readonly Region[]): string {
  const { allocator = "", options = {} } = heaps[heap] ?? {};
  const base = regions[0]?.low ?? 0;
  const values = {
    source: "heapsoak run",
    scenario: title,
    heapsoak: packageVersion(),
    allocator,
    heap_size: regions.reduce((sum, { bytes }) => sum + bytes, 0),
    base_misalignment: base % BASE_STEP,
    ...(regions.length > 1 && regionValues(regions, base)),
    ...Object.fromEntries(Object.entries(options).map(([name, value]) => [optionKey(name), value])),
  };
  return Object.entries(values)
    .map(([key, value]) => `# ${key}=${escapeText(String(value)).trim()}\n`)
    .join("");
}

function regionValues(regions: readonly Region[], base: number): Record<string, string> {
  return Object.fromEntries(regions.map(({ low, bytes }, index) => [`region${index}`, `${low - base}:${bytes}`]));
}

/** The alignment that each step asks for, 0 where it asks for none: the journal does not keep it. */
function alignmentsBy({ tasks, interrupts }: Scenario, paths: readonly string[]): number[] {
  const asked = new Map<string, number>();
  for (const { steps } of [...tasks, ...interrupts]) {
    for (const step of everyStep(steps)) {
      if (step.step === "allocate" && step.alignment) asked.set(pathText(step.path), step.alignment);
    }
  }
  return paths.map((path) => asked.get(path) ?? 0);
}
