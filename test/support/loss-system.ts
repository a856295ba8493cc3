/** A pool under Poisson arrivals whose calls last exponentially: how likely its first loss is before a time, exactly. */

export interface LossSystem {
  readonly blocks: number;
  /** Arrivals a second. */
  readonly rate: number;
  /** Mean seconds that a block is held. */
  readonly holdS: number;
  readonly horizonS: number;
}

/**
 * The occupied blocks are a birth-death chain that begins empty and ends at the first arrival which finds all of them
 * taken. By uniformisation: the chain jumps at the times of a Poisson process as fast as its fastest state; the chance
 * of having ended by each jump, weighted with the chance of so many jumps. Only sums of positive terms, so relative
 * errors stay at some 1e-13 however small the probability is.
 */
export function lossProbability({ blocks, rate, holdS, horizonS }: LossSystem): number {
  const fastest = rate + blocks / holdS;
  const meanJumps = fastest * horizonS;
  const mostJumps = Math.ceil(meanJumps + 12 * Math.sqrt(meanJumps) + 60);
  let occupied = Float64Array.from({ length: blocks + 1 }, (_, count) => (count === 0 ? 1 : 0));
  let lost = 0;
  let sum = 0;
  let logWeight = -meanJumps;
  for (let jump = 0; jump <= mostJumps; jump++) {
    sum += Math.exp(logWeight) * lost;
    lost += (occupied[blocks] ?? 0) * (rate / fastest);
    occupied = occupied.map((_, count) => {
      const leaving = (rate + count / holdS) / fastest;
      const arrived = (occupied[count - 1] ?? 0) * (rate / fastest);
      const ended = (occupied[count + 1] ?? 0) * ((count + 1) / holdS / fastest);
      return (occupied[count] ?? 0) * (1 - leaving) + arrived + ended;
    });
    logWeight += Math.log(meanJumps / (jump + 1));
  }
  return sum;
}

/** The same by Euler steps of a fine grid: crude, but of other making. */
export function lossProbabilityBySteps({ blocks, rate, holdS, horizonS }: LossSystem, steps: number): number {
  const gapS = horizonS / steps;
  let occupied = Float64Array.from({ length: blocks + 1 }, (_, count) => (count === 0 ? 1 : 0));
  let lost = 0;
  for (let step = 0; step < steps; step++) {
    lost += (occupied[blocks] ?? 0) * rate * gapS;
    occupied = occupied.map((share, count) => {
      const arrived = (occupied[count - 1] ?? 0) * rate;
      const ended = ((occupied[count + 1] ?? 0) * (count + 1)) / holdS;
      return share + gapS * (arrived + ended - share * (rate + count / holdS));
    });
  }
  return lost;
}

/** The scenario of the system, on a device of little memory. */
export function lossScenario({ blocks, rate, holdS, horizonS }: LossSystem): string {
  return [
    "heapsoak: 1",
    "title: a loss system",
    "why: its first loss is known exactly",
    "device: { core: cortex-m4, banks: { ram: { at: 0x20000000, size: 16 KiB } } }",
    `uptime: ${horizonS} s`,
    `heaps: { pool: { allocator: fixed-pool, size: ${blocks * 16}, options: { blockBytes: 16 } } }`,
    "tasks:",
    "  calls:",
    `    poisson: ${rate}/s`,
    "    onAllocationFailure: crash",
    "    do:",
    "      - { allocate: call, size: 16 }",
    `      - { keep: call, for: { exponential: ${holdS} s } }`,
  ].join("\n");
}
