/**
 * The proof that a run repeats for ever: a scenario without draws whose whole state at one hyperperiod boundary
 * equals that at an earlier one can only do again what it did in between.
 */
import type { Amount, Draw, Scenario, Step } from "../scenario/model.ts";
import { formatDuration } from "../scenario/quantities.ts";
import { amountsOf, everyStep } from "../scenario/step-walk.ts";

/** What is known of a run's period. */
export type Periodicity =
  | { readonly kind: "proved"; readonly periodUs: number; readonly fromUs: number }
  /** It cannot be proved for this scenario, however long it runs. */
  | { readonly kind: "impossible"; readonly reason: string }
  /** Not found within the run. */
  | { readonly kind: "open"; readonly reason: string };

/** A run that can be looked at. */
export interface PeriodicSubject {
  /** Goes on to the time; false when the run has failed before. */
  advanceTo(us: number): boolean;
  state(): RunState;
}

/** Everything that decides what happens next, without absolute time and counters. */
export interface RunState {
  /** The first bytes of the whole, which are quickly had and mostly differ where the whole does. */
  readonly head: Uint8Array;
  whole(): Uint8Array;
}

/** The longest hyperperiod that is looked for: beyond it whole microseconds would lose their last digit. */
const HYPERPERIOD_MOST_US = 2 ** 52;
const DAY_US = 86_400e6;
/** Looks at the state between one kept and the next. */
const LOOKS_A_DOUBLING = 256;

/** A search besides its kept state, to go on with later. */
export interface SearchState {
  readonly keptAt: number;
  readonly next: number;
}

/**
 * Looks for two equal states at boundaries of the hyperperiod, with one kept state (after R. P. Brent, 1980): each
 * boundary that is a power of two replaces it, and those in between are compared with it, byte for byte. On long
 * runs boundaries are skipped, so that the looks between two powers stay few; the period found is then a multiple
 * of the shortest.
 */
export class PeriodSearch {
  readonly #hyperperiodUs: number;
  #kept: Uint8Array | undefined;
  #keptAt = 1;
  #next = 1;

  constructor(hyperperiodUs: number) {
    this.#hyperperiodUs = hyperperiodUs;
  }

  /** The next time at which `look` wants the state. */
  get nextUs(): number {
    return this.#next * this.#hyperperiodUs;
  }

