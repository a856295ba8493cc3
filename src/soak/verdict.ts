/**
 * The verdict on a run: every expectation with the figure that decided it.
 *
 * Extremes of a heap only get worse as a run goes on. So a bound that is broken stays broken, and one that asks
 * for a bad value (`largestFree: { below: … }`) stays met; the other outcomes hold once the run is complete, or
 * once a proved period has been seen from its beginning to its end: what comes after it is the same again.
 */
import type { Bound, Expectation, HeapFigure } from "../scenario/model.ts";
import { formatDuration } from "../scenario/quantities.ts";
import type { JudgedHeap, WorstRatio } from "../wasm/soak-telemetry.ts";
import { failureClasses } from "./failure-text.ts";
import { counted, formatCount, formatShare } from "./figures.ts";
import type { Periodicity } from "./periodic.ts";
import type { RunFailure, RunRecord, StackRecordOfRun, Verdict } from "./record.ts";

/** What is known of a run when it is judged. */
export interface RunFacts {
  readonly simulatedUs: number;
  /** The horizon that was asked for. */
  readonly horizonUs: number;
  /** Whether the run reached its horizon or failed for good; false: it was interrupted. */
  readonly complete: boolean;
  /** When the warm-up ended; undefined: not yet. */
  readonly judgedFromUs: number | undefined;
  readonly failure: RunFailure | null;
  readonly heaps: Readonly<Record<string, JudgedHeap>>;
  /** Tasks and interrupts. */
  readonly tasks: Readonly<Record<string, { readonly lastAllocationUs: number | undefined }>>;
  readonly stacks: Readonly<Record<string, StackRecordOfRun>>;
  readonly periodicity: Periodicity;
}

type Judgement = RunRecord["expectations"][number];
interface Finding {
  readonly met: boolean | null;
  readonly observed: string;
}
type Of<K extends Expectation["expect"]> = Extract<Expectation, { expect: K }>;

/** Judges the expectations, in their order, and the run as a whole. */
export function judge(
  expectations: readonly Expectation[],
  facts: RunFacts,
): { verdict: Verdict; expectations: Judgement[] } {
  const judged = expectations.map((expectation) => {
    const { text, line } = expectation;
    return { text, ...findingOf(expectation, facts), line };
  });
  return { verdict: overall(expectations, judged, facts), expectations: judged };
}

/** A failure that no `fails` expects is a failed run, whatever else was expected of it. */
function overall(expectations: readonly Expectation[], judged: readonly Judgement[], facts: RunFacts): Verdict {
  if (judged.some(({ met }) => met === false)) return "fail";
  const expectsFailure = expectations.some(({ expect }) => expect === "fails");
  if (facts.failure && facts.failure.atUs < facts.horizonUs && !expectsFailure) return "fail";
  if (judged.some(({ met }) => met === null)) return "undecided";
  return judged.length > 0 || facts.complete ? "pass" : "undecided";
}

function findingOf(expectation: Expectation, facts: RunFacts): Finding {
  switch (expectation.expect) {
    case "survives":
      return survives(expectation, facts);
    case "fails":
      return fails(expectation, facts);
    case "heap":
      return heap(expectation, facts);
    case "stack":
      return stack(expectation, facts);
    case "noAllocationIn":
      return noAllocationIn(expectation, facts);
    case "noAllocationAfter":
      return noAllocationAfter(expectation, facts);
    case "periodic":
      return periodic(facts.periodicity);
  }
}

function survives({ us }: Of<"survives">, { failure, simulatedUs }: RunFacts): Finding {
  if (failure) return { met: failure.atUs >= us, observed: failureText(failure) };
  return { met: simulatedUs >= us ? true : null, observed: `no failure in ${formatDuration(simulatedUs)}` };
}

function fails({ byUs, with: wanted }: Of<"fails">, { failure, simulatedUs, stacks }: RunFacts): Finding {
  if (!failure) {
    return { met: simulatedUs >= byUs ? false : null, observed: `no failure in ${formatDuration(simulatedUs)}` };
  }
  const fits = wanted === undefined || failureClasses(failure, stacks).includes(wanted);
  return { met: fits && failure.atUs <= byUs, observed: failureText(failure) };
}

function failureText({ atUs, message, task }: RunFailure): string {
  return `failed after ${formatDuration(atUs)}${task === null ? "" : ` in ${task}`}: ${message}`;
}

/** A figure of a heap at its worst, as the text of a verdict has it. */
interface Worst {
  readonly value: number;
  readonly text: string;
  /** Whether it only ever falls; the others only rise. */
  readonly falls?: true;
  /** Whether a repeated period leaves it as it is: not so of what adds up, nor of what was only sampled. */
  readonly repeats: boolean;
}

function heap({ heap: name, figure, bound }: Of<"heap">, facts: RunFacts): Finding {
  const judged = facts.heaps[name];
  if (!judged || facts.judgedFromUs === undefined) return { met: null, observed: "the warm-up has not ended" };
  const worst = worstOf(figure, judged);
  if (!worst) return { met: null, observed: "no sample was taken" };
  const holds = bound.kind === "below" ? worst.value < bound.value : worst.value >= bound.value;
  const final = facts.complete || (worst.repeats && sawPeriodFrom(facts.judgedFromUs, facts));
  return { met: settled(holds, bound, worst, final), observed: worst.text };
}

