import type { ValidationVerdict } from "../board/validation/validation-record.ts";
import type { EvaluationVerdict } from "../fit/evaluation/evaluate.ts";
import type { ForecastOutcome } from "../forecast/record.ts";
import type { HuntRecord } from "../risk/hunt/record.ts";
import type { AllocatorSize } from "../risk/size/record.ts";
import { bestVerdict } from "../risk/verdict.ts";
import type { WorstRecord } from "../risk/worst/record.ts";
import type { Verdict } from "../soak/record.ts";
import type { ReportRecord } from "./report-record.ts";

/** What each kind's own word for its verdict comes to. */
export const VERDICTS = {
  validation: { equal: "pass", different: "fail", undecided: "undecided" },
  fit: { fits: "pass", "does-not-fit": "fail", undecided: "undecided" },
  forecast: { "not-within-horizon": "pass", "within-horizon": "fail", undecided: "undecided" },
  size: { found: "pass", none: "fail", undecided: "undecided", refused: "undecided" },
  worst: { exact: "pass", "no-heap": "fail", undecided: "undecided" },
} as const satisfies {
  readonly validation: Readonly<Record<ValidationVerdict, Verdict>>;
  readonly fit: Readonly<Record<EvaluationVerdict, Verdict>>;
  readonly forecast: Readonly<Record<ForecastOutcome, Verdict>>;
  readonly size: Readonly<Record<AllocatorSize["verdict"], Verdict>>;
  readonly worst: Readonly<Record<WorstRecord["verdict"], Verdict>>;
};

/** The verdict that the record's command exits by; null for the kinds that judge nothing. Of candidates the best counts. */
export function verdictOf(record: ReportRecord): Verdict | null {
  switch (record.format) {
    case "heapsoak.run":
    case "heapsoak.risk":
    case "heapsoak.stack-bound":
      return record.verdict;
    case "heapsoak.compare":
      return bestVerdict(record.runs.flatMap((run) => ("record" in run ? [run.record.verdict] : [])));
    case "heapsoak.size":
      return bestVerdict(
        record.allocators.flatMap(({ verdict }) => (verdict === "refused" ? [] : [VERDICTS.size[verdict]])),
      );
    case "heapsoak.validation":
      return VERDICTS.validation[record.verdict];
    case "heapsoak.fit":
      return VERDICTS.fit[record.evaluation.verdict];
    case "heapsoak.forecast":
      return VERDICTS.forecast[record.outcome];
    case "heapsoak.hunt":
      return huntVerdict(record);
    case "heapsoak.worst":
      return VERDICTS.worst[record.verdict];
    case "heapsoak.replay":
    case "heapsoak.blame":
    case "heapsoak.shrink":
      return null;
  }
}

/** Failed where a failure was found, or a need above the heap's size. */
function huntVerdict({ goal, found, plain, arenaBytes }: HuntRecord): Verdict {
  const worst = found ?? plain;
  const needsMore = worst.needsMore || (worst.neededBytes ?? 0) > arenaBytes;
  return (goal === "failure" ? worst.failure !== null : needsMore) ? "fail" : "pass";
}
