/** A scenario's skeleton from what a team has of its firmware: the ELF file, the linker's map, the configuration. */

import { stackTopOf } from "../device/elf-memory.ts";
import { HeapsoakError } from "../errors.ts";
import { baseName } from "../files.ts";
import { type Elf, isElf, readElf } from "../image/elf.ts";
import { layOut } from "../scenario/layout.ts";
import { parseScenario } from "../scenario/load.ts";
import { Configuration } from "./configuration.ts";
import type { Draft, DraftHeap } from "./draft.ts";
import { findGuards } from "./guards.ts";
import { findHeaps } from "./heaps.ts";
import { type InitRecord, initRecord } from "./init-record.ts";
import { LinkedProgram } from "./linked-program.ts";
import { isLinkMap, type LinkMap, readLinkMap } from "./map-file.ts";
import { type Concessions, scenarioText } from "./scenario-text.ts";
import { findMainStack } from "./stacks.ts";
import { staticTotals } from "./static-totals.ts";
import { findTarget } from "./target.ts";
import { findTasks } from "./tasks.ts";

/** A file that was read. */
export interface InputFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface InitRequest {
  readonly elf?: InputFile;
  readonly map?: InputFile;
  readonly configs?: readonly InputFile[];
  /** As `--device` takes it; without it the files must show a device. */
  readonly device?: string;
  /** A name of the catalogue, where the files do not show the allocator or show another. */
  readonly allocator?: string;
  /** The first heap's place and size, where the files do not show it. */
  readonly heap?: { readonly low: number | undefined; readonly bytes: number };
  /** The scenario's path: paths in it count from its folder. */
  readonly out: string;
}

export interface InitResult {
  /** Passes `heapsoak check`. */
  readonly text: string;
  readonly record: InitRecord;
}

const MAP_BYTES_MOST = 256 * 1024 * 1024;

/**
 * The skeleton. Throws `bad-elf`, `bad-map` and `bad-config` for files that are not sound, `bad-argument` where they do
 * not show the device or the allocator, `does-not-fit` where no scenario of what they show passes the check.
 */
export async function initScenario(request: InitRequest): Promise<InitResult> {
  const { elf, map, configs = [], out } = request;
  if (!elf && !map && configs.length === 0) {
    throw new HeapsoakError("bad-argument", "There is nothing to read.", { hint: "Give --elf, --map or --config." });
  }
  const configuration = new Configuration();
  for (const { bytes, name } of configs) configuration.add(bytes, name);
  const content = map && mapOf(map);
  const program = programOf(elf && readElf(refuseOther(elf).bytes, elf.name), content, elf?.name ?? map?.name ?? "");
  const target = await findTarget({
    device: request.device,
    elf,
    map: map && content && { content, name: map.name },
    configuration,
    hasMainStack: findMainStack(program, configuration) !== undefined || (program && stackTopOf(program)) !== undefined,
    out,
  });
  const draft = draftOf(request, { configuration, program, target });
  const { text, concessions } = await checkedText(draft, out);
  return { text, record: initRecord(draft, { request, concessions }) };
}

function refuseOther(file: InputFile): InputFile {
  if (isElf(file.bytes)) return file;
  throw new HeapsoakError("bad-elf", `${file.name}: not an ELF file.`, {
    hint: "--elf takes the linked program as the linker writes it: app.elf, app.axf, zephyr.elf.",
  });
}

function mapOf({ bytes, name }: InputFile): LinkMap {
  if (bytes.length > MAP_BYTES_MOST) throw new HeapsoakError("bad-map", `${name}: larger than any map.`);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  if (isElf(bytes) || !isLinkMap(text)) return readLinkMap("", name);
  return readLinkMap(text, name);
}

function programOf(elf: Elf | undefined, map: LinkMap | undefined, name: string): LinkedProgram | undefined {
  return elf || map ? new LinkedProgram(name, { elf, map }) : undefined;
}

interface Sources {
  readonly configuration: Configuration;
  readonly program: LinkedProgram | undefined;
  readonly target: Awaited<ReturnType<typeof findTarget>>;
}

function draftOf(request: InitRequest, { configuration, program, target }: Sources): Draft {
  const { device } = target;
  const found = findHeaps({ program, configuration, allocator: request.allocator, place: request.heap });
  const mainStack = findMainStack(program, configuration);
  const { tasks, handlers, hasScheduler, main, notes } = findTasks(program, configuration, device);
  const heaps = found.heaps.map((heap) => shortened(heap, mainStack));
  const stacks = [mainStack, ...tasks.map(({ stack }) => stack)];
  const statics = program ? staticTotals(program, device, heaps, stacks) : [];
  const draft = {
    title: titleOf(request),
    device: { lines: target.lines, source: target.source },
    statics,
    heaps,
    placeless: found.placeless,
    mainStack,
    handlers,
    guards: findGuards(configuration, program),
    tasks,
    frame: main,
    // Without symbols nobody can tell.
    hasScheduler:
      hasScheduler ||
      program?.hasSymbols === false ||
      configuration.has("configMAX_PRIORITIES") ||
      configuration.files.some(({ kind }) => kind === "kconfig"),
  };
  const told = [
    ...target.notes,
    ...buildNotes(program),
    ...doubleNotes(heaps, program),
    ...found.notes,
    ...notes,
    ...configuration.remarks,
  ];
  return { ...draft, notes: told, missing: missingOf(draft, program) };
}

