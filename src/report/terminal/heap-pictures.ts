/** The pictures of a heap in the report of a run, of several lines, for a terminal with block characters. */
import type { RunFailure, RunRecord } from "../../soak/record.ts";
import type { Paint } from "../paint.ts";
import { failureBars } from "./failure-bars.ts";
import { contentsAtEnd, contentsAtFailure } from "./heap-contents.ts";
import { heapMapLines, seriesMapLines } from "./heap-map.ts";
import { Owners } from "./owners.ts";
import { sparkLines } from "./spark-lines.ts";
import { timePictureLines } from "./time-picture.ts";

/** The request that failed, the heap as it was then, or at the end, how it came to that, and whose colours are whose. */
export function heapPictures(record: RunRecord, name: string, paint: Paint): string[] {
  const owners = new Owners(record, name);
  const failure = record.failure?.heap === name ? record.failure : undefined;
  const overTime = [...timePictureLines(record, name, owners, paint), ...sparkLines(record, name, paint)];
  const sections = [
    failure ? titled("what was asked, and what was free", failureBars(failure, paint), paint) : [],
    mapSection(record, name, owners, paint, failure),
    titled(`heap ${name} over time`, overTime, paint),
    record.history?.heaps[name] || record.moment ? owners.legend(paint).map((line) => `  ${line}`) : [],
  ];
  const shown = sections.filter((lines) => lines.length > 0);
  return shown.flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}

function mapSection(record: RunRecord, name: string, owners: Owners, paint: Paint, failure?: RunFailure): string[] {
  const seen = failure && contentsAtFailure(record, owners);
  const contents = seen ?? contentsAtEnd(record, name, owners);
  const last = record.heaps[name]?.series.map.at(-1) ?? "";
  const lines = contents ? heapMapLines(contents, paint) : seriesMapLines(last, paint);
  return titled(`heap ${name} ${seen ? "at the failure" : "at the end"}`, lines, paint);
}

function titled(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint.strong(title), ...lines];
}
