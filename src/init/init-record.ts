import { formatAddress } from "../quantities.ts";
import type { Draft, DraftStack } from "./draft.ts";
import type { InitRequest } from "./init.ts";
import type { Concessions } from "./scenario-text.ts";

/** A fact that was found, as the summary lists it. */
export interface FoundFact {
  readonly what: string;
  readonly value: string;
  readonly source: string;
}

/** What `heapsoak init --json` writes. */
export interface InitRecord {
  readonly format: "heapsoak.init";
  readonly version: 1;
  readonly out: string;
  readonly elf: string | null;
  readonly map: string | null;
  readonly configs: readonly string[];
  readonly found: readonly FoundFact[];
  /** Contradictions, and what limits the facts. */
  readonly notes: readonly string[];
  readonly missing: readonly string[];
  /** Real addresses that the scenario could not keep. */
  readonly givenUp: readonly string[];
}

/** The record of a draft and of what became of it. */
export function initRecord(draft: Draft, of: { request: InitRequest; concessions: Concessions }): InitRecord {
  const { elf, map, configs = [], out } = of.request;
  return {
    format: "heapsoak.init",
    version: 1,
    out,
    elf: elf?.name ?? null,
    map: map?.name ?? null,
    configs: configs.map(({ name }) => name),
    found: factsOf(draft),
    notes: draft.notes,
    missing: draft.missing,
    givenUp: givenUp(draft, of.concessions),
  };
}

function factsOf(draft: Draft): FoundFact[] {
  const { device, statics, heaps, mainStack, tasks, guards } = draft;
  return [
    { what: "device", value: deviceText(device.lines), source: device.source },
    ...statics.map(({ bank, bytes, source }) => ({ what: "static data", value: `${bytes} B in ${bank}`, source })),
    ...heaps.flatMap(({ name, allocator, bytes, at }) => [
      { what: `heap ${name}`, value: placed(bytes.value, at), source: bytes.source },
      { what: "  allocator", value: allocator.value, source: allocator.source },
    ]),
    ...(mainStack ? [{ what: "main stack", value: stackText(mainStack), source: mainStack.source }] : []),
    ...tasks.map(({ name, stack, source }) => ({
      what: `task ${name}`,
      value: stack ? stackText(stack) : "stack not found",
      source: stack?.source ?? source,
    })),
    ...guards.map(({ kind, source }) => ({ what: "guard of stacks", value: kind, source })),
  ];
}

function deviceText(lines: readonly string[]): string {
  return lines.length === 1 ? (lines[0] ?? "").replace(/^device: /, "") : "in the scenario";
}

function stackText({ bytes, at }: DraftStack): string {
  return placed(bytes, at);
}

function placed(bytes: number, at: number | undefined): string {
  return at === undefined ? `${bytes} B` : `${bytes} B at ${formatAddress(at)}`;
}

function givenUp({ heaps, mainStack, tasks }: Draft, concessions: Concessions): string[] {
  const placedTasks = tasks.filter(({ stack }) => stack?.at !== undefined).map(({ name }) => name);
  const lost: string[] = [];
  if (concessions.heaps && heaps.some(({ at }) => at !== undefined)) {
    lost.push("the heaps' addresses: static data must lie in one piece beside them");
  }
  if (concessions.taskStacks && placedTasks.length > 0)
    lost.push(`the addresses of the stacks of ${placedTasks.join(", ")}`);
  if (concessions.mainStack && mainStack?.at !== undefined) lost.push("the main stack's address");
  return lost;
}
