import { basename } from "node:path";
import { HeapsoakError } from "../../errors.ts";
import { layOut } from "../../scenario/layout.ts";
import { loadScenario, type ScenarioOptions } from "../../scenario/load.ts";
import type { Scenario } from "../../scenario/model.ts";
import { compileScenario } from "../../soak/compiler.ts";
import { SoakMachine } from "../../wasm/soak-machine.ts";
import type { JournalEntry } from "../../wasm/soak-readers.ts";
import { digestOf, type OperationSource, type SourceOperation } from "./operation-source.ts";

/** What of a scenario is wanted, and on which heap it is run for it. */
export interface ScenarioWorkload {
  /** The heap whose operations are taken; the first by default. */
  readonly heap?: string;
  /** The allocator that it has then: the board's. */
  readonly allocator: string;
  readonly heapBytes: number;
  readonly seed?: bigint;
  /** Operations at most. */
  readonly most: number;
}

/** Instructions between two looks at the journal. */
const BUDGET = 100_000;

/**
 * The operations that a scenario asks of one heap, when that has the board's allocator and size: the same firmware,
 * refused requests included. Aligned requests come as plain ones: the run's journal does not keep their alignment.
 * Where the scenario reboots, its live blocks are released. Throws as `loadScenario` and `layOut`, and
 * `bad-argument` for a heap that there is not, or a scenario that never allocates.
 */
export async function scenarioOperations(
  file: string,
  workload: ScenarioWorkload,
  options: ScenarioOptions = {},
): Promise<OperationSource> {
  const plain = await loadScenario(file, options);
  const heap = heapIndex(plain, workload.heap);
  const name = plain.heaps[heap]?.name ?? "";
  const scenario = await loadScenario(file, {
    ...options,
    allocator: { [name]: workload.allocator },
    heapSize: { [name]: String(workload.heapBytes) },
  });
  const operations = journalledOperations(scenario, heap, workload);
  if (operations.length === 0) {
    throw new HeapsoakError("bad-argument", `${file}: the scenario asks nothing of heap "${name}".`);
  }
  return { name: `${basename(file)}, heap ${name}`, digest: digestOf(operations), operations };
}

function heapIndex({ heaps }: Scenario, name: string | undefined): number {
  if (name === undefined) return 0;
  const index = heaps.findIndex((heap) => heap.name === name);
  if (index >= 0) return index;
  throw new HeapsoakError("bad-argument", `--heap: the scenario has no heap "${name}".`, {
    hint: `It has: ${heaps.map((heap) => heap.name).join(", ")}.`,
  });
}

function journalledOperations(
  scenario: Scenario,
  heap: number,
  { most, seed }: Pick<ScenarioWorkload, "most" | "seed">,
): readonly SourceOperation[] {
  const machine = new SoakMachine({
    scenario,
    compiled: compileScenario(scenario),
    layout: layOut(scenario),
    ...(seed !== undefined && { seed }),
  });
  const operations = new JournalReader(heap);
  machine.journalling = true;
  machine.prepare();
  for (let going = true; going && operations.list.length < most; ) {
    const end = machine.advance(BUDGET);
    if (end === "stack-overrun") machine.takeOverrun();
    for (const entry of machine.journal()) operations.add(entry);
    going = end !== "failed" && end !== "horizon";
  }
  return operations.list.slice(0, most);
}

/** Gives the blocks of a journal, which knows addresses, ids. */
class JournalReader {
  readonly list: SourceOperation[] = [];
  readonly #heap: number;
  readonly #ids = new Map<number, number>();
  #nextId = 1;

  constructor(heap: number) {
    this.#heap = heap;
  }

  add({ heap, operation, requestBytes, payload, result }: JournalEntry): void {
    if (operation === "reboot") this.#releaseAll();
    else if (heap !== this.#heap) return;
    else if (operation === "release") this.#release(payload);
    else if (operation === "reallocate" && payload !== 0) this.#reallocate(payload, requestBytes, result);
    else this.#allocate(requestBytes, result);
  }

  #allocate(requestBytes: number, result: number): void {
    const id = this.#nextId++;
    if (result !== 0) this.#ids.set(result, id);
    this.#push("allocate", id, requestBytes);
  }

  #reallocate(payload: number, requestBytes: number, result: number): void {
    const id = this.#ids.get(payload);
    if (id === undefined) return;
    if (result !== 0 || requestBytes === 0) this.#ids.delete(payload);
    if (result !== 0) this.#ids.set(result, id);
    this.#push("reallocate", id, requestBytes);
  }

  #release(payload: number): void {
    const id = this.#ids.get(payload);
    if (id === undefined) return;
    this.#ids.delete(payload);
    this.#push("release", id, 0);
  }

  #releaseAll(): void {
    for (const payload of [...this.#ids.keys()]) this.#release(payload);
  }

  #push(verb: SourceOperation["verb"], id: number, requestBytes: number): void {
    this.list.push({ verb, id, requestBytes, alignment: 0, line: this.list.length + 1 });
  }
}
