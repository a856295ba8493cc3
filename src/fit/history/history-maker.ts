import { Opcode } from "../../../assembly/memory-map.ts";
import type { TraceHeader } from "../../allocators/entry.ts";
import { REFUSED, type TraceBatch, type TraceBreak } from "../../trace/format.ts";
import { counted, times } from "../wording.ts";
import type { Annotations } from "./annotations.ts";
import { type BlockTable, Ending, GrowingBlocks, NO_BLOCK } from "./block-table.ts";
import type { TraceHistory } from "./history.ts";

/** What an operation lasts where the trace has no times. */
const UNTIMED_STEP_US = 1000;
/** A log that begins later than this, and lasts less long, is of a clock that does not count from its beginning. */
const LATE_US = 3600e6;

/** Makes the history of a trace, batch by batch: ids become blocks, and every clock of a boot one time. */
export class HistoryMaker {
  operations = 0;
  readonly #annotations: Annotations;
  readonly #blocks = new GrowingBlocks();
  /** Rows of live blocks by id. */
  readonly #live = new Map<number, number>();
  /** Ids whose request was refused: freeing them does nothing. */
  readonly #refusedIds = new Set<number>();
  readonly #startsUs: number[] = [0];
  #boots = 0;
  #gaps = 0;
  #unmatched = 0;
  #refused = 0;
  #refusedMoves = 0;
  #timed = 0;
  #backwards = 0;
  #unknownSizes = 0;
  #rebound = 0;
  /** What is added to the clock of this boot, and the time reached. */
  #offsetUs = 0;
  #nowUs = 0;
  #firstUs: number | undefined;
  #beginsWithBoot = false;

  constructor(annotations: Annotations) {
    this.#annotations = annotations;
  }

  /** Takes the batch to which the annotations belong. */
  add(batch: TraceBatch): void {
    let next = 0;
    for (let index = 0; index <= batch.count; index++) {
      for (let mark = batch.breaks[next]; mark?.after === index; mark = batch.breaks[++next]) this.#break(mark);
      if (index < batch.count) this.#operation(batch, index);
    }
  }

  /** The whole, behind the last batch. */
  finish(name: string, header: TraceHeader): TraceHistory {
    const timed = this.#timed > 0;
    const originUs = this.#origin(timed);
    if (originUs > 0) this.#blocks.shift(-originUs);
    const { siteNames, taskNumbers } = this.#annotations;
    return {
      name,
      header,
      durationUs: this.#nowUs - originUs,
      timed,
      originUs,
      operations: this.operations,
      blocks: this.#blocks as BlockTable,
      sites: siteNames.names,
      tasks: taskNumbers.names.map((number) => this.#annotations.taskName(number)),
      startsUs: this.#startsUs.map((us) => Math.max(0, us - originUs)),
      boots: this.#boots,
      gaps: this.#gaps,
      unmatchedFrees: this.#unmatched + this.#annotations.unmatchedFrees,
      refused: this.#refused,
      remarks: this.#remarks(timed),
    };
  }

  #operation(batch: TraceBatch, index: number): void {
    this.#advance(index);
    const id = batch.ids[index] ?? 0;
    const opcode = batch.opcodes[index];
    const isRefused = batch.expected[index] === REFUSED;
    if (opcode === Opcode.Release) this.#release(id, index);
    else if (opcode === Opcode.Reallocate) this.#reallocate(batch, index, id, isRefused);
    else this.#allocate(batch, index, id, isRefused);
    this.operations++;
  }

