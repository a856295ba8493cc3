/** Values over time in one line. */

const LEVELS = "▁▂▃▄▅▆▇█";
const DIGITS = "0123456789";

/** One character a ratio from 0 to 1: blocks of eight heights, or digits. */
export function sparkline(ratios: readonly number[], blocks: boolean): string {
  const levels = blocks ? LEVELS : DIGITS;
  return ratios.map((ratio) => levels[Math.min(levels.length - 1, Math.floor(ratio * levels.length))] ?? "").join("");
}

/** Values of windows that follow one another, the first from 0 on, each with its end. */
export interface WindowValues {
  readonly atUs: readonly number[];
  readonly values: readonly number[];
  readonly endUs: number;
}

/** The time up to `endUs` in `count` parts: the least or greatest value of the windows that overlap each. Empty without values. */
export function resampled(
  { atUs, values, endUs }: WindowValues,
  count: number,
  pick: (a: number, b: number) => number,
): number[] {
  const parts: number[] = [];
  const partUs = Math.max(1, endUs) / count;
  for (const [index, value] of values.entries()) {
    const from = Math.floor((atUs[index - 1] ?? 0) / partUs);
    const to = Math.max(from, Math.ceil((atUs[index] ?? 0) / partUs) - 1);
    for (let part = from; part <= to && part < count; part++) parts[part] = pick(value, parts[part] ?? value);
  }
  // Rounding may leave the last part out.
  while (parts.length > 0 && parts.length < count) parts.push(parts.at(-1) ?? 0);
  return parts;
}
