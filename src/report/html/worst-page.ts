/** The page of an exact worst case: what was searched, beside what is proved, and the sequence that defeats. */
import type { WorstRecord } from "../../risk/worst/record.ts";
import { counted } from "../../soak/figures.ts";
import {
  boundNote,
  boundRows,
  moveWords,
  ownLine,
  SEARCHED_HEADS,
  searchedRow,
  worstHeadline,
  worstVerdict,
} from "../worst-text.ts";
import { type Html, html } from "./markup.ts";
import { figure, table } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { heapStrips, mapStretches, STRIP_LEGEND } from "./svg-heap.ts";
import { type Mark, rowsPlot } from "./svg-rows.ts";
import { COUNT, linearScale } from "./svg-scale.ts";
import { judged, paragraphs, textTable } from "./text-parts.ts";

const OUTCOME_COLOURS = { defeated: "bad", survives: "good", beyond: "open" } as const;

/** The page of a worst-case record. */
export function worstPage(record: WorstRecord): RecordPage {
  const { allocator, options, unitBytes, liveUnits, largestUnits, sequence } = record;
  const given = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return {
    title: `The worst case of ${allocator}`,
    ...judged(record),
    sentence: worstVerdict(record),
    sections: [searched(record), ...(sequence ? [sequenceSection(sequence)] : [])],
    provenance: [
      ["Allocator", [allocator, ...given].join(" ")],
      ["Unit", counted(unitBytes, "byte")],
      ["Live at most", counted(liveUnits, "unit")],
      ["Largest request", counted(largestUnits, "unit")],
    ],
  };
}

function searched(record: WorstRecord): Section {
  const bounds = textTable(["Units", "Proved by"], boundRows(record), {
    first: "Bound",
    caption: "Bounds, in units",
    words: [2],
  });
  const sizes = textTable(SEARCHED_HEADS, record.sizes.map(searchedRow), {
    first: "Heap",
    caption: "Sizes that were searched",
    words: [1],
  });
  return {
    id: "sizes",
    title: "Every size that was searched",
    body: html`${paragraphs([worstHeadline(record), ...ownLine(record)])}${record.sizes.length > 0 && sizesFigure(record)}${bounds}${paragraphs(boundNote(record))}${sizes}`,
  };
}

function sizesFigure({ sizes, bounds }: WorstRecord): Html {
  const { unavoidable, policy } = bounds;
  const marks = sizes.map(({ heapUnits, outcome }): Mark => {
    return {
      kind: outcome === "beyond" ? "ring" : "dot",
      at: heapUnits,
      colour: OUTCOME_COLOURS[outcome],
      title: `${counted(heapUnits, "unit")}: ${outcome}`,
    };
  });
  const most = Math.max(unavoidable.units, policy?.units ?? 0, ...sizes.map(({ heapUnits }) => heapUnits));
  const picture = rowsPlot({
    label: "Heap sizes that were searched",
    description: sizes.map(({ heapUnits, outcome }) => `${heapUnits} units: ${outcome}`).join("; "),
    scale: linearScale([0, most + 1], COUNT),
    axisTitle: "heap size in units",
    rows: [
      {
        title: "any allocator, at least",
        marks: [{ kind: "tick", at: unavoidable.units, colour: "series-3", title: counted(unavoidable.units, "unit") }],
      },
      { title: "this one, by search", marks },
      ...(policy
        ? [
            {
              title: "its policy, at most",
              marks: [
                { kind: "tick", at: policy.units, colour: "series-2", title: counted(policy.units, "unit") } as const,
              ],
            },
          ]
        : []),
    ],
  });
  return figure(picture, {
    caption: "Each dot is a size of which every state was searched.",
    legend: [
      { colour: "bad", label: "some sequence defeats it" },
      { colour: "good", label: "no sequence defeats it" },
      { colour: "open", label: "not known" },
    ],
  });
}

function sequenceSection({ heapUnits, steps }: NonNullable<WorstRecord["sequence"]>): Section {
  const strips = steps.map((step, index) => ({
    title: `${index + 1}  ${moveWords(step)}`,
    stretches: mapStretches(step.map),
    isBad: step.refused,
  }));
  const rows = steps.map((step, index) => ({
    title: `${index + 1}`,
    cells: [moveWords(step), html`<code>${step.map}</code>`, step.picture],
  }));
  return {
    id: "sequence",
    title: `The shortest sequence that defeats ${counted(heapUnits, "unit")}`,
    body: html`${figure(heapStrips(strips, "The heap after each move", "units"), { caption: "The heap after each move, to scale; blocks by their letters.", legend: STRIP_LEGEND })}${table(["Move", "What", "Heap", "In bytes"], rows, { caption: "The moves", words: [1, 2, 3] })}`,
  };
}
