import { type FittedDraw, inShares, timeDraw } from "./draw.ts";

/** Lives as observed: how long, and whether to the end. */
export interface Lives {
  readonly us: Float64Array;
  readonly isEnded: Uint8Array;
}

/** How long blocks live, and the share that is never freed. */
export interface FittedLifetime {
  readonly draw: FittedDraw;
  readonly leakRatio: number;
}

interface Step {
  readonly us: number;
  /** Share of all lives that end here. */
  readonly share: number;
}

/** Deaths that must be missing, given how they came before, for the rest to be called never freed. */
const MISSING_LEAST = 4;
const TAIL_RATIO = 0.25;
const EXPONENTIAL_LEAST = 20;

/**
 * The law of lives, those cut off by the trace's end counted for what they were seen to last (E. L. Kaplan and
 * P. Meier, 1958). What is left when no more deaths are seen either goes on dying at the last rate, or, where
 * deaths would then have been seen, is never freed.
 */
export function lifetimeOf(lives: Lives): FittedLifetime {
  const ended = lives.us.filter((_, index) => lives.isEnded[index] === 1);
  if (ended.length === lives.us.length) return { draw: timeDraw(ended), leakRatio: 0 };
  if (ended.length === 0) return { draw: { kind: "constant", value: 0 }, leakRatio: 1 };
  const { steps, remaining } = productLimit(lives);
  const lastUs = steps.at(-1)?.us ?? 0;
  const tail = tailOf(lives, steps, lastUs);
  if (remaining > 0 && tail.missing >= MISSING_LEAST) return { draw: drawOf(steps), leakRatio: remaining };
  const exposure = lives.us.reduce((sum, us) => sum + us, 0);
  const mean = exposure / ended.length;
  if (ended.length >= EXPONENTIAL_LEAST && isExponential(steps, mean, ended.length)) {
    return { draw: { kind: "exponential", mean }, leakRatio: 0 };
  }
  if (remaining > 0) steps.push({ us: lastUs + tail.meanUs, share: remaining });
  return { draw: drawOf(steps), leakRatio: 0 };
}

function productLimit({ us, isEnded }: Lives): { steps: Step[]; remaining: number } {
  const order = Uint32Array.from({ length: us.length }, (_, index) => index).sort(
    (a, b) => (us[a] ?? 0) - (us[b] ?? 0) || (isEnded[b] ?? 0) - (isEnded[a] ?? 0),
  );
  const steps: Step[] = [];
  let remaining = 1;
  order.forEach((index, rank) => {
    if (isEnded[index] !== 1) return;
    const share = remaining / (order.length - rank);
    steps.push({ us: us[index] ?? 0, share });
    remaining -= share;
  });
  return { steps, remaining: remaining < 1e-9 ? 0 : remaining };
}

/** How fast the oldest quarter died, and how many deaths are missing behind the last one at that rate. */
function tailOf({ us, isEnded }: Lives, steps: readonly Step[], lastUs: number): { meanUs: number; missing: number } {
  const fromUs = steps[Math.floor(steps.length * (1 - TAIL_RATIO))]?.us ?? 0;
  let deaths = 0;
  let exposure = 0;
  let behind = 0;
  for (let i = 0; i < us.length; i++) {
    const life = us[i] ?? 0;
    if (isEnded[i] === 1 && life >= fromUs) deaths++;
    exposure += Math.max(0, Math.min(life, lastUs) - fromUs);
    behind += Math.max(0, life - lastUs);
  }
  // One death more: none at all would mean that nothing ever dies.
  const meanUs = (exposure + behind) / Math.max(1, deaths);
  const ownUs = exposure / Math.max(1, deaths);
  return { meanUs, missing: ownUs > 0 ? behind / ownUs : behind > 0 ? MISSING_LEAST : 0 };
}

function isExponential(steps: readonly Step[], mean: number, deaths: number): boolean {
  let dead = 0;
  let most = 0;
  for (const { us, share } of steps) {
    const expected = 1 - Math.exp(-us / mean);
    most = Math.max(most, Math.abs(dead - expected), Math.abs(dead + share - expected));
    dead += share;
  }
  return most < 1.25 / Math.sqrt(deaths);
}

/** The steps as a law: means of neighbours where they are many. */
function drawOf(steps: readonly Step[]): FittedDraw {
  const ends = steps.map(({ us }) => us);
  const { values, weights } = inShares(ends, (index) => steps[index]?.share ?? 0);
  if (values.length === 1) return { kind: "constant", value: values[0] ?? 0 };
  return { kind: "table", values, weights };
}
