/** What is proved of all allocators, and of the policy, for the budget of an adversary: in units of its requests. */
import { boundOf, UNAVOIDABLE } from "../../allocators/bounds.ts";
import type { Policy } from "./policy.ts";
import type { WorstRecord } from "./record.ts";

/**
 * `blockUnits[k - 1]`: what a block is whose request is k units, header and rounding included. The lower bound counts
 * requests, for payloads alone never move either. It is for powers of two: a smaller largest request only weakens the
 * adversary.
 */
export function worstBounds(policy: Policy, live: number, blockUnits: readonly number[]): WorstRecord["bounds"] {
  const power = 2 ** Math.floor(Math.log2(blockUnits.length));
  const unavoidable = Math.max(live, Math.ceil(UNAVOIDABLE.granules(live, power)));
  const { formula, source } = UNAVOIDABLE;
  return { unavoidable: { units: unavoidable, formula, source }, policy: policyBound(policy, live, blockUnits) };
}

function policyBound({ entry }: Policy, live: number, blockUnits: readonly number[]): WorstRecord["bounds"]["policy"] {
  const bound = boundOf(entry);
  if (!bound) return null;
  const liveUnits = Math.ceil(mostBlockUnits(live, blockUnits));
  const largestUnits = Math.ceil(Math.max(...blockUnits));
  const units = Math.max(Math.ceil(bound.granules(liveUnits, largestUnits)), liveUnits);
  const { formula, source, precision } = bound;
  return { units, formula, source, precision, liveUnits, largestUnits };
}

/** The most that the blocks of `live` units of requests can take together. */
export function mostBlockUnits(live: number, blockUnits: readonly number[]): number {
  const most = [0];
  for (let units = 1; units <= live; units++) {
    const choices = blockUnits.slice(0, units).map((block, index) => block + (most[units - 1 - index] ?? 0));
    most.push(Math.max(...choices));
  }
  return most[live] ?? 0;
}
