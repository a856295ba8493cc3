/** The page of a validation: what was compared on which board, against which version, and what a visit costs there. */
import { type Calibration, type CalibrationLine, isPoorFit } from "../../board/validation/calibration.ts";
import type { ValidationRecord } from "../../board/validation/validation-record.ts";
import { formatFrequency } from "../../quantities.ts";
import { plainPaint } from "../paint.ts";
import { formatCount } from "../table.ts";
import {
  CALIBRATION_HEADS,
  calibrationRow,
  causes,
  comparedFacts,
  poorFitWords,
  VERB_NAMES,
  validationHeadline,
  values,
} from "../validation-text.ts";
import { type Html, html } from "./markup.ts";
import { factList, figure, seriesColour } from "./parts.ts";
import type { RecordPage, Section } from "./record-page.ts";
import { aboveZero, band, line, type Plane, plot } from "./svg-plot.ts";
import { COUNT, linearScale, rounded } from "./svg-scale.ts";
import { capitalized, judged, list, paragraphs, textTable } from "./text-parts.ts";

/** The page of a validation record. */
export function validationPage(record: ValidationRecord): RecordPage {
  const { board, allocator, allocatorVersion, calibration, firstDifference, source, startedAt, heapsoak } = record;
  return {
    title: `${allocator} ${allocatorVersion} on ${board || "an unnamed board"}`,
    ...judged(record),
    sentence: `${capitalized(validationHeadline(record, plainPaint))}.`,
    sections: [
      compared(record),
      ...(firstDifference ? [difference(record)] : []),
      ...(calibration ? [cycles(calibration)] : []),
    ],
    provenance: [
      ["Source's SHA-256", source.digest],
      ["Build", record.buildId || "unnamed"],
      ...(startedAt === undefined ? [] : [["Started", startedAt] as const]),
      ["heapsoak", heapsoak],
    ],
  };
}

function compared(record: ValidationRecord): Section {
  const { compared, ram, emulatedAs, versionsExactFor, verdict, allocator, allocatorVersion, board, heapsoak } = record;
  const facts = comparedFacts(record).map(([name, words]) => [capitalized(name), words] as const);
  const cited = `${emulatedAs} of heapsoak ${heapsoak} against ${`${allocator} ${allocatorVersion}`.trim()} on ${board || "an unnamed board"}: ${formatCount(compared.placements)} placements, ${formatCount(compared.refusals)} refused requests${ram ? ` and ${formatCount(ram.bytes)} bytes of RAM` : ""} ${verdict === "different" ? "compared, not all equal" : "equal"}.`;
  return {
    id: "compared",
    title: "What was compared",
    body: html`${factList(facts)}<p>To cite: ${cited}</p>
<p class="note">The emulation of ${emulatedAs} is exact for ${versionsExactFor}.</p>
`,
  };
}

function difference(record: ValidationRecord): Section {
  const { firstDifference } = record;
  const { board, emulated } = firstDifference ? values(firstDifference) : { board: "", emulated: "" };
  const sides = factList([
    ["Board", html`<code>${board}</code>`],
    ["Emulator", html`<code>${emulated}</code>`],
  ]);
  return {
    id: "difference",
    title: "The first difference",
    body: html`${sides}<p>Likely causes:</p>
${list(causes(record))}`,
  };
}

function cycles({ cycleHz, lines }: Calibration): Section {
  const rows = textTable(CALIBRATION_HEADS, lines.map(calibrationRow), {
    first: "Operation",
    caption: `Cycles of the board's counter (${formatFrequency(cycleHz)}) by visits`,
    captionHidden: true,
  });
  return {
    id: "cycles",
    title: "What a visit costs",
    body: html`${lines.length > 0 && cyclesFigure(lines, cycleHz)}${rows}${paragraphs(poorFitWords(lines))}`,
  };
}

function cyclesFigure(lines: readonly CalibrationLine[], cycleHz: number): Html {
  const tops = lines.map((fitted) => Math.max(at(fitted, 0), at(fitted, fitted.maximumVisits)) + bandCycles(fitted));
  const picture = plot(
    {
      label: "Cycles by visits",
      description: lines
        .map((fitted) => `${VERB_NAMES[fitted.verb]}: ${fitted.baseCycles} cycles and ${fitted.cyclesPerVisit} a visit`)
        .join("; "),
      height: 280,
      x: linearScale([0, Math.max(1, ...lines.map(({ maximumVisits }) => maximumVisits))], COUNT),
      y: linearScale(rounded([0, Math.max(1, ...tops)], COUNT), COUNT),
      xTitle: "visits: blocks and list nodes that were looked at",
      yTitle: `cycles, of ${formatFrequency(cycleHz)}`,
    },
    (plane) => [...lines.flatMap((fitted, index) => fittedMarks(plane, fitted, seriesColour(index)))],
  );
  return figure(picture, {
    caption:
      "The line fitted to each operation. 99 of 100 operations lie within its band; without a band visits explain too little.",
    legend: lines.map(({ verb }, index) => ({ colour: seriesColour(index), label: VERB_NAMES[verb] })),
  });
}

function fittedMarks(plane: Plane, fitted: CalibrationLine, colour: string): Html[] {
  const { maximumVisits } = fitted;
  const reach = bandCycles(fitted);
  const through = (offset: number) =>
    aboveZero([0, at(fitted, 0) + offset], [maximumVisits, at(fitted, maximumVisits) + offset]);
  return [band(plane, through(reach), through(-reach), colour), line(plane, through(0), colour)];
}

/** How far the operations stray from a line that is worth a band. */
function bandCycles(fitted: CalibrationLine): number {
  return isPoorFit(fitted) ? 0 : fitted.residualP99Cycles;
}

/** Cycles that the line gives for so many visits. */
function at({ baseCycles, cyclesPerVisit }: CalibrationLine, visits: number): number {
  return baseCycles + cyclesPerVisit * visits;
}