/** A map of another build is told by symbols that lie elsewhere. */
function buildNotes(program: LinkedProgram | undefined): string[] {
  const { elf, map } = program ?? {};
  if (!elf || !map || elf.symbols.length === 0) return [];
  const moved = map.symbols.filter(({ name, value, kind }) => {
    const symbol = kind === "plain" ? undefined : elf.symbols.named(name);
    return symbol?.global && !symbol.absolute && symbol.value !== value - (symbol.kind === "function" ? value % 2 : 0);
  });
  const [first] = moved;
  if (!first) return [];
  return [
    `${moved.length} symbols, ${first.name} the first, lie elsewhere in the map than in the ELF file: it is of another build. The ELF file counts.`,
  ];
}

/** A heap that lies nobody knows where is counted as static data as well. */
function doubleNotes(heaps: readonly DraftHeap[], program: LinkedProgram | undefined): string[] {
  const [heap] = heaps.filter(({ at }) => at === undefined);
  if (!heap || !program) return [];
  return [
    `Where heap ${heap.name} lies is not known. If it is an array, static data counts it too: take its ${heap.bytes.value} B off, or give --heap ADDRESS:SIZE.`,
  ];
}

/** Linker scripts that reserve one room for heap and stack: the heap ends where the stack begins. */
function shortened(heap: DraftHeap, stack: Draft["mainStack"]): DraftHeap {
  const { at, bytes } = heap;
  if (at === undefined || stack?.at === undefined || stack.at <= at || stack.at >= at + bytes.value) return heap;
  return { ...heap, bytes: { value: stack.at - at, source: `${bytes.source}, up to the main stack` } };
}

function missingOf(draft: Omit<Draft, "notes" | "missing">, program: LinkedProgram | undefined): string[] {
  const missing: string[] = [];
  if (!program) missing.push("static data: --elf or --map shows it.");
  if (program && !program.hasSymbols) missing.push("symbols: heaps, stacks and tasks are found by them.");
  if (draft.heaps.length === 0 && draft.placeless.length === 0) missing.push("a heap.");
  for (const { allocator } of draft.placeless)
    missing.push(`the place of ${allocator.value}'s heap: --heap SIZE or --heap ADDRESS:SIZE gives it.`);
  if (!draft.mainStack) missing.push("the main stack.");
  if (draft.tasks.length === 0) missing.push(draft.hasScheduler ? "tasks." : "tasks and a scheduler.");
  const without = draft.tasks.filter(({ stack }) => !stack).map(({ name }) => name);
  if (without.length > 0) missing.push(`the sizes of the stacks of ${without.join(", ")}.`);
  const noPriority = draft.tasks.filter(({ priority }) => !priority).map(({ name }) => name);
  if (noPriority.length > 0) missing.push(`the priorities of ${noPriority.join(", ")}.`);
  return missing;
}

function titleOf({ elf, map, configs = [] }: InitRequest): string {
  const file = elf ?? map ?? configs[0];
  return (
    baseName(file?.name ?? "firmware")
      .replace(/\.(elf|axf|out|map)$/i, "")
      .slice(0, 100) || "firmware"
  );
}

/** From the real places of everything to what a scenario can express of them, in this order. */
const ATTEMPTS: readonly Concessions[] = [
  { taskStacks: false, heaps: false, mainStack: false, starterOnMainStack: false },
  { taskStacks: false, heaps: false, mainStack: false, starterOnMainStack: true },
  { taskStacks: true, heaps: false, mainStack: false, starterOnMainStack: false },
  { taskStacks: true, heaps: false, mainStack: false, starterOnMainStack: true },
  { taskStacks: true, heaps: true, mainStack: false, starterOnMainStack: false },
  { taskStacks: true, heaps: true, mainStack: false, starterOnMainStack: true },
  { taskStacks: true, heaps: true, mainStack: true, starterOnMainStack: true },
];

/** The text that gives up least and passes what `heapsoak check` asks. */
async function checkedText(draft: Draft, out: string): Promise<{ text: string; concessions: Concessions }> {
  let first: HeapsoakError | undefined;
  for (const concessions of ATTEMPTS) {
    const text = scenarioText(draft, concessions);
    try {
      layOut(await parseScenario(text, out === "-" ? "scenario.yaml" : out));
      return { text, concessions };
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      first ??= error;
    }
  }
  throw new HeapsoakError("does-not-fit", `What was found does not pass \`heapsoak check\`:\n${first?.message ?? ""}`, {
    hint: "Is it the right device (--device), and are ELF, map and configuration of one build?",
    cause: first,
  });
}
