import type { Scenario } from "../scenario/model.ts";
import type { RunRecord } from "../soak/record.ts";
import type { Rewind } from "../soak/rewind.ts";
import { SoakInterrupted, type SoakOptions, soak } from "../soak/soak.ts";
import type { RunProgress } from "./run-progress.ts";

/** A run that is over. */
export interface FinishedRun {
  readonly record: RunRecord;
  readonly rewind: Rewind | undefined;
  /** What ended it before its time from outside, such as a full disk. */
  readonly trouble: SoakInterrupted | undefined;
}

/** Runs the scenario to its record, and shows how far it is. */
export async function soakWithProgress(
  scenario: Scenario,
  options: SoakOptions,
  progress: RunProgress | undefined,
): Promise<FinishedRun> {
  try {
    const running = soak(scenario, options);
    for await (const state of running) progress?.update(state);
    const record = await running.record;
    progress?.finish(record.simulatedUs);
    return { record, rewind: await running.rewind, trouble: undefined };
  } catch (error) {
    if (error instanceof SoakInterrupted) return { record: error.record, rewind: undefined, trouble: error };
    throw error;
  } finally {
    progress?.clear();
  }
}
