/** Outcomes of the other records that have a verdict. */
import { basename } from "node:path";
import type { ValidationRecord } from "../../board/validation/validation-record.ts";
import type { StackBoundRecord } from "../../firmware-stack/stack-record.ts";
import type { FitRecord } from "../../fit/record.ts";
import type { ForecastRecord } from "../../forecast/record.ts";
import type { HuntRecord } from "../../risk/hunt/record.ts";
import type { WorstRecord } from "../../risk/worst/record.ts";
import { fitSentence } from "../fit-text.ts";
import { forecastOutcome } from "../forecast-text.ts";
import { exhaustionLine } from "../forecast-words.ts";
import { huntOutcome } from "../hunt-text.ts";
import { plainPaint } from "../paint.ts";
import { bytesText, limitLines } from "../stack-bound-text.ts";
import { formatCount } from "../table.ts";
import { validationFacts, validationHeadline } from "../validation-text.ts";
import { VERDICTS, verdictOf } from "../verdict-of.ts";
import { worstVerdict } from "../worst-text.ts";
import { stacksOf } from "./bounded-stacks.ts";
import { type Check, check, type FigureTable, type Outcome } from "./outcome.ts";
import { UniqueNames } from "./runs-of.ts";

/** A validation: whether board and emulator agree. */
export function validationOutcome(record: ValidationRecord, name: string): Outcome {
  const { board, buildId, allocator, allocatorVersion, source, heapsoak } = record;
  const message = validationHeadline(record, plainPaint);
  return {
    ...single(record, name, {
      name: "board and emulator agree",
      message,
      rule: "board-comparison",
      details: validationFacts(record),
    }),
    title: `${allocator} on ${board || "a board"}`,
    path: source.name,
    facts: [
      ["board", board],
      ["build", buildId],
      ["allocator", `${allocator} ${allocatorVersion}`.trim()],
      ["operations", source.digest],
      ["heapsoak", heapsoak],
    ],
  };
}

/** The stacks of a program: each limit; without limits, whether each stack has a bound. */
export function stackBoundOutcome(record: StackBoundRecord, name: string): Outcome {
  const { elf, core, limits, verdict, mainStack, unknowns } = record;
  const checks = limits.length > 0 ? limitChecks(record) : boundChecks(record);
  const open = unknowns.length === 0 ? "" : `; ${formatCount(unknowns.length)} unknown, so some are lower bounds`;
  return {
    name,
    kind: record.format,
    variant: "",
    title: `Worst-case stacks of ${basename(elf)}`,
    path: elf,
    verdict,
    sentence: `main stack ${bytesText(mainStack.bytes, mainStack.bounded)}, ${formatCount(limits.length)} limits${open}`,
    checks,
    tables: [stackTable(record)],
    facts: [["core", core]],
  };
}

function limitChecks({ limits }: StackBoundRecord): Check[] {
  return limits.map((limit) => {
    const [message = ""] = limitLines([limit], plainPaint);
    return check({
      name: `stack ${limit.name} within ${limit.limitBytes} B`,
      status: limit.verdict,
      message,
      rule: "stack-limit",
      task: limit.name,
    });
  });
}

function boundChecks(record: StackBoundRecord): Check[] {
  const names = new UniqueNames();
  return stacksOf(record).map(({ name, bytes, bounded }) =>
    check({
      name: names.unique(`stack ${name} is bounded`),
      status: bounded ? "pass" : "undecided",
      message: bytesText(bytes, bounded),
      rule: "stack-bound",
      task: name,
    }),
  );
}

function stackTable(record: StackBoundRecord): FigureTable {
  const rows = stacksOf(record).map(({ name, kind, bytes, bounded, givenBytes }) => ({
    title: name,
    cells: [kind, bytesText(bytes, bounded), givenBytes === null ? "" : `${formatCount(givenBytes)} B`],
  }));
  return { title: "Stacks", heads: ["KIND", "WORST CASE", "STACK GIVEN"], rows };
}

/** A fit: whether the scenario makes the heap look like the trace. */
export function fitOutcome(record: FitRecord, name: string): Outcome {
  const { trace, evaluation, heapsoak } = record;
  const message = fitSentence(evaluation);
  return {
    ...single(record, name, { name: "the scenario fits the trace", message, rule: "fit", details: evaluation.reasons }),
    title: `Fit to ${trace.name}`,
    path: trace.name,
    facts: [["heapsoak", heapsoak]],
  };
}

/** A forecast: each device. */
export function forecastOutcomeOf(record: ForecastRecord, name: string): Outcome {
  const { sources, devices, provenance, outcome } = record;
  const names = new UniqueNames();
  return {
    name,
    kind: record.format,
    variant: "",
    title: `Forecast from ${sources.map((source) => basename(source.name)).join(", ")}`,
    path: sources[0]?.name ?? null,
    verdict: VERDICTS.forecast[outcome],
    sentence: forecastOutcome(record, plainPaint).replaceAll("\n", " "),
    checks: devices.map((device) =>
      check({
        name: names.unique(device.device),
        status: VERDICTS.forecast[device.outcome],
        message: exhaustionLine(device, record),
        rule: "forecast",
        details: device.evidence,
      }),
    ),
    tables: [],
    facts: [["heapsoak", provenance.heapsoak]],
  };
}

/** A hunt: whether it found anything bad. */
export function huntOutcomeOf(record: HuntRecord, name: string): Outcome {
  const { scenario, goal, plain, found, seed } = record;
  const worst = found ?? plain;
  const { line = null, task = null, step = null } = worst.failure ?? {};
  const what = goal === "failure" ? "no run fails" : "no run needs a larger heap";
  return {
    ...single(record, name, { name: what, message: huntOutcome(worst, record), rule: "hunt", line, task, step }),
    title: scenario.title,
    path: scenario.path,
    facts: [
      ["device", scenario.device],
      ["seed", seed],
    ],
  };
}

/** A worst case: whether some heap cannot be defeated. */
export function worstOutcome(record: WorstRecord, name: string): Outcome {
  const { allocator } = record;
  const message = worstVerdict(record);
  return {
    ...single(record, name, { name: "the worst case is known", message, rule: "worst-case" }),
    title: `Worst case of ${allocator}`,
    path: null,
    facts: [["allocator", allocator]],
  };
}

/** Of a record with one thing to judge: its message is the verdict's sentence. */
function single(
  record: ValidationRecord | FitRecord | HuntRecord | WorstRecord,
  name: string,
  only: Omit<Parameters<typeof check>[0], "status">,
): Pick<Outcome, "name" | "kind" | "variant" | "verdict" | "sentence" | "checks" | "tables"> {
  const verdict = verdictOf(record) ?? "undecided";
  return {
    name,
    kind: record.format,
    variant: "",
    verdict,
    sentence: only.message,
    checks: [check({ ...only, status: verdict })],
    tables: [],
  };
}
