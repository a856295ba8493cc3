const DIGITS = 10;

/** To 10 significant digits: what records hold, so that engines whose last digits differ write the same. */
export function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

export function roundedInterval([low, high]: readonly [number, number]): [number, number] {
  return [rounded(low), rounded(high)];
}
