/** The terminal's report of any record, as the command that made it prints it. */
import { printable } from "../errors.ts";
import { blameText } from "./blame-text.ts";
import { compareText } from "./compare-text.ts";
import { fitText } from "./fit-text.ts";
import { forecastText } from "./forecast-text.ts";
import { huntText } from "./hunt-text.ts";
import { type Paint, plainPaint } from "./paint.ts";
import { replayText } from "./replay-text.ts";
import type { ReportRecord } from "./report-record.ts";
import { riskText } from "./risk-text.ts";
import { runText } from "./run-text.ts";
import { shrinkText } from "./shrink-text.ts";
import { sizeText } from "./size-text.ts";
import { stackBoundText } from "./stack-bound-text.ts";
import { validationText } from "./validation-text.ts";
import { worstText } from "./worst-text.ts";

/** Texts of the record that a terminal would obey are made harmless. */
export function recordText(record: ReportRecord, paint: Paint = plainPaint): string {
  const shown = harmless(record);
  switch (shown.format) {
    case "heapsoak.run":
      return runText(shown, paint);
    case "heapsoak.compare":
      return compareText(shown, paint);
    case "heapsoak.risk":
      return riskText(shown, paint);
    case "heapsoak.size":
      return sizeText(shown, paint);
    case "heapsoak.validation":
      return validationText({ record: shown, views: undefined, warnings: [] }, paint);
    case "heapsoak.replay":
      return shown.replays.map(({ trace, results }) => replayText(trace, results, paint)).join("\n");
    case "heapsoak.stack-bound":
      return stackBoundText(shown, paint);
    case "heapsoak.fit":
      return fitText(shown, null, paint);
    case "heapsoak.forecast":
      return forecastText(shown, paint);
    case "heapsoak.blame":
      return blameText(shown, paint);
    case "heapsoak.hunt":
      return huntText(shown, paint);
    case "heapsoak.worst":
      return worstText(shown, paint);
    case "heapsoak.shrink":
      return shrinkText(shown, paint);
  }
}

/** The value with all texts and names in it printable: whoever wrote the record may not write to the terminal. */
function harmless<T>(value: T): T {
  return harmlessValue(value) as T;
}

function harmlessValue(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(harmlessValue);
  const entries = Object.entries(value).map(([key, item]) => [printable(key), harmlessValue(item)] as const);
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}
