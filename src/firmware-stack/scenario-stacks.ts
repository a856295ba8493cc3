/** The stacks of a scenario, made large enough for what the firmware's code needs. */
import { type Document, isAlias, isMap, isScalar, type Pair, parseDocument } from "yaml";
import { printable } from "../errors.ts";
import type { Scenario } from "../scenario/model.ts";
import type { StackBoundRecord } from "./stack-record.ts";

/** A stack of the scenario that a bound is known for. */
interface StackNeed {
  /** Path in the scenario, the stack itself last. */
  readonly path: readonly string[];
  readonly sizeBytes: number;
  readonly needBytes: number;
  readonly bounded: boolean;
  readonly source: string;
}

/** How our comments begin: an earlier one is replaced. */
const OWN_REMARK = " heapsoak stack:";
/** Stacks are whole multiples of this on every core with an aligned stack pointer. */
const SIZE_GRANULE = 8;

/** The lines of YAML for people: the stacks by task, and which tasks no entry point is known for. */
export function stackLines(scenario: Scenario, record: StackBoundRecord): string[] {
  const needs = stackNeeds(scenario, record);
  const known = new Set(needs.map(({ path }) => path[1]));
  const without = scenario.tasks.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  const lines = needs.map((need) => {
    const { path, sizeBytes, needBytes } = need;
    const size = Math.max(sizeBytes, rounded(needBytes));
    const was = size > sizeBytes ? `, was ${sizeBytes}: TOO SMALL` : "";
    return `  ${path.join(".")}.size: ${size}  # ${remark(need)}${was}`;
  });
  const missing = `  # no entry point is known for: ${without.join(", ")} (say --entry TASK=FUNCTION)`;
  return ["stacks of the scenario:", ...lines, ...(without.length > 0 ? [missing] : [])];
}

/** The scenario's text with stacks that are too small enlarged, and a comment at each that a bound is known for. */
export function raisedScenario(text: string, scenario: Scenario, record: StackBoundRecord): string {
  const document = parseDocument(text);
  for (const need of stackNeeds(scenario, record)) {
    setSize(document, need.path, Math.max(need.sizeBytes, rounded(need.needBytes)), need.needBytes > need.sizeBytes);
    comment(document, need.path, ` ${remark(need)}`);
  }
  return document.toString({ lineWidth: 0 });
}

function stackNeeds(scenario: Scenario, record: StackBoundRecord): StackNeed[] {
  const tasks = scenario.tasks.flatMap(({ name, stack }) => {
    const entry = record.entries.find((candidate) => candidate.kind === "task" && candidate.name === name);
    if (!entry) return [];
    const { bytes: needBytes, bounded } = entry;
    return [{ path: ["tasks", name, "stack"], sizeBytes: stack.sizeBytes, needBytes, bounded, source: entry.function }];
  });
  if (!scenario.interruptStack) return tasks;
  const { bytes: needBytes, bounded } = record.mainStack;
  const { sizeBytes } = scenario.interruptStack;
  return [...tasks, { path: ["stacks", "interrupts"], sizeBytes, needBytes, bounded, source: "main stack" }];
}

function remark({ needBytes, bounded, source }: StackNeed): string {
  const name = printable(source.replaceAll(/[\n\t]/g, " "));
  return `heapsoak stack: ${name} needs ${bounded ? "" : "at least "}${needBytes} B`;
}

function rounded(bytes: number): number {
  return Math.ceil(bytes / SIZE_GRANULE) * SIZE_GRANULE;
}

/** A stack that is large enough stays as it is written. */
function setSize(document: Document, path: readonly string[], sizeBytes: number, isTooSmall: boolean): void {
  const written = document.getIn(path, true);
  if (!isTooSmall && written !== undefined) return;
  const stack = isAlias(written) ? written.resolve(document) : written;
  if (isMap(stack)) stack.set("size", sizeBytes);
  else document.setIn(path, document.createNode({ size: sizeBytes }));
}

/** Above the line of the stack's key. */
function comment(document: Document, path: readonly string[], text: string): void {
  const parent = document.getIn(path.slice(0, -1), true);
  if (!isMap(parent) || parent.flow) return;
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) as Pair | undefined;
  if (!pair || !isScalar(pair.key)) return;
  // A comment above a map's first line belongs to the map.
  if (parent.commentBefore) parent.commentBefore = othersRemarks(parent.commentBefore).join("\n");
  pair.key.commentBefore = [...othersRemarks(pair.key.commentBefore ?? ""), text].join("\n");
}

function othersRemarks(comments: string): string[] {
  return comments.split("\n").filter((line) => line !== "" && !line.startsWith(OWN_REMARK));
}
