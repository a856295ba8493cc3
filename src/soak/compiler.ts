/** Turns a scenario into the program of the soak engine. Pure: the result has no addresses and touches no memory. */
import { CacheEvict, QueueWhenFull } from "../../assembly/soak/context-map.ts";
import { HeapOwnership } from "../../assembly/soak/ledger-map.ts";
import { HeapsoakError } from "../errors.ts";
import type {
  CacheModel,
  HeapModel,
  InterruptModel,
  ModeModel,
  QueueModel,
  Scenario,
  Step,
  TaskModel,
} from "../scenario/model.ts";
import type {
  CompiledCache,
  CompiledContext,
  CompiledMode,
  CompiledScenario,
  CompiledSite,
  CompiledStep,
} from "./compiled.ts";
import { activationOf, type OpenActivation } from "./compiler-activation.ts";
import { cumulativeShares, timeOperands } from "./compiler-amounts.ts";
import { ImageBuilder, Reference } from "./compiler-image.ts";
import { ProgramNumbers, pathText, streamIdentity } from "./compiler-numbers.ts";
import { type Indices, StepCompiler } from "./compiler-steps.ts";

/** One bit each in SoakField.ReadyLevels. */
const LEVELS_MOST = 64;

const WHEN_FULL = {
  "drop-newest": QueueWhenFull.DropNewest,
  "drop-oldest": QueueWhenFull.DropOldest,
  block: QueueWhenFull.Block,
  fail: QueueWhenFull.Fail,
} as const satisfies Record<QueueModel["whenFull"], QueueWhenFull>;

const EVICT = {
  oldest: CacheEvict.Oldest,
  newest: CacheEvict.Newest,
  random: CacheEvict.Random,
} as const satisfies Record<CacheModel["evict"], CacheEvict>;

const OWNERSHIP = {
  manual: HeapOwnership.Manual,
  counted: HeapOwnership.Counted,
  traced: HeapOwnership.Traced,
} as const satisfies Record<HeapModel["ownership"], HeapOwnership>;

/** Compiles a scenario whose names are resolved. Throws `bad-argument` for more than 64 different priorities. */
export function compileScenario(scenario: Scenario): CompiledScenario {
  return new Compiler(scenario).compile();
}

/** A program and what its contexts need. Its descriptors get their places when the image is finished. */
interface OpenProgram {
  readonly source: TaskModel | InterruptModel;
  readonly kind: "task" | "interrupt";
  readonly instances: number;
  readonly level: number;
  readonly position: number;
  readonly end: number;
  readonly numbers: ProgramNumbers;
  readonly activation: OpenActivation;
}

