/** Metric families and their samples, as OpenMetrics 1.0 writes them. */
import { cleanText } from "./clean-text.ts";

/** `info`: the value is 1 and the labels are what counts; `stateset`: 1 for the state that is, 0 for the others. */
export type MetricType = "gauge" | "counter" | "info" | "stateset";

export type MetricLabels = Readonly<Record<string, string>>;

/** What a family is: its name without `heapsoak_` and suffix, and what it means. */
export type Families = Readonly<Record<string, readonly [type: MetricType, help: string]>>;

/** The last word of a family's name that is a unit. */
const UNIT = /_(bytes|seconds|ratio)$/;
const SUFFIXES: Readonly<Record<MetricType, string>> = { gauge: "", counter: "_total", info: "_info", stateset: "" };

/** Collects the samples of all records, so that each family stands in one piece. */
export class Metrics<Name extends string> {
  readonly #families: Readonly<Record<Name, readonly [type: MetricType, help: string]>>;
  readonly #samples = new Map<Name, string[]>();

  constructor(families: Readonly<Record<Name, readonly [type: MetricType, help: string]>>) {
    this.#families = families;
  }

  /** Adds a sample; null, for what a record does not have, adds none. */
  add(name: Name, labels: MetricLabels, value: number | null): void {
    if (value === null) return;
    const samples = this.#samples.get(name) ?? [];
    this.#samples.set(name, samples);
    const [type] = this.#families[name];
    samples.push(`heapsoak_${name}${SUFFIXES[type]}${labelsText(labels)} ${valueText(value)}\n`);
  }

  /** Adds a sample for each state; that of `is` is 1. */
  addState(name: Name, labels: MetricLabels, states: readonly string[], is: string): void {
    for (const state of states) this.add(name, { ...labels, [`heapsoak_${name}`]: state }, state === is ? 1 : 0);
  }

  /** The exposition, families in the order of their table. */
  text(): string {
    const names = (Object.keys(this.#families) as Name[]).filter((name) => this.#samples.has(name));
    const families = names.map((name) => this.#head(name) + (this.#samples.get(name) ?? []).join(""));
    return `${families.join("")}# EOF\n`;
  }

  #head(name: Name): string {
    const [type, help] = this.#families[name];
    const unit = UNIT.exec(name)?.[1];
    const family = `heapsoak_${name}`;
    const unitLine = unit === undefined ? "" : `# UNIT ${family} ${unit}\n`;
    return `# TYPE ${family} ${type}\n${unitLine}# HELP ${family} ${help}\n`;
  }
}

function labelsText(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escaped(text: string): string {
  return cleanText(text).replaceAll(/[\\"\n]/g, (character) => ESCAPES[character] ?? "");
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
