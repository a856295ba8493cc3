import type { RunRecord } from "../../soak/record.ts";
import { plainPaint } from "../paint.ts";
import { failureLines, faultLines } from "../run-failure-text.ts";
import { heapRows } from "../run-heap-text.ts";
import { STACK_HEADS, stackRows } from "../run-stack-text.ts";
import { outcome as outcomeText } from "../run-text.ts";
import { type Check, check, type FigureTable, type Outcome } from "./outcome.ts";
import { UniqueNames } from "./runs-of.ts";

/** A run: whether it failed unexpectedly, and each expectation. */
export function runOutcome(record: RunRecord, name: string): Outcome {
  const { scenario, verdict } = record;
  return {
    name,
    kind: record.format,
    variant: "",
    title: scenario.title,
    path: scenario.path,
    verdict,
    sentence: outcomeText(record),
    checks: [survival(record), ...expectations(record)],
    tables: [heapTable(record), stackTable(record)].filter(({ rows }) => rows.length > 0),
    facts: facts(record),
  };
}

/** A failure fails the run unless one is expected (see judge in src/soak/verdict.ts). */
function survival(record: RunRecord): Check {
  const { failure, verdict, simulatedUs, scenario } = record;
  const name = "no unexpected failure";
  const outcome = outcomeText(record);
  if (!failure) {
    const isOpen = verdict === "undecided" && simulatedUs < scenario.uptimeUs;
    return check({ name, status: isOpen ? "undecided" : "pass", message: outcome, rule: "no-failure" });
  }
  const { kind, message, task, step, line = null } = failure;
  return {
    name,
    status: record.expectations.some(({ text }) => text.startsWith("fails:")) ? "pass" : "fail",
    message: `${outcome}: ${message}`,
    rule: kind,
    details: [...failureLines(record, plainPaint), ...faultLines(record, plainPaint)],
    line,
    task,
    step,
  };
}

function expectations(record: RunRecord): Check[] {
  const names = new UniqueNames();
  return record.expectations.map(({ text, met, observed, line = null }) => {
    const status = met === null ? "undecided" : met ? "pass" : "fail";
    return check({ name: names.unique(text), status, message: observed, rule: "expectation", line });
  });
}

function heapTable({ heaps }: RunRecord): FigureTable {
  return { title: "Heaps", heads: Object.keys(heaps), rows: heapRows(Object.values(heaps)) };
}

function stackTable({ stacks }: RunRecord): FigureTable {
  return { title: "Stacks", heads: STACK_HEADS, rows: stackRows(stacks) };
}

function facts({ scenario, provenance, digest }: RunRecord): Outcome["facts"] {
  return [
    ["device", scenario.device],
    ["seed", String(scenario.seed)],
    ["digest", digest],
    ["heapsoak", provenance.heapsoak],
    ["core", provenance.core],
    ["scenario", provenance.scenario],
  ];
}
