import { parseScenario } from "../../src/scenario/load.ts";
import type { Scenario } from "../../src/scenario/model.ts";

const HEAD = ["heapsoak: 1", "title: test", "why: test", "device: stm32f407vg"].join("\n");

/** A scenario from everything behind its head. */
export function scenarioOf(lines: string): Promise<Scenario> {
  return parseScenario(`${HEAD}\n${lines}`, "test.yaml");
}

/** Draws of all kinds, queues, preemption and stacks: much that a checkpoint may lose. */
export const BUSY = `uptime: 2 h
warmup: 10 min
heaps: { main: { allocator: freertos-heap4, size: 24 KiB }, pool: { allocator: fixed-pool, size: 2 KiB, options: { blockBytes: 64 } } }
stacks: { interrupts: { size: 1 KiB } }
queues: { readings: { capacity: 4, whenFull: drop-oldest } }
caches: { sessions: { slots: 3, evict: random } }
modes:
  online: { for: { exponential: 5 min }, then: offline }
  offline: { for: { uniform: [1 s, 30 s] }, then: online }
tasks:
  sensor:
    priority: 3
    stack: { size: 1 KiB, guard: { kind: freertos-2 } }
    every: 100 ms
    jitter: 5 %
    do: [ { call: read, frame: 96, do: [ { allocate: reading, size: 48, heap: pool }, { send: reading, to: readings } ] } ]
  uplink:
    priority: 2
    stack: { size: 2 KiB }
    loop: true
    do:
      - { receive: readings, as: reading }
      - call: publish
        frame: 320
        raii: true
        do:
          - { allocate: packet, size: { lognormal: [180, 0.4], max: 1400 } }
          - { work: 3 ms }
          - { wait: { uniform: [20 ms, 200 ms] } }
      - { free: reading }
  connection:
    priority: 1
    stack: { size: 2 KiB }
    on: online
    do:
      - repeat: { uniform: [4, 9] }
        do:
          - { allocate: number, size: { choice: { 32: 5, 64: 3, 264: 1 } } }
          - { keep: number, for: { exponential: 800 ms } }
          - { work: 2 ms }
      - { allocate: session, size: 128 }
      - { cache: session, in: sessions }
interrupts: { radio: { priority: 5, poisson: 20/s, frame: 72, do: [ { work: 30 us } ] } }
expect: [ { survives: 2 h } ]`;

/** Leaks 24 bytes now and then until a request of 64 is refused. */
export const LEAKING = `uptime: 1 d
heaps: { main: { allocator: freertos-heap4, size: 4 KiB } }
tasks:
  logger:
    priority: 1
    stack: { size: 512 }
    every: 1 s
    do:
      - { allocate: line, size: 64 }
      - { free: line }
      - chance: 10 %
        do: [ { allocate: note, size: 24 }, { leak: note } ]
expect: [ { fails: { by: 1 d, with: exhaustion } } ]`;

/** No draws: repeats for ever. */
export const PERIODIC = `uptime: 1 h
heaps: { main: { allocator: fixed-pool, size: 1 KiB, options: { blockBytes: 32 } } }
tasks:
  frame: { priority: 2, stack: { size: 512 }, every: 10 ms, do: [ { allocate: a, size: 16 }, { keep: a, for: 25 ms } ] }
  slow: { priority: 1, stack: { size: 512 }, every: 15 ms, do: [ { allocate: b, size: 32 }, { work: 2 ms }, { free: b } ] }
expect: [ { periodic: true } ]`;

/** A stack of 512 bytes that goes 256 over its end at 10 min, into the heap below it. */
export function overflowing(guard = "{ kind: none }"): string {
  return `uptime: 1 h
heaps: { main: { allocator: freertos-heap4, size: 4 KiB, at: 0x20000400 } }
stacks: { interrupts: { size: 1 KiB } }
tasks:
  deep:
    priority: 2
    stack: { size: 512, at: 0x20001400, guard: ${guard} }
    at: 10 min
    do: [ { recurse: dive, frame: 96, depth: 8, do: [ { work: 1 us } ] } ]
  other:
    priority: 1
    stack: { size: 512 }
    every: 100 ms
    do: [ { allocate: note, size: { uniform: [16, 400] } }, { keep: note, for: { exponential: 600 ms } } ]
expect: [ { survives: 1 h } ]`;
}

/** The same into a block that the task gives back at the same moment. */
export const OVERFLOWING_INTO_BLOCK = `uptime: 1 h
heaps: { pool: { allocator: fixed-pool, size: 512, at: 0x20000400, options: { blockBytes: 256 } } }
stacks: { interrupts: { size: 1 KiB } }
tasks:
  deep:
    priority: 1
    stack: { size: 512, at: 0x20000600 }
    at: 10 min
    do:
      - { allocate: first, size: 256 }
      - { allocate: second, size: 256 }
      - { recurse: dive, frame: 96, depth: 7, do: [ { repeat: 2, do: [ { sample: n, from: 1 } ] } ] }
      - { free: second }
      - { free: first }
expect: [ { survives: 1 h } ]`;
