/** Figures in the cells of tables as people and their programs write them. */

/** A figure, and behind it perhaps a unit. */
const FIGURE = /^([+-]?\d[\d.,]*)\s*(?:(b|bytes?)|(kb|kib)|(mb|mib))?$/i;
/** Spaces, apostrophes and narrow spaces in UTF-8 and Latin-1, between groups of three digits. */
const GROUPS = /(\d)(?: |'|\xa0|\xc2\xa0|\xe2\x80(?:\xaf|\x89|\x99))(?=\d{3}(?:\D|$))/g;
const KIB = 1024;

/**
 * The bytes that a cell says: `unitBytes` is what one of the column's units is, a unit in the cell goes before it.
 * `decimalComma`: a comma may stand before the fraction. NaN: no number, or one that is thousands or a fraction,
 * nobody knows which: `118.035` in a table with commas.
 */
export function cellBytes(cell: string, unitBytes: number, decimalComma: boolean): number {
  const plain = cell === "" ? Number.NaN : Number(cell);
  if (!Number.isNaN(plain) && !(decimalComma && unitBytes === 1 && isAmbiguous(cell))) {
    return Math.round(plain * unitBytes);
  }
  const [, figure, ownBytes, kib, mib] = FIGURE.exec(cell.trim().replaceAll(GROUPS, "$1")) ?? [];
  if (figure === undefined) return Number.NaN;
  const bytes = ownBytes ? 1 : kib ? KIB : mib ? KIB * KIB : unitBytes;
  return Math.round(figureOf(figure, bytes === 1, decimalComma) * bytes);
}

/** One group of three digits behind a point or comma. */
function isAmbiguous(figure: string): boolean {
  return /^\s*[+-]?[1-9]\d{0,2}[.,]\d{3}\s*$/.test(figure);
}

function figureOf(figure: string, isWhole: boolean, decimalComma: boolean): number {
  if (/^[+-]?\d{1,3}(,\d{3}){2,}$|^[+-]?\d{1,3}(\.\d{3}){2,}$/.test(figure))
    return Number(figure.replaceAll(/[.,]/g, ""));
  if (!decimalComma) return thousands(figure, ",", isWhole);
  if (isWhole && isAmbiguous(figure)) return Number.NaN;
  return figure.includes(",") ? thousands(figure, ".", true, ",") : Number(figure);
}

/** A figure whose `separator` stands between groups of three digits. */
function thousands(figure: string, separator: string, isWhole: boolean, point = "."): number {
  const [whole = "", fraction = "", ...more] = figure.split(point);
  const groups = whole.split(separator);
  const isGrouped = groups.length === 1 || groups.slice(1).every((group) => group.length === 3);
  // Of kilobytes `115,269` may be a fraction.
  if (more.length > 0 || !isGrouped || (groups.length > 1 && !isWhole && fraction === "")) return Number.NaN;
  return Number(`${groups.join("")}.${fraction}`);
}
