/** A probability for people: `4.0 %`, `0.12 %`, `0.0034 %`, and powers of ten below that. */
export function formatProbability(probability: number): string {
  if (probability === 0) return "0 %";
  if (probability < 1e-6) return probability.toExponential(1).replace("e-", "e−");
  const percent = probability * 100;
  if (percent >= 99.95 && percent < 100) return "over 99.9 %";
  if (percent >= 1) return `${percent.toFixed(1)} %`;
  return `${Number(percent.toPrecision(2))} %`;
}
