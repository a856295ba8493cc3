import type { HeapRecordOfRun, RunRecord, StackRecordOfRun, TaskRecordOfRun } from "../../soak/record.ts";
import type { HeapsoakMetrics } from "./metric-families.ts";
import type { MetricLabels } from "./metrics.ts";

const US_PER_SECOND = 1e6;

/** The figures of a run at its end. */
export function runMetrics(metrics: HeapsoakMetrics, record: string, run: RunRecord): void {
  const { failure, simulatedUs, reboots, faults, heaps, tasks, stacks } = run;
  metrics.add("simulated_seconds", { record }, simulatedUs / US_PER_SECOND);
  if (failure) metrics.add("failure_at_seconds", { record, kind: failure.kind }, failure.atUs / US_PER_SECOND);
  metrics.add("reboots", { record }, reboots);
  metrics.add("faults", { record }, faults.length);
  for (const [name, heap] of Object.entries(heaps)) {
    heapMetrics(metrics, { record, heap: name, allocator: heap.allocator }, heap);
  }
  for (const [task, figures] of Object.entries(tasks)) taskMetrics(metrics, { record, task }, figures);
  for (const [stack, marks] of Object.entries(stacks)) stackMetrics(metrics, { record, stack }, marks);
}

function heapMetrics(metrics: HeapsoakMetrics, labels: MetricLabels, heap: HeapRecordOfRun): void {
  const { visits, drift } = heap;
  metrics.add("heap_arena_bytes", labels, heap.arenaBytes);
  metrics.add("heap_free_bytes", labels, heap.freeBytes);
  metrics.add("heap_minimum_free_bytes", labels, heap.minimumFreeBytes);
  metrics.add("heap_largest_free_bytes", labels, heap.largestFreeBytes);
  metrics.add("heap_minimum_largest_free_bytes", labels, heap.minimumLargestFreeBytes);
  metrics.add("heap_live_bytes", labels, heap.liveBytes);
  metrics.add("heap_peak_live_bytes", labels, heap.peakLiveBytes);
  metrics.add("heap_requested_bytes", labels, heap.requestedBytes);
  metrics.add("heap_live_blocks", labels, heap.liveBlocks);
  metrics.add("heap_holes", labels, heap.holes);
  metrics.add("heap_external_fragmentation_ratio", labels, heap.externalFragmentationRatio);
  metrics.add("heap_internal_fragmentation_ratio", labels, heap.internalFragmentationRatio);
  metrics.add("heap_requests", labels, heap.requests);
  metrics.add("heap_frees", labels, heap.frees);
  metrics.add("heap_failed_requests", labels, heap.failedRequests);
  metrics.add("heap_fragmentation_failures", labels, heap.fragmentationFailures);
  for (const statistic of ["p50", "p99", "max"] as const) {
    metrics.add("heap_visits", { ...labels, statistic }, visits[statistic]);
  }
  metrics.add("heap_free_drift_bytes_per_day", labels, drift?.bytesPerDay ?? null);
  const exhaustionUs = drift?.exhaustionUs ?? null;
  metrics.add("heap_exhaustion_seconds", labels, exhaustionUs && exhaustionUs / US_PER_SECOND);
}

function taskMetrics(metrics: HeapsoakMetrics, labels: MetricLabels, task: TaskRecordOfRun): void {
  metrics.add("task_activations", labels, task.activations);
  metrics.add("task_skipped", labels, task.skipped);
  metrics.add("task_allocations", labels, task.allocations);
  metrics.add("task_failed_requests", labels, task.failedRequests);
  metrics.add("task_leaks", labels, task.leaks);
}

function stackMetrics(metrics: HeapsoakMetrics, labels: MetricLabels, stack: StackRecordOfRun): void {
  metrics.add("stack_size_bytes", labels, stack.sizeBytes);
  metrics.add("stack_observed_bytes", labels, stack.observedBytes);
  metrics.add("stack_worst_case_bytes", labels, stack.worstCaseBytes);
  metrics.add("stack_painted_bytes", labels, stack.paintedBytes);
  metrics.add("stack_overflow_bytes", labels, stack.overflow?.bytesBeyond ?? null);
}
