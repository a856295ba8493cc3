/** What independent replications of an unbiased estimate say of the probability. */
import { rounded } from "../statistics/rounding.ts";
import { studentQuantile } from "./student.ts";

/** Mean and spread of replications. */
export interface Spread {
  readonly mean: number;
  /** Of one replication. */
  readonly variance: number;
}

/** At least two values. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}

/**
 * The bound that the true mean lies beyond with this probability, above or below. Replications are products of many
 * shares: skewed to the right, and about lognormal. A sample of them that is too low is too narrow as well, and
 * Student's t on the values themselves covers less than it says. So the wider of two bounds on a logarithmic scale:
 * Student's t for the mean's logarithm by the delta method, and Cox's for the mean of a lognormal distribution, which
 * needs a failure in every replication.
 *
 * Source: X.-H. Zhou, S. Gao, "Confidence intervals for the log-normal mean", Statistics in Medicine 16 (1997), Cox's
 * method with Student's t.
 */
export function boundOfMean(values: readonly number[], side: "lower" | "upper", tail: number): number {
  const { mean, variance } = spreadOf(values);
  if (mean === 0) return 0;
  const t = studentQuantile(1 - tail, values.length - 1);
  const sign = side === "upper" ? 1 : -1;
  const bounds = [Math.log(mean) + sign * t * (Math.sqrt(variance / values.length) / mean)];
  if (values.every((value) => value > 0)) {
    const logs = spreadOf(values.map(Math.log));
    bounds.push(logs.mean + logs.variance / 2 + sign * t * errorOfLogMean(logs.variance, values.length));
  }
  return rounded(Math.exp(side === "upper" ? Math.max(...bounds) : Math.min(...bounds)));
}

/** Standard error of the logarithm of a lognormal mean, from the variance of the logarithms. */
function errorOfLogMean(variance: number, count: number): number {
  return Math.sqrt(variance / count + variance ** 2 / (2 * (count - 1)));
}
