import type { DeviceDescription } from "../device/description.ts";
import { HeapsoakError } from "../errors.ts";
import type { DocumentPath } from "../yaml-document.ts";
import type { AmountDocument, DrawDocument } from "./draw-schema.ts";
import { limitsProblem } from "./draw-schema.ts";
import { parseEmpirical } from "./draws.ts";
import { Issues, shown, suggestion } from "./issues.ts";
import type { Amount, Draw, FailurePolicy, Scenario } from "./model.ts";
import type { PolicyDocument, ScenarioDocument } from "./schema.ts";

type Warning = Scenario["warnings"][number];

/** What kinds of things a scenario names. */
export type NamedKind = "heaps" | "queues" | "caches" | "modes" | "tasks" | "interrupts";
const SINGULAR: Readonly<Record<NamedKind, string>> = {
  heaps: "heap",
  queues: "queue",
  caches: "cache",
  modes: "mode",
  tasks: "task",
  interrupts: "interrupt",
};

/** A scenario on its way from the document to the model: where things stand, and what is wrong so far. */
export class Reading {
  readonly document: ScenarioDocument;
  readonly device: DeviceDescription;
  readonly issues = new Issues();
  readonly warnings: Warning[] = [];
  readonly #lineOf: (path: DocumentPath) => number;
  readonly #files: ReadonlyMap<string, string | HeapsoakError>;
  readonly #empirical = new Map<string, readonly number[]>();

  constructor(
    document: ScenarioDocument,
    device: DeviceDescription,
    source: { lineOf: (path: DocumentPath) => number; files: ReadonlyMap<string, string | HeapsoakError> },
  ) {
    this.document = document;
    this.device = device;
    this.#lineOf = source.lineOf;
    this.#files = source.files;
  }

  lineOf(path: DocumentPath): number {
    return this.#lineOf(path);
  }

  warn(path: DocumentPath, message: string, hint?: string): void {
    this.warnings.push({ path, line: this.#lineOf(path), message, ...(hint && { hint }) });
  }

  /** The names of a kind, in the order written. */
  names(kind: NamedKind): string[] {
    return Object.keys(this.document[kind]);
  }

  /** Notes an issue where there is nothing of that kind and name; returns the name. */
  resolved(kind: NamedKind, name: string, path: DocumentPath): string {
    if (Object.hasOwn(this.document[kind], name)) return name;
    const names = this.names(kind);
    const hint =
      suggestion(name, names) || (names.length > 0 ? `; there is ${shown(names.slice(0, 8).join(", "))}` : "");
    this.issues.add(path, `there is no ${SINGULAR[kind]} "${name}"${hint}`);
    return name;
  }

  /** The draw with its file's values in place. */
  draw(draw: DrawDocument, path: DocumentPath): Draw {
    if (draw.kind !== "file") return draw;
    const { kind: _, file, unit, ...limits } = draw;
    const values = this.#valuesOf(file, unit, path);
    const empirical: Draw = { kind: "empirical", values, ...limits };
    const problem = values.length > 0 ? limitsProblem(empirical) : undefined;
    if (problem) this.issues.add(path, problem);
    return empirical;
  }

  amount(amount: AmountDocument, path: DocumentPath): Amount {
    return amount.kind === "expression" ? amount : this.draw(amount, path);
  }

  policy(policy: PolicyDocument | undefined, path: DocumentPath): FailurePolicy | undefined {
    if (policy === undefined) return undefined;
    if (typeof policy === "string") return { kind: policy };
    const { retryAfter, times, then } = policy;
    return { kind: "retry", retryAfterUs: this.draw(retryAfter, [...path, "retryAfter"]), times, then };
  }

  #valuesOf(file: string, unit: "bytes" | "time" | "count" | "number", path: DocumentPath): readonly number[] {
    const key = `${unit} ${file}`;
    const known = this.#empirical.get(key);
    if (known) return known;
    try {
      const text = this.#files.get(file);
      if (text instanceof HeapsoakError) throw text;
      if (text === undefined) throw new HeapsoakError("cannot-read", `${file}: one of too many files.`);
      const values = parseEmpirical(text, unit, file);
      this.#empirical.set(key, values);
      return values;
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      this.issues.add([...path, "empirical"], error.message.replace(/\.$/, ""));
      return [];
    }
  }
}
