import type { Cell } from "../../src/risk/run/cell.ts";
import { parseScenario } from "../../src/scenario/load.ts";

/** A large record is claimed anew between small entries that outlive it, as in mqtt-tls, on a heap of `heapBytes`. */
export async function gatewayCell(heapBytes: number, lifetime = "{ exponential: 20 s }"): Promise<Cell> {
  const text = [
    "heapsoak: 1",
    "title: a small gateway",
    "why: its heap is large enough nearly always",
    "device: { core: cortex-m4, banks: { ram: { at: 0x20000000, size: 32 KiB } } }",
    "uptime: 5 min",
    `heaps: { main: { allocator: freertos-heap4, size: ${heapBytes} } }`,
    "tasks:",
    "  uplink:",
    "    every: 2 s",
    "    jitter: 20 %",
    "    do: [ { allocate: record, size: 4096 }, { wait: { uniform: [50 ms, 200 ms] } }, { free: record } ]",
    "  events:",
    "    poisson: 2/s",
    `    do: [ { allocate: entry, size: { lognormal: [72, 0.5], max: 400 } }, { keep: entry, for: ${lifetime} } ]`,
  ].join("\n");
  const scenario = await parseScenario(text, "small-gateway.yaml");
  const [allocator, horizonUs] = ["freertos-heap4", scenario.uptimeUs];
  return { scenario, heap: "main", allocator, heapBytes, horizonUs, failOn: "failure" };
}
