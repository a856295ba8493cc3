/**
 * OpenMetrics 1.0 text, for Prometheus and its kin: the records' final figures. There are no timestamps: a record has no
 * wall-clock time, and the scrape gives the samples theirs.
 */
import type { ValidationRecord } from "../../board/validation/validation-record.ts";
import type { StackBoundRecord } from "../../firmware-stack/stack-record.ts";
import type { RiskRecord } from "../../risk/record.ts";
import type { SizeRecord } from "../../risk/size/record.ts";
import type { NamedRecord } from "../report-record.ts";
import { stacksOf } from "./bounded-stacks.ts";
import { emptyMetrics, type HeapsoakMetrics } from "./metric-families.ts";
import { outcomesOf } from "./outcomes.ts";
import { runMetrics } from "./run-metrics.ts";
import { runsOf, UniqueNames } from "./runs-of.ts";

const US_PER_SECOND = 1e6;
const VERDICTS = ["pass", "fail", "undecided"];

/** The records as an exposition. */
export function openMetrics(records: readonly NamedRecord[]): string {
  const metrics = emptyMetrics();
  addOutcomes(metrics, records);
  for (const { name, run } of runsOf(records)) runMetrics(metrics, name, run);
  for (const { name, record } of records) {
    if (record.format === "heapsoak.risk") riskMetrics(metrics, name, record);
    if (record.format === "heapsoak.size") sizeMetrics(metrics, name, record);
    if (record.format === "heapsoak.validation") validationMetrics(metrics, name, record);
    if (record.format === "heapsoak.stack-bound") stackMetrics(metrics, name, record);
  }
  return metrics.text();
}

/** What all kinds have: what the record is about, its verdict, and that of each check. */
function addOutcomes(metrics: HeapsoakMetrics, records: readonly NamedRecord[]): void {
  for (const { name: record, kind, title, path, verdict, checks, facts } of outcomesOf(records)) {
    const own = Object.fromEntries(facts);
    metrics.add("record", { record, kind, title, path: path ?? "", ...own }, 1);
    metrics.addState("verdict", { record }, VERDICTS, verdict);
    for (const { name: check, status } of checks) {
      metrics.add("check_passed", { record, check }, status === "undecided" ? null : Number(status === "pass"));
    }
  }
}

function riskMetrics(metrics: HeapsoakMetrics, record: string, { cells, maxRisk }: RiskRecord): void {
  metrics.add("risk_accepted_ratio", { record }, maxRisk);
  for (const cell of cells) {
    const { heap, allocator, arenaBytes, medianTimeToFailureUs, margins, interval } = cell;
    const labels = { record, heap, allocator, arena_bytes: String(arenaBytes) };
    const [low, high] = interval;
    const own = margins.heaps[heap];
    metrics.add("risk_runs", labels, cell.runs);
    metrics.add("risk_failures", labels, cell.failures);
    metrics.add("risk_probability_ratio", labels, cell.probability);
    metrics.add("risk_probability_low_ratio", labels, low);
    metrics.add("risk_probability_high_ratio", labels, high);
    metrics.add("risk_upper_bound_ratio", labels, cell.upperBound95);
    metrics.add("risk_median_failure_seconds", labels, medianTimeToFailureUs && medianTimeToFailureUs / US_PER_SECOND);
    metrics.add("risk_least_free_bytes", labels, own?.leastFree.bytes ?? null);
    metrics.add("risk_least_largest_free_bytes", labels, own?.leastLargestFree.bytes ?? null);
  }
}

function sizeMetrics(metrics: HeapsoakMetrics, record: string, size: SizeRecord): void {
  const { heap, nowBytes, allocators, stacks } = size;
  metrics.add("size_now_bytes", { record, heap }, nowBytes);
  for (const one of allocators) {
    if (one.verdict === "refused") continue;
    const labels = { record, heap, allocator: one.allocator };
    metrics.add("size_heap_bytes", labels, one.heapBytes);
    metrics.add("size_steady_bytes", labels, one.steadyBytes);
    metrics.add("size_peak_live_bytes", labels, one.peakLiveBytes);
    metrics.add("size_upper_bound_ratio", labels, one.at?.upperBound ?? null);
    metrics.add("size_runs", labels, one.runsTaken);
  }
  for (const { name: stack, sizeBytes, recommendedBytes } of stacks) {
    metrics.add("size_stack_bytes", { record, stack }, sizeBytes);
    metrics.add("size_stack_recommended_bytes", { record, stack }, recommendedBytes);
  }
}

function validationMetrics(metrics: HeapsoakMetrics, record: string, validation: ValidationRecord): void {
  const { operations, compared, ram, line } = validation;
  const labels = { record };
  metrics.add("validation_operations", labels, operations);
  metrics.add("validation_placements", labels, compared.placements);
  metrics.add("validation_refusals", labels, compared.refusals);
  metrics.add("validation_statistics", labels, compared.statistics);
  metrics.add("validation_ram_bytes", labels, ram?.bytes ?? null);
  metrics.add("validation_line_retries", labels, line.retries);
  metrics.add("validation_line_lost", labels, line.lost);
  metrics.add("validation_line_corrupt", labels, line.corrupt);
}

function stackMetrics(metrics: HeapsoakMetrics, record: string, bound: StackBoundRecord): void {
  const names = new UniqueNames();
  for (const { name, kind, bytes, bounded, givenBytes } of stacksOf(bound)) {
    const labels = { record, stack: names.unique(name), kind };
    metrics.add("stack_bound_bytes", labels, bytes);
    metrics.add("stack_bound_known", labels, bounded ? 1 : 0);
    metrics.add("stack_bound_given_bytes", labels, givenBytes);
  }
  for (const { name: stack, limitBytes } of bound.limits) {
    metrics.add("stack_bound_limit_bytes", { record, stack }, limitBytes);
  }
}
