/** Figures as verdicts write them: the same on every machine, whatever its locale. */

/** A whole number with its thousands apart: `16,717`. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A share of 1 in percent, with one decimal: `20.1 %`. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `1 failed request`, `3 failed requests`. */
export function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;
}
