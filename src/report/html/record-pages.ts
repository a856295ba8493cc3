/** Which function makes the page of which kind of record. */
import type { NamedRecord } from "../report-record.ts";
import { blamePage } from "./blame-page.ts";
import { comparePage } from "./compare-page.ts";
import { fitPage } from "./fit-page.ts";
import { forecastPage } from "./forecast-page.ts";
import { huntPage } from "./hunt-page.ts";
import type { PageContext } from "./page-context.ts";
import type { RecordPage } from "./record-page.ts";
import { replayPage } from "./replay-page.ts";
import { riskPage } from "./risk-page.ts";
import { runPage } from "./run-page.ts";
import { shrinkPage } from "./shrink-page.ts";
import { sizePage } from "./size-page.ts";
import { stackBoundPage } from "./stack-bound-page.ts";
import { validationPage } from "./validation-page.ts";
import { worstPage } from "./worst-page.ts";

/** The record's page; its kind decides which. */
export function recordPage({ name, record }: NamedRecord, context: PageContext): RecordPage {
  switch (record.format) {
    case "heapsoak.run":
      return runPage(record, name, context);
    case "heapsoak.compare":
      return comparePage(record, name, context);
    case "heapsoak.blame":
      return blamePage(record);
    case "heapsoak.fit":
      return fitPage(record);
    case "heapsoak.forecast":
      return forecastPage(record);
    case "heapsoak.hunt":
      return huntPage(record);
    case "heapsoak.replay":
      return replayPage(record);
    case "heapsoak.risk":
      return riskPage(record);
    case "heapsoak.shrink":
      return shrinkPage(record);
    case "heapsoak.size":
      return sizePage(record);
    case "heapsoak.stack-bound":
      return stackBoundPage(record);
    case "heapsoak.validation":
      return validationPage(record);
    case "heapsoak.worst":
      return worstPage(record);
  }
}
