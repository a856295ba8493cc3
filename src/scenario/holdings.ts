import type { InterruptModel, Scenario, Step, TaskModel } from "./model.ts";
import { everyStep } from "./step-walk.ts";

export type Runnable = TaskModel | InterruptModel;

/**
 * Which heaps the block behind a name can come from, for every name of every task, followed through queues and
 * shares. What nothing ever puts a block into is not there.
 */
export class Holdings {
  /** By task, then name. */
  readonly #heaps = new Map<Runnable, Map<string, Set<string>>>();
  /** By queue. */
  readonly #queued = new Map<string, Set<string>>();
  #changed = true;

  constructor(scenario: Scenario) {
    const runnables: Runnable[] = [...scenario.tasks, ...scenario.interrupts];
    const flows = runnables.map((runnable) => [runnable, [...everyStep(runnable.steps)].filter(isFlow)] as const);
    while (this.#changed) {
      this.#changed = false;
      for (const [runnable, steps] of flows) for (const step of steps) this.#follow(runnable, step);
    }
  }

  /** Heaps of the blocks that the name can hold; undefined when it can never hold one. */
  heapsOf(runnable: Runnable, name: string): ReadonlySet<string> | undefined {
    return this.#heaps.get(runnable)?.get(name);
  }

  /** Heaps of the blocks that can wait in the queue. */
  heapsIn(queue: string): ReadonlySet<string> {
    return this.#queued.get(queue) ?? new Set();
  }

  #follow(runnable: Runnable, step: Step): void {
    const names = getOrMake(this.#heaps, runnable, () => new Map<string, Set<string>>());
    const held = (name: string) => names.get(name);
    switch (step.step) {
      case "allocate":
      case "reallocate":
      case "grow":
        this.#add(names, step.name, step.heaps);
        break;
      case "receive":
        this.#add(names, step.as, this.heapsIn(step.queue));
        break;
      case "share": {
        const heaps = held(step.name);
        if (heaps) this.#add(names, step.as, heaps);
        break;
      }
      case "send":
        this.#add(this.#queued, step.to, held(step.name) ?? []);
    }
  }

  #add(sets: Map<string, Set<string>>, key: string, heaps: Iterable<string>): void {
    if (!sets.has(key)) this.#changed = true;
    const set = getOrMake(sets, key, () => new Set<string>());
    const before = set.size;
    for (const heap of [...heaps]) set.add(heap);
    if (set.size > before) this.#changed = true;
  }
}

/** The names that a step takes a block from, by the key they stand at. */
export function namesUsed(step: Step): string[] {
  switch (step.step) {
    case "free":
    case "send":
    case "keep":
    case "cache":
    case "share":
    case "drop":
    case "leak":
    case "misuse":
      return [step.name];
    case "refer":
      return [step.name, step.to];
    default:
      return [];
  }
}

function isFlow(step: Step): boolean {
  return ["allocate", "reallocate", "grow", "receive", "share", "send"].includes(step.step);
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
