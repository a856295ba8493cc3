import { parseScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";

const HEAD = ["heapsoak: 1", "why: test", "device: stm32f407vg", "uptime: 10 min", "seed: 1"];
/** Leaves about 8 KiB of the main bank to the heap. */
const STATIC = "static: { sram: 119 KiB }";

/** Packets of many sizes beside notes that outlive them: fragments. */
const BURSTS = `
title: bursts
caches: { notes: { slots: 6, evict: oldest } }
tasks:
  burst:
    priority: 2
    stack: { size: 512 }
    every: 5 s
    jitter: 20 %
    do:
      - call: receive
        frame: 64
        do: [{ allocate: packet, size: { uniform: [400, 1200] } }]
      - { wait: { uniform: [100 ms, 2 s] } }
      - chance: 30 %
        do:
          - { allocate: note, size: { uniform: [16, 200] } }
          - { cache: note, in: notes }
      - { free: packet }`;

/** Two strings that grow in turns, and labels that stay. */
const STRINGS = `
title: strings
caches: { labels: { slots: 5, evict: random } }
tasks:
  report:
    stack: { size: 512 }
    every: 4 s
    do:
      - call: format
        frame: 48
        raii: true
        do:
          - repeat: { uniform: [4, 16] }
            do:
              - { grow: topic, by: { uniform: [8, 40] }, policy: exact }
              - { grow: payload, by: { uniform: [20, 90] }, policy: double }
      - chance: 20 %
        do:
          - { allocate: label, size: { uniform: [20, 120] } }
          - { cache: label, in: labels }`;

const TEXTS = { bursts: BURSTS, strings: STRINGS };
export type SizedName = keyof typeof TEXTS;

/** A small scenario whose heap `main` is to be sized; `more`: further lines. */
export function sizedScenario(name: SizedName, allocator: string, more = ""): Promise<Scenario> {
  const heaps = `heaps: { main: { allocator: ${allocator}, size: 6 KiB } }`;
  return parseScenario([...HEAD, STATIC, heaps, TEXTS[name], more].join("\n"), `${name}.yaml`);
}
