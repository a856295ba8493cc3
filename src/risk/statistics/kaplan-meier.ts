/**
 * Survival over time from runs that end by a failure or are still going when one stops looking.
 *
 * The band comes from Greenwood's variance as that of so many runs without censoring ("effective" ones), and Wilson's
 * interval for a share of those: it stays within 0 and 1, and takes no logarithms, whose last digits differ between
 * engines. Without censoring the effective runs are the runs.
 *
 * Source: E. L. Kaplan, P. Meier, JASA 53 (1958); M. Greenwood (1926); K. J. Rothman, "Estimation of confidence limits
 * for the cumulative probability of survival in life table analysis", Journal of Chronic Diseases 31 (1978).
 */

/** How long a run was watched, and whether it failed then. */
export interface Lifetime {
  readonly us: number;
  readonly failed: boolean;
}

/** From this time to that of the next point, so many survive. */
export interface SurvivalPoint {
  readonly atUs: number;
  /** Share of the runs, 0 to 1, with its 95 % band at this time. */
  readonly surviving: number;
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % point of the normal distribution. */
const Z = 1.959963984540054;

/** A point for each time at which runs failed, in order of time; runs that are still going at that time are at risk then. */
export function kaplanMeier(lifetimes: readonly Lifetime[]): SurvivalPoint[] {
  const ordered = lifetimes.toSorted((a, b) => a.us - b.us);
  const points: SurvivalPoint[] = [];
  let surviving = 1;
  let greenwood = 0;
  for (let index = 0; index < ordered.length; ) {
    const atRisk = ordered.length - index;
    const atUs = ordered[index]?.us ?? 0;
    let failures = 0;
    for (; ordered[index]?.us === atUs; index++) if (ordered[index]?.failed) failures++;
    if (failures === 0) continue;
    surviving *= (atRisk - failures) / atRisk;
    greenwood += failures / (atRisk * (atRisk - failures));
    points.push({ atUs, surviving, ...wilson(surviving, effectiveRuns(surviving, greenwood, atRisk)) });
  }
  return points;
}

/** The time by which half have failed; null where fewer have. */
export function medianSurvivalUs(points: readonly SurvivalPoint[]): number | null {
  // One in a million million: a product of shares that is one half may miss it by its last digit.
  return points.find(({ surviving }) => surviving <= 0.5 + 1e-12)?.atUs ?? null;
}

/** At most `most` of the points, the first and the last among them, evenly spread in order. */
export function thinned<T>(points: readonly T[], most: number): T[] {
  if (points.length <= most) return [...points];
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.floor(i * step + 0.5)]).filter(
    (point) => point !== undefined,
  );
}

/** Greenwood's variance S² Σ as that of a share S of n runs: S (1 − S) / n. When all have failed, those that were left. */
function effectiveRuns(surviving: number, greenwood: number, atRisk: number): number {
  return surviving > 0 ? (1 - surviving) / (surviving * greenwood) : atRisk;
}

function wilson(share: number, runs: number): { low: number; high: number } {
  const z2 = Z * Z;
  const middle = share + z2 / (2 * runs);
  const reach = Z * Math.sqrt((share * (1 - share) + z2 / (4 * runs)) / runs);
  const whole = 1 + z2 / runs;
  return { low: Math.max(0, (middle - reach) / whole), high: Math.min(1, (middle + reach) / whole) };
}
