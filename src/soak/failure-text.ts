/** How a run failed, in words, and which classes of failure an expectation may count it among. */
import type { Expectation } from "../scenario/model.ts";
import { formatCount } from "./figures.ts";
import type { RunFailure, RunFailureKind } from "./record.ts";

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

/** One sentence: what was asked, what was free, the largest hole. */
export function failureMessage(failure: Facts): string {
  const reboot = failure.kind === "reboot-by-policy" ? "; the device rebooted" : "";
  const refusal = refusalText(failure);
  if (refusal && !isRefusal(failure.kind)) return `${SENTENCES[failure.kind]}, the last after a ${refusal}`;
  return refusal ? `${refusal}${reboot}` : SENTENCES[failure.kind];
}

/** The classes a failure belongs to. `overflowed`: a stack had run over by then. */
export function failureClasses(failure: Facts, overflowed: boolean): FailureClass[] {
  const refusal = refusalClass(failure);
  switch (failure.kind) {
    case "crash":
    case "reboot-by-policy":
    case "boot-loop":
      return refusal ? [refusal] : [];
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

function isRefusal(kind: RunFailureKind): boolean {
  return kind === "crash" || kind === "reboot-by-policy";
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
