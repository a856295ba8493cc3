/** Blame in a run of a scenario: at a moment, and over the whole run. */

import { keptForOther, type SmallestSet, smallestSet } from "../../device/smallest-set.ts";
import { HeapsoakError } from "../../errors.ts";
import { heapMap } from "../../report/picture.ts";
import type { Scenario } from "../../scenario/model.ts";
import type { RunFailure } from "../../soak/record.ts";
import { heapBlocks } from "../../soak/rewind.ts";
import { unlessFault } from "../../trace/replay-result.ts";
import type { HeapBlock } from "../../wasm/heap-record.ts";
import type { LedgerEntry } from "../../wasm/soak-readers.ts";
import { Census } from "./census.ts";
import { PinningCount, SAMPLES, type Sample, thinned } from "./pinning.ts";
import {
  BLAME_FORMAT,
  BLAME_VERSION,
  type BlameRecord,
  type MomentRecord,
  type PinRecord,
  type PinSet,
  type Site,
  type WholeRunRecord,
} from "./record.ts";
import { type Refusal, ScenarioRun } from "./scenario-run.ts";

/** Which moment of a run is looked at. */
export interface BlameRequest {
  /** Simulated time; the failure by default, or the first refused request. */
  readonly atUs?: number;
  /** What is asked for; what was refused by default, or the largest request so far. */
  readonly requestBytes?: number;
  /** Name of the heap; that of the refused request by default, or the first. */
  readonly heap?: string;
  /** The scenario's by default. */
  readonly seed?: bigint;
}

const MAP_CHARACTERS = 64;

/** A question at a moment of the run: the machine stands there. */
interface Question extends Omit<Refusal, "kind"> {
  readonly kind: MomentRecord["kind"];
}

/** What `blameScenario` found, and what remedies start from. */
export interface ScenarioBlame {
  readonly record: BlameRecord;
  /** The step that asked; undefined with `atUs`, or where nothing was refused. */
  readonly askingStep: number | undefined;
  readonly run: ScenarioRun;
  /** Up to the moment, or the end of the run. */
  readonly census: Census;
}

/**
 * Runs the scenario to the moment and looks who stands in the way there, then once more from the start, sampling.
 * Throws `bad-argument` for a moment that the run does not reach, or a failure that is no refused request.
 */
export function blameScenario(scenario: Scenario, request: BlameRequest = {}): ScenarioBlame {
  const seed = request.seed ?? scenario.seed;
  const run = new ScenarioRun(
    scenario,
    seed,
    request.heap === undefined ? undefined : heapIndex(scenario, request.heap),
  );
  const question =
    request.atUs === undefined ? refusedQuestion(run, request) : askedQuestion(run, request, request.atUs);
  const heap = question?.heap ?? heapIndex(scenario, request.heap);
  const moment = question ? momentRecord(run, question) : null;
  const last = question && question.kind !== "asked" ? sampleAt(run, question, 0) : undefined;
  const endUs = question?.atUs ?? run.machine.nowUs;
  const requestBytes = question?.requestBytes ?? request.requestBytes ?? largestRequest(run, heap);
  const census = takeCensus(run, heap, question?.step, endUs);
  const askedUs = question?.step === undefined ? undefined : census.askedUs;
  const whole = { heap, requestBytes, alignment: question?.alignment ?? 0, endUs, askedUs };
  const { name = "", allocator, regions } = run.machine.heaps[heap] ?? {};
  const record: BlameRecord = {
    format: BLAME_FORMAT,
    version: BLAME_VERSION,
    source: {
      kind: "scenario",
      path: scenario.file,
      title: scenario.title,
      device: scenario.device.id,
      seed: String(seed),
      uptimeUs: scenario.uptimeUs,
    },
    heap: name,
    allocator: allocator?.name ?? "",
    arenaBytes: regions?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0,
    moment,
    wholeRun: requestBytes > 0 ? wholeRun(run, whole, last) : null,
    remedies: null,
  };
  return { record, askingStep: question?.step, run, census };
}

function takeCensus(run: ScenarioRun, heap: number, step: number | undefined, endUs: number): Census {
  const census = new Census(heap, step);
  run.restart();
  run.machine.journalling = true;
  run.runTo(endUs, census.note);
  return census;
}

function heapIndex({ heaps }: Scenario, name: string | undefined): number {
  const index = name === undefined ? 0 : heaps.findIndex((heap) => heap.name === name);
  if (index >= 0 && index < heaps.length) return index;
  throw new HeapsoakError("bad-argument", `--heap: there is no heap "${name ?? ""}".`, {
    hint: `Heaps of the scenario: ${heaps.map((heap) => heap.name).join(", ") || "none"}.`,
  });
}

function refusedQuestion(run: ScenarioRun, { requestBytes, heap }: BlameRequest): Question | undefined {
  const found = run.runToRefusal();
  if (!found) return undefined;
  if (!("by" in found)) throw noRefusal(found);
  if (heap !== undefined && run.machine.heaps[found.heap]?.name !== heap) {
    throw new HeapsoakError(
      "bad-argument",
      `--heap: it was heap "${run.machine.heaps[found.heap]?.name}" that refused.`,
      {
        hint: `Leave --heap out, or say --at TIME --request SIZE to look at "${heap}".`,
      },
    );
  }
  return requestBytes === undefined ? found : { ...found, requestBytes };
}

