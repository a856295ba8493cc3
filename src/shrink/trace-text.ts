/** The shrunk sequence as a trace, which replays with the same failure. */
import { optionKey } from "../trace/header.ts";
import { packageVersion } from "../version.ts";
import type { ShrinkRecord, ShrunkStep } from "./record.ts";

/** What the header says of the arena's base: its place modulo this. */
const BASE_STEP = 0x1_0000;

/** The text of the trace, the recorded offsets included, so that `replay --verify` can hold it against the emulation. */
export function shrunkTrace(record: ShrinkRecord): string {
  const ids = new Map<string, number>();
  const lines = record.steps.map((step) => {
    if (!ids.has(step.block)) ids.set(step.block, ids.size);
    return stepLine(step, ids.get(step.block) ?? 0);
  });
  return [...headerLines(record), ...lines].map((line) => `${line}\n`).join("");
}

function headerLines({ allocator, options, regions, failure }: ShrinkRecord): string[] {
  const base = regions[0]?.low ?? 0;
  const values: [string, string | number | boolean][] = [
    ["source", "heapsoak shrink"],
    ["failure", `${failure.requestBytes} ${failure.kind}`],
    ["heapsoak", packageVersion()],
    ["allocator", allocator],
    ["heap_size", regions.reduce((sum, { bytes }) => sum + bytes, 0)],
    ["base_misalignment", base % BASE_STEP],
  ];
  if (regions.length > 1) {
    for (const [index, { low, bytes }] of regions.entries()) values.push([`region${index}`, `${low - base}:${bytes}`]);
  }
  for (const [name, value] of Object.entries(options)) values.push([optionKey(name), value]);
  return values.map(([key, value]) => `# ${key}=${value}`);
}

function stepLine({ verb, requestBytes, alignment, offset, site }: ShrunkStep, id: number): string {
  const at = site === null ? "" : ` at=${site}`;
  if (verb === "free") return `f ${id}${at}`;
  const fields = verb === "reallocate" ? `r ${id}` : alignment > 0 ? `z ${id} ${alignment}` : `a ${id}`;
  return `${fields} ${requestBytes} ${offset ?? -1}${at}`;
}
