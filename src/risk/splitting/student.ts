/** Student's t distribution for whole degrees of freedom. */
import { boundaryBetween } from "../statistics/binomial.ts";

const MOST = 1e6;

/** The value that a Student t of `freedom` degrees stays below with this probability, from 1/2 up to 1. */
export function studentQuantile(probability: number, freedom: number): number {
  return boundaryBetween(0, MOST, (t) => within(t, freedom) >= 2 * probability - 1);
}

/**
 * The chance of a value between -t and t: the finite series in the angle whose tangent is t / √freedom.
 *
 * Source: M. Abramowitz, I. A. Stegun, "Handbook of mathematical functions" (1964), 26.7.3 and 26.7.4.
 */
function within(t: number, freedom: number): number {
  const cosine2 = freedom / (freedom + t * t);
  const sine = Math.sqrt(1 - cosine2);
  const isOdd = freedom % 2 === 1;
  let term = isOdd ? Math.sqrt(cosine2) : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k < freedom; k += 2) {
    term *= cosine2 * ((k - 1) / k);
    sum += term;
  }
  if (!isOdd) return sine * sum;
  return (2 / Math.PI) * (Math.atan(t / Math.sqrt(freedom)) + sine * sum);
}