function askedQuestion(run: ScenarioRun, request: BlameRequest, atUs: number): Question {
  if (!run.runTo(atUs)) {
    throw new HeapsoakError("bad-argument", "--at: the run ends before that time.", {
      hint: "Leave --at out to look at its failure.",
    });
  }
  const heap = heapIndex(run.scenario, request.heap);
  const requestBytes = request.requestBytes ?? largestRequest(run, heap);
  if (requestBytes === 0)
    throw new HeapsoakError("bad-argument", "--at: nothing has been asked for until then; add --request SIZE.");
  return { kind: "asked", atUs, heap, requestBytes, alignment: 0, step: undefined, by: { task: null, step: null } };
}

function noRefusal({ message }: RunFailure): HeapsoakError {
  return new HeapsoakError("bad-argument", `The run does not fail by a refused request: ${message}.`, {
    hint: "Say which request at which time: --at TIME --request SIZE.",
  });
}

/** The largest request so far; 0 where there was none. */
function largestRequest({ machine }: ScenarioRun, heap: number): number {
  return machine.heaps[heap]?.counters().largestRequestBytes ?? 0;
}

function momentRecord(run: ScenarioRun, question: Question): MomentRecord {
  const { machine } = run;
  const ledger = run.ledger(question.heap);
  const set = setAt(run, question, ledger);
  const heap = machine.heaps[question.heap];
  const isPinned = heap !== undefined && set !== undefined && set.blocks.length > 0;
  const other = isPinned ? setAt(run, question, ledger, keptForOther(heap, question.requestBytes, set)) : undefined;
  const summary = unlessFault(() => heap?.summary());
  return {
    atUs: question.atUs,
    operation: null,
    kind: question.kind,
    requestBytes: question.requestBytes,
    by: question.by,
    freeBytes: machine.heapFigures(question.heap).freeBytes,
    largestFreeBytes: summary?.largestFreeBytes ?? 0,
    liveBlocks: ledger.size,
    map: heapMap(heapBlocks(machine, question.heap), MAP_CHARACTERS),
    set: set ? pinSet(run, question.atUs, set, ledger) : null,
    otherSet: other ? pinSet(run, question.atUs, other, ledger) : null,
  };
}

function pinSet(
  run: ScenarioRun,
  atUs: number,
  { blocks, ...figures }: SmallestSet,
  ledger: ReadonlyMap<number, LedgerEntry>,
): PinSet {
  return { ...figures, pins: blocks.map((block) => pinRecord(run, atUs, block, ledger)) };
}

function setAt(
  { machine }: ScenarioRun,
  { heap, requestBytes, alignment }: Pick<WholeRunQuestion, "heap" | "requestBytes" | "alignment">,
  ledger: ReadonlyMap<number, LedgerEntry>,
  kept: ReadonlySet<number> = new Set(),
): SmallestSet | undefined {
  const asked = machine.heaps[heap];
  if (!asked || asked.check()) return undefined; // nothing can be released on broken metadata
  const bornAt = (payload: number) => ledger.get(payload)?.allocatedAtUs ?? 0;
  return smallestSet({ device: machine.device, heap: asked, requestBytes, alignment, bornAt, kept });
}

function pinRecord(
  run: ScenarioRun,
  atUs: number,
  block: HeapBlock,
  ledger: ReadonlyMap<number, LedgerEntry>,
): PinRecord {
  const entry = ledger.get(block.payload);
  return {
    ...siteOf(run, entry),
    address: block.payload,
    bytes: block.bytes,
    requestBytes: entry?.requestBytes ?? block.requestBytes,
    ageUs: entry ? atUs - entry.allocatedAtUs : null,
    ageOperations: null,
    owner: entry?.owner ?? null,
  };
}

function siteOf(run: ScenarioRun, entry: LedgerEntry | undefined): Site {
  return entry ? run.siteOf(entry) : { task: null, step: null };
}

/** What is asked for again and again over the run. */
interface WholeRunQuestion {
  readonly heap: number;
  readonly requestBytes: number;
  readonly alignment: number;
  readonly endUs: number;
  /** When it was asked for; undefined where nobody asks. */
  readonly askedUs: readonly number[] | undefined;
}

/** Takes the run to each moment at which somebody asked, or evenly, and looks who stands in the way there; `last` is the end. */
function wholeRun(run: ScenarioRun, question: WholeRunQuestion, last: Sample | undefined): WholeRunRecord {
  const count = new PinningCount(question.requestBytes);
  const evenly = Array.from({ length: SAMPLES }, (_, index) => Math.floor(((index + 1) * question.endUs) / SAMPLES));
  run.restart();
  let beforeUs = 0;
  for (const atUs of thinned(question.askedUs ?? evenly)) {
    if (!run.runTo(atUs)) break;
    count.add(sampleAt(run, question, (atUs - beforeUs) / 1e6));
    beforeUs = atUs;
  }
  if (last) count.add({ ...last, span: (question.endUs - beforeUs) / 1e6 });
  return count.record();
}

function sampleAt(
  run: ScenarioRun,
  question: Pick<WholeRunQuestion, "heap" | "requestBytes" | "alignment">,
  span: number,
): Sample {
  const ledger = run.ledger(question.heap);
  const live = [...ledger.values()].map((entry) => [entry.blockBytes, run.siteOf(entry)] as const);
  let set = setAt(run, question, ledger);
  const fits = set?.blocks.length === 0;
  if (set && fits) set = setAt(run, { ...question, requestBytes: set.largestFreeBytes + 1 }, ledger);
  return { span, live, fits, set: (set?.blocks ?? []).map(({ payload }) => siteOf(run, ledger.get(payload))) };
}
