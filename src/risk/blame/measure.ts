/** Measures remedies: the same seeds before and after. */
import { HeapsoakError } from "../../errors.ts";
import type { Scenario } from "../../scenario/model.ts";
import { CellRunner } from "../run/cell-runner.ts";
import { clopperPearson, upperBound } from "../statistics/clopper-pearson.ts";
import { mcnemar } from "../statistics/mcnemar.ts";
import { rounded, roundedInterval } from "../statistics/rounding.ts";
import type { BlameRecord, MeasuredRisk, RemedyRecord } from "./record.ts";
import type { Remedy } from "./remedies.ts";

/** How remedies are measured. */
export interface MeasureRequest {
  readonly remedies: readonly Remedy[];
  /** The scenario with a remedy, or as it is. Throws what is wrong with it. */
  readonly load: (remedy: Remedy | undefined) => Promise<Scenario>;
  readonly heap: string;
  readonly runs: number;
  readonly baseSeed: bigint;
  /** Simulated time of each run; the scenario's uptime. */
  readonly horizonUs: number;
  /** Whether already a refused request counts as a failure. */
  readonly failOn: "failure" | "request";
  /** Called behind each run. */
  readonly progress?: (run: { readonly done: number; readonly of: number; readonly title: string }) => void;
}

/** Runs the scenario as it is and with each remedy, with the same seeds. */
export async function measureRemedies(request: MeasureRequest): Promise<NonNullable<BlameRecord["remedies"]>> {
  const { remedies, baseSeed, horizonUs } = request;
  let done = 0;
  const of = (remedies.length + 1) * request.runs;
  const step = (title: string) => request.progress?.({ done: ++done, of, title });
  const before = await failuresOf(request, undefined, () => step("as it is"));
  const tried: RemedyRecord[] = [];
  for (const remedy of remedies) {
    const { kind, title, set } = remedy;
    try {
      const after = await failuresOf(request, remedy, () => step(title));
      tried.push({ kind, title, set, risk: riskOf(after), problem: null, ...compared(before, after) });
    } catch (error) {
      if (!(error instanceof HeapsoakError)) throw error;
      done += request.runs;
      tried.push({
        kind,
        title,
        set,
        risk: null,
        problem: error.message.split("\n")[0] ?? "",
        mended: 0,
        broken: 0,
        pValue: null,
      });
    }
  }
  return { baseSeed: String(baseSeed), horizonUs, before: riskOf(before), tried };
}

/** Whether each seed fails. */
async function failuresOf(request: MeasureRequest, remedy: Remedy | undefined, step: () => void): Promise<boolean[]> {
  const { heap, horizonUs, failOn, baseSeed, runs } = request;
  const scenario = await request.load(remedy);
  const model = scenario.heaps.find(({ name }) => name === heap);
  const heapBytes = model?.parts.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  const runner = new CellRunner({ scenario, heap, allocator: model?.allocator ?? "", heapBytes, horizonUs, failOn });
  return Array.from({ length: runs }, (_, run) => {
    const { failure } = runner.run(BigInt.asUintN(64, baseSeed + BigInt(run)));
    step();
    return failure !== null;
  });
}

function riskOf(failed: readonly boolean[]): MeasuredRisk {
  const runs = failed.length;
  const failures = failed.filter(Boolean).length;
  return {
    failures,
    runs,
    probability: rounded(failures / runs),
    interval: roundedInterval(clopperPearson(failures, runs)),
    upperBound95: failures === 0 ? rounded(upperBound(0, runs)) : null,
  };
}

function compared(before: readonly boolean[], after: readonly boolean[]) {
  const mended = before.filter((failed, run) => failed && !after[run]).length;
  const broken = before.filter((failed, run) => !failed && after[run]).length;
  return { mended, broken, pValue: rounded(mcnemar(mended, broken)) };
}
