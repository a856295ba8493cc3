/** A row of a table: what it is, and one cell a column. `undefined` cells stay empty. */
export interface TableRow {
  readonly title: string;
  readonly cells: readonly (string | undefined)[];
}

/** Lines of a table: titles to the left, cells to the right of their columns (or the left), as wide as the widest. */
export function tableLines(
  heads: readonly string[],
  rows: readonly TableRow[],
  align: "left" | "right" = "right",
): string[] {
  const all = [{ title: "", cells: heads }, ...rows];
  const titleWidth = Math.max(...all.map(({ title }) => title.length));
  const widths = heads.map((_, column) => Math.max(...all.map(({ cells }) => (cells[column] ?? "").length)));
  return all.map(({ title, cells }) => {
    const pad = (width: number, text: string) => (align === "right" ? text.padStart(width) : text.padEnd(width));
    return `${title.padEnd(titleWidth)}  ${widths.map((width, column) => pad(width, cells[column] ?? "")).join("  ")}`.trimEnd();
  });
}

/** A count with its thousands grouped: `26,610`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A ratio as a percentage: `12.3 %`. */
export function formatRatio(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
