import type { ComparedCandidate, CompareRecord, NamedRecord, RecordKind } from "../report-record.ts";
import { verdictOf } from "../verdict-of.ts";
import { candidateStatus, riskOutcome, sizeOutcome } from "./candidate-outcomes.ts";
import {
  fitOutcome,
  forecastOutcomeOf,
  huntOutcomeOf,
  stackBoundOutcome,
  validationOutcome,
  worstOutcome,
} from "./judged-outcomes.ts";
import { check, type Outcome } from "./outcome.ts";
import { runOutcome } from "./run-outcome.ts";
import { candidatesOf, type NamedCandidate } from "./runs-of.ts";

/** The kinds of record that judge something. */
export const JUDGED_KINDS = [
  "heapsoak.run",
  "heapsoak.compare",
  "heapsoak.risk",
  "heapsoak.size",
  "heapsoak.validation",
  "heapsoak.stack-bound",
  "heapsoak.fit",
  "heapsoak.forecast",
  "heapsoak.hunt",
  "heapsoak.worst",
] as const satisfies readonly RecordKind[];

/** What came of each record, of a comparison for each of its candidates; nothing of records that judge nothing. */
export function outcomesOf(records: readonly NamedRecord[]): Outcome[] {
  return records.flatMap(recordOutcomes);
}

function recordOutcomes({ name, record }: NamedRecord): Outcome[] {
  switch (record.format) {
    case "heapsoak.run":
      return [runOutcome(record, name)];
    case "heapsoak.compare":
      return candidatesOf(name, record).map((candidate) => candidateOutcome(candidate, record));
    case "heapsoak.risk":
      return [riskOutcome(record, name)];
    case "heapsoak.size":
      return [sizeOutcome(record, name)];
    case "heapsoak.validation":
      return [validationOutcome(record, name)];
    case "heapsoak.stack-bound":
      return [stackBoundOutcome(record, name)];
    case "heapsoak.fit":
      return [fitOutcome(record, name)];
    case "heapsoak.forecast":
      return [forecastOutcomeOf(record, name)];
    case "heapsoak.hunt":
      return [huntOutcomeOf(record, name)];
    case "heapsoak.worst":
      return [worstOutcome(record, name)];
    case "heapsoak.replay":
    case "heapsoak.blame":
    case "heapsoak.shrink":
      return [];
  }
}

/** A comparison goes by its best candidate. */
function candidateOutcome({ name, variant, candidate }: NamedCandidate, comparison: CompareRecord): Outcome {
  if ("refused" in candidate) return { ...refusedOutcome(candidate, candidate.refused), name, variant };
  const verdict = verdictOf(comparison) ?? "undecided";
  const outcome = runOutcome(candidate.record, name);
  const checks = outcome.checks.map((one) => ({ ...one, status: candidateStatus(one.status, verdict) }));
  return { ...outcome, variant, checks };
}

function refusedOutcome({ scenario }: ComparedCandidate, reason: string): Omit<Outcome, "name" | "variant"> {
  const message = `refused: ${reason}`;
  return {
    kind: "heapsoak.compare",
    title: scenario,
    path: null,
    verdict: "undecided",
    sentence: message,
    checks: [check({ name: "it can be run", status: "undecided", message, rule: "no-failure" })],
    tables: [],
    facts: [],
  };
}
