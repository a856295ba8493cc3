import { basename } from "node:path";
import { findAllocator } from "../../allocators/catalogue.ts";
import type { OptionValues } from "../../allocators/entry.ts";
import type { FittedModel } from "../model/model.ts";
import { Names, shown } from "./names.ts";
import { bytesText, drawText, timeText } from "./quantity-text.ts";
import { EPISODE, PAUSE, TaskWriter, wrapped } from "./task-text.ts";

/** Where a fitted workload is to run. */
export interface ScenarioPlace {
  /** A catalogue id or a path; a plain device with room for the heap without one. */
  readonly device?: string;
  readonly allocator: string;
  readonly options: OptionValues;
  readonly heapBytes: number;
  readonly title: string;
  /** Where the trace is from, for the scenario's `why`. */
  readonly source: string;
}

const RAM_STEP = 0x1_0000;

/** The scenario of the fitted workload: a file that passes `heapsoak check`. */
export function scenarioOf(model: FittedModel, place: ScenarioPlace): string {
  const names = new Names();
  const writer = new TaskWriter(names);
  const tasks = model.activities.flatMap((activity) => [...writer.lines(activity), ""]);
  const { traceMean, modelMean } = model.live;
  const mean = `${bytesText(traceMean)} live on average there, ${bytesText(modelMean)} by rates, sizes and lives here.`;
  const source = basename(place.source);
  return [
    "heapsoak: 1",
    `title: ${quoted(place.title.replaceAll(place.source, source))}`,
    "why: >-",
    `  Fitted to ${shown(source)}: ${timeText(model.untilUs, 3)} of it, ${mean}`,
    ...model.remarks.map((remark) => `# ${oneLine(remark)}`),
    deviceLine(place),
    `uptime: ${timeText(Math.max(1, Math.ceil(model.untilUs)), 3)}`,
    "seed: 1",
    "",
    "heaps:",
    ...heapLines(place),
    ...cacheLines(writer),
    ...queueLines(writer),
    ...modeLines(model),
    "",
    "tasks:",
    ...tasks,
    ...writer.servers(),
    "expect:",
    `  - { survives: ${timeText(Math.max(1, Math.floor(model.untilUs * 0.999)), 3)} }`,
    "",
  ].join("\n");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

function quoted(text: string): string {
  return JSON.stringify(shown(text));
}

function deviceLine({ device, allocator, heapBytes }: ScenarioPlace): string {
  if (device !== undefined) return `device: ${JSON.stringify(device)}`;
  if (findAllocator(allocator).pointerBytes === 2) {
    return "device: { id: plain, core: avr, banks: { ram: { at: 0x100, size: 0x7F00 } } }";
  }
  const bytes = Math.ceil((2 * heapBytes + RAM_STEP) / RAM_STEP) * RAM_STEP;
  return `device: { id: plain, core: cortex-m3, banks: { ram: { at: 0x20000000, size: ${bytes} } } }`;
}

function heapLines({ allocator, heapBytes, options }: ScenarioPlace): string[] {
  const words = Object.entries(options).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const chosen = words.length > 0 ? `, options: { ${words.join(", ")} }` : "";
  return [
    "  # What a refused request does to the firmware no trace tells: here its activity ends, and the next one comes.",
    `  main: { allocator: ${allocator}, size: ${heapBytes}, region: ram${chosen}, onAllocationFailure: drop }`,
  ];
}

function cacheLines({ caches }: TaskWriter): string[] {
  if (caches.length === 0) return [];
  return [
    "caches:",
    ...caches.map(({ name, cache: { slots, evict } }) => `  ${name}: { slots: ${slots}, evict: ${evict} }`),
  ];
}

function modeLines({ episodes }: FittedModel): string[] {
  if (!episodes) return [];
  return [
    "modes:",
    ...wrapped(`  ${PAUSE}: { for: `, drawText(episodes.pause, timeText), "  ", `, then: ${EPISODE} }`),
    ...wrapped(`  ${EPISODE}: { for: `, drawText(episodes.lasts, timeText), "  ", `, then: ${PAUSE} }`),
  ];
}

function queueLines({ queues }: TaskWriter): string[] {
  if (queues.length === 0) return [];
  const lines = queues.map(({ name, queue: { capacity, whenFull } }) => {
    return `  ${name}: { capacity: ${capacity}, whenFull: ${whenFull} }`;
  });
  return ["queues:", ...lines];
}
