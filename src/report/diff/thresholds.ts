/** Thresholds as users give them: `10%`, `main.minimumLargestFreeBytes=512B`, `holes=off`. */
import { closest, HeapsoakError } from "../../errors.ts";
import { parseSize } from "../../quantities.ts";
import { parseTime } from "../../scenario/quantities.ts";
import type { Threshold } from "./diff-record.ts";
import { FIGURES, type Figure, type FigureKind, type FigureUnit, figureWord } from "./figures.ts";

const KINDS: ReadonlyMap<string, FigureKind> = new Map(Object.entries(FIGURES));

/** A threshold, and the figures it is for: those whose name ends in these words. */
interface NamedThreshold {
  readonly figure: string;
  readonly threshold: Threshold | null;
}

/** The thresholds of a comparison: those given, and where none is, the figure's own. */
export class Thresholds {
  readonly #named: readonly NamedThreshold[];
  readonly #usual: Threshold | undefined;

  /** `texts`: each `SHARE%` for all figures that are judged, or FIGURE=SHARE%, FIGURE=AMOUNT, FIGURE=off. Throws `bad-argument`. */
  constructor(texts: readonly string[] = []) {
    const named = texts.filter((text) => text.includes("="));
    const usual = texts.filter((text) => !text.includes("="));
    if (usual.length > 1) throw new HeapsoakError("bad-argument", "--threshold without a figure is given twice.");
    this.#usual = usual[0] === undefined ? undefined : shareOf(usual[0]);
    this.#named = named.map(namedThreshold).toSorted((a, b) => b.figure.length - a.figure.length);
    refuseRepeated(this.#named.map(({ figure }) => figure));
  }

  /** Of a figure; null: it is not judged. The longest name that fits counts. */
  of({ name, kind: { threshold } }: Figure): Threshold | null {
    const own = this.#named.find(({ figure }) => endsIn(name, figure));
    if (own) return own.threshold;
    return threshold !== null && "share" in threshold ? (this.#usual ?? threshold) : threshold;
  }

  /** Throws `bad-argument` for a threshold on a figure that none of the names is. */
  refuseUnused(names: readonly string[]): void {
    for (const { figure } of this.#named) {
      if (names.some((name) => endsIn(name, figure))) continue;
      const hint = `Figures of these records: ${[...new Set(names)].slice(0, 40).join(", ")}.`;
      throw new HeapsoakError("bad-argument", `--threshold: the records have no figure "${figure}" in common.`, {
        hint,
      });
    }
  }
}

function endsIn(name: string, figure: string): boolean {
  return name === figure || name.endsWith(`.${figure}`);
}

function refuseRepeated(figures: readonly string[]): void {
  const repeated = figures.find((figure, index) => figures.indexOf(figure) < index);
  if (repeated === undefined) return;
  throw new HeapsoakError("bad-argument", `--threshold: "${repeated}" is given twice.`);
}

function namedThreshold(text: string): NamedThreshold {
  const equals = text.lastIndexOf("=");
  const figure = text.slice(0, equals).trim();
  const value = text.slice(equals + 1).trim();
  const kind = KINDS.get(figureWord(figure));
  if (!kind) throw unknownFigure(figure);
  if (value === "off") return { figure, threshold: null };
  return { figure, threshold: value.endsWith("%") ? shareOf(value) : { amount: amountOf(text, value, kind.unit) } };
}

function unknownFigure(figure: string): HeapsoakError {
  const meant = closest(figureWord(figure), KINDS.keys());
  const hint = meant === undefined ? "heapsoak diff --help lists the figures." : `Did you mean ${meant}?`;
  return new HeapsoakError("bad-argument", `--threshold: there is no figure "${figure}".`, { hint });
}

function shareOf(text: string): Threshold {
  const [, digits] = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? [];
  if (digits === undefined) {
    throw new HeapsoakError("bad-argument", `--threshold: got "${text}", expected 10% or FIGURE=10%.`);
  }
  return { share: Number(digits) / 100 };
}

/** An amount in the figure's own unit. */
function amountOf(text: string, value: string, unit: FigureUnit): number {
  try {
    if (unit === "bytes") return parseSize(value);
    if (unit === "time") return parseTime(value);
  } catch (cause) {
    if (!(cause instanceof HeapsoakError)) throw cause;
    throw new HeapsoakError("bad-argument", `--threshold ${text}: ${cause.message}`, { cause });
  }
  if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value);
  throw new HeapsoakError(
    "bad-argument",
    `--threshold: got "${text}", expected a number, a share such as 10%, or off.`,
  );
}
