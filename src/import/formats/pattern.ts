/** A format of the user's own: a regular expression with named groups. */
import { HeapsoakError } from "../../errors.ts";
import type { Stamp, TraceText } from "../../trace/trace-text.ts";
import { hexAddress, type LineKind, type LineReader, type LogFormat, siteWord } from "../log-format.ts";

type Verb = "allocate" | "release" | "reallocate";

/** Words that the group `op` may hold, in lower case. */
const VERBS: Readonly<Record<Verb, readonly string[]>> = {
  allocate: ["a", "m", "c", "z", "+", "alloc", "allocate", "allocated", "malloc", "calloc", "memalign", "new"],
  release: ["f", "-", "free", "freed", "release", "released", "dealloc", "delete"],
  reallocate: ["r", "realloc", "reallocate", "reallocated"],
};
const VERB_OF = new Map(
  (Object.keys(VERBS) as Verb[]).flatMap((verb) => VERBS[verb].map((word) => [word, verb] as const)),
);

/** Groups that a pattern may have. */
const GROUPS = ["op", "addr", "size", "old", "align", "time", "task", "site"] as const;

/** The format that a regular expression describes. Throws `bad-argument`. */
export function patternFormat(source: string): LogFormat {
  const pattern = compiled(source);
  return {
    name: "pattern",
    title: "your own regular expression",
    example: source,
    recognises: (line) => operationOf(pattern.exec(line)?.groups) !== undefined,
    open: (sink) => new PatternReader(sink, pattern),
  };
}

interface Operation {
  readonly verb: Verb;
  readonly address: number;
  readonly bytes: number;
  readonly old: number;
  readonly alignment: number;
}

class PatternReader implements LineReader {
  readonly #sink: TraceText;
  readonly #pattern: RegExp;

  constructor(sink: TraceText, pattern: RegExp) {
    this.#sink = sink;
    this.#pattern = pattern;
  }

  read(line: string): LineKind {
    const groups = this.#pattern.exec(line)?.groups;
    if (!groups) return "other";
    const operation = operationOf(groups);
    if (!operation) return this.#notOne(groups);
    const { verb, address, bytes, old, alignment } = operation;
    const stamp = this.#stamp(groups);
    if (verb === "release") this.#sink.release(address, stamp);
    else if (verb === "reallocate") this.#sink.reallocate(old, address, bytes, stamp);
    else this.#sink.allocate(address, bytes, stamp, alignment);
    return "record";
  }

  #notOne({ op }: Record<string, string | undefined>): LineKind {
    if (op === undefined || VERB_OF.has(op.toLowerCase())) return "damaged";
    this.#sink.findings.note("unknown-operation", this.#sink.lineNumber, op.slice(0, 40));
    return "known";
  }

  #stamp({ time, task, site }: Record<string, string | undefined>): Stamp {
    return {
      timeUs: time === undefined ? undefined : microseconds(time),
      task: task === undefined ? undefined : this.#task(task),
      site: site === undefined || site === "" ? undefined : siteWord(site),
    };
  }

  #task(task: string): number | undefined {
    return /^\d{1,9}$/.test(task) ? Number(task) : this.#sink.taskNumber(task);
  }
}

/** Undefined where the groups make no whole operation. */
function operationOf(groups: Record<string, string | undefined> | undefined): Operation | undefined {
  if (!groups) return undefined;
  const { op, addr, size, old, align } = groups;
  const verb = op === undefined ? (size === undefined ? "release" : "allocate") : VERB_OF.get(op.toLowerCase());
  const address = addressOf(addr);
  const bytes = size === undefined ? undefined : number(size);
  const before = old === undefined ? 0 : addressOf(old);
  const alignment = align === undefined ? 0 : number(align);
  if (verb === undefined || address === undefined || before === undefined || alignment === undefined) return undefined;
  if (verb !== "release" && bytes === undefined) return undefined;
  if (verb === "reallocate" && old === undefined) return undefined;
  return { verb, address, bytes: bytes ?? 0, old: before, alignment };
}

function compiled(source: string): RegExp {
  let pattern: RegExp;
  try {
    pattern = new RegExp(source);
  } catch (cause) {
    const reason = (cause as Error).message.replace(/^Invalid regular expression: /, "");
    throw new HeapsoakError("bad-argument", `--pattern: not a regular expression: ${reason}.`, { cause });
  }
  const names = Object.keys(new RegExp(`${source}|`).exec("")?.groups ?? {});
  const unknown = names.find((name) => !GROUPS.includes(name as (typeof GROUPS)[number]));
  if (unknown === undefined && names.includes("addr") && (names.includes("size") || names.includes("op")))
    return pattern;
  const what = unknown === undefined ? "lacks a group" : `there is no group "${unknown}"`;
  throw new HeapsoakError("bad-argument", `--pattern: ${what}; expected (?<addr>…), (?<size>…) and (?<op>…).`, {
    hint: `Groups: ${GROUPS.join(", ")}. A reallocation needs old as well.`,
  });
}

/** Hexadecimal, with or without `0x`; 0 for the words that stand for no address. */
function addressOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\(?(?:nil|null)\)?$/i.test(text)) return 0;
  const [, digits] = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(text) ?? [];
  return digits === undefined ? undefined : hexAddress(digits);
}

function number(text: string): number | undefined {
  return /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text) ? Number(text) : undefined;
}

/** Whole numbers are microseconds, others seconds. */
function microseconds(text: string): number | undefined {
  if (/^\d{1,18}$/.test(text)) return Number(text);
  return /^\d{1,12}[.,]\d{1,12}$/.test(text) ? Number(text.replace(",", ".")) * 1e6 : undefined;
}
