/** What the pages of a report share: the runs that the script draws, and the calibrations to tell visits in cycles. */
import type { Calibration } from "../../board/validation/calibration.ts";
import { VALIDATION_FORMAT } from "../../board/validation/validation-record.ts";
import type { RunRecord } from "../../soak/record.ts";
import type { NamedRecord } from "../report-record.ts";
import type { PageData, PageRun } from "./page-data.ts";
import { pageRun, type RunDetail } from "./page-run.ts";

/** How an allocator's visits become cycles on a board. */
export interface BoardCycles {
  readonly board: string;
  readonly calibration: Calibration;
}

export class PageContext {
  /** Whether each run draws its own heaps over time; where there are many, only their comparison does. */
  readonly drawsRuns: boolean;
  readonly #runs: PageRun[] = [];
  readonly #indices = new Map<RunRecord, number>();
  readonly #cycles: ReadonlyMap<string, BoardCycles>;
  readonly #detail: RunDetail;

  /** Of a page of these records, on which each run has its data in this detail. */
  constructor(records: readonly NamedRecord[], detail: RunDetail, drawsRuns = true) {
    this.drawsRuns = drawsRuns;
    this.#cycles = cyclesOf(records);
    this.#detail = detail;
  }

  /** Index of the run's data on the page: the `data-run` of its drawings. The same record has one index. */
  indexOf(record: RunRecord, name: string): number {
    const known = this.#indices.get(record);
    if (known !== undefined) return known;
    const index = this.#runs.length;
    this.#runs.push(pageRun(record, this.#unique(name), this.#detail));
    this.#indices.set(record, index);
    return index;
  }

  /** Of the allocator, where a validation among the records has measured it. */
  cyclesOf(allocator: string): BoardCycles | undefined {
    return this.#cycles.get(allocator);
  }

  #unique(name: string): string {
    const taken = new Set(this.#runs.map((run) => run.name));
    let unique = name;
    for (let number = 2; taken.has(unique); number++) unique = `${name} (${number})`;
    return unique;
  }

  get data(): PageData {
    return { runs: this.#runs };
  }
}

function cyclesOf(records: readonly NamedRecord[]): Map<string, BoardCycles> {
  return new Map(
    records.flatMap(({ record }) =>
      record.format === VALIDATION_FORMAT && record.calibration
        ? [[record.emulatedAs, { board: record.board, calibration: record.calibration }] as const]
        : [],
    ),
  );
}
