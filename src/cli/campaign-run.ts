import type { RiskQuestion } from "../risk/build-record.ts";
import { type CampaignOptions, type CampaignProgress, campaignExecutor } from "../risk/campaign/executor.ts";
import type { RiskRecord } from "../risk/record.ts";
import { runRisk } from "../risk/risk.ts";
import { campaignLine } from "./campaign-line.ts";
import { tellLine } from "./campaign-options.ts";
import type { LiveLine } from "./live-line.ts";

export interface CampaignRun extends Pick<CampaignOptions, "jobs" | "out" | "shard" | "queue"> {
  readonly signal: AbortSignal;
  /** Where to show how far it is. */
  readonly line: LiveLine | undefined;
}

/** What a campaign has come to: of a part of one, the record has gaps and only the progress counts. */
export interface CampaignEnd {
  readonly record: RiskRecord;
  readonly progress: CampaignProgress | undefined;
}

/** Runs a campaign on threads or a queue. Throws as `campaignExecutor`. */
export async function runCampaign(
  question: RiskQuestion,
  { signal, line, ...options }: CampaignRun,
): Promise<CampaignEnd> {
  const { plan: _, ...rest } = question;
  const startMs = performance.now();
  let progress: CampaignProgress | undefined;
  const executor = campaignExecutor({
    ...options,
    question: rest,
    tell: (remark) => {
      line?.clear();
      tellLine(remark);
    },
    progress: (now) => {
      progress = now;
      line?.update(() => campaignLine(now, performance.now() - startMs));
    },
  });
  const record = await runRisk(question, { executor, signal });
  line?.clear();
  if (signal.aborted && options.out !== undefined) tellLine(`the same command goes on from what is in ${options.out}.`);
  return { record, progress };
}