  /** Where the search is; with `kept` all there is to know of it. */
  get progress(): SearchState {
    return { keptAt: this.#keptAt, next: this.#next };
  }

  /** The state that later ones are compared with; empty before the first. */
  get kept(): Uint8Array {
    return this.#kept ?? new Uint8Array();
  }

  /** Goes on where another search was. */
  restore({ keptAt, next }: SearchState, kept: Uint8Array): void {
    this.#keptAt = keptAt;
    this.#next = next;
    this.#kept = kept.length > 0 ? kept : undefined;
  }

  /** Looks at the state at `nextUs`: the proof, or undefined to go on. */
  look(state: RunState): Extract<Periodicity, { kind: "proved" }> | undefined {
    if (this.#kept && isEqual(this.#kept, state)) {
      const periodUs = (this.#next - this.#keptAt) * this.#hyperperiodUs;
      return { kind: "proved", periodUs, fromUs: this.#keptAt * this.#hyperperiodUs };
    }
    if (!this.#kept || this.#next >= 2 * this.#keptAt) {
      this.#kept = state.whole();
      this.#keptAt = this.#next;
    }
    this.#next += Math.max(1, Math.floor(this.#keptAt / LOOKS_A_DOUBLING));
    return undefined;
  }
}

/** Runs the subject until it is proved periodic, fails, or reaches `untilUs`. */
export function findPeriod(subject: PeriodicSubject, hyperperiodUs: number, untilUs: number): Periodicity {
  const search = new PeriodSearch(hyperperiodUs);
  while (search.nextUs <= untilUs) {
    if (!subject.advanceTo(search.nextUs)) return { kind: "open", reason: "the run failed before it repeated" };
    const proof = search.look(subject.state());
    if (proof) return proof;
  }
  return { kind: "open", reason: notRepeated(hyperperiodUs, untilUs) };
}

/** Why a search that ended at `untilUs` has found nothing. */
export function notRepeated(hyperperiodUs: number, untilUs: number): string {
  const hyperperiod = `the hyperperiod of ${formatDuration(hyperperiodUs)}`;
  if (untilUs < 2 * hyperperiodUs) return `${formatDuration(untilUs)} are shorter than twice ${hyperperiod}`;
  return `no state repeated in ${formatDuration(untilUs)}, looked at on multiples of ${hyperperiod}`;
}

/** The least common multiple of the scenario's periods, or why it has none: randomness, or nothing periodic. */
export function hyperperiodOf(scenario: Scenario): { us: number } | Extract<Periodicity, { kind: "impossible" }> {
  const random = randomnessOf(scenario);
  if (random !== undefined) return impossible(`${random} is drawn at random`);
  if (scenario.heaps.some(({ ownership }) => ownership === "traced")) {
    return impossible("not proved for heaps that a collector traces");
  }
  const periods = periodsOf(scenario);
  if (periods.length === 0) return impossible("no task, interrupt or mode has a period");
  let us = 1;
  for (const period of periods) {
    us = (us / greatestCommonDivisor(us, period)) * period;
    if (us > HYPERPERIOD_MOST_US) return impossible("its periods have no common multiple within 142 years");
  }
  return { us };
}

/** Whether the seed decides anything: draws, or where in their first period things start. */
export function drawsAnything(scenario: Scenario): boolean {
  const runnables = [...scenario.tasks, ...scenario.interrupts];
  return randomnessOf(scenario) !== undefined || runnables.some(({ start }) => start.kind === "random");
}

function impossible(reason: string): Extract<Periodicity, { kind: "impossible" }> {
  return { kind: "impossible", reason };
}

/** Whole microseconds: the grids of tasks and interrupts, a whole round of the modes, and the day of hourly rates. */
function periodsOf({ tasks, interrupts, modes }: Scenario): number[] {
  const runnables = [...tasks, ...interrupts];
  const grids = runnables.flatMap(({ activation }) =>
    activation.kind === "every" && activation.gapUs.kind === "constant" ? [activation.gapUs.value] : [],
  );
  const dwells = modes.map(({ forUs }) => (forUs.kind === "constant" ? forUs.value : 0));
  const round = dwells.reduce((sum, us) => sum + us, 0);
  const day = runnables.some(({ hourly }) => hourly !== undefined) ? [DAY_US] : [];
  return [...grids, round, ...day].map(wholeMultiple).filter((us) => us > 0);
}

/** The least multiple of a time that is whole microseconds; the time rounded where there is none among the first 1,000. */
function wholeMultiple(us: number): number {
  for (let count = 1; count <= 1000; count++) {
    if (Math.abs(us * count - Math.round(us * count)) < 1e-6) return Math.round(us * count);
  }
  return Math.round(us);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The first thing of a scenario that is drawn again and again, in words, or undefined. */
function randomnessOf(scenario: Scenario): string | undefined {
  for (const { name, activation, steps } of [...scenario.tasks, ...scenario.interrupts]) {
    if (activation.kind === "poisson") return `the start of ${name}`;
    if (activation.kind === "every" && (isDrawn(activation.gapUs) || activation.jitter > 0))
      return `the start of ${name}`;
    const random = randomStep(steps);
    if (random) return `${random.path.join(".")} (${random.label})`;
  }
  const mode = scenario.modes.find(({ forUs, then }) => isDrawn(forUs) || then.length > 1);
  if (mode) return `the end or successor of mode ${mode.name}`;
  const cache = scenario.caches.find(({ evict }) => evict === "random");
  return cache ? `the eviction of cache ${cache.name}` : undefined;
}

function randomStep(steps: readonly Step[]): Step | undefined {
  for (const step of everyStep(steps)) if (isChancy(step) || drawsOf(step).some(isDrawn)) return step;
  return undefined;
}

function isChancy(step: Step): boolean {
  if (step.step === "chance" || step.step === "leak") return step.probability > 0 && step.probability < 1;
  return step.step === "choose" && step.options.length > 1;
}

function isDrawn(draw: Amount): boolean {
  return draw.kind !== "constant" && draw.kind !== "expression";
}

/** The quantities that a step evaluates. */
function drawsOf(step: Step): Amount[] {
  const amounts = amountsOf(step).map(([, amount]) => amount);
  const delays = "policy" in step && step.policy.kind === "retry" ? [step.policy.retryAfterUs] : [];
  return [...amounts, ...delays, ...timesOf(step)];
}

function timesOf(step: Step): Draw[] {
  switch (step.step) {
    case "sample":
      return [step.from];
    case "work":
    case "wait":
    case "keep":
      return [step.us];
    case "receive":
      return step.timeoutUs ? [step.timeoutUs] : [];
    default:
      return [];
  }
}

function isEqual(kept: Uint8Array, { head, whole }: RunState): boolean {
  return Buffer.compare(kept.subarray(0, head.length), head) === 0 && Buffer.compare(kept, whole()) === 0;
}
