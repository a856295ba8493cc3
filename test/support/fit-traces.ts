/** Traces with a structure that is known, and scenarios that have it or not. */
import { parseScenario } from "../../src/scenario/load.ts";
import { soak } from "../../src/soak/soak.ts";
import { Random } from "../../src/statistics/random.ts";

/** A scenario on 16 KiB of newlib-nano. */
export function scenarioWith(tasks: string): string {
  return `heapsoak: 1
title: known truth
why: test
device: stm32f407vg
uptime: 1 h
heaps: { main: { allocator: newlib-nano, size: 16 KiB, onAllocationFailure: drop } }
${tasks}`;
}

/** Requests at random times, of sizes and lives that have nothing to do with each other. */
export const POISSON = scenarioWith(`tasks:
  net: { poisson: 20 /s, do: [ { allocate: it, size: { uniform: [16, 200] } }, { keep: it, for: { exponential: 500 ms } } ] }
  log: { poisson: 5 /s, do: [ { allocate: it, size: { lognormal: [40, 0.5], max: 400 } }, { keep: it, for: { uniform: [10 ms, 3 s] } } ] }
`);

/** The trace of a run, as `run --trace` writes it. */
export async function traceOfRun(yaml: string, seconds: number, seed: number): Promise<string> {
  const parts: string[] = [];
  const write = async (text: string) => void parts.push(text);
  const scenario = await parseScenario(yaml, "truth.yaml");
  await soak(scenario, { uptimeUs: seconds * 1e6, seed: BigInt(seed), trace: { write } }).record;
  return parts.join("");
}

/** A block of a trace that is made by hand. */
export interface MadeBlock {
  readonly bornUs: number;
  readonly diedUs: number;
  readonly requestBytes: number;
}

/** The blocks as a trace of 16 KiB of newlib-nano, up to `endUs`. */
export function traceOfBlocks(blocks: readonly MadeBlock[], endUs: number, header = HEADER): string {
  const events = blocks.flatMap(({ bornUs, diedUs, requestBytes }, id) => [
    { atUs: Math.round(bornUs), line: `a ${id} ${Math.round(requestBytes)}` },
    { atUs: Math.round(diedUs), line: `f ${id}` },
  ]);
  const told = events.filter(({ atUs }) => atUs < endUs).sort((a, b) => a.atUs - b.atUs);
  return header + told.map(({ atUs, line }) => `${line} t=${atUs} at=made task=1\n`).join("");
}

const HEADER = "# allocator=newlib-nano\n# heap_size=16384\n";

/** How a made trace comes to its blocks: rate, size and life may depend on the time and on what was before. */
export interface Process {
  readonly perSecond: (seconds: number) => number;
  readonly requestBytes: (seconds: number, random: Random) => number;
  readonly lifeUs: (seconds: number, random: Random) => number;
}

/** Blocks of a process with random starts. Logarithms do for a trace that only has to be some trace. */
export function blocksOf({ perSecond, requestBytes, lifeUs }: Process, seconds: number, seed: number): MadeBlock[] {
  const random = new Random(seed);
  const blocks: MadeBlock[] = [];
  for (let at = 0; at < seconds; ) {
    at += exponential(random) / perSecond(at);
    const bornUs = at * 1e6;
    blocks.push({ bornUs, diedUs: bornUs + 1 + lifeUs(at, random), requestBytes: requestBytes(at, random) });
  }
  return blocks;
}

/** Drawn with mean 1. */
export function exponential(random: Random): number {
  return -Math.log(1 - random.next());
}
