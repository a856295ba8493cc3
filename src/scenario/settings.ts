import { allocators, findAllocator } from "../allocators/catalogue.ts";
import { closest, HeapsoakError } from "../errors.ts";
import { type DocumentPath, formatPath, parseSource } from "../yaml-document.ts";
import { shown } from "./issues.ts";

/** Changes to a scenario before it is judged: paths such as `tasks.uplink.do[2].size` to values as YAML gives them. */
export type Settings = Readonly<Record<string, unknown>>;

const SETTING_CHARACTERS_MOST = 4096;
const STEPS_MOST = 64;

/** `PATH=VALUE` as `--set` takes it; the value is YAML. Throws `bad-argument`. */
export function parseSetting(text: string): [path: string, value: unknown] {
  const equals = text.indexOf("=");
  if (equals <= 0 || text.length > SETTING_CHARACTERS_MOST) {
    throw new HeapsoakError("bad-argument", `--set: got "${shown(text)}", expected PATH=VALUE.`, {
      hint: "For example: --set heaps.main.size=48KiB.",
    });
  }
  const path = text.slice(0, equals).trim();
  const { value } = parseSource(text.slice(equals + 1), `--set ${path}`, "bad-argument");
  return [path, value];
}

/** Keys and indices of a path: `tasks.uplink.do[2].size`. Throws `bad-argument`. */
export function parsePath(text: string): (string | number)[] {
  const steps: (string | number)[] = [];
  const step = /(?:^|\.)([^.[\]=]+)|\[(\d{1,6})\]/y;
  while (step.lastIndex < text.length) {
    const match = step.exec(text);
    if (!match || steps.length >= STEPS_MOST) {
      throw new HeapsoakError("bad-argument", `"${shown(text)}" is not a path into a scenario.`, {
        hint: "A path looks like heaps.main.size or tasks.uplink.do[2].size.",
      });
    }
    steps.push(match[2] === undefined ? (match[1]?.trim() ?? "") : Number(match[2]));
  }
  if (steps.length === 0) throw new HeapsoakError("bad-argument", "An empty path leads nowhere.");
  return steps;
}

/**
 * The document with the settings applied, in order; the one given stays as it is. The last key of a path may be
 * missing in a map: whether it may stand there is for the schema to say. Throws `bad-argument` for a path that
 * leads nowhere.
 */
export function applySettings(document: unknown, settings: Settings): unknown {
  return Object.entries(settings).reduce(
    (changed, [path, value]) => withValue(changed, parsePath(path), 0, value),
    document,
  );
}

/** A copy along the path only: what else the tree holds may be shared by YAML's aliases. */
function withValue(node: unknown, path: readonly (string | number)[], depth: number, value: unknown): unknown {
  const step = path[depth];
  if (step === undefined) return value;
  const last = depth === path.length - 1;
  if (Array.isArray(node)) {
    const index = Number(step);
    if (!Number.isInteger(index) || index >= node.length) throw nowhere(path, depth, listEnd(node.length));
    return node.with(index, withValue(node[index], path, depth + 1, value));
  }
  if (typeof node !== "object" || node === null) throw nowhere(path, depth, "a value stands there, not a map or list");
  const map = node as Record<string, unknown>;
  const key = String(step);
  if (!Object.hasOwn(map, key) && (!last || key === "__proto__")) throw nowhere(path, depth, nearest(key, map));
  return { ...map, [key]: withValue(map[key], path, depth + 1, value) };
}

/** The setting that put a value at the path or above it, as `PATH`; undefined where the file did. */
export function settingBehind(settings: Settings, path: DocumentPath): string | undefined {
  return Object.keys(settings).find((setting) => {
    const steps = parsePath(setting);
    return steps.length <= path.length && steps.every((step, index) => String(step) === String(path[index]));
  });
}

function nowhere(path: readonly (string | number)[], depth: number, reason: string): HeapsoakError {
  const where = depth === 0 ? "the scenario" : formatPath(path.slice(0, depth));
  return new HeapsoakError(
    "bad-argument",
    `"${shown(formatPath(path))}" leads nowhere: ${where} has no "${shown(String(path[depth]))}" (${reason}).`,
  );
}

function nearest(key: string, map: Record<string, unknown>): string {
  const meant = closest(key, Object.keys(map));
  return meant ? `did you mean "${meant}"?` : `it has ${shown(Object.keys(map).join(", ")) || "nothing"}`;
}

function listEnd(length: number): string {
  return length === 0 ? "the list is empty" : `the list has [0] to [${length - 1}]`;
}

/** Heap choices of the command line as settings: sizes and allocators by heap, "" for the first one. */
export function heapSettings(
  document: unknown,
  choices: { heapSize?: Readonly<Record<string, string>>; allocator?: Readonly<Record<string, string>> },
): Settings {
  const settings: Record<string, unknown> = {};
  for (const [heap, size] of Object.entries(choices.heapSize ?? {})) {
    settings[`heaps.${namedHeap(document, heap)}.size`] = size;
  }
  for (const [heap, allocator] of Object.entries(choices.allocator ?? {})) {
    const name = namedHeap(document, heap);
    settings[`heaps.${name}.allocator`] = allocator;
    const kept = keptOptions(document, name, allocator);
    if (kept) settings[`heaps.${name}.options`] = kept;
  }
  return settings;
}

/** Options of the former allocator mean nothing to another one: only those it has too are kept. */
function keptOptions(document: unknown, heap: string, allocator: string): Record<string, unknown> | undefined {
  const written = (document as { heaps?: Record<string, { options?: unknown; allocator?: unknown }> }).heaps?.[heap];
  const options = written?.options;
  if (typeof options !== "object" || options === null) return undefined;
  const known = findAllocator(allocator);
  const former = allocators.find(({ name, aliases }) => [name, ...aliases].includes(String(written?.allocator)));
  if (former === known) return undefined;
  return Object.fromEntries(Object.entries(options).filter(([option]) => Object.hasOwn(known.options, option)));
}

function namedHeap(document: unknown, heap: string): string {
  const heaps = (document as { heaps?: unknown } | null)?.heaps;
  const names = typeof heaps === "object" && heaps !== null ? Object.keys(heaps) : [];
  if (heap === "" && names[0] !== undefined) return names[0];
  if (names.includes(heap)) return heap;
  const meant = closest(heap, names);
  throw new HeapsoakError(
    "bad-argument",
    heap === "" ? "The scenario has no heap." : `There is no heap "${shown(heap)}".`,
    {
      hint: meant ? `Did you mean "${meant}"?` : `Heaps of the scenario: ${names.join(", ") || "none"}.`,
    },
  );
}
