/** The page of a search for the smallest heap: sizes beside their bounds, and the stacks. */
import type { SearchedAllocator, SizeRecord, StackSize } from "../../risk/size/record.ts";
import { formatDuration } from "../../scenario/quantities.ts";
import {
  BOUND_HEADS,
  BOUND_TITLE,
  boundRows,
  SIZE_HEADS,
  STACK_HEADS,
  STACK_TITLE,
  STOPPED,
  share,
  sizeCriterion,
  sizeRemarks,
  sizeRow,
  stackRow,
  verdictRemark,
} from "../size-text.ts";
import { formatCount } from "../table.ts";
import { html } from "./markup.ts";
import { figure } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { type Mark, rowsPlot } from "./svg-rows.ts";
import { BYTE_MARKS, BYTES, linearScale, logScale, rounded } from "./svg-scale.ts";
import { judged, list, paragraphs, textTable } from "./text-parts.ts";

/** The page of a size record. */
export function sizePage(record: SizeRecord): RecordPage {
  const { scenario, provenance, stacks } = record;
  const searched = record.allocators.filter((one) => one.verdict !== "refused");
  return {
    title: scenario.title,
    ...judged(record),
    sentence: sentence(record, searched),
    sections: [sizes(record, searched), ...bounds(searched), ...(stacks.length > 0 ? [stackSection(stacks)] : [])],
    provenance: [
      ["Scenario", scenario.path],
      ["Scenario's SHA-256", provenance.scenario],
      ["Device", scenario.device],
      ["First seed", record.baseSeed],
      ["Core", provenance.core],
      ["heapsoak", provenance.heapsoak],
    ],
  };
}

function sentence(record: SizeRecord, searched: readonly SearchedAllocator[]): string {
  const { nowBytes, risk, horizonUs, heap } = record;
  const found = searched.filter(({ heapBytes }) => heapBytes !== null);
  const [best] = found.sort((a, b) => (a.heapBytes ?? 0) - (b.heapBytes ?? 0));
  if (best) {
    const size = `${formatCount(best.heapBytes ?? 0)} B instead of ${formatCount(nowBytes)} B`;
    return `With ${best.allocator} the heap ${heap} needs ${size} for a risk of at most ${share(risk)} within ${formatDuration(horizonUs)}.`;
  }
  const [first] = searched;
  return first ? `${first.allocator}: ${verdictRemark(first, share(risk))}.` : "No allocator could be run.";
}

function sizes(record: SizeRecord, searched: readonly SearchedAllocator[]): Section {
  const remarks = searched.flatMap((one) => sizeRemarks(one, record).map((line) => `${one.allocator}: ${line}`));
  const refused = record.allocators.flatMap((one) =>
    "reason" in one ? [`${one.allocator}: refused: ${one.reason}`] : [],
  );
  const stopped = record.stopped === null ? [] : [`Ended early ${STOPPED[record.stopped]}.`];
  return {
    id: "sizes",
    title: "The smallest heap of each allocator",
    body: html`<p>For ${sizeCriterion(record)}. The same seeds for every size and allocator.</p>
${paragraphs(stopped)}${sizeFigure(record, searched)}${textTable(SIZE_HEADS, record.allocators.map(sizeRow), {
  first: "Allocator",
  caption: "Sizes found, and the runs of their neighbours",
  captionHidden: true,
})}${list([...remarks, ...refused])}`,
  };
}

function sizeFigure({ nowBytes, heap }: SizeRecord, searched: readonly SearchedAllocator[]) {
  const rows = searched.map((one) => ({
    title: one.allocator,
    marks: sizeMarks(one),
    note: one.heapBytes === null ? one.verdict : `${formatCount(one.heapBytes)} B`,
  }));
  const values = [
    nowBytes,
    ...rows.flatMap(({ marks }) => marks.flatMap((mark) => ("at" in mark ? [mark.at] : [mark.from, mark.to]))),
  ];
  if (rows.length === 0) return false;
  const positive = values.filter((bytes) => bytes > 0);
  const scale = logScale([Math.min(...positive) / 1.3, Math.max(...positive) * 1.3], BYTES, BYTE_MARKS);
  const picture = rowsPlot({
    label: `Smallest heap ${heap} by allocator`,
    description: rows.map(({ title, note }) => `${title}: ${note}`).join("; "),
    scale,
    axisTitle: "heap size, each mark twice the one before",
    rows,
    limits: [{ at: nowBytes, text: `now ${formatCount(nowBytes)} B`, colour: "muted" }],
  });
  return figure(picture, {
    caption:
      "Dots: the smallest size that meets the risk (a ring beside it: steady from there on; a range: where it must lie). The marks to its right hold for any workload with the same peak and largest block, however unlikely.",
    legend: [
      { colour: "accent", label: "smallest size found" },
      { colour: "live", label: "peak of live bytes" },
      { colour: "series-3", label: "no allocator can promise less" },
      { colour: "series-2", label: "its policy needs no more" },
    ],
  });
}

