import { OPTIONS_MOST } from "../../assembly/memory-map.ts";
import { closest, HeapsoakError } from "../errors.ts";
import { cLibrary } from "./c-library.ts";
import { definitions } from "./definitions.ts";
import type { AllocatorEntry, OptionSpec, OptionValues } from "./entry.ts";
import { freertos } from "./freertos.ts";
import { lwmem } from "./lwmem.ts";
import { micropython } from "./micropython.ts";
import { o1heap } from "./o1heap.ts";
import { rust } from "./rust.ts";
import { threadx } from "./threadx.ts";
import { tlsf } from "./tlsf.ts";
import { umm } from "./umm.ts";
import { zephyr } from "./zephyr.ts";

/** Every allocator, in the order in which they are listed. */
export const allocators: readonly AllocatorEntry[] = [
  ...freertos,
  ...tlsf,
  ...cLibrary,
  ...o1heap,
  ...umm,
  ...zephyr,
  ...threadx,
  ...micropython,
  ...lwmem,
  ...rust,
  ...definitions,
];

const byName = new Map<string, AllocatorEntry>();
for (const entry of allocators) {
  for (const name of [entry.name, ...entry.aliases, ...(entry.traceNames ?? [])]) byName.set(name.toLowerCase(), entry);
}

/** The allocator of that name or alias. Throws `unknown-allocator` with the closest name. */
export function findAllocator(name: string): AllocatorEntry {
  const entry = byName.get(name.toLowerCase());
  if (entry) return entry;
  const guess = closest(name, byName.keys());
  throw new HeapsoakError("unknown-allocator", `There is no allocator "${name}".`, {
    hint: guess ? `Did you mean "${guess}"?` : "`heapsoak allocators` lists them.",
  });
}

/** The option words of a heap's record for `values`; throws `unknown-option` or `bad-argument` naming the option. */
export function encodeOptions(entry: AllocatorEntry, values: OptionValues): Uint32Array {
  const words = new Uint32Array(OPTIONS_MOST);
  for (const spec of Object.values(entry.options)) words[spec.word] = spec.default;
  for (const [name, value] of Object.entries(values)) {
    const spec = Object.hasOwn(entry.options, name) ? entry.options[name] : undefined;
    if (!spec) throw unknownOption(entry, name);
    words[spec.word] = encodeOption(entry.name, name, spec, value);
  }
  return words;
}

function unknownOption(entry: AllocatorEntry, name: string): HeapsoakError {
  const names = Object.keys(entry.options);
  const guess = closest(name, names);
  const known = names.length ? `It has: ${names.join(", ")}.` : "It has none.";
  return new HeapsoakError("unknown-option", `${entry.name} has no option "${name}".`, {
    hint: guess ? `Did you mean "${guess}"?` : known,
  });
}

function encodeOption(allocator: string, name: string, spec: OptionSpec, value: number | string | boolean): number {
  const number = spec.choices && typeof value === "string" ? spec.choices[value] : Number(value);
  const least = spec.least ?? 0;
  const most = spec.most ?? 0xffffffff;
  const wrong =
    number === undefined ||
    !Number.isInteger(number) ||
    number < least ||
    number > most ||
    (spec.powerOfTwo && (number & (number - 1)) !== 0) ||
    (spec.choices && !Object.values(spec.choices).includes(number));
  if (!wrong) return number;
  const expected = spec.choices
    ? Object.keys(spec.choices).join(", ")
    : `${spec.powerOfTwo ? "a power of two" : "a whole number"} from ${least} to ${most}`;
  throw new HeapsoakError("bad-argument", `${allocator}: option "${name}" is ${value}; expected ${expected}.`);
}
