/** Which importance to split by, tried out on the cell. */
import type { Random } from "../../statistics/random.ts";
import type { ImportanceKind } from "./importance.ts";
import { type Pilot, type PilotOptions, placeLevels } from "./levels.ts";
import { type Replication, Splitting } from "./replication.ts";
import type { Trials } from "./trials.ts";

/** Replications of a try-out, of half the effort. They only choose: the estimate does not use them. */
const TRY_OUTS = 3;

/** Places levels by the kind whose failures descend from the most runs; without any failure, whose levels do. */
export function chooseImportance(
  trials: Trials,
  kinds: readonly [ImportanceKind, ...ImportanceKind[]],
  options: PilotOptions,
): Pilot {
  const [first, ...others] = kinds;
  trials.measureBy(first);
  let best = { kind: first, pilot: placeLevels(trials, options), worth: 0 };
  if (others.length === 0) return best.pilot;
  best.worth = worthOf(trials, best.pilot, options);
  for (const kind of others) {
    trials.measureBy(kind);
    const pilot = placeLevels(trials, options);
    const worth = worthOf(trials, pilot, options);
    if (worth > best.worth) best = { kind, pilot, worth };
  }
  trials.measureBy(best.kind);
  return best.pilot;
}

function worthOf(trials: Trials, { thresholds }: Pilot, { trials: count, capacity, random }: TryOut): number {
  const splitting = new Splitting(trials, thresholds, Math.ceil(count / 2), capacity, random);
  let worth = 0;
  for (let tried = 0; tried < TRY_OUTS; tried++) worth += survivingAncestors(splitting.replicate());
  return worth;
}

type TryOut = Pick<PilotOptions, "trials" | "capacity"> & { readonly random: Random };

/** Runs that the failures descend from; below 1, and the more the deeper it came, where there is no failure. */
function survivingAncestors({ probability, stages }: Replication): number {
  const last = stages.at(-1)?.ancestors ?? 0;
  return probability > 0 ? last : -1 / stages.length;
}
