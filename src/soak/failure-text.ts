/** How a run failed, in words, and which classes of failure an expectation may count it among. */
import type { Expectation } from "../scenario/model.ts";
import { formatCount } from "./figures.ts";
import type { RunFailure, RunFailureKind, StackRecordOfRun } from "./record.ts";
import { hadOverwritten } from "./stack-overflow.ts";

export type FailureClass = NonNullable<Extract<Expectation, { expect: "fails" }>["with"]>;
type Facts = Omit<RunFailure, "message">;

const SENTENCES: { readonly [K in RunFailureKind]: string } = {
  crash: "a request was refused",
  "reboot-by-policy": "a request was refused, and the device rebooted",
  fault: "the device faulted",
  "stack-overflow": "a stack overflowed",
  "stack-corruption": "what a task had on its stack was overwritten",
  deadlock: "all tasks are blocked and nothing is scheduled",
  "boot-loop": "more than 10 reboots within an hour",
  overload: "more than 1,000 starts of a task wait",
  "no-progress": "more than 1,000,000 steps without simulated time passing",
  "queue-full": "a queue that must not fill was full",
  "allocation-in-interrupt": "an allocation in an interrupt, from a heap that is not made for it",
  "too-many-blocks": "more live blocks than heapsoak keeps records for",
};

type Stacks = Readonly<Record<string, Pick<StackRecordOfRun, "overflow">>>;

/** One sentence: what was asked, what was free, the largest hole; and which stack had overwritten the heap before. */
export function failureMessage(failure: Facts, trampledBy?: string): string {
  const before = trampledBy === undefined ? "" : `; the stack of ${trampledBy} had overwritten this heap before`;
  return `${sentenceOf(failure)}${before}`;
}

function sentenceOf(failure: Facts): string {
  const { kind, step } = failure;
  // A start by itself has no step; this one was asked for.
  if (kind === "overload" && step !== null) return "a task to be spawned already runs in all its instances";
  const refusal = refusalText(failure);
  if (!refusal) return SENTENCES[kind];
  if (kind === "stack-overflow") return `no memory for a stacklet: ${refusal}`;
  if (kind === "boot-loop") return `${SENTENCES[kind]}, the last after a ${refusal}`;
  return kind === "reboot-by-policy" ? `${refusal}; the device rebooted` : refusal;
}

/** The stack that had overwritten the failed heap by then without anybody noticing, or undefined. */
export function tramplingStack({ kind, heap, atUs }: Facts, stacks: Stacks): string | undefined {
  if (heap === null || kind === "stack-overflow") return undefined;
  return Object.keys(stacks).find((name) => hadOverwritten(stacks[name]?.overflow ?? null, heap, atUs));
}

/** The classes a failure belongs to. A refusal by a heap that a stack has overwritten is a corruption as well. */
export function failureClasses(failure: Facts, stacks: Stacks): FailureClass[] {
  const refusal = refusalClass(failure);
  const overflowed = Object.values(stacks).some(({ overflow }) => overflow !== null && overflow.atUs <= failure.atUs);
  switch (failure.kind) {
    case "crash":
    case "reboot-by-policy":
    case "boot-loop": {
      const trampled = tramplingStack(failure, stacks) !== undefined;
      return [...(refusal ? [refusal] : []), ...(trampled ? (["corruption", "overflow"] as const) : [])];
    }
    case "fault":
      return overflowed ? ["corruption", "overflow"] : ["corruption"];
    case "stack-overflow":
      return ["overflow"];
    case "stack-corruption":
      return ["corruption", "overflow"];
    case "overload":
    case "queue-full":
      return ["overload"];
    default:
      return [];
  }
}

function refusalText(failure: Facts): string | undefined {
  const { requestBytes, freeBytes, largestFreeBytes } = failure;
  const why = refusalClass(failure);
  if (!why) return undefined;
  const free = `${formatCount(freeBytes ?? 0)} B free, largest hole ${formatCount(largestFreeBytes ?? 0)} B`;
  return `request of ${formatCount(requestBytes ?? 0)} B refused: ${free} (${why})`;
}

/** Enough free bytes in total, or not. */
function refusalClass({ requestBytes, freeBytes }: Facts): "fragmentation" | "exhaustion" | undefined {
  if (requestBytes === null || freeBytes === null) return undefined;
  return freeBytes >= requestBytes ? "fragmentation" : "exhaustion";
}