function sizeMarks(one: SearchedAllocator): Mark[] {
  const { heapBytes, steadyBytes, peakLiveBytes, unavoidable, policy, refutedBytes, candidateBytes, mostBytes } = one;
  const at = (kind: "dot" | "ring" | "tick", bytes: number | null | undefined, colour: string, what: string): Mark[] =>
    bytes ? [{ kind, at: bytes, colour, title: `${one.allocator}: ${what} ${formatCount(bytes)} B` }] : [];
  const open: Mark[] =
    one.verdict === "undecided" && refutedBytes !== null
      ? [
          {
            kind: "range",
            from: refutedBytes,
            to: candidateBytes ?? mostBytes,
            colour: "open",
            title: `above ${formatCount(refutedBytes)} B`,
          },
        ]
      : [];
  return [
    ...open,
    ...at("tick", peakLiveBytes, "live", "peak of live bytes"),
    ...at("tick", unavoidable?.bytes, "series-3", "any allocator, at least"),
    ...at("tick", policy?.bytes, "series-2", "its policy, at most"),
    ...at("ring", steadyBytes === heapBytes ? null : steadyBytes, "accent", "steady from"),
    ...at("dot", heapBytes, "accent", "smallest"),
  ];
}

function bounds(searched: readonly SearchedAllocator[]): Section[] {
  const rows = boundRows(searched);
  if (rows.length === 0) return [];
  const proofs = searched
    .flatMap(({ unavoidable, policy }) => [unavoidable, policy])
    .flatMap((bound) => {
      return bound?.formula ? [`${bound.formula}: ${bound.source ?? ""}`] : [];
    });
  const body = html`${textTable(BOUND_HEADS, rows, { first: "Allocator", caption: BOUND_TITLE })}${list([...new Set(proofs)])}`;
  return [{ id: "bounds", title: "What would hold for any workload", body }];
}

function stackSection(stacks: readonly StackSize[]): Section {
  const most = Math.max(1, ...stacks.flatMap(({ sizeBytes, recommendedBytes }) => [sizeBytes, recommendedBytes]));
  const picture = rowsPlot({
    label: "Stacks: seen, worst case, recommended, size now",
    description: stacks
      .map(({ name, recommendedBytes }) => `${name}: ${formatCount(recommendedBytes)} B recommended`)
      .join("; "),
    scale: linearScale(rounded([0, most], BYTES), BYTES),
    axisTitle: "bytes",
    rows: stacks.map((stack) => ({
      title: stack.name,
      marks: stackMarks(stack),
      note: `${formatCount(stack.recommendedBytes)} B`,
    })),
  });
  const legend = [
    { colour: "live", label: "deepest seen" },
    { colour: "free", label: "size now" },
    { colour: "bad", label: "worst case" },
    { colour: "good", label: "recommended" },
  ];
  return {
    id: "stacks",
    title: "Stacks",
    body: html`${figure(picture, { caption: `Stacks: ${STACK_TITLE}.`, legend })}${textTable(
      STACK_HEADS,
      stacks.map(stackRow),
      {
        first: "Stack",
        caption: "Stacks, in bytes",
        captionHidden: true,
      },
    )}`,
  };
}

function stackMarks({ name, sizeBytes, observedBytes, worstCaseBytes, recommendedBytes }: StackSize): Mark[] {
  const title = (what: string, bytes: number) => `${name}: ${what} ${formatCount(bytes)} B`;
  return [
    { kind: "bar", from: 0, to: sizeBytes, colour: "free", title: title("size now", sizeBytes) },
    { kind: "bar", from: 0, to: observedBytes, colour: "live", title: title("deepest seen", observedBytes) },
    ...(worstCaseBytes === null
      ? []
      : [{ kind: "tick", at: worstCaseBytes, colour: "bad", title: title("worst case", worstCaseBytes) } as const]),
    { kind: "dot", at: recommendedBytes, colour: "good", title: title("recommended", recommendedBytes) },
  ];
}