/** What later simulated time can still change is open until the figure is final. */
function settled(holds: boolean, bound: Bound, worst: Worst, final: boolean): boolean | null {
  const worseningMeets = (bound.kind === "below") === (worst.falls === true);
  return final || holds === worseningMeets ? holds : null;
}

/** Whether the run is proved periodic and a whole period of it lies between the time and now. */
function sawPeriodFrom(us: number, { periodicity, simulatedUs }: RunFacts): boolean {
  return periodicity.kind === "proved" && simulatedUs - Math.max(us, periodicity.fromUs) >= periodicity.periodUs;
}

function worstOf(figure: HeapFigure, judged: JudgedHeap): Worst | undefined {
  switch (figure) {
    case "largestFree":
      return leastBytes(judged.minimumLargestFreeBytes, "largest free request");
    case "minimumFree":
      return leastBytes(judged.minimumFreeBytes, "free");
    case "failedRequests":
      return { value: judged.failedRequests, text: failedText(judged), repeats: judged.failedRequests === 0 };
    case "leaks":
      return { value: judged.leaks, text: counted(judged.leaks, "leaked block"), repeats: judged.leaks === 0 };
    case "visits":
      return {
        value: judged.visitsMost,
        text: `at most ${counted(judged.visitsMost, "visit")} an operation`,
        repeats: true,
      };
    case "externalFragmentation":
      return worstRatio(judged.worstExternal, "external");
    case "internalFragmentation":
      return worstRatio(judged.worstInternal, "internal");
  }
}

function leastBytes(value: number, what: string): Worst {
  return { value, text: `${what} at least ${formatCount(value)} B`, falls: true, repeats: true };
}

function failedText({ failedRequests, fragmentationFailures }: JudgedHeap): string {
  const why = failedRequests > 0 ? `, ${formatCount(fragmentationFailures)} of them by fragmentation` : "";
  return `${counted(failedRequests, "failed request")}${why}`;
}

function worstRatio(worst: WorstRatio | undefined, what: string): Worst | undefined {
  if (!worst) return undefined;
  return {
    value: worst.ratio,
    text: `worst ${what} ${formatShare(worst.ratio)}, after ${formatDuration(worst.atUs)}`,
    repeats: false,
  };
}

function stack({ stack: name, headroom }: Of<"stack">, { stacks }: RunFacts): Finding {
  const marks = tightest(name, stacks);
  if (!marks) return { met: null, observed: `stack ${name} was not measured` };
  const left = marks.sizeBytes - marks.worstCaseBytes;
  const share = left / marks.sizeBytes;
  const met = headroom.kind === "bytes" ? left >= headroom.bytes : share >= headroom.share;
  const size = `of ${formatCount(marks.sizeBytes)} B`;
  if (left < 0) return { met, observed: `${formatCount(-left)} B too small in the worst case (${size.slice(3)})` };
  return { met, observed: `${formatCount(left)} ${size} left in the worst case (${formatShare(share)})` };
}

/** The marks of a stack; of a task with several instances, whose stacks are `name#1` and so on, those with least left. */
function tightest(name: string, stacks: RunFacts["stacks"]): StackRecordOfRun | undefined {
  const own = Object.entries(stacks).filter(([stack]) => stack === name || stack.startsWith(`${name}#`));
  const left = ({ sizeBytes, worstCaseBytes }: StackRecordOfRun) => sizeBytes - worstCaseBytes;
  return own.map(([, marks]) => marks).sort((a, b) => left(a) - left(b))[0];
}

function noAllocationIn({ names }: Of<"noAllocationIn">, facts: RunFacts): Finding {
  const { judgedFromUs } = facts;
  if (judgedFromUs === undefined) return { met: null, observed: "the warm-up has not ended" };
  const allocating = names.filter((name) => (facts.tasks[name]?.lastAllocationUs ?? -1) >= judgedFromUs);
  if (allocating.length > 0) return { met: false, observed: `${allocating.join(", ")} allocated` };
  return { met: facts.complete || sawPeriodFrom(judgedFromUs, facts) ? true : null, observed: "none allocated" };
}

function noAllocationAfter({ us }: Of<"noAllocationAfter">, facts: RunFacts): Finding {
  const times = Object.entries(facts.tasks).map(([name, { lastAllocationUs }]) => ({
    name,
    at: lastAllocationUs ?? -1,
  }));
  const last = times.reduce((latest, one) => (one.at > latest.at ? one : latest), { name: "", at: -1 });
  const observed = last.at < 0 ? "no allocation" : `last allocation after ${formatDuration(last.at)}, in ${last.name}`;
  if (last.at > us) return { met: false, observed };
  const final = facts.complete ? facts.simulatedUs > us : sawPeriodFrom(us, facts);
  return { met: final ? true : null, observed };
}

function periodic(periodicity: Periodicity): Finding {
  switch (periodicity.kind) {
    case "proved": {
      const { periodUs, fromUs } = periodicity;
      return {
        met: true,
        observed: `proved: repeats every ${formatDuration(periodUs)} from ${formatDuration(fromUs)} on`,
      };
    }
    case "impossible":
      return { met: false, observed: periodicity.reason };
    case "open":
      return { met: null, observed: periodicity.reason };
  }
}
