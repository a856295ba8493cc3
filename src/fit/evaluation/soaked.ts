/** Runs of the scenario, looked at at the times at which the trace is. */
import { layOut } from "../../scenario/layout.ts";
import type { Scenario } from "../../scenario/model.ts";
import { compileScenario } from "../../soak/compiler.ts";
import type { RunFailureKind } from "../../soak/record.ts";
import { SoakMachine } from "../../wasm/soak-machine.ts";
import { type HeapSamples, SampleColumns } from "./heap-samples.ts";

const BUDGET = 1_000_000;

/** A stretch of the window between two boots: its looks, in microseconds since the boot, and when counting begins. */
export interface Stretch {
  readonly countFromUs: number;
  readonly looksUs: readonly number[];
  /** More requests than this end the run. */
  readonly requestsMost: number;
}

/** `too-many-requests`: far more than the trace has, so that there is nothing to wait for. */
export interface EarlyEnd {
  readonly kind: RunFailureKind | "too-many-requests";
  readonly atUs: number;
}

export interface SoakedWindow {
  readonly samples: HeapSamples;
  /** What ended the run too early; undefined: nothing. */
  readonly failure: EarlyEnd | undefined;
}

/**
 * Runs the scenario once a stretch, each from a boot and with draws of its own, and looks at its first heap. A run
 * that fails ends the window.
 */
export function soakWindow(scenario: Scenario, stretches: readonly Stretch[], seed: number): SoakedWindow {
  const columns = new SampleColumns(stretches.reduce((sum, { looksUs }) => sum + looksUs.length, 0));
  const totals = { peakLiveBytes: 0, failedRequests: 0, requests: 0 };
  for (const [index, stretch] of stretches.entries()) {
    const run = new StretchRun(scenario, stretch, BigInt(seed) * 65_536n + BigInt(index));
    const failure = run.lookAround(columns);
    const { peakLiveBytes, failedRequests, requests } = run.totals();
    totals.peakLiveBytes = Math.max(totals.peakLiveBytes, peakLiveBytes);
    totals.failedRequests += failedRequests;
    totals.requests += requests;
    if (failure) return { samples: columns.finish(totals), failure };
  }
  return { samples: columns.finish(totals), failure: undefined };
}

class StretchRun {
  readonly #machine: SoakMachine;
  readonly #stretch: Stretch;
  #before = { requests: 0, failedRequests: 0 };

  constructor(scenario: Scenario, stretch: Stretch, seed: bigint) {
    this.#stretch = stretch;
    const longEnough = { ...scenario, uptimeUs: (stretch.looksUs.at(-1) ?? 0) + 1 };
    this.#machine = new SoakMachine({
      scenario: longEnough,
      compiled: compileScenario(longEnough),
      layout: layOut(longEnough),
      seed,
      exactly: true,
    });
    this.#machine.prepare();
  }

  lookAround(columns: SampleColumns): SoakedWindow["failure"] {
    const { countFromUs, looksUs } = this.#stretch;
    if (countFromUs > 0) this.#runTo(countFromUs);
    this.#beginCounting();
    for (const atUs of looksUs) {
      const failure = this.#runTo(atUs);
      if (failure) return failure;
      const heap = this.#machine.heaps[0];
      if (heap) columns.add(heap.summary());
    }
    return undefined;
  }

  /** Since counting began. */
  totals(): Pick<HeapSamples, "peakLiveBytes" | "failedRequests" | "requests"> {
    const { requests, failedRequests, peakLiveBytes } = this.#machine.heapFigures(0);
    return {
      peakLiveBytes,
      requests: requests - this.#before.requests,
      failedRequests: failedRequests - this.#before.failedRequests,
    };
  }

  #beginCounting(): void {
    this.#machine.telemetry.beginJudging();
    const { requests, failedRequests } = this.#machine.heapFigures(0);
    this.#before = { requests, failedRequests };
  }

  /** To the time, before anything of that moment happens. */
  #runTo(us: number): SoakedWindow["failure"] {
    this.#machine.setHorizon(us);
    for (;;) {
      const end = this.#machine.advance(BUDGET);
      if (end === "horizon") return undefined;
      if (this.#machine.heapFigures(0).requests > this.#stretch.requestsMost) {
        return { kind: "too-many-requests", atUs: this.#machine.nowUs };
      }
      if (end === "stack-overrun") this.#machine.takeOverrun();
      if (end !== "failed") continue;
      const { kind = "fault", atUs = this.#machine.nowUs } = this.#machine.failure() ?? {};
      return { kind, atUs };
    }
  }
}
