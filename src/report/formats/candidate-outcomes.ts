/** Outcomes of records that go by the best of several candidates: campaigns and searches for a size. */
import type { RiskCell, RiskRecord } from "../../risk/record.ts";
import type { AllocatorSize, SizeRecord } from "../../risk/size/record.ts";
import { judgeCell } from "../../risk/verdict.ts";
import type { Verdict } from "../../soak/record.ts";
import { cellName, RISK_HEADS, riskConclusion, riskHeadline, riskRow, riskWords } from "../risk-text.ts";
import { SIZE_HEADS, share, sizeRow, verdictRemark } from "../size-text.ts";
import { formatCount } from "../table.ts";
import { VERDICTS, verdictOf } from "../verdict-of.ts";
import { type Check, type CheckStatus, check, type Outcome } from "./outcome.ts";

/** A candidate's status in a record with that verdict. */
export function candidateStatus(own: CheckStatus, verdict: Verdict): CheckStatus {
  return own === "fail" && verdict !== "fail" ? "outdone" : own;
}

/** A campaign: each cell against the accepted risk. */
export function riskOutcome(record: RiskRecord, name: string): Outcome {
  const { scenario, cells, refused, maxRisk, verdict, seeds, provenance } = record;
  const checks = cells.map((cell) => {
    const own = maxRisk === null ? "pass" : judgeCell(cell, maxRisk);
    return cellCheck(cell, candidateStatus(own, verdict));
  });
  const left = refused.map((cell) =>
    check({ name: cellName(cell), status: "undecided", message: `not run: ${cell.reason}`, rule: "risk-limit" }),
  );
  return {
    name,
    kind: record.format,
    variant: "",
    title: scenario.title,
    path: scenario.path,
    verdict,
    sentence: [riskHeadline(record), ...riskConclusion(record)].join(". "),
    checks: [...checks, ...left],
    tables: [{ title: "Cells", heads: RISK_HEADS, rows: cells.map(riskRow) }],
    facts: [
      ["device", scenario.device],
      ["seeds", `${seeds.most} from ${seeds.first}`],
      ["plan", provenance.plan],
      ["heapsoak", provenance.heapsoak],
      ["core", provenance.core],
    ],
  };
}

function cellCheck(cell: RiskCell, status: CheckStatus): Check {
  const { failures, runs, earliest } = cell;
  const message = `risk ${riskWords(cell)}: ${formatCount(failures)} of ${formatCount(runs)} runs failed`;
  const { line = null, task = null, step = null } = earliest ?? {};
  return check({ name: cellName(cell), status, message, rule: "risk-limit", line, task, step });
}

/** A search for a size: each allocator. */
export function sizeOutcome(record: SizeRecord, name: string): Outcome {
  const { scenario, heap, allocators, risk, baseSeed, provenance } = record;
  const verdict = verdictOf(record) ?? "undecided";
  return {
    name,
    kind: record.format,
    variant: "",
    title: scenario.title,
    path: scenario.path,
    verdict,
    sentence: `The smallest heap ${heap} on ${scenario.device} for a risk of at most ${share(risk)}: ${smallestWords(record)}`,
    checks: allocators.map((one) =>
      check({
        name: `heap ${heap} with ${one.allocator}`,
        status: candidateStatus(VERDICTS.size[one.verdict], verdict),
        message: sizeWords(one, record),
        rule: "heap-size",
      }),
    ),
    tables: [{ title: "Sizes", heads: SIZE_HEADS, rows: allocators.map(sizeRow) }],
    facts: [
      ["device", scenario.device],
      ["seeds", `${record.runs} from ${baseSeed}`],
      ["heapsoak", provenance.heapsoak],
      ["core", provenance.core],
      ["scenario", provenance.scenario],
    ],
  };
}

/** Of the allocator that needs least. */
function smallestWords({ allocators }: SizeRecord): string {
  const sizes = allocators.flatMap(({ allocator, ...one }) =>
    one.verdict === "refused" || one.heapBytes === null ? [] : [{ allocator, heapBytes: one.heapBytes }],
  );
  const [least] = sizes.sort((a, b) => a.heapBytes - b.heapBytes);
  return least ? `${formatCount(least.heapBytes)} B with ${least.allocator}` : "none was found";
}

function sizeWords(one: AllocatorSize, { risk, nowBytes }: SizeRecord): string {
  if (one.verdict === "refused") return `refused: ${one.reason}`;
  if (one.heapBytes === null) return verdictRemark(one, share(risk));
  return `${formatCount(one.heapBytes)} B are enough; the scenario has ${formatCount(nowBytes)} B`;
}