  /** The clock moves on. One that falls back stands still instead. */
  #advance(index: number): void {
    const own = this.#annotations.timesUs[index] ?? Number.NaN;
    if (!(own >= 0 && own <= Number.MAX_SAFE_INTEGER)) {
      if (this.#timed === 0) this.#nowUs = this.operations * UNTIMED_STEP_US;
      return;
    }
    if (this.#timed++ === 0) this.#beginAgain();
    const at = own + this.#offsetUs;
    this.#firstUs ??= at;
    if (at < this.#nowUs) this.#backwards++;
    else this.#nowUs = at;
  }

  /** The first time: what came before has none, and happened at the beginning. */
  #beginAgain(): void {
    this.#nowUs = 0;
    this.#offsetUs = 0;
    this.#blocks.atOnce();
    if (this.operations > 0) this.#firstUs = 0;
    this.#startsUs.fill(0);
  }

  #allocate(batch: TraceBatch, index: number, id: number, isRefused: boolean): void {
    if (this.#annotations.isSizeUnknown[index]) this.#unknownSizes++;
    const before = this.#live.get(id);
    if (before !== undefined) this.#rebound++;
    if (!isRefused) {
      this.#live.set(id, this.#enter(batch, index, NO_BLOCK));
      this.#refusedIds.delete(id);
    } else {
      this.#end(this.#enter(batch, index, NO_BLOCK), Ending.Refused, index);
      this.#refuse(id);
    }
  }

  #refuse(id: number): void {
    this.#refused++;
    if (!this.#live.has(id)) this.#refusedIds.add(id);
  }

  #enter(batch: TraceBatch, index: number, previous: number): number {
    const annotations = this.#annotations;
    return this.#blocks.add({
      site: annotations.sites[index] ?? 0,
      task: annotations.tasks[index] ?? 0,
      requestBytes: batch.requestBytes[index] ?? 0,
      alignment: batch.alignments[index] ?? 0,
      atUs: this.#nowUs,
      order: this.operations,
      previous,
    });
  }

  #release(id: number, index: number): void {
    const row = this.#live.get(id);
    if (row === undefined) {
      if (!this.#refusedIds.delete(id)) this.#unmatched++;
      return;
    }
    this.#live.delete(id);
    this.#end(row, this.#annotations.isLost[index] ? Ending.Lost : Ending.Freed, index);
  }

  #reallocate(batch: TraceBatch, index: number, id: number, isRefused: boolean): void {
    const row = this.#live.get(id);
    if (batch.requestBytes[index] === 0 && row !== undefined) this.#release(id, index);
    else if (isRefused) {
      this.#refusedMoves++;
      this.#refuse(id);
    } else {
      if (row !== undefined) this.#end(row, Ending.Reallocated, index);
      this.#live.set(id, this.#enter(batch, index, row ?? NO_BLOCK));
      this.#refusedIds.delete(id);
    }
  }

  #end(row: number, ending: Ending, index: number): void {
    this.#blocks.end(row, ending, this.#nowUs, this.operations, this.#annotations.tasks[index] ?? 0);
  }

  #break({ kind }: TraceBreak): void {
    if (kind === "gap") {
      this.#gaps++;
      return;
    }
    this.#boots++;
    if (this.operations === 0) {
      this.#beginsWithBoot = true;
      return;
    }
    for (const row of this.#live.values()) this.#blocks.end(row, Ending.Reset, this.#nowUs, this.operations, 0);
    this.#live.clear();
    this.#refusedIds.clear();
    this.#offsetUs = this.#nowUs;
    this.#startsUs.push(this.#nowUs);
  }

  /** A clock that began long before the log, such as the time of day: the log's first operation is time 0. */
  #origin(timed: boolean): number {
    const first = this.#firstUs ?? 0;
    return timed && !this.#beginsWithBoot && first >= LATE_US && first > this.#nowUs - first ? first : 0;
  }

  #remarks(timed: boolean): string[] {
    const untold = this.operations - this.#timed;
    const unmatched = this.#unmatched + this.#annotations.unmatchedFrees;
    const { onlyTicks, siteNames } = this.#annotations;
    const made = this.#refused - this.#refusedMoves;
    return [
      !timed && `The trace has no times: each operation stands for ${UNTIMED_STEP_US / 1000} ms.`,
      !timed && onlyTicks > 0 && "Its ticks are of a clock whose rate is not known.",
      timed &&
        untold > 0 &&
        `${counted(untold, "operation has", "operations have")} no time, and that of the one before.`,
      this.#backwards > 0 &&
        `${counted(this.#backwards, "time lies", "times lie")} before that of the operation in front, and the later one counts.`,
      this.#startsUs.length > 1 &&
        `The device started anew ${times(this.#startsUs.length - 1)}: blocks live then count as not observed to their end.`,
      this.#gaps > 0 &&
        `Operations are missing at ${counted(this.#gaps, "place", "places")}: blocks freed there seem to live on.`,
      unmatched > 0 &&
        `${counted(unmatched, "free is of a block", "frees are of blocks")} born before the trace, and left out.`,
      this.#refusedMoves > 0 &&
        `${counted(this.#refusedMoves, "refused reallocation is", "refused reallocations are")} left out: the old block stays.`,
      made > 0 &&
        `${counted(made, "request was", "requests were")} refused: the scenario makes them as it makes the others.`,
      this.#unknownSizes > 0 &&
        `${counted(this.#unknownSizes, "size is not known and counts", "sizes are not known and count")} as 0 bytes.`,
      this.#rebound > 0 &&
        `${counted(this.#rebound, "block was", "blocks were")} never freed before another took the name.`,
      siteNames.refused > 0 && "More than 65,535 call sites: the others count as not said.",
    ].filter((remark) => remark !== false);
  }
}