class Compiler {
  readonly #scenario: Scenario;
  readonly #image = new ImageBuilder();
  readonly #steps: CompiledStep[] = [];
  readonly #indices: Indices;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#indices = indicesOf(scenario);
  }

  compile(): CompiledScenario {
    const { tasks, interrupts, heaps, queues, caches } = this.#scenario;
    const taskLevels = levelsOf(tasks);
    const interruptLevels = levelsOf(interrupts);
    const levelCount = taskLevels.length + interruptLevels.length;
    if (levelCount > LEVELS_MOST) {
      throw new HeapsoakError("bad-argument", `${levelCount} different priorities, expected at most ${LEVELS_MOST}.`);
    }
    const programs = [
      ...tasks.map((task) => this.#program(task, "task", task.instances, taskLevels.indexOf(task.priority))),
      ...interrupts.map((interrupt) => {
        const level = taskLevels.length + interruptLevels.indexOf(interrupt.priority);
        return this.#program(interrupt, "interrupt", 1, level);
      }),
    ];
    const modes = this.#scenario.modes.map((mode) => this.#mode(mode));
    const image = this.#image.finish();
    return {
      image,
      steps: this.#steps,
      contexts: programs.flatMap(contextsOf),
      taskCount: tasks.reduce((sum, { instances }) => sum + instances, 0),
      levelCount,
      firstInterruptLevel: taskLevels.length,
      heaps: heaps.map(({ name, isrSafe, ownership }) => ({ name, isrSafe, ownership: OWNERSHIP[ownership] })),
      queues: queues.map(({ name, capacity, whenFull }) => ({ name, capacity, whenFull: WHEN_FULL[whenFull] })),
      caches: caches.map(cacheOf),
      modes: modes.map((finish) => finish()),
    };
  }

  #program(
    source: TaskModel | InterruptModel,
    kind: "task" | "interrupt",
    instances: number,
    level: number,
  ): OpenProgram {
    const numbers = new ProgramNumbers();
    const start = this.#numberStep({ path: pathText(source.path), label: "start", line: 0, task: source.name });
    const number = (step: Step) =>
      this.#numberStep({ path: pathText(step.path), label: step.label, line: step.line, task: source.name });
    const position = new StepCompiler(this.#image, numbers, this.#indices, number).program(source.steps, start);
    const end = this.#image.position;
    const activation = activationOf(source, this.#image, numbers, this.#indices);
    return { source, kind, instances, level, position, end, numbers, activation };
  }

  #numberStep(step: CompiledStep): number {
    return this.#steps.push(step) - 1;
  }

  /** A mode, to be finished when the image is. */
  #mode({ name, forUs, then }: ModeModel): () => CompiledMode {
    const [draw, us] = timeOperands(this.#image, { site: () => 0, number: () => 0 }, forUs, "for");
    const shares = cumulativeShares(then.map(({ weight }) => weight));
    return () => ({
      name,
      dwell: draw instanceof Reference ? { draw: draw.label.position ?? 0 } : { us: Number(us) },
      dwellSite: siteOf(`modes.${name}/for`),
      next: then.map(({ mode }, index) => ({ share: shares[index] ?? 1, mode: this.#indices.mode(mode) })),
      nextSite: siteOf(`modes.${name}/then`),
    });
  }
}

/** Distinct priorities in ascending order. */
function levelsOf(runnables: readonly { readonly priority: number }[]): number[] {
  return [...new Set(runnables.map(({ priority }) => priority))].sort((a, b) => a - b);
}

function contextsOf({
  source,
  kind,
  instances,
  level,
  position,
  end,
  numbers,
  activation,
}: OpenProgram): CompiledContext[] {
  return Array.from({ length: instances }, (_, instance): CompiledContext => {
    const owner = kind === "task" ? `${source.name}#${instance}` : source.name;
    return {
      name: source.name,
      instance,
      kind,
      program: position,
      programEnd: end,
      names: numbers.names,
      samples: numbers.samples,
      localCount: numbers.localCount,
      frameCapacity: numbers.frameCapacity,
      sites: numbers.sites.map((site) => siteOf(`${owner}/${site}`)),
      level,
      ...activation(),
      fpu: source.fpu,
      handlerFrame: "frame" in source ? source.frame : 0,
      spawnedStackBytes: "stack" in source && source.activation.kind === "spawned" ? source.stack.sizeBytes : 0,
    };
  });
}

function cacheOf({ name, slots, evict }: CacheModel): CompiledCache {
  return { name, slots, evict: EVICT[evict], site: siteOf(`caches.${name}/evict`) };
}

function siteOf(name: string): CompiledSite {
  return { name, identity: streamIdentity(name) };
}

function indicesOf({ heaps, queues, caches, modes, tasks }: Scenario): Indices {
  const find = (what: string, list: readonly { readonly name: string }[]) => {
    const indices = new Map(list.map(({ name }, index) => [name, index]));
    return (name: string) => known(indices.get(name), what, name);
  };
  const spawnable = new Map<string, { first: number; count: number }>();
  let contexts = 0;
  for (const { name, instances } of tasks) {
    spawnable.set(name, { first: contexts, count: instances });
    contexts += instances;
  }
  return {
    heap: find("heap", heaps),
    queue: find("queue", queues),
    cache: find("cache", caches),
    mode: find("mode", modes),
    spawnable: (task) => known(spawnable.get(task), "task", task),
  };
}

function known<T>(found: T | undefined, what: string, name: string): T {
  if (found === undefined) throw new HeapsoakError("bad-argument", `The scenario has no ${what} "${name}".`);
  return found;
}
