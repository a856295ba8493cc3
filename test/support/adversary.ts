import { parseScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";

export interface Adversary {
  readonly allocator: string;
  readonly options?: Readonly<Record<string, number>>;
  /** Units live at most, units of the largest request, and bytes of a unit. */
  readonly live: number;
  readonly largest: number;
  readonly unitBytes?: number;
  readonly heapBytes: number;
  readonly seed?: number;
}

const TOKEN_BYTES = 4;

/**
 * A firmware that makes every sequence of requests of 1 to `largest` units with at most `live` of them live: again and
 * again it gives back one of its blocks, or none, and asks for another. What is live is counted in tokens from a pool
 * that has as many: where the pool refuses, the firmware does not ask.
 */
export function adversary({
  allocator,
  options = {},
  live,
  largest,
  unitBytes = 1,
  heapBytes,
  seed = 1,
}: Adversary): Promise<Scenario> {
  const tokensOf = (slot: number) => Array.from({ length: largest }, (_, index) => `token${slot}x${index}`);
  const turns = Array.from({ length: live }, (_, slot) => {
    const frees = [`block${slot}`, ...tokensOf(slot)].map((name) => `{ free: ${name} }`);
    return Array.from({ length: largest + 1 }, (_, units) => {
      const tokens = tokensOf(slot).slice(0, units);
      const takes = tokens.map((name) => {
        return `{ allocate: ${name}, size: ${TOKEN_BYTES}, heap: tokens, onAllocationFailure: drop }`;
      });
      const asks = units > 0 ? [...takes, `{ allocate: block${slot}, size: ${units * unitBytes}, heap: main }`] : [];
      return `          - { weight: 1, do: [ ${[...frees, ...asks].join(", ")} ] }`;
    });
  });
  const text = [
    "heapsoak: 1",
    "title: adversary",
    "why: It makes every sequence of requests.",
    "device: stm32f103c8",
    "uptime: 300 ms",
    `seed: ${seed}`,
    "heaps:",
    `  main: { allocator: ${allocator}, size: ${heapBytes}, options: ${JSON.stringify(options)} }`,
    `  tokens: { allocator: fixed-pool, size: ${live * TOKEN_BYTES}, options: { blockBytes: ${TOKEN_BYTES} } }`,
    "tasks:",
    "  adversary:",
    "    priority: 1",
    "    stack: { size: 256 }",
    "    every: 1 ms",
    "    do:",
    "      - choose:",
    ...turns.flat(),
  ].join("\n");
  return parseScenario(text, "adversary.yaml");
}
